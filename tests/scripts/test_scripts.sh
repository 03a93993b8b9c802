#!/usr/bin/env bash
# The scripts people meet first: tools/run and tools/install-packages.
set -uo pipefail
cd "$(dirname "$0")/../.."
root=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

is() { # SENTENCE WANTED GOT
	if [ "$2" = "$3" ]; then
		echo "ok $1"
	else
		echo "not ok $1: wanted \"$2\", got \"$3\""
	fi
}

has() { # SENTENCE WORDS TEXT
	case "$3" in
	*"$2"*) echo "ok $1" ;;
	*) echo "not ok $1: \"$2\" is not in \"$3\"" ;;
	esac
}

# --- tools/run: a server that only shows what it was given ---
mkdir -p "$work/tools" "$work/build"
cp tools/run "$work/tools/run"
cat >"$work/build/trunkline" <<'FAKE'
#!/bin/bash
[ -n "${SHOW-}" ] && echo "${!SHOW}" || echo "$A|$B|$C|$D|$E"
FAKE
chmod +x "$work/build/trunkline"
given() {
	printf "$1" >"$work/.env"
	env -u A -u B -u C -u D -u E "${@:2}" "$work/tools/run" 2>&1
}

is "the file's values reach the server" "1|two words|||" "$(given 'A=1\nB=two words\n')"
is "the environment wins over the file" "9|2|||" "$(given 'A=1\nB=2\n' A=9)"
is "an empty value in the environment wins too" "|2|||" "$(given 'A=1\nB=2\n' A=)"
is "of two lines for one name the later counts" "2|7|||" "$(given 'A=\nB=7\nA=2\nA=2\n')"
is "also an empty one, and that is told" ".env, line 3: A stands in line 1 already; this one counts
|7|||" "$(given 'A=1\nB=7\nA=\n')"
is "but not over the environment" "9||||" "$(given 'A=1\nA=2\n' A=9)"
is "comments and empty lines are skipped" "1||||" "$(given '# A=7\n\n  # B=1\nA=1\n')"
is "carriage returns go" "1|2|||" "$(given 'A=1\r\nB=2\r\n')"
is "quotation marks around a value go" "1 2|it is||a\"b|" "$(given 'A="1 2"\nB='"'it is'"'\nD=a"b\n')"
is "nothing in a value is carried out" '$(id)|`id`|$HOME;x|a#b|' "$(given 'A=$(id)\nB=`id`\nC=$HOME;x\nD=a#b\n')"
is "a comment behind a value goes" "1|two words|||" "$(given 'A=1 # one\nB=two words\t# and why\n')"
is "a comment in place of a value leaves none" "||#x||" "$(given 'A= # not yet\nC=#x\n')"
is "within quotation marks there are no comments" "a # b|c|it's # one||" "$(given 'A="a # b"\nB="c" # "d"\nC="it'"'"'s # one"\n')"
is "the names of the file are handed on, for the server to judge" "A B" \
	"$(given 'A=1\nB=2\nC=3\n' C=4 SHOW=TRUNKLINE_ENV_NAMES | tr ' ' '\n' | sort | xargs)"
is "the last line needs no end" "1||||" "$(given 'A=1')"
is "a word export in front is put up with" "1||||" "$(given 'export A=1\n')"
is "a line that is no setting is named, not shown" ".env, line 2: not NAME=value (no blanks around the =)" "$(given 'A=1\nsk-secret\n')"
has "and as a line of JSON where the log is JSON" \
	'"level":"error","tag":"setup","message":".env, line 2: not NAME=value (no blanks around the =)"}' "$(given 'A=1\nsk-secret\nLOG_FORMAT=json\n')"
is "which is JSON" object "$(given 'sk-secret\n' LOG_FORMAT=json | jq -r type)"
rm -f "$work/.env"
is "without a file it just starts" "5||||" "$(env -u B -u C -u D -u E A=5 "$work/tools/run")"

# --- tools/install-packages: a Debian of our making ---
bin=$work/bin
mkdir "$bin"
for tool in bash cat env sed rm mkdir; do
	ln -s "$(command -v $tool)" "$bin/$tool"
done
fake() { # NAME SCRIPT
	printf '#!/bin/bash\n%s\n' "$2" >"$bin/$1"
	chmod +x "$bin/$1"
}
installs() { # PURPOSE SENTENCE STATUS; what it said is in $text
	text=$(env -i PATH="$bin" WORK="$work" "$bin/bash" "$root/tools/install-packages" "$1" 2>&1)
	is "$2" "$3" $?
}

installs build "without dpkg it fails" 1
has "without dpkg it says what is needed" "libbearssl-dev" "$text"

fake dpkg-query 'echo installed'
fake apt-get 'echo "$@" >>"$WORK/apt"'
fake id 'echo 0'
installs test "with everything there it succeeds" 0
is "with everything there it says nothing" "" "$text"
is "with everything there apt is left alone" "" "$(cat "$work/apt" 2>/dev/null)"

fake dpkg-query '[ "${@: -1}" != libwslay-dev ] && echo installed'
installs build "one missing package is installed" 0
has "it says which and why" "libwslay-dev       WebSocket frames" "$text"
has "only the missing one is asked for" "--no-install-recommends libwslay-dev" "$(cat "$work/apt")"
has "the lists are brought up to date first" "update" "$(sed -n 1p "$work/apt")"

fake id 'echo 1000'
installs build "without root and sudo it fails" 1
has "and says what to run" "apt-get install -y libwslay-dev" "$text"
fake sudo 'echo sudo >>"$WORK/apt"; "$@"'
rm -f "$work/apt"
installs build "with sudo it succeeds" 0
has "with sudo it says that it asks for root" "sudo may ask" "$text"
has "with sudo it uses it" "sudo" "$(cat "$work/apt")"

fake apt-get '[[ " $* " != *" install "* ]]'
installs build "if apt fails, so does it" 1
has "if apt fails it says what was wanted" "could not install: libwslay-dev" "$text"
installs nonsense "an unknown purpose is refused" 2

# --- tools/demo: in a fresh clone there is what `make demo` has made ---
made=$(sed -n '/^demo:/,/^[a-z]*: /p' Makefile)
for each in $(grep -o '"$bin/[a-z-]*"' tools/demo | tr -d '"' | sort -u); do
	[ "$each" = '$bin/trunkline' ] || has "make demo makes what it starts: ${each#*/}" "${each#*/}" "$made"
done
