#!/usr/bin/env bash
# flavors: asan
# in: test-more
# Other end-to-end scripts, with a server that is refused one request for memory in
# some thousands. What they say of their calls is not judged, as any of them may be refused or end: servers stay
# up and stop when told, nothing leaks, and every call that began has ended.
#
#   STARVED="3000 77"      one request in 3000, drawn by the seed 77
#   SCRIPTS="basic heard"  these scripts; SCRIPTS=all: all of them, which takes a quarter of an hour; SCRIPTS=any:
#                          three of them, drawn by the seed, which is drawn, too, if none is given
. "$(dirname "$0")/lib.sh"

case ${SCRIPTS:-} in
any) SEED=$RANDOM ;;
*) SEED=1 ;;
esac
read -r ONE_IN SEED <<<"${STARVED:-2000 $SEED}"
echo "STARVED=\"$ONE_IN $SEED\""
ALL=$(basename -s .sh tests/e2e/*.sh | grep -vxE 'lib|soak|starved.*')
case ${SCRIPTS:-} in
all) SCRIPTS=$ALL ;;
any) SCRIPTS=$(awk -v seed="$SEED" 'BEGIN { srand(seed) } { print rand(), $0 }' <<<"$ALL" | sort -n | sed -n '1,3s/.* //p') ;;
esac
GUARD=600 # seconds of a script, which may wait in vain for much of what it judges

# A line for each call in the log that began and did not end, unless its server was killed by the script (one that dies
# by itself is told of, too).
unended() { # LOG
	awk '/ stream started; | call admitted/ { began[$3] } / call ended: / { ended[$3] } / info server stopped$/ { stopped = 1 }
		END { for (each in began) if (stopped && !(each in ended)) print FILENAME ": " each }' "$1"
}
all_ended() { # DIRECTORY
	local log
	! for log in $(find "$1" -name '*.log'); do unended "$log"; done | grep .
}
refused() { # DIRECTORY
	cat $(find "$1" -name '*.log') | grep -c '^refused: '
}

one() { # SCRIPT
	local work=build/e2e/$FLAVOR/starved-$1
	STARVED_ONE_IN="$ONE_IN $SEED" PATIENCE=15 timeout -k 10 $GUARD bash "tests/e2e/$1.sh" >"$WORK/out" 2>&1
	check "$NAME: comes to its end" holds "$? < 124"
	check "$NAME: something was refused" holds "$(refused "$work") > 0"
	check "$NAME: servers stop with status 0, and none leaks" eval '! grep -A9 "^not ok .*\(server stops\|no sanitizer\|stops with status 0, too\)" "$WORK/out"'
	check "$NAME: every call has ended" all_ended "$work"
	echo "$NAME: $(refused "$work") requests refused"
}

APART_AT_ONCE=3
for script in ${SCRIPTS:-heard reconnect text_calls}; do
	apart "$script" one "$script"
done
all_apart
