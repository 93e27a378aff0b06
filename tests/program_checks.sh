# shellcheck shell=bash
# What the tests share that look at a program from outside: each expectation that does not hold is
# said and counted, with what the program printed, and the others are looked at all the same.
# Sourced, with the program to run and a scratch directory as arguments; $failures is the count.
program=$1 scratch=$2
failures=0

# expect NAME CODE ARGUMENTS...: runs it; its output is left in $scratch/stdout and stderr.
expect() {
  local name=$1 wanted=$2 code=0
  shift 2
  "$program" "$@" >"$scratch/stdout" 2>"$scratch/stderr" || code=$?
  [[ $code -eq $wanted ]] || fail "$name: exit code $code instead of $wanted"
}
fail() {
  echo "FAILED $*" >&2
  sed 's/^/  stdout: /' "$scratch/stdout" >&2
  sed 's/^/  stderr: /' "$scratch/stderr" >&2
  failures=$((failures + 1))
}
# one_line_on_stderr NAME
one_line_on_stderr() {
  [[ $(wc -l <"$scratch/stderr") -eq 1 ]] || fail "$1: not one line on stderr"
}
# says FILE WORDS NAME: FILE is stdout or stderr.
says() { grep -q -- "$2" "$scratch/$1" || fail "$3: $1 does not say '$2'"; }
