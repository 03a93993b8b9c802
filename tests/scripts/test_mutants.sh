#!/usr/bin/env bash
# Every mutant still changes the functions it names; whether a test notices, a
# sample of them is asked by `make test-more`, and all by `make mutate`.
set -uo pipefail
cd "$(dirname "$0")/../.."

tests/mutate --check | sed -n 's/^noticed  *\([a-z_0-9]*\) .*/ok \1 changes what it names/p; s/^UNNOTICED  */not ok /p'
