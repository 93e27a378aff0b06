#!/bin/sh
# Builds the suite on a system with a kqueue of its own, and tortures that: the BSDs and macOS. For
# the workflows, which put the sources of the three libraries into deps/: their packages have
# another name everywhere. Plain sh, because that is what every BSD has. Usage: native.sh SECONDS
set -eu
budget=${1:?native.sh SECONDS}

for library in json CLI11 googletest; do
  cmake -G Ninja -S "deps/$library" -B "deps/build/$library" -DCMAKE_BUILD_TYPE=Release \
    -DCMAKE_INSTALL_PREFIX="$PWD/deps/installed" -DJSON_BuildTests=OFF -DCLI11_BUILD_TESTS=OFF \
    -DCLI11_BUILD_EXAMPLES=OFF -DCLI11_BUILD_DOCS=OFF
  cmake --build "deps/build/$library" --target install
done
cmake --preset release -DCMAKE_PREFIX_PATH="$PWD/deps/installed" \
  "-DKQ_LEAVE_OUT=fuzz;bench;tests;stress/webserver"
cmake --build --preset release --target kqtorture kq_stress kq_sweep

# All of them run, so that one report has everything; what is known to hang or panic a kernel is
# skipped by itself.
bin=build/release/bin status=0
"$bin/kqtorture" survey --subject native || status=1
"$bin/kqtorture" run corpus/litmus --subject native --budget "$budget" || status=1
"$bin/kq_sweep" --subject native --sample 0.1 || status=1
"$bin/kq_stress" --subject native --budget "$budget" || status=1
exit $status
