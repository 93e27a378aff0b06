#!/usr/bin/env bash
# expect_explored.sh KQTORTURE MUTANT PROGRAM DIRECTORY: exploring the program finds the mutant
# guilty of something that its history, its memory or its locks show, and the same schedules of
# libkq itself nothing. The seed is fixed: a schedule that is found is found every time.
set -euo pipefail
readonly kqtorture=$1 mutant=$2 program=$3 directory=$4
readonly schedules=20000 seed=20060917

rm -rf "$directory"
mkdir -p "$directory"
explore() {
  KQ_OUT=$directory "$kqtorture" explore "$program" --seed "$seed" --jobs 1 --schedules "$@"
}

status=0
explore "$schedules" --subject "$mutant" >"$directory/mutant.txt" 2>"$directory/findings.txt" ||
  status=$?
cat "$directory/mutant.txt"
if [[ $status -ne 1 ]]; then
  echo "exploring the mutant ended with $status, not with a finding" >&2
  exit 1
fi
verdicts='after-delete|duplicate|lost|phantom|stale-generation|stuck-waiter|wrong-[a-z]*'
verdicts+='|race|deadlock|use-after-free|crash'
if ! grep -Eq "^FINDING ($verdicts)" "$directory/findings.txt"; then
  echo "the finding is none that this bug could show:" >&2
  cat "$directory/findings.txt" >&2
  exit 1
fi
KQ_SUBJECT=emulator explore 2000
