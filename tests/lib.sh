# How one program is run and judged; for tests/run, tests/run-fuzz and
# tests/mutate. To be sourced, from the root.

LOGS=build/test
mkdir -p "$LOGS"

# Sanitizers of this age cannot live with the many random address bits of newer
# kernels; where that can be switched off for a program, it is.
FIXED=()
if setarch "$(uname -m)" -R true 2>/dev/null; then
	FIXED=(setarch "$(uname -m)" -R)
fi

export ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1
export UBSAN_OPTIONS=print_stacktrace=1
export TSAN_OPTIONS=second_deadlock_stack=1:history_size=4
[ ! -f tests/tsan.supp ] || TSAN_OPTIONS+=:suppressions=$PWD/tests/tsan.supp

# What a sanitizer says when it has found something, whatever the exit status.
SANITIZER='ERROR: (Address|Leak)Sanitizer|WARNING: ThreadSanitizer|runtime error:'

# judge LOG STATUS: counts a cmocka program's cases into $passed and $failed. A
# program that ends badly, or in which nothing ran, has failed at least once.
judge() {
	passed=$(grep -ac '^\[       OK \]' "$1" || true)
	failed=$(sed -n 's/^ *\([0-9]*\) FAILED TEST(S)$/\1/p' "$1" | awk '{ n += $1 } END { print n + 0 }')
	if [ "$failed" = 0 ] && { [ "$2" != 0 ] || [ "$passed" = 0 ] || grep -aqE "$SANITIZER" "$1"; }; then
		failed=1
	fi
}

# binary FLAVOR NAME: the built test of that name, in whichever folder.
binary() {
	find "build/$1/tests" -name "$2" -type f | grep . || echo "build/$1/tests/$2"
}

# unit FLAVOR NAME: runs one unit test; sets $passed, $failed and $log.
unit() {
	local status=0
	log=$LOGS/$1-$2.log
	timeout -k 5 "${UNIT_SECONDS:-120}" "${FIXED[@]}" "$(binary "$1" "$2")" >"$log" 2>&1 </dev/null || status=$?
	judge "$log" "$status"
}

# fuzz NAME SECONDS [FLOOR]: runs one fuzz target; sets $passed, $failed, $log and
# $why. It must find nothing, and reach at least FLOOR edges of the code: a
# target that returns early finds nothing either.
fuzz() {
	local status=0 seeds=() cov
	log=$LOGS/fuzz-$1.log
	mkdir -p "build/fuzz/corpus/$1" build/fuzz/artifacts
	[ ! -d "tests/fuzz/seeds/${1#fuzz_}" ] || seeds=("tests/fuzz/seeds/${1#fuzz_}")
	timeout -k 5 $(($2 + 60)) "${FIXED[@]}" "$(binary fuzz "$1")" -max_total_time="$2" -seed=1 -timeout=10 \
		-rss_limit_mb=2048 -artifact_prefix="build/fuzz/artifacts/$1-" \
		"build/fuzz/corpus/$1" "${seeds[@]}" >"$log" 2>&1 </dev/null || status=$?
	cov=$(grep -aoE ' cov: [0-9]+ ' "$log" | tail -1 | tr -dc 0-9)
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
