# shellcheck shell=bash
# What all scripts share: where the repository is, how arguments are refused, how a preset is built.
# Sourced, never run. A script parses its arguments first and touches the machine only afterwards,
# so that --help and a mistyped option cost nothing.
#
# Exit codes, everywhere: 0 nothing found, 1 a finding or a failed test, 2 usage or environment.

KQ_SCRIPT=$(basename "$0")
KQ_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
KQ_CALLER_DIR=$PWD
export KQ_SCRIPT KQ_ROOT

# Progress goes to standard output, or to standard error when the output is to be JSON: what else
# is on standard error is a complaint.
export KQ_SAY=${KQ_SAY:-1}
say() { printf '== %s\n' "$*" >&"$KQ_SAY"; }

# One line, and exit 2.
die() {
  printf '%s: %s\n' "$KQ_SCRIPT" "$*" >&2
  exit 2
}

# Prints the script's own opening comment, which is its help text.
usage() {
  awk 'NR > 1 { if (!/^#/) exit; sub(/^# ?/, ""); print }' "$0"
}

# need_value OPTION "$@": the option must be followed by a value.
need_value() {
  [[ $# -ge 3 ]] || die "$1 needs a value (see --help)"
}

# need_number OPTION VALUE: a whole number that a shell and a program can hold.
need_number() {
  [[ $2 =~ ^[0-9]{1,19}$ ]] || die "$1 needs a whole number, not '$2'"
}

# A path as the caller meant it, whatever directory the script works in.
absolute() {
  case $1 in
    /*) printf '%s\n' "$1" ;;
    *) printf '%s/%s\n' "$KQ_CALLER_DIR" "$1" ;;
  esac
}

# A subject is a word (emulator, native) or, with a slash or as an existing file, a path.
resolve_subject() {
  case $1 in
    emulator | native) printf '%s\n' "$1" ;;
    *)
      [[ -e $(absolute "$1") ]] || die "subject $1: no such file (or emulator, or native)"
      absolute "$1"
      ;;
  esac
}

# The options that mean the same in every program of the suite. Each is checked here, collected in
# KQ_ARGUMENTS for the program, and counted in KQ_TAKEN (0: not one of them).
KQ_ARGUMENTS=()
export KQ_TAKEN=0
take_common_option() {
  KQ_TAKEN=2
  case $1 in
    --budget | --seed)
      need_value "$1" "$@"
      need_number "$1" "$2"
      KQ_ARGUMENTS+=("$1" "$2")
      ;;
    --subject)
      need_value "$1" "$@"
      local subject
      subject=$(resolve_subject "$2") || exit 2
      KQ_ARGUMENTS+=("$1" "$subject")
      ;;
    --profile)
      need_value "$1" "$@"
      KQ_ARGUMENTS+=("$1" "$2")
      ;;
    --json)
      export KQ_SAY=2
      KQ_ARGUMENTS+=("$1")
      KQ_TAKEN=1
      ;;
    *) KQ_TAKEN=0 ;;
  esac
}

# Where a run leaves its results, and the environment's subject as the caller meant it.
enter_repository() {
  if [[ -n ${KQ_OUT:-} ]]; then KQ_OUT=$(absolute "$KQ_OUT"); else KQ_OUT=$KQ_ROOT/out; fi
  if [[ -n ${KQ_SUBJECT:-} ]]; then
    KQ_SUBJECT=$(resolve_subject "$KQ_SUBJECT") || exit 2
    export KQ_SUBJECT
  fi
  export KQ_OUT
  cd "$KQ_ROOT" || die "cannot enter $KQ_ROOT"
}

# export_common_options BUDGET: what take_common_option collected as the environment that every
# program of the suite reads, with a default budget, and with a seed drawn now if none was given.
export_common_options() {
  local i
  export KQ_BUDGET=${KQ_BUDGET:-$1} KQ_SEED=${KQ_SEED:-}
  for ((i = 0; i < ${#KQ_ARGUMENTS[@]}; i += 2)); do
    case ${KQ_ARGUMENTS[i]} in
      --budget) KQ_BUDGET=${KQ_ARGUMENTS[i + 1]} ;;
      --seed) KQ_SEED=${KQ_ARGUMENTS[i + 1]} ;;
      --subject) export KQ_SUBJECT=${KQ_ARGUMENTS[i + 1]} ;;
      --profile) export KQ_PROFILE=${KQ_ARGUMENTS[i + 1]} ;;
      *) die "${KQ_ARGUMENTS[i]} means nothing here (see --help)" ;;
    esac
  done
  [[ -n $KQ_SEED ]] || KQ_SEED=$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')
}

# The number of build and test jobs: as many as there are processors to use.
jobs() { nproc 2>/dev/null || echo 2; }

# build_preset PRESET [TARGET...]: configures and builds. Says nothing when all is up to date; shows
# the compiler's words when somebody watches or it fails.
build_preset() {
  local preset=$1 log=build/$1.log started=$SECONDS
  shift
  local build=(cmake --build --preset "$preset" -j "$(jobs)")
  [[ $# -eq 0 ]] || build+=(--target "$@")
  mkdir -p build
  cmake --preset "$preset" >"$log" 2>&1 ||
    { cat "$log" >&2; die "preset $preset does not configure"; }
  if "${build[@]}" -- -n | tail -n 1 | grep -q 'no work to do'; then return; fi
  say "building preset $preset"
  if [[ -t 2 ]]; then
    "${build[@]}" >&2 || die "preset $preset does not build"
  else
    "${build[@]}" >"$log" 2>&1 || { cat "$log" >&2; die "preset $preset does not build"; }
  fi
  say "built preset $preset in $((SECONDS - started)) s"
}

# What to put in front of a command so that ThreadSanitizer can lay out its shadow memory: older
# runtimes cannot on a kernel that randomises more than 28 bits of the address space.
tsan_prefix() {
  local bits=/proc/sys/vm/mmap_rnd_bits
  if [[ -r $bits && $(<"$bits") -gt 28 ]] && setarch "$(uname -m)" -R true 2>/dev/null; then
    echo "setarch $(uname -m) -R"
  fi
}

with_room_for_tsan() {
  local prefix
  read -ra prefix <<<"$(tsan_prefix)"
  "${prefix[@]}" "$@"
}

# copy_sources DIRECTORY: the working copy as it is, without what git ignores; a release without its
# history as a whole.
copy_sources() {
  if git rev-parse --git-dir >/dev/null 2>&1; then
    git ls-files -z --cached --others --exclude-standard |
      tar -c --null -T - --ignore-failed-read
  else
    tar -c --exclude=./build --exclude=./out .
  fi | tar -x -C "$1"
}
