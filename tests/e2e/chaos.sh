#!/usr/bin/env bash
# Seven of the faults of `make chaos`: the session is lost in an answer, with a tool's call, in text, by its
# time, and for good where there is a second endpoint; the caller notices at most that it takes a moment. The model is
# never there, and the call goes on in text; and the greeting lies in the voice cache, cut short.
# flavors: tsan asan
. "$(dirname "$0")/lib.sh"
. tools/chaos/calls.sh

SILENT_MS=25000 # a guard; the bar itself is for a machine that is not busy
only cut-answering cut-calling-tool relay-cut-answering expires second-after-loss ladder-text cache-cut-short
ready
. tools/chaos/faults.sh
all_apart
