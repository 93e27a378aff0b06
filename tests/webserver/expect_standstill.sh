#!/usr/bin/env bash
# Usage: expect_standstill.sh KQ_WEBSERVER LIBKQ OUTPUT_DIRECTORY
# Races the web server on a libkq with a planted bug. Passes when the judge of a standstill finds
# it: exit code 1, and a finding that says that nothing happens any more.
set -euo pipefail

webserver=$1 libkq=$2 out=$3

rm -rf "$out"
mkdir -p "$out"
unset KQ_SUBJECT KQ_SEED KQ_BUDGET KQ_PROFILE
code=0
KQ_OUT=$out KQ_LIBKQ=$libkq "$webserver" torture --connections 1000000000 --seed 1 --round 200 \
  --look 200 || code=$?
if [[ $code -ne 1 ]]; then
  echo "expect_standstill: exit code $code instead of 1: the planted bug was not found" >&2
  exit 1
fi
if ! grep -qE 'workers sleep though|waits for an event that does not come' \
  "$out"/findings/*.json; then
  echo "expect_standstill: no finding in $out/findings is of a standstill" >&2
  exit 1
fi
