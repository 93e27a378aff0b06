#!/usr/bin/env bash
# Usage: expect_finding.sh KQ_STRESS LIBRARY OUTPUT_DIRECTORY [SUITE]
# Tortures a library that is known to be broken until the first finding. Passes when kq_stress says
# "finding" (exit code 1) and has saved one that names what was delivered wrongly: a crash or a hang
# would prove that the mutant is broken, not that the races can see its bug.
set -euo pipefail

stress=$1 library=$2 out=$3 suite=${4:-}
filter="*"
[[ -n $suite ]] && filter="*$suite.*"
# Each case gets far more time than the slowest finding has been seen to need; it ends at the first.
seconds=${KQ_MUTANT_SECONDS:-10}

rm -rf "$out"
mkdir -p "$out"
code=0
KQ_OUT=$out "$stress" --subject="$library" --seconds="$seconds" --gtest_filter="$filter" \
  --gtest_fail_fast || code=$?
if [[ $code -ne 1 ]]; then
  echo "expect_finding: exit code $code instead of 1: the planted bug was not found" >&2
  exit 1
fi
for finding in "$out"/findings/*.json; do
  if [[ -f $finding ]] && ! grep -qE '"verdict": *"(crash|hang|exit)"' "$finding"; then
    exit 0
  fi
done
echo "expect_finding: no finding but a crash, a hang or an exit was saved in $out" >&2
exit 1
