#!/usr/bin/env bash
# More of the faults of `make chaos`, of each kind some.
# flavors: asan
# in: test-more
. "$(dirname "$0")/lib.sh"
. tools/chaos/calls.sh

SILENT_MS=25000 # a guard; the bar itself is for a machine that is not busy
APART_AT_ONCE=12
only cut-dialling cut-configured cut-greeting cut-listening cut-after-tool cut-transfer cut-farewell cut-three-times \
	cut-for-good relay-cut-tool relay-expired error-session-expired error-quota late garbage-giant \
	refuses-item refused-request-after-loss relay-error-rate-limit second-azure second-other-format certificate-expired \
	twilio-late twilio-no-marks killed disk-full no-descriptors cache-swapped cut-answering-words-ahead stuck-for-good \
	ladder-cache-cut-short ladder-killed-at-reconnect ladder-killed-at-words
ready
. tools/chaos/faults.sh
all_apart
