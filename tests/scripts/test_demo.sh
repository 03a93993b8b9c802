#!/usr/bin/env bash
# in: test-more
# What a newcomer sees first: the demo of every channel, and of a model that is down, comes to a good end and says so.
set -uo pipefail
cd "$(dirname "$0")/../.."

demo() { # VARIABLE=VALUE
	local dir=build/test/demo-${1#*=}

	mkdir -p "$dir"
	if env -u CHANNEL -u FAULT "$1" DEMO_DIR="$dir" tools/demo >"$dir/out" 2>&1 && grep -q '^The call went as it should' "$dir/out"; then
		echo "ok demo $1"
	else
		echo "not ok demo $1"
		sed 's/^/    /' "$dir/out"
	fi
}

for each in CHANNEL=stream CHANNEL=relay CHANNEL=gather FAULT=model-down; do
	demo "$each" &
done
wait
