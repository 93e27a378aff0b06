#!/usr/bin/env bash
# Usage: expect_finding.sh KQ_STRESS SUBJECT OUTPUT_DIRECTORY SUITE_OR_CASE VERDICT
# Tortures a kqueue that is known to be broken until the first finding. Passes when kq_stress says
# "finding" (exit code 1) and the finding's verdict matches the regular expression VERDICT: a crash
# or a hang would prove that the mutant is broken, not that the races can see its bug.
set -euo pipefail

stress=$1 subject=$2 out=$3 suite=$4 verdict=$5
# Each case ends at its first finding, after a second or two. The limit is for a bug that is not
# found at all: with 16 programs that want two processors, threads that seldom run beside each
# other have needed a minute.
seconds=${KQ_MUTANT_SECONDS:-200}

rm -rf "$out"
mkdir -p "$out"
code=0
KQ_OUT=$out "$stress" --subject="$subject" --seconds="$seconds" --gtest_filter="*$suite*" \
  --gtest_fail_fast || code=$?
if [[ $code -ne 1 ]]; then
  echo "expect_finding: exit code $code instead of 1: the planted bug was not found" >&2
  exit 1
fi
if ! grep -qE "\"verdict\": *\"($verdict)\"" "$out"/findings/*.json; then
  echo "expect_finding: no finding with the verdict $verdict in $out/findings" >&2
  exit 1
fi
