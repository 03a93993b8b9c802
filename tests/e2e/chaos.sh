#!/usr/bin/env bash
# Five of the faults of `make chaos`: the session is lost in an answer, with a tool's call, in text, by its
# time, and for good where there is a second endpoint; the caller notices at most that it takes a moment.
# flavors: tsan asan
. "$(dirname "$0")/lib.sh"
. tools/chaos/calls.sh

SILENT_MS=25000 # a guard; the bar itself is for a machine that is not busy
only cut-answering cut-calling-tool relay-cut-answering expires second-after-loss
ready
. tools/chaos/faults.sh
all_apart
