#!/usr/bin/env bash
# Builds the fuzz targets for ClusterFuzzLite and OSS-Fuzz, whose images run this with their
# compiler and flags in CC, CXX, CFLAGS, CXXFLAGS and LIB_FUZZING_ENGINE, their choice in SANITIZER,
# and the folders SRC, WORK and OUT. What is left in OUT runs alone, wherever it is copied to: each
# target with its dictionary, options and seeds, and in lib/ the kqueue that they open.
# scripts/fuzz-service runs this without an image. schedule_fuzzer is left out: it takes the
# sanitizer's place.
set -euo pipefail

targets=(changelist_fuzzer flags_fuzzer litmus_fuzzer)
source=$SRC/kqtorture
build=$WORK/kqtorture

case $SANITIZER in
  address | undefined) sanitize=$SANITIZER ;;
  coverage) sanitize='' ;; # its flags are in CXXFLAGS
  *) echo "build.sh: SANITIZER is address, undefined or coverage, not '$SANITIZER'" >&2; exit 2 ;;
esac
if [[ ${FUZZING_ENGINE:-libfuzzer} != libfuzzer ]]; then
  echo "build.sh: the targets are libFuzzer's, not $FUZZING_ENGINE's" >&2
  exit 2
fi

cmake -G Ninja -S "$source" -B "$build" -DCMAKE_BUILD_TYPE=RelWithDebInfo \
  -DCMAKE_C_COMPILER="$CC" -DCMAKE_CXX_COMPILER="$CXX" \
  -DKQ_FUZZ=ON -DKQ_ONLY_FUZZERS=ON -DKQ_SANITIZE="$sanitize" \
  -DKQ_FUZZING_ENGINE="$LIB_FUZZING_ENGINE"
cmake --build "$build" --target kq "${targets[@]}"

mkdir -p "$OUT/lib"
cp -L "$build/lib/libkq.so" "$OUT/lib/libkq.so"
for target in "${targets[@]}"; do
  cp "$build/bin/$target" "$source/fuzz/$target.dict" "$source/fuzz/$target.options" "$OUT"
  seeds=("$source/corpus/$target")
  if [[ -d $source/corpus/regressions/$target ]]; then
    seeds+=("$source/corpus/regressions/$target")
  fi
  rm -rf "$WORK/seeds" "$OUT/${target}_seed_corpus.zip"
  mkdir -p "$WORK/seeds"
  find "${seeds[@]}" -type f -exec cp -t "$WORK/seeds" {} +
  (cd "$WORK/seeds" && python3 -m zipfile -c "$OUT/${target}_seed_corpus.zip" ./*)
done
