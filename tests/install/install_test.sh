#!/usr/bin/env bash
# Can somebody who knows nothing of this repository use an installed libkq? Installs it into a new
# prefix, then builds and runs a C and a C++ program through pkg-config, moves the prefix elsewhere,
# and does the same through find_package: the two ways users have, on a tree that stayed movable.
set -euo pipefail

if [[ $# -ne 3 ]]; then
  echo "usage: install_test.sh BUILD_DIRECTORY CC CXX" >&2
  exit 2
fi
build=$1 cc=$2 cxx=$3
consumer=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/consumer
command -v pkg-config >/dev/null || { echo "skipped: pkg-config is not installed"; exit 77; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prefix=$work/prefix

cmake --install "$build" --prefix "$prefix" --component libkq >"$work/log"
libdir=$(dirname "$(find "$prefix" -name 'libkq.so')")
[[ -n $libdir && -e $libdir/libkq.so.0 ]] || { echo "no libkq.so.0 beside libkq.so"; exit 1; }
[[ -f $prefix/include/kq/sys/event.h ]] || { echo "no include/kq/sys/event.h"; exit 1; }
[[ ! -e $prefix/include/sys ]] || { echo "a <sys/event.h> would pose as the system's"; exit 1; }

export PKG_CONFIG_PATH=$libdir/pkgconfig
read -ra flags <<<"$(pkg-config --cflags --libs kq)"
"$cc" -Wall -Werror -o "$work/pipe" "$consumer/pipe.c" "${flags[@]}"
"$cxx" -Wall -Werror -std=c++20 -o "$work/user" "$consumer/user.cpp" "${flags[@]}"
LD_LIBRARY_PATH=$libdir "$work/pipe"
LD_LIBRARY_PATH=$libdir "$work/user"
echo "pkg-config $(pkg-config --modversion kq): both consumers ran"

mv "$prefix" "$work/moved"
cmake -S "$consumer" -B "$work/build" -DCMAKE_PREFIX_PATH="$work/moved" \
  -DCMAKE_C_COMPILER="$cc" -DCMAKE_CXX_COMPILER="$cxx" >"$work/log" || { cat "$work/log"; exit 1; }
cmake --build "$work/build" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
"$work/build/pipe"
"$work/build/user"
echo "find_package(kq): both consumers ran, from a prefix that was moved"

# The programs, too, on an installed tree that was moved: each finds the others, its kqueues and the
# litmus programs. Something to find has to be found.
cmake --install "$build" --prefix "$prefix" --component libkq >"$work/log"
cmake --install "$build" --prefix "$prefix" --component tools >"$work/log"
mv "$prefix" "$work/tools"
bin=$work/tools/bin litmus=$work/tools/share/kqtorture/corpus/litmus
export KQ_OUT=$work/out
unset KQ_SUBJECT KQ_LIBKQ
"$bin/kqtorture" check >"$work/log" || { cat "$work/log"; exit 1; }
"$bin/kqtorture" run "$litmus"/dispatch*.litmus --seed 1 | tail -n 1
"$bin/kq_sweep" --only zero --seed 1 | tail -n 1
race='--gtest_filter=*OneshotWaiters*'
status=0
"$bin/kq_stress" --seed=1 --subject "$work/tools/lib/kqtorture/lib/libkq_canary.so" \
  --gtest_fail_fast "$race" >"$work/log" 2>&1 || status=$?
[[ $status -eq 1 ]] || { echo "the canary was not found guilty"; exit 1; }
echo "the tools ran, from a prefix that was moved"
