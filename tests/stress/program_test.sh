#!/usr/bin/env bash
# Usage: program_test.sh KQ_STRESS LIBRARY_WITHOUT_KEVENT SCRATCH_DIRECTORY
# What a person or a script sees of kq_stress from outside: exit codes, one clear line on stderr for
# what it cannot do, the seed before the first race, the numbers for the campaign.
set -euo pipefail

stress=$1 no_kevent=$2 scratch=$3
rm -rf "$scratch"
mkdir -p "$scratch"
export KQ_OUT=$scratch/out
unset KQ_SUBJECT KQ_SEED KQ_BUDGET KQ_THREADS KQ_OBJECTS KQ_SECONDS KQ_ITERATIONS
# shellcheck source=tests/program_checks.sh
source "$(dirname "${BASH_SOURCE[0]}")/../program_checks.sh" "$stress" "$scratch"

case_of_user_events='--gtest_filter=*OneshotWaiters.EventIsHandedToOneOfThem/User'

expect "a subject that does not exist" 2 --subject="$scratch/none.so"
one_line_on_stderr "a subject that does not exist"
echo "no library" >"$scratch/text.so"
expect "a subject that is not a library" 2 --subject="$scratch/text.so"
one_line_on_stderr "a subject that is not a library"
expect "a subject without kevent" 2 --subject="$no_kevent"
one_line_on_stderr "a subject without kevent"
says stderr kevent "a subject without kevent"
KQ_SUBJECT=$scratch/none.so expect "a subject by environment" 2
one_line_on_stderr "a subject by environment"
expect "an unknown flag" 2 --no-such-flag
expect "too few threads" 2 --threads=2
expect "a filter that matches nothing" 2 --gtest_filter=NoSuchRace.*
one_line_on_stderr "a filter that matches nothing"
expect "help" 0 --help
says stdout --seed "help"

expect "a short run" 0 "$case_of_user_events" --iterations=2 --seed=12345 --threads=3
says stdout 'seed=12345' "a short run"
says stdout '2 rounds' "a short run"
says stdout 'deliveries' "a short run"
KQ_SEED=777 KQ_THREADS=5 KQ_OBJECTS=2 KQ_ITERATIONS=1 expect "knobs by environment" 0 \
  "$case_of_user_events"
says stdout 'seed=777 threads=5 objects=2 iterations=1' "knobs by environment"
KQ_BUDGET=1 expect "a budget" 0 '--gtest_filter=*OneshotWaiters.*'
says stdout '0.166667 seconds for each of 6 cases' "a budget"
KQ_STATS=$scratch/stats.json expect "the campaign's numbers" 0 "$case_of_user_events" \
  --iterations=1
grep -q '"operations"' "$scratch/stats.json" || fail "the campaign's numbers: none were written"
KQ_PROFILE=netbsd expect "a profile without the case" 77 '--gtest_filter=*ForceosVsDelivery*'
says stderr netbsd "a profile without the case"

[[ $failures -eq 0 ]]
