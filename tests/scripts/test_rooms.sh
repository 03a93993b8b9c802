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
#
# Calls are read from the objects of one build.
set -uo pipefail
cd "$(dirname "$0")/../.."

FLAVOR=${FLAVOR:-asan}
objects=build/$FLAVOR/server
ORDER="main web/api web/twilio web/page web caller agent agent/dialogue line outcome dialer recording news delivery knowledge money
work model/text model phone agents fleet store stats config"
MODULES=13
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
while read -r object; do
	file=${object#"$objects"/}
	nm --defined-only -g "$object" | grep -v " __odr_asan" | awk -v file="${file%.o}" '$2 ~ /[TDBRC]/ { print $3, file, $2 }' >>"$defined"
	nm -u "$object" | awk -v file="${file%.o}" '$2 !~ /^__(asan|ubsan|tsan)/ { print $2, file }' >>"$needed"
done < <(find "$objects" -name '*.o' | sort | while read -r o; do
	[ -f "server/${o#"$objects"/}" ] || [ -f "server/$(sed "s#^$objects/##; s#o\$#c#" <<<"$o")" ] && echo "$o"
done)
grep -roH '#include "server/[^"]*"' server --include='*.[ch]' |
	sed -E 's#^server/([^:]*):\#include "server/([^"]*)"#\1 \2#' >"$includes"

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
verdict "a function is declared in the header of its own file" "$(while read -r symbol file kind; do
	[ "$symbol" != main ] || continue
	grep -qsE "(^|[^a-zA-Z0-9_.>])$symbol[[(;,]" "server/$file.h" && continue
	for private in "server/$(dirname "$file")"/*_private.h; do
		[ -f "$private" ] || continue
		awk -v symbol="$symbol" -v own="$(basename "$file").c" '
			/\/\*.*\.c/ { under = match($0, "[^a-z_]" own) ? 1 : 0 }
			under && match($0, "(^|[^a-zA-Z0-9_])" symbol "[[(;]") { found = 1 }
			END { exit !found }' "$private" && continue 2
	done
	echo "$file.c defines $symbol, which no header of its own declares"
done <"$defined")"
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
exit $bad
