# How one program is run and judged; for tests/run, tests/run-fuzz and
# tests/mutate. To be sourced, from the root.

LOGS=${LOGS:-build/test}
# Whatever a test leaves on a disk for a while lies here, and goes with the run.
export TMPDIR=$PWD/build/tmp
mkdir -p "$LOGS" "$TMPDIR"
# The process groups that are up, to end them if the run is stopped (clean_at_end).
UP=${UP:-}

# Sanitizers of this age cannot live with the many random address bits of newer
# kernels; where that can be switched off for a program, it is.
# Found out once a run.
: "${FIXED_BY=$(setarch "$(uname -m)" -R true 2>/dev/null && echo "setarch $(uname -m) -R")}"
export FIXED_BY
FIXED=($FIXED_BY)

export ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1
export UBSAN_OPTIONS=print_stacktrace=1
export TSAN_OPTIONS=second_deadlock_stack=1:history_size=4
[ ! -f tests/tsan.supp ] || TSAN_OPTIONS+=:suppressions=$PWD/tests/tsan.supp

# What a sanitizer says when it has found something, whatever the exit status.
SANITIZER='ERROR: (Address|Leak)Sanitizer|WARNING: ThreadSanitizer|runtime error:'

# contained SECONDS LOG COMMAND...: runs it in a process group of its own, whose
# number is in $UP meanwhile. The limit is a guard against hanging.
contained() {
	local status=0 pid
	(
		[ -z "$UP" ] || : >"$UP/$BASHPID"
		exec timeout -k 10 "$1" "${@:3}" >"$2" 2>&1 </dev/null
	) &
	pid=$!
	wait "$pid" || status=$?
	[ -z "$UP" ] || rm -f "$UP/$pid"
	return $status
}

# judge LOG STATUS: counts a cmocka program's cases into $passed and $failed. A
# program that ends badly, or in which nothing ran, has failed at least once.
judge() {
	read -r passed failed < <(LC_ALL=C awk -v status="$2" -v sanitizer="$SANITIZER" '
		/^\[       OK \]/ { passed++ }
		/^ *[0-9]+ FAILED TEST\(S\)$/ { failed += $1 }
		$0 ~ sanitizer { found = 1 }
		END { print passed + 0, failed ? failed : status != 0 || !passed || found }' "$1") || failed=1
}

# binary FLAVOR NAME: where the test of that name is built, in whichever folder.
binary() {
	local source
	source=$(find tests/unit tests/fuzz tests/planted -name "$2.c" | head -1)
	source=${source:-tests/$2.c}
	echo "build/$1/${source%.c}"
}

# unit FLAVOR NAME [PROGRAM]: runs one unit test; sets $passed, $failed and $log.
unit() {
	local status=0
	log=$LOGS/$1-$2.log
	contained "${UNIT_SECONDS:-300}" "$log" "${FIXED[@]}" "${3:-$(binary "$1" "$2")}" || status=$?
	judge "$log" "$status"
}

# fuzz NAME SECONDS [FLOOR]: runs one fuzz target; sets $passed, $failed, $log and
# $why. It must find nothing, and reach at least FLOOR edges of the code: a
# target that returns early finds nothing either. On a busy machine little is
# tried in so many seconds: then it goes on.
ENOUGH=20000
fuzz() {
	local status=0 seeds=() cov tried=0
	log=$LOGS/fuzz-$1.log
	mkdir -p "build/fuzz/corpus/$1" build/fuzz/artifacts
	[ ! -d "tests/fuzz/seeds/${1#fuzz_}" ] || seeds=("tests/fuzz/seeds/${1#fuzz_}")
	for _ in $(seq 20); do
		contained $(($2 + 300)) "$log" "${FIXED[@]}" "$(binary fuzz "$1")" -max_total_time="$2" -seed=1 -timeout=60 \
			-rss_limit_mb=2048 -artifact_prefix="build/fuzz/artifacts/$1-" "build/fuzz/corpus/$1" "${seeds[@]}" ||
			status=$?
		cov=$(grep -aoE ' cov: [0-9]+ ' "$log" | tail -1 | tr -dc 0-9)
		tried=$((tried + $(sed -nE 's/^Done ([0-9]+) runs.*/\1/p' "$log" | tail -1) + 0))
		[ "$status" = 0 ] && [ "${cov:-0}" -lt "${3:-0}" ] && [ "$tried" -lt "$ENOUGH" ] || break
	done
	passed=0 failed=1 why=""
	if [ "$status" != 0 ]; then
		why="found something, or did not end (status $status)"
	elif [ -z "${3:-}" ]; then
		why="has no line in tests/fuzz/floors"
	elif [ "${cov:-0}" -lt "$3" ]; then
		why="reached ${cov:-0} edges of the code, less than its floor of $3"
	else
		passed=1 failed=0 why="$cov edges"
	fi
}

# floor NAME: the coverage floor of a fuzz target, or nothing.
floor() {
	awk -v name="$1" '$1 == name { print $2 }' tests/fuzz/floors
}

# below PID: the processes it has started, and those they have, and so on.
below() {
	cat /proc/[0-9]*/stat 2>/dev/null | awk -v top="$1" '
		{ pid = $1; sub(/.*\) . /, ""); child[$1] = child[$1] " " pid }
		function tell(pid,    n, each, k) {
			n = split(child[pid], each, " ")
			for (k = 1; k <= n; k++) {
				print each[k]
				tell(each[k])
			}
		}
		END { tell(top) }'
}

# Whatever is up is told to end, then made to. What was started by a process that
# is gone already is found by its group.
stop_all() {
	local pids groups
	pids=$(below $$)
	groups=$(cd "$UP" && ls | sed 's/^/-/')
	[ -n "$pids$groups" ] || return 0
	kill -TERM -- $pids $groups 2>/dev/null
	for _ in $(seq 30); do
		kill -0 -- $pids $groups 2>/dev/null || return 0
		sleep 0.1
	done
	kill -KILL -- $pids $groups 2>/dev/null
}

# clean_at_end: whoever runs tests calls this first, and is then clean also after
# Ctrl-C, if it waits for what it does in the background.
clean_at_end() {
	[ -z "$UP" ] || return 0 # a part of somebody's run, who does it
	UP=$PWD/$LOGS/up.$$
	mkdir -p "$UP"
	export UP
	# Once is enough: who is told twice cleans up to the end all the same.
	trap 'trap "" INT TERM HUP; stop_all; rm -rf "$UP" "${TMPDIR:?}"/*' EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
}
