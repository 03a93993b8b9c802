#!/usr/bin/env bash
# A run of the tests that is stopped, by Ctrl-C, by SIGTERM or by somebody's
# timeout, leaves no process and no folder behind. It runs in a tree of its own,
# whose only script keeps servers, stand-ins and calls up until it is stopped.
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/lib.sh

tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
ln -s "$PWD"/{Makefile,common,audio,server,tests,tools} "$tree"
mkdir -p "$tree/build/e2e"
for made in release asan speech; do
	[ ! -e "build/$made" ] || ln -s "$PWD/build/$made" "$tree/build/$made"
done
cd "$tree" || exit 1

cat >stay.sh <<'SCRIPT'
#!/usr/bin/env bash
# flavors: asan
. tests/e2e/lib.sh

echo wait-end 600000 >"$WORK/stay.script"
mkdir "$TMPDIR/left"
stay() {
	model model --key "$SECRET"
	server server AGENTS_DIR=
	dial call --script "$OUTER/stay.script"
	until_true eval "api /calls | jq -e '.calls[0].state == \"live\"'"
	: >"$OUTER/$1-is-up"
	all_over
}
stay here &
apart there stay there
all_apart
SCRIPT
W=build/e2e/asan/stay

# of_session SID: what of it is still there, a process a line.
of_session() {
	cat /proc/[0-9]*/stat 2>/dev/null | awk -v sid="$1" '{ all = $0; sub(/.*\) /, ""); if ($4 == sid && $1 != "Z") print all }'
}
gone() {
	for _ in $(seq 300); do
		[ -n "$(of_session "$1")" ] || return 0
		sleep 0.1
	done
	of_session "$1" | cut -d' ' -f1-3
	return 1
}

said() { # SENTENCE COMMAND…
	if "${@:2}"; then
		echo "ok $1"
	else
		echo "not ok $1"
	fi
}

# stopped HOW COMMAND…: which gets the run's session and its process.
stopped() {
	local how=$1 session pid status=0
	rm -rf build/e2e/asan build/tmp build/test
	# A shell's background has Ctrl-C switched off, which would last.
	setsid env --default-signal=INT,QUIT -u UP -u LOGS "${@:3}" tests/run "$tree/stay.sh" >"$tree/said" 2>&1 &
	pid=$!
	for _ in $(seq 1200); do
		[ ! -e "$W/here-is-up" ] || [ ! -e "$W/there-is-up" ] || break
		kill -0 "$pid" 2>/dev/null || break
		sleep 0.1
	done
	session=$pid
	said "$how: servers, models and phones are up before" [ "$(of_session "$session" | grep -cE '\((trunkline|standin-model|phone)\)')" = 6 ]
	"$2" "$pid"
	wait "$pid" || status=$?
	said "$how: the run ends, and not with success" [ "$status" -ge 124 ]
	said "$how: no process is left" gone "$session"
	said "$how: no folder is left" [ "$(ls build/tmp; ls -d build/test/up.* 2>/dev/null)" = "" ]
}
ctrl_c() {
	kill -INT -- "-$1"
}
terminated() {
	kill -TERM "$1"
}
all_terminated() {
	kill -TERM -- "-$1"
}

stopped "Ctrl-C" ctrl_c
stopped "SIGTERM" terminated
stopped "SIGTERM to all" all_terminated
stopped "timeout" terminated timeout 3600
