#!/usr/bin/env bash
# A short soak: mixed calls with faults, no unexpected ending, nothing left over.
# flavors: asan
# in: test-more
export FLAVOR=${FLAVOR:-asan} SOAK_DIR=build/e2e/${FLAVOR:-asan}/soak-out
exec env SOAK_SILENT_MS=25000 HOURS=0.006 AT_ONCE=6 EVERY=2 "$(dirname "$0")/../../tools/chaos/soak"
