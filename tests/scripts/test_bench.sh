#!/usr/bin/env bash
# in: test-more
# The bench makes its table: a few calls through the server and the relay, each
# with its figures. No time is judged.
set -uo pipefail
cd "$(dirname "$0")/../.."

mkdir -p build/test
log=build/test/build-bench.log
if ! make --no-print-directory -j"$(nproc)" FLAVOR=release all tools >"$log" 2>&1; then
	echo "not ok the bench builds: see $log"
	exit 1
fi

table=$(env -u BENCH_CALLS -u BENCH_SECONDS -u BENCH_CORES FLAVOR=release tools/bench --quick 2>&1)
status=$?
echo "$table"

is() { # SENTENCE CONDITION…
	if "${@:2}"; then
		echo "ok $1"
	else
		echo "not ok $1"
	fi
}

row() { # NAME: a line of the table with a number in each of its columns
	grep -qE "^ +5 +$1( +-?[0-9.]+| +-){23}\$" <<<"$table"
}

is "the bench ends well" [ "$status" = 0 ]
is "the server has its row" row trunkline
is "so has the relay" row relay
is "and calls in words" grep -qE '^ +5 +words +model > caller, first token, ms: p50 [0-9.]+ ' <<<"$table"
is "and those that a text API answers" grep -qE '^ +5 +text +model > caller, first token, ms: p50 [0-9.]+ ' <<<"$table"
is "and their ratio is told" grep -qE '^ +ratio( +-?[0-9.]+){5,} *$' <<<"$table"
is "an unknown option is refused" [ "$(tools/bench --nonsense >/dev/null 2>&1; echo $?)" = 2 ]
