#!/usr/bin/env bash
# Usage: program_test.sh KQ_WEBSERVER SCRATCH_DIRECTORY
# What a person or a script sees of kq_webserver from outside: the right server is acquitted, the
# wrong one and a wrong kqueue are found guilty, and what cannot be done is one line on stderr.
set -euo pipefail

webserver=$1 scratch=$2
rm -rf "$scratch"
mkdir -p "$scratch"
export KQ_OUT=$scratch/out
unset KQ_SUBJECT KQ_SEED KQ_BUDGET KQ_PROFILE
# shellcheck source=tests/program_checks.sh
source "$(dirname "${BASH_SOURCE[0]}")/../program_checks.sh" "$webserver" "$scratch"
finds() {
  grep -qE "\"verdict\": *\"($2)\"" "$scratch"/out/findings/*.json || fail "$1: no finding of $2"
  rm -rf "$scratch/out"
}

expect "a subject that does not exist" 2 torture --subject "$scratch/none.so"
one_line_on_stderr "a subject that does not exist"
expect "no command" 2
one_line_on_stderr "no command"
expect "a word that is no number" 2 torture --connections many
one_line_on_stderr "a word that is no number"
expect "neither connections nor a budget" 2 torture --connections 0
one_line_on_stderr "neither connections nor a budget"
expect "help" 0 torture --help
says stdout --wrong-server "help"
KQ_PROFILE=netbsd expect "a profile without EV_FORCEONESHOT" 77 torture
says stderr netbsd "a profile without EV_FORCEONESHOT"

KQ_STATS=$scratch/stats.json expect "the right server" 0 torture --connections 1500 --seed 12345
says stdout 'seed=12345' "the right server"
says stdout 'ledger: 0 errors' "the right server"
grep -q '"executions"' "$scratch/stats.json" || fail "the campaign's numbers: none were written"
KQ_PROFILE=freebsd expect "a mark that is EV_ONESHOT alone" 0 torture --connections 500 --seed 1
expect "one worker" 0 torture --connections 500 --seed 2 --workers 1
expect "raw epoll" 0 torture --connections 500 --seed 3 --backend epoll
expect "a budget" 0 torture --connections 0 --budget 0.1
says stdout 'in 1 rounds' "a budget"

two_in_one_connection='stale-generation|wrong-errno|wrong-udata|duplicate|wrong-answer|lost'
two_in_one_connection+='|phantom|crash|race'
for seed in 1 2 3; do
  expect "the wrong server, seed $seed" 1 torture --wrong-server --seed "$seed" \
    --connections 1000000
  finds "the wrong server, seed $seed" "$two_in_one_connection"
done
if [[ -n ${KQ_TEST_CANARY:-} ]]; then
  expect "the canary" 1 torture --connections 1000000 --seed 1 --subject "$KQ_TEST_CANARY"
  # Which symptom of two threads in one connection comes first is chance: both read, both answer,
  # or one ends it and the other's change is refused.
  finds "the canary" "$two_in_one_connection"
fi

[[ $failures -eq 0 ]]
