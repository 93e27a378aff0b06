#!/usr/bin/env bash
# expect_afl.sh BUILD NAME DIRECTORY EXECUTIONS INPUTS [SUBJECT VERDICT]: afl-fuzz runs the target
# so often from the inputs, with its own mutator if it has one. Nothing is found in the emulator,
# and the search gets somewhere; in the subject it finds what the verdict, an expression, says.
set -euo pipefail
readonly build=$1 name=$2 directory=$3 executions=$4 inputs=$5 subject=${6:-} verdict=${7:-}

rm -rf "$directory"
mkdir -p "$directory/seeds"
cp "$inputs"/* "$directory/seeds/" 2>/dev/null || cp "$inputs" "$directory/seeds/"

export KQ_OUT=$directory KQ_SUBJECT=${subject:-emulator}
export AFL_NO_UI=1 AFL_NO_AFFINITY=1 AFL_SKIP_CPUFREQ=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1
if [[ -f $build/lib/afl/${name}_mutator.so ]]; then
  export AFL_CUSTOM_MUTATOR_LIBRARY=$build/lib/afl/${name}_mutator.so AFL_CUSTOM_MUTATOR_ONLY=1
  export AFL_DISABLE_TRIM=1 # a program that was cut is another one
fi
# What is under test is there before afl-fuzz asks how large its map is. Schedules are controlled
# from outside of it, and say by themselves where they have been.
if [[ $name != schedule_fuzzer ]]; then
  AFL_PRELOAD=${subject:-$build/lib/afl/libkq.so}
  export AFL_PRELOAD
fi
[[ -z $subject ]] || export AFL_BENCH_UNTIL_CRASH=1

# A time-out decides nothing here: a busy machine is no hang.
afl-fuzz -i "$directory/seeds" -o "$directory/afl" -s 1 -t 60000 -m none -E "$executions" \
  -- "$build/bin/${name}_afl" >"$directory/afl.txt" 2>&1 ||
  { cat "$directory/afl.txt" >&2; exit 1; }

stat() { sed -n "s/^$1 *: //p" "$directory/afl/default/fuzzer_stats"; }
summary="$name: $(stat execs_done) executions, $(stat corpus_count) inputs kept of"
summary+=" $(stat corpus_found) found, $(stat saved_crashes) crashes, stability $(stat stability)"
echo "$summary"
shopt -s nullglob
findings=("$directory"/findings/*.json)
if [[ -n $subject ]]; then
  if [[ $(stat saved_crashes) -eq 0 || ${#findings[@]} -eq 0 ]]; then
    echo "the planted bug was not found" >&2
    exit 1
  fi
  grep -Eq "^  \"verdict\": \"($verdict)\"" "${findings[@]}" ||
    { echo "found, but not as $verdict:" >&2; grep -h '^  "verdict"' "${findings[@]}" >&2; exit 1; }
elif [[ $(stat saved_crashes) -ne 0 || ${#findings[@]} -ne 0 ]]; then
  echo "a finding in the emulator: ${findings[*]}" >&2
  exit 1
elif [[ $(stat execs_done) -lt $executions || $(stat corpus_found) -eq 0 ]]; then
  echo "the search did not get anywhere" >&2
  exit 1
fi
