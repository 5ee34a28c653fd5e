# bash completion for backout. Made by `backout completion bash`. Do not edit.

# The words of a site: asked with the -f, -C, -e and --state that are on the line already.
_backout_ask() {
  local at where=()
  for ((at = 1; at < cword; at++)); do
    case ${words[at]} in
      -f | -C | -e | --state) [[ -n ${words[at + 1]-} ]] && where+=("${words[at]}" "${words[at + 1]}") ;;
    esac
  done
  "${words[0]}" "${where[@]}" internal complete "$1" 2>/dev/null
}

_backout_offer() {
  case $1 in
    choices:*) COMPREPLY=($(compgen -W "${1#choices:}" -- "$cur")) ;;
    file) compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$cur")) ;;
    directory) compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -d -- "$cur")) ;;
    ask:*) COMPREPLY=($(compgen -W "$(_backout_ask "${1#ask:}")" -- "$cur")) ;;
  esac
}

# What the value of an option is; the command's own options win over those of the program.
_backout_value() {
  case "$1:$2" in
    'init':--answer) kind='ask:answers' ;;
    'init':--answers) kind='file' ;;
    'import':--fill) kind='nothing' ;;
    'import':--way) kind='nothing' ;;
    'import':--site) kind='nothing' ;;
    'deploy':--version) kind='ask:versions' ;;
    'deploy':--commit) kind='nothing' ;;
    'deploy':--timeout) kind='nothing' ;;
    'record':--commit) kind='nothing' ;;
    'good':--reason) kind='nothing' ;;
    'bad':--reason) kind='nothing' ;;
    'resolve':--cause) kind='nothing' ;;
    'resolve':--fix) kind='nothing' ;;
    'resolve':--missed) kind='nothing' ;;
    'resolve':--prevent) kind='nothing' ;;
    'log':--step) kind='nothing' ;;
    'verify':--answer) kind='nothing' ;;
    'verify':--as) kind='nothing' ;;
    'verify':--note) kind='nothing' ;;
    'watch':--for) kind='nothing' ;;
    'watch':--every) kind='nothing' ;;
    'decide':--fact) kind='nothing' ;;
    'note':--file) kind='file' ;;
    'note':--section) kind='nothing' ;;
    'ready':--try) kind='nothing' ;;
    'plan':--rung) kind='choices:leave step-down restore' ;;
    'plan':--to-time) kind='nothing' ;;
    'rollback':--rung) kind='choices:leave step-down restore' ;;
    'rollback':--to-time) kind='nothing' ;;
    'rollback':--reason) kind='nothing' ;;
    'rollback':--plan) kind='nothing' ;;
    'report':--format) kind='choices:md html json' ;;
    'report':--out) kind='file' ;;
    *:-f) kind='file' ;;
    *:-C) kind='directory' ;;
    *:-e) kind='ask:environments' ;;
    *:--state) kind='directory' ;;
    *:-o) kind='choices:text json' ;;
    *) return 1 ;;
  esac
}

_backout_command() {
  case "$1" in
    '') commands='init import deploy checkpoint record good bad releases sites resolve status log verify tick watch decide report-problem note ready plan rollback resume abort retry report lint backups rescue audit journal completion' options='-h --help --version -f -C -e --state -o --no-color -q -v' ;;
    'init') commands='' options='-h --help --answer --answers --yes --force --print' ;;
    'import') commands='' options='-h --help --fill --way --site --print' ;;
    'deploy') commands='' options='-h --help --version --commit --timeout' ;;
    'checkpoint') commands='' options='-h --help' ;;
    'record') commands='' options='-h --help --commit' ;;
    'good') commands='' options='-h --help --reason' ;;
    'bad') commands='' options='-h --help --reason' ;;
    'releases') commands='' options='-h --help' ;;
    'sites') commands='' options='-h --help' ;;
    'resolve') commands='' options='-h --help --cause --fix --missed --prevent' ;;
    'status') commands='' options='-h --help' ;;
    'log') commands='' options='-h --help --broke --step' ;;
    'verify') commands='' options='-h --help --ask --answer --as --note' ;;
    'tick') commands='' options='-h --help' ;;
    'watch') commands='' options='-h --help --for --every' ;;
    'decide') commands='' options='-h --help --fact --explain --no-questions --replay' ;;
    'report-problem') commands='' options='-h --help --down' ;;
    'note') commands='' options='-h --help --file --section' ;;
    'ready') commands='' options='-h --help --prove --try' ;;
    'plan') commands='' options='-h --help --code-only --db-only --rung --to-time --forward' ;;
    'rollback') commands='' options='-h --help --code-only --db-only --rung --to-time --forward --reason --plan --pick --yes' ;;
    'resume') commands='' options='-h --help' ;;
    'abort') commands='' options='-h --help' ;;
    'retry') commands='' options='-h --help' ;;
    'report') commands='' options='-h --help --format --public --out' ;;
    'lint') commands='' options='-h --help --schema --overlay-schema' ;;
    'backups') commands='list check take' options='-h --help' ;;
    'backups list') commands='' options='-h --help' ;;
    'backups check') commands='' options='-h --help' ;;
    'backups take') commands='' options='-h --help' ;;
    'rescue') commands='count export apply' options='-h --help' ;;
    'rescue count') commands='' options='-h --help' ;;
    'rescue export') commands='' options='-h --help' ;;
    'rescue apply') commands='' options='-h --help --dry-run --yes' ;;
    'audit') commands='verify' options='-h --help' ;;
    'audit verify') commands='' options='-h --help' ;;
    'journal') commands='export' options='-h --help' ;;
    'journal export') commands='' options='-h --help' ;;
    'completion') commands='' options='-h --help' ;;
    *) return 1 ;;
  esac
}

_backout_positional() {
  case "$1:$2" in
    'import':0) kind='nothing' ;;
    'deploy':0) kind='nothing' ;;
    'record':0) kind='ask:versions' ;;
    'good':0) kind='ask:versions' ;;
    'bad':0) kind='ask:versions' ;;
    'resolve':0) kind='nothing' ;;
    'log':0) kind='ask:runs' ;;
    'verify':0) kind='ask:versions' ;;
    'report-problem':0) kind='nothing' ;;
    'note':0) kind='nothing' ;;
    'plan':0) kind='ask:versions' ;;
    'rollback':0) kind='ask:versions' ;;
    'resume':0) kind='ask:runs' ;;
    'abort':0) kind='ask:runs' ;;
    'retry':0) kind='ask:runs' ;;
    'report':0) kind='ask:runs' ;;
    'lint':0) kind='file' ;;
    'rescue count':0) kind='ask:versions' ;;
    'rescue export':0) kind='nothing' ;;
    'rescue export':1) kind='ask:versions' ;;
    'rescue apply':0) kind='file' ;;
    'completion':0) kind='choices:bash zsh fish' ;;
    *) return 1 ;;
  esac
}

_backout() {
  local cur=${COMP_WORDS[COMP_CWORD]} words=("${COMP_WORDS[@]}") cword=$COMP_CWORD
  local path='' position=0 at word kind='' commands='' options=''
  COMPREPLY=()
  for ((at = 1; at < cword; at++)); do
    word=${words[at]}
    case $word in
      --) return ;;
      -*) _backout_value "$path" "$word" && ((at++)) ;;
      *)
        _backout_command "$path"
        if [[ " $commands " == *" $word "* ]]; then path=${path:+$path }$word; else ((position++)); fi
        ;;
    esac
  done
  kind=''
  if ((cword > 1)) && [[ ${words[cword - 1]} == -* ]] && _backout_value "$path" "${words[cword - 1]}"; then
    _backout_offer "$kind"
    return
  fi
  _backout_command "$path"
  if [[ $cur == -* ]]; then
    COMPREPLY=($(compgen -W "$options -h --help --version -f -C -e --state -o --no-color -q -v" -- "$cur"))
  elif [[ -n $commands ]]; then
    COMPREPLY=($(compgen -W "$commands" -- "$cur"))
  elif _backout_positional "$path" "$position"; then
    _backout_offer "$kind"
  fi
}
complete -F _backout backout
