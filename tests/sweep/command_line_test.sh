#!/usr/bin/env bash
# Usage: command_line_test.sh KQ_SWEEP
# Does kq_sweep keep to the exit codes of the suite, and is its JSON one document with nothing
# around it?
set -euo pipefail

sweep=$1
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
export KQ_OUT=$out

fail() {
  echo "command_line_test: $*" >&2
  exit 1
}

expect() {
  local want=$1 code=0
  shift
  "$sweep" "$@" >"$out/stdout" 2>"$out/stderr" || code=$?
  [[ $code -eq $want ]] || fail "kq_sweep $*: exit code $code, expected $want"
}

expect 0 --help
expect 0 --list
[[ $(grep -c ' swept$' "$out/stdout") -gt 300 ]] || fail "--list names too few cases"
expect 2 --sample 0
expect 2 --sample 1.5
expect 2 --sample some
expect 2 --jobs 0
expect 2 --budget -1
expect 2 --profile nobody
expect 2 --subject "$out/no_such_file.so"
expect 2 --no-such-option
[[ $(wc -l <"$out/stderr") -eq 1 ]] || fail "a usage error is one line"
expect 77 --only no-such-case
expect 0 --only zero --seed 7
grep -q 'seed=7' "$out/stdout" || fail "the seed is not printed"
expect 0 --only zero --json
python3 - "$out/stdout" <<'PYTHON' || fail "the JSON is not what it should be"
import json
import sys

answer = json.load(open(sys.argv[1], encoding="utf-8"))
sweep = answer["sweep"]
assert answer["findings"] == [] and sweep["findings"] == 0
assert sweep["executed"] == 65536
assert sweep["executed"] + sum(sweep["unreachable"].values()) == sweep["combinations"]
PYTHON
