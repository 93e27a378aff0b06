#!/usr/bin/env bash
# Does libFuzzer's fork mode find a planted bug and name it, and does merging keep what is new? In
# both a process waits for others much longer than a subject may stand still: that is no hang.
# Usage: expect_fork.sh TARGET SEEDS SUBJECT FOLDER
set -euo pipefail

target=$1 seeds=$2 subject=$3 work=$4
rm -rf "$work"
mkdir -p "$work/kept" "$work/merged"
cd "$work"
export KQ_OUT=$work/out
unset KQ_SUBJECT

"$target" -seed=1 -runs=500 -max_len=4096 kept "$seeds" >log 2>&1 ||
  { cat log; echo "something was found in the sound library"; exit 1; }
"$target" -merge=1 merged kept "$seeds" >log 2>&1 || { cat log; echo "merging failed"; exit 1; }
[[ -n $(ls merged) ]] || { echo "merging kept nothing"; exit 1; }

status=0
KQ_SUBJECT=$subject "$target" -fork=2 -seed=1 -max_len=4096 -max_total_time=600 kept "$seeds" \
  >log 2>&1 || status=$?
[[ $status -eq 1 ]] || { tail -n 40 log; echo "exit code $status, expected 1"; exit 1; }
if ! grep -qE '"verdict": "(duplicate|lost|phantom|wrong-[a-z]*)"' out/findings/*.json; then
  cat log
  echo "no finding says what the subject did"
  exit 1
fi
if grep -q '^FINDING hang' log; then
  cat log
  echo "who waited for the others was taken for one that hangs"
  exit 1
fi
