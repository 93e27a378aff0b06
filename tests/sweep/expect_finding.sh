#!/usr/bin/env bash
# Usage: expect_finding.sh KQ_SWEEP KQTORTURE SUBJECT OUTPUT_DIRECTORY VERDICT
# Sweeps a kqueue that is known to be broken. Passes when kq_sweep says "finding" (exit code 1), a
# finding's verdict matches the regular expression VERDICT, and every finding shows itself again
# when its program is run by itself.
set -euo pipefail

sweep=$1 kqtorture=$2 subject=$3 out=$4 verdict=$5

rm -rf "$out"
mkdir -p "$out"
code=0
KQ_OUT=$out "$sweep" --subject "$subject" --sample 0.01 --seed 1 || code=$?
if [[ $code -ne 1 ]]; then
  echo "expect_finding: exit code $code instead of 1: the planted bug was not found" >&2
  exit 1
fi
if ! grep -qE "\"verdict\": *\"($verdict)\"" "$out"/findings/*.json; then
  echo "expect_finding: no finding with the verdict $verdict in $out/findings" >&2
  exit 1
fi
for finding in "$out"/findings/*.json; do
  code=0
  KQ_OUT=$out/again "$kqtorture" replay "$finding" || code=$?
  if [[ $code -ne 1 ]]; then
    echo "expect_finding: $finding did not show itself again: exit code $code" >&2
    exit 1
  fi
done
