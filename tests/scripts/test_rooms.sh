#!/usr/bin/env bash
# The rooms of server/ as server/README.md draws them: what each may see, how
# large it may be, and where a name leads.
#
#   - An include or a call goes down in the order below, or stays in its room.
#   - The two loops, caller/ and agent/, do not see each other.
#   - SQL stands in store/, and in knowledge/ for its own index.
#   - No room has more than 13 modules (a .c and a .h of one name are one).
#   - A function is declared in the header of its own file, or in a
#     <module>_private.h of its room, below a comment that names the file.
#   - No circle of files, by calls, is larger than two.
#   - No file has more than 450 lines, and no function more than 60.
#
# Calls are read from the objects of one build.
set -uo pipefail
cd "$(dirname "$0")/../.."

FLAVOR=${FLAVOR:-asan}
objects=build/$FLAVOR/server
ORDER="main web/api web/twilio web/page web caller agent agent/dialogue agent/link line/keys line outcome dialer recording news delivery knowledge voice money
work model/text model phone agents fleet store stats config"
MODULES=13 LINES_OF_FILE=450 LINES_OF_FUNCTION=60
bad=0

verdict() { # WHAT FINDINGS
	if [ -z "$2" ]; then
		echo "ok $1"
	else
		echo "not ok $1"
		sed 's/^/    /' <<<"$2"
		bad=1
	fi
}

make -s --no-print-directory -j"$(nproc)" FLAVOR="$FLAVOR" server >/dev/null || {
	echo "not ok the server builds"
	exit 1
}

# "symbol file" for what each file defines and what it needs; a file is its path below server/, without its ending.
defined=$(mktemp) needed=$(mktemp) includes=$(mktemp)
trap 'rm -f "$defined" "$needed" "$includes"' EXIT
find server -name '*.c' | sort | sed "s#^server/\(.*\)c\$#$objects/\1o#" | xargs nm -A -g |
	awk -v objects="$objects/" -v defined="$defined" -v needed="$needed" '
		{ file = substr($1, length(objects) + 1); sub(/\.o:.*/, "", file) }
		$(NF - 1) == "U" { if ($NF !~ /^__(asan|ubsan|tsan)/) print $NF, file >needed; next }
		$(NF - 1) ~ /^[TDBRC]$/ && $NF !~ /^__odr_asan/ { print $NF, file >defined }'
grep -roH '#include "server/[^"]*"' server --include='*.[ch]' |
	sed -E 's#^server/([^:]*):\#include "server/([^"]*)"#\1 \2#' >"$includes"

verdict "the objects of all files are read" "$(for file in $(find server -name '*.c' | sed 's#^server/##; s#\.c$##'); do
	grep -q " $file$" "$defined" || echo "$file.c defines nothing"
done)"

rank='BEGIN { n = split(order, names, /[ \n]+/); for (i = 1; i <= n; i++) at[names[i]] = i }
function room(file) { return sub(/\/[^\/]*$/, "", file) ? file : "main" }
function climbs(a, b) { return room(a) != room(b) && (!at[room(a)] || !at[room(b)] || at[room(b)] < at[room(a)]) }'

verdict "no include looks up" "$(awk -v order="$ORDER" "$rank"' climbs($1, $2) { print $1 " includes " $2 }' "$includes")"
verdict "no call looks up" "$(awk -v order="$ORDER" "$rank"'
	NR == FNR { by[$1] = $2; next }
	by[$1] && climbs($2, by[$1]) { print $2 ".c uses " $1 " of " by[$1] ".c" }' "$defined" "$needed")"
verdict "the two loops do not see each other" "$(grep -rn 'include "server/agent/' server/caller
	grep -rn 'include "server/caller/' server/agent)"
verdict "SQL stands in store/ and knowledge/ only" "$(grep -rlE 'sqlite3|store/row\.h' server --include='*.[ch]' |
	grep -vE '^server/(store|knowledge)/')"
verdict "no room has more than $MODULES modules" "$(find server -name '*.[ch]' | sed 's#\.[ch]$##' | sort -u |
	awk -F/ -v most="$MODULES" '{ room = $0; sub(/\/[^\/]*$/, "", room); n[room]++ }
		END { for (r in n) if (n[r] > most) print r " has " n[r] }')"
verdict "a function is declared in the header of its own file" "$(find server -name '*.h' | xargs awk '
	NR == FNR { file[NR] = $2; symbol[NR] = $1; n = NR; next }
	FNR == 1 {
		private = FILENAME ~ /_private\.h$/
		room = FILENAME
		sub(/[^\/]*$/, "", room)
		under = ""
	}
	/\/\*.*\.c/ { under = $0 }
	# The names in this line which something follows that may follow what is declared.
	{
		for (rest = $0; match(rest, /[A-Za-z_][A-Za-z0-9_]*/); rest = substr(rest, RSTART + RLENGTH)) {
			name = substr(rest, RSTART, RLENGTH)
			before = RSTART > 1 ? substr(rest, RSTART - 1, 1) : ""
			after = substr(rest, RSTART + RLENGTH, 1)
			if (after ~ /[[(;,]/ && before !~ /[.>0-9]/)
				declared[FILENAME, name] = 1
			if (private && after ~ /[[(;]/ && before !~ /[0-9]/)
				in_private[room, name] = in_private[room, name] " " under
		}
	}
	END {
		for (i = 1; i <= n; i++) {
			path = "server/" file[i]
			room = own = path
			sub(/[^\/]*$/, "", room)
			sub(/.*\//, "", own)
			if (symbol[i] != "main" && !((path ".h", symbol[i]) in declared) &&
			    in_private[room, symbol[i]] !~ "[^a-z_]" own "\\.c")
				print file[i] ".c defines " symbol[i] ", which no header of its own declares"
		}
	}' "$defined")"
verdict "no circle of files is larger than two" "$(awk '
	NR == FNR { by[$1] = $2; next }
	by[$1] && by[$1] != $2 && !seen[$2, by[$1]]++ { to[$2] = to[$2] " " by[$1] }
	function reach(file,    k, n, next_files) {
		if (visited[file]++)
			return
		n = split(to[file], next_files, " ")
		for (k = 1; k <= n; k++)
			reach(next_files[k])
	}
	END {
		for (file in to) {
			split("", visited)
			reach(file)
			for (other in visited)
				if (other != file)
					sees[file, other] = 1
		}
		for (file in to) {
			if (told[file])
				continue
			count = 1
			list = file
			for (other in to)
				if (sees[file, other] && sees[other, file]) {
					count++
					list = list " " other
					told[other] = 1
				}
			if (count > 2)
				print count " files: " list
		}
	}' "$defined" "$needed")"
verdict "no file has more than $LINES_OF_FILE lines, no function more than $LINES_OF_FUNCTION" "$(find server -name '*.[ch]' | xargs awk \
	-v file="$LINES_OF_FILE" -v body="$LINES_OF_FUNCTION" '
	FNR == file + 1 { print FILENAME " has more" }
	/^\{/ { from = FNR }
	/^\}/ && from { if (FNR - from - 1 > body) print FILENAME ":" from " has " FNR - from - 1; from = 0 }')"
exit $bad
