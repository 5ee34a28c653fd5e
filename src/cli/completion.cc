#include "cli/completion.h"

#include <fmt/format.h>

#include "base/text.h"

namespace backout::cli {
namespace {

/// What a shell should do for a word: "choices:a b", "file", "directory", "ask:versions", "nothing".
std::string kind_of(const Word& word) {
  if (!word.choices.empty()) return "choices:" + join(word.choices, " ");
  if (word.takes == "FILE" || word.takes == "file") return "file";
  if (word.takes == "DIR") return "directory";
  if (word.takes == "ENV") return "ask:environments";
  if (word.takes == "V" || word.takes == "version") return "ask:versions";
  if (word.takes == "run" || word.takes == "incident") return "ask:runs";
  if (word.takes == "KEY=VALUE") return "ask:answers";
  if (word.takes == "FORM") return "choices:md html json";  // of a report; -o names its own
  if (word.takes == "shell") return "choices:bash zsh fish";
  return "nothing";
}

/// Every command with its words: "" the program, "journal export".
template <class Visit>
void each_command(const CommandWords& command, const std::string& path, const Visit& visit) {
  visit(command, path);
  for (const CommandWords& child : command.commands)
    each_command(child, path.empty() ? child.name : path + " " + child.name, visit);
}

std::string names_of(const CommandWords& command) {
  std::vector<std::string> names;
  for (const CommandWords& child : command.commands) names.push_back(child.name);
  return join(names, " ");
}

constexpr const char* kBashStart = R"sh(# bash completion for backout. Made by `backout completion bash`. Do not edit.

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
)sh";

std::string bash_script(const CommandWords& program) {
  std::string script(kBashStart), for_all, values, words, positionals;
  for (const OptionWords& option : program.options)
    if (option.has_value)
      for_all += fmt::format("    *:{}) kind='{}' ;;\n", join(option.names, " | *:"), kind_of(option.value));
  each_command(program, "", [&](const CommandWords& command, const std::string& path) {
    std::vector<std::string> options;
    for (const OptionWords& option : command.options) {
      options.insert(options.end(), option.names.begin(), option.names.end());
      if (option.has_value && !path.empty())
        for (const std::string& name : option.names)
          values += fmt::format("    '{}':{}) kind='{}' ;;\n", path, name, kind_of(option.value));
    }
    words += fmt::format("    '{}') commands='{}' options='{}' ;;\n", path, names_of(command), join(options, " "));
    for (size_t at = 0; at < command.positionals.size(); ++at)
      positionals += fmt::format("    '{}':{}) kind='{}' ;;\n", path, at, kind_of(command.positionals[at]));
  });
  std::string globals;
  for (const OptionWords& option : program.options) globals += (globals.empty() ? "" : " ") + join(option.names, " ");
  script += R"sh(
# What the value of an option is; the command's own options win over those of the program.
_backout_value() {
  case "$1:$2" in
)sh" + values +
            for_all +
            R"sh(    *) return 1 ;;
  esac
}

_backout_command() {
  case "$1" in
)sh" + words +
            R"sh(    *) return 1 ;;
  esac
}

_backout_positional() {
  case "$1:$2" in
)sh" + positionals +
            R"sh(    *) return 1 ;;
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
    COMPREPLY=($(compgen -W "$options )sh" +
            globals + R"sh(" -- "$cur"))
  elif [[ -n $commands ]]; then
    COMPREPLY=($(compgen -W "$commands" -- "$cur"))
  elif _backout_positional "$path" "$position"; then
    _backout_offer "$kind"
  fi
}
complete -F _backout backout
)sh";
  return script;
}

/// Text inside single quotes of zsh's _arguments and _describe, where ':' and '[' mean something.
std::string zsh_text(std::string text) {
  for (const char* special : {"\\", ":", "[", "]"})
    text = replaced(std::move(text), special, std::string("\\") + special);
  return replaced(std::move(text), "'", "'\\''");
}

std::string zsh_action(const Word& word) {
  const std::string kind = kind_of(word);
  if (kind.starts_with("choices:")) return "(" + kind.substr(8) + ")";
  if (kind == "file") return "_files";
  if (kind == "directory") return "_files -/";
  if (kind.starts_with("ask:")) return "_backout_ask " + kind.substr(4);
  return " ";
}

std::string zsh_option(const OptionWords& option) {
  std::string text;
  for (const std::string& name : option.names) {
    const std::string what = fmt::format("[{}]", zsh_text(option.doc));
    const std::string value =
        option.has_value ? fmt::format(":{}:{}", zsh_text(option.value.takes.empty() ? "value" : option.value.takes),
                                       zsh_action(option.value))
                         : "";
    text += fmt::format("    '*{}{}{}'\n", name, what, value);
  }
  return text;
}

std::string zsh_function(const CommandWords& command, const std::string& path) {
  const std::string name = "_backout" + (path.empty() ? "" : "_" + replaced(replaced(path, " ", "_"), "-", "_"));
  std::string body = name + "() {\n  local state\n  local -a arguments commands\n  arguments=(\n    $backout_globals\n";
  if (!path.empty())
    for (const OptionWords& option : command.options) body += zsh_option(option);
  for (size_t at = 0; at < command.positionals.size() && command.commands.empty(); ++at)
    body += fmt::format("    '{}::{}:{}'\n", at + 1, zsh_text(command.positionals[at].takes),
                        zsh_action(command.positionals[at]));
  if (command.commands.empty()) return body + "  )\n  _arguments -s $arguments\n}\n\n";
  body +=
      "    '1: :->command'\n    '*:: :->rest'\n  )\n  _arguments -s -C $arguments && return\n  case $state in\n    "
      "command)\n      commands=(\n";
  for (const CommandWords& child : command.commands)
    body += fmt::format("        '{}:{}'\n", child.name, zsh_text(child.doc));
  body += fmt::format(
      "      )\n      _describe command commands\n      ;;\n    rest) (( $+functions[{0}_${{words[1]//-/_}}] )) && "
      "{0}_${{words[1]//-/_}} ;;\n  esac\n}}\n\n",
      name);
  return body;
}

std::string zsh_script(const CommandWords& program) {
  std::string script = R"sh(#compdef backout
# zsh completion for backout. Made by `backout completion zsh`. Do not edit.

typeset -ga backout_globals
backout_globals=(
)sh";
  for (const OptionWords& option : program.options) script += zsh_option(option);
  script += R"sh()

# The words of a site: asked with the -f, -C, -e and --state that are on the line already.
_backout_ask() {
  local -a found
  found=(${(f)"$(_call_program backout backout ${(kv)opt_args[(I)(-f|-C|-e|--state)]} internal complete $1 2>/dev/null)"})
  compadd -a found
}

)sh";
  each_command(program, "",
               [&](const CommandWords& command, const std::string& path) { script += zsh_function(command, path); });
  script += "if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _backout \"$@\"; else compdef _backout backout; fi\n";
  return script;
}

std::string fish_text(std::string text) {
  return "'" + replaced(replaced(std::move(text), "\\", "\\\\"), "'", "\\'") + "'";
}

std::string fish_value(const Word& word) {
  const std::string kind = kind_of(word);
  if (kind.starts_with("choices:")) return " -x -a " + fish_text(kind.substr(8));
  if (kind == "file") return " -r -F";
  if (kind == "directory") return " -x -a '(__fish_complete_directories)'";
  if (kind.starts_with("ask:")) return fmt::format(" -x -a '(__backout_ask {})'", kind.substr(4));
  return " -x";
}

std::string fish_option(const OptionWords& option, const std::string& condition) {
  std::string line = "complete -c backout" + condition;
  for (const std::string& name : option.names)
    line += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
  line += " -d " + fish_text(option.doc);
  if (option.has_value) line += fish_value(option.value);
  return line + "\n";
}

std::string fish_script(const CommandWords& program) {
  std::string script = R"sh(# fish completion for backout. Made by `backout completion fish`. Do not edit.

# The words of a site: asked with the -f, -C, -e and --state that are on the line already.
function __backout_ask
    set -l words (commandline -opc)
    set -l where
    for at in (seq 2 (count $words))
        if contains -- $words[$at] -f -C -e --state; and test $at -lt (count $words)
            set -a where $words[$at] $words[(math $at + 1)]
        end
    end
    $words[1] $where internal complete $argv[1] 2>/dev/null
end

complete -c backout -f
)sh";
  for (const OptionWords& option : program.options) script += fish_option(option, "");
  each_command(program, "", [&](const CommandWords& command, const std::string& path) {
    std::string here;
    for (const std::string& word : path.empty() ? std::vector<std::string>() : split(path, ' '))
      here += (here.empty() ? "" : "; and ") + std::string("__fish_seen_subcommand_from ") + word;
    const std::string names = names_of(command);
    if (path.empty()) here = "not __fish_seen_subcommand_from " + names;
    const std::string condition = " -n " + fish_text(here);
    for (const CommandWords& child : command.commands)
      script += fmt::format(
          "complete -c backout -n {} -a {} -d {}\n",
          fish_text(path.empty() ? here : fmt::format("{}; and not __fish_seen_subcommand_from {}", here, names)),
          child.name, fish_text(child.doc));
    if (path.empty()) return;
    for (const OptionWords& option : command.options) script += fish_option(option, condition);
    for (const Word& word : command.positionals)
      if (kind_of(word) != "nothing") script += "complete -c backout" + condition + fish_value(word) + "\n";
  });
  return script;
}

}  // namespace

Result<std::string> completion_script(const CommandWords& program, const std::string& shell) {
  if (shell == "bash") return bash_script(program);
  if (shell == "zsh") return zsh_script(program);
  if (shell == "fish") return fish_script(program);
  return Error{Code::kInvalid, "there is no completion for '" + shortened(one_line(shell), 40) + "'",
               "known: bash, zsh, fish"};
}

}  // namespace backout::cli
