# shellcheck shell=bash
# Completion for bash: kqtorture, kq_stress and kq_sweep. It asks --help of the program that is
# being typed, so it offers what that program takes and nothing has to be kept in step.

# Subcommands in the help text on standard input, one a line.
_kqtorture_subcommands() {
  sed -n '/^Subcommands:/,$s/^  \([a-z][a-z-]*\) .*/\1/p'
}

# Options in the help text on standard input, one a line.
_kqtorture_options() {
  sed -n 's/^  \(-.*\)/\1/p' | grep -oE '^(-[a-z],)?--[a-z][a-z_-]*' | tr ',' '\n'
}

# _kqtorture_values OPTION: the words that the help text on standard input names for it.
_kqtorture_values() {
  case $1 in
    --subject) printf 'emulator\nnative\n' ;;
    --profile)
      sed -n 's/.*the contract to judge by: \(.*\) (default.*/\1/p' | tr -d ' ' | tr ',' '\n'
      ;;
    --engine) sed -n 's/^  --engine [A-Z]*:{\([a-z,]*\)}.*/\1/p' | tr ',' '\n' ;;
    --strategy) printf '%s\n' all random pos pct:{2..9} dfs:{0..9} ;;
  esac
}

_kqtorture() {
  local program=$1 word=${COMP_WORDS[COMP_CWORD]} option=${COMP_WORDS[COMP_CWORD - 1]}
  local subcommand='' help words='' files=false
  # --option=value comes as three words.
  if [[ $word == '=' ]]; then word=''; fi
  if [[ $option == '=' ]]; then option=${COMP_WORDS[COMP_CWORD - 2]}; fi
  help=$("$program" --help 2>/dev/null) || return 0
  if [[ -n $(_kqtorture_subcommands <<<"$help") && $COMP_CWORD -gt 1 ]]; then
    subcommand=${COMP_WORDS[1]}
    help=$("$program" "$subcommand" --help 2>/dev/null) || return 0
  fi
  if [[ $option == --* ]]; then words=$(_kqtorture_values "$option" <<<"$help"); fi
  if [[ -n $words ]]; then
    [[ $option == --subject ]] && files=true
  elif [[ $word == -* ]]; then
    words=$(_kqtorture_options <<<"$help")
  elif [[ -z $subcommand ]]; then
    words=$(_kqtorture_subcommands <<<"$help")
    [[ -n $words ]] || files=true
  else
    files=true
  fi
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
  if $files; then
    compopt -o filenames 2>/dev/null || true
    mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$word")
  fi
}

complete -F _kqtorture kqtorture kq_stress kq_sweep
