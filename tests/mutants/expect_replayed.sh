#!/usr/bin/env bash
# expect_replayed.sh BUILD DIRECTORY [TIMES]: ten schedules that find a mutant guilty, and ten that
# pass on libkq, run again from their files alone, TIMES times each (default 3), every time in
# processes of their own: the same verdict, and the same steps. What does not agree is printed.
set -euo pipefail
readonly build=$1 directory=$2 times=${3:-3}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly here seed=20060917 wanted=10

rm -rf "$directory"
mkdir -p "$directory/files" "$directory/wrong"
explore() {
  local status=0
  KQ_OUT=$1 "$build/bin/kqtorture" explore --seed "$seed" --jobs 1 "${@:2}" \
    >"$directory/explore.txt" 2>&1 || status=$?
  [[ $status -le 1 ]] || { cat "$directory/explore.txt" >&2; exit 1; }
}

# Those that end their process leave no trace to compare: the crash alone is their verdict.
for patch in "$here"/schedules/*.patch; do
  name=$(basename "$patch" .patch)
  explore "$directory/$name" "${patch%.patch}.litmus" --schedules 20000 \
    --subject "$build/lib/controlled/mutants/$name.so"
  for file in "$directory/$name"/findings/controlled-*.json; do
    if ! grep -q '"trace": 0,' "$file"; then cp "$file" "$directory/files/fails-$name.json"; fi
  done
done
KQ_SUBJECT=emulator explore "$directory" "$here"/../../corpus/litmus/race_*.litmus \
  --schedules 100 --keep 2
for file in "$directory"/schedules/*.json; do cp "$file" "$directory/files/passes-${file##*/}"; done
mapfile -t files < <(for kind in fails passes; do
  find "$directory/files" -name "$kind-*.json" | LC_ALL=C sort | head -n "$wanted"
done)
if [[ ${#files[@]} -ne $((2 * wanted)) ]]; then
  echo "only ${#files[@]} schedules to run again" >&2
  exit 1
fi

# replay FILE TIMES
replay() {
  local name verdict code i status
  name=$(basename "$1" .json)
  case $name in
    fails-*) verdict='found again: ' code=1 ;;
    *) verdict='nothing found, as before' code=0 ;;
  esac
  for ((i = 0; i < $2; i++)); do
    status=0
    KQ_OUT=$KQ_REPLAYS "$KQ_PROGRAM" replay "$1" >"$KQ_REPLAYS/$name.txt" 2>&1 || status=$?
    if [[ $status -ne $code ]] || ! grep -q "^replay: $verdict" "$KQ_REPLAYS/$name.txt" ||
      ! grep -q '^replay: .*, step by step$' "$KQ_REPLAYS/$name.txt"; then
      cp "$KQ_REPLAYS/$name.txt" "$KQ_REPLAYS/wrong/$name.$i.txt"
      echo "$name, run $i: exit code $status"
      grep '^replay: ' "$KQ_REPLAYS/$name.txt" || true
    fi
  done
}
export -f replay
export KQ_REPLAYS=$directory KQ_PROGRAM=$build/bin/kqtorture
printf '%s\n' "${files[@]}" |
  xargs -P "$(nproc)" -I '{}' bash -c 'replay "$@"' replay '{}' "$times"
wrong=$(find "$directory/wrong" -type f | wc -l)
echo "$wanted schedules that fail and $wanted that pass, $times times each: $wrong replays differ"
[[ $wrong -eq 0 ]]
