#include "import/known.h"

#include <algorithm>
#include <map>

#include "base/text.h"
#include "import/commands.h"

namespace backout::import {
namespace {

using Words = std::vector<std::string>;

bool has_word(const Words& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}
std::string word_at(const Words& words, size_t at) { return at < words.size() ? words[at] : std::string(); }

/// A name of a program without the directory it lies in.
std::string program_of(const Words& words) {
  const std::string first = word_at(words, 0);
  const size_t slash = first.rfind('/');
  return slash == std::string::npos ? first : first.substr(slash + 1);
}

Meaning made(To to, std::optional<Phase> phase, bool looks = false) {
  Meaning meaning;
  meaning.to = to;
  meaning.phase = phase;
  meaning.looks = looks;
  return meaning;
}

/// Words that are no options, from `from` on, up to what joins commands.
Words plain_words(const Words& words, size_t from) {
  Words plain;
  for (size_t at = from; at < words.size(); ++at) {
    if (words[at] == "|" || words[at] == "<" || words[at] == ">" || words[at] == ">>" || words[at] == "&") break;
    if (!words[at].starts_with('-')) plain.push_back(words[at]);
  }
  return plain;
}

Meaning of_service(const std::string& form, const std::string& verb, Words names) {
  static const std::map<std::string_view, Phase> phases = {{"stop", Phase::kClose},
                                                           {"start", Phase::kStart},
                                                           {"restart", Phase::kStart},
                                                           {"reload", Phase::kStart},
                                                           {"status", Phase::kCheck},
                                                           {"is-active", Phase::kCheck},
                                                           {"list", Phase::kCheck},
                                                           {"ls", Phase::kCheck},
                                                           {"delete", Phase::kClose},
                                                           {"try-restart", Phase::kStart},
                                                           {"reload-or-restart", Phase::kStart}};
  const auto phase = phases.find(verb);
  if (phase == phases.end()) return made(To::kCommands, std::nullopt);
  Meaning meaning = made(To::kServices, phase->second, phase->second == Phase::kCheck);
  meaning.form = form;
  meaning.verb = verb;
  if (!(names.size() == 1 && names[0] == "all")) meaning.names = std::move(names);
  return meaning;
}

std::optional<Meaning> of_keeper(const Words& words) {
  const std::string program = program_of(words);
  const Words plain = plain_words(words, 1);
  const auto after_verb = [&] { return plain.size() > 1 ? Words(plain.begin() + 1, plain.end()) : Words(); };
  if (program == "systemctl") {
    const std::string verb = word_at(plain, 0);
    Words names = after_verb();
    const bool nginx = names.size() == 1 && (names[0] == "nginx" || names[0] == "nginx.service");
    if (verb == "daemon-reload" || verb == "reset-failed") return made(To::kServices, Phase::kStart);
    if (nginx && verb == "reload") return made(To::kCommands, Phase::kSwitch);
    return of_service("systemd", verb, std::move(names));
  }
  if (program == "service" && plain.size() >= 2) return of_service("systemd", plain[1], {plain[0]});
  if (program == "supervisorctl") return of_service("supervisor", word_at(plain, 0), after_verb());
  if (program == "pm2") {
    const std::string verb = word_at(plain, 0);
    if (verb == "logs") return made(To::kChecks, Phase::kCheck, true);
    if (verb == "save") return made(To::kServices, Phase::kStart);
    Words names = after_verb();
    if (names.size() > 1) names.resize(1);
    return of_service("pm2", verb, std::move(names));
  }
  return std::nullopt;
}

std::optional<Meaning> of_git(const Words& words) {
  if (program_of(words) != "git") return std::nullopt;
  Words plain = plain_words(words, 1);
  Meaning meaning = made(To::kCode, Phase::kSwitch);
  if (word_at(words, 1) == "-C") {
    meaning.directory = word_at(words, 2);
    if (!plain.empty()) plain.erase(plain.begin());
  }
  const std::string verb = word_at(plain, 0);
  for (const char* look : {"log", "tag", "show", "branch", "rev-parse", "describe", "reflog", "rev-list", "ls-remote",
                           "for-each-ref", "remote", "bisect"})
    if (verb == look) return made(To::kVersion, Phase::kPrepare, true);
  if (verb == "status" || verb == "diff") return made(To::kCode, Phase::kCheck, true);
  if (verb == "fetch") meaning.phase = Phase::kPrepare;
  return meaning;
}

std::optional<Meaning> of_build(const Words& words) {
  const std::string program = program_of(words), verb = word_at(words, 1), third = word_at(words, 2);
  const auto build = [] { return made(To::kBuild, Phase::kSwitch); };
  const bool install = verb == "install" || verb == "ci" || verb == "build" || verb == "i" || verb == "sync";
  if ((program == "npm" || program == "yarn" || program == "pnpm" || program == "bun") &&
      (install || program == "yarn" || (verb == "run" && third.starts_with("build"))) && verb != "start")
    return build();
  if ((program == "pip" || program == "pip3" || program == "poetry" || program == "pipenv" || program == "uv" ||
       program == "composer" || program == "bundle") &&
      (install || verb == "dump-autoload") && verb != "exec")
    return build();
  if ((program == "python" || program == "python3") && verb == "-m" && (third == "pip" || third == "venv"))
    return build();
  if (has_word(words, "collectstatic") || has_word(words, "assets:precompile") || has_word(words, "compilemessages"))
    return build();
  if (program == "mvn" || program == "gradle" || program == "gradlew" || (program == "cargo" && verb == "build") ||
      (program == "go" && verb == "build") || (program == "dotnet" && (verb == "build" || verb == "publish")))
    return build();
  if (program == "make" && (words.size() == 1 || verb == "build" || verb == "all" || verb == "install")) return build();
  if (program == "make" && verb.find("deploy") != std::string::npos) {
    Meaning meaning = made(To::kCode, Phase::kSwitch);
    meaning.verb = "deploy";
    return meaning;
  }
  return std::nullopt;
}

/// "sudo -u deploy env A=b ..." off; what stood there into `user`.
Words bare(Words words, std::string& user) {
  bool again = true;
  while (again && !words.empty()) {
    again = false;
    const std::string first = words.front();
    size_t drop = 0;
    if (first == "sudo") {
      drop = 1;
      while (drop < words.size() && words[drop].starts_with('-')) {
        if ((words[drop] == "-u" || words[drop] == "--user") && drop + 1 < words.size()) user = words[++drop];
        ++drop;
      }
    } else if (first == "nohup" || first == "time" || first == "env" || first == "exec" || first == "command") {
      drop = 1;
    } else if (is_assignment(first) && words.size() > 1 && first.find('=') != std::string::npos) {
      drop = 1;
    }
    if (drop > 0) {
      words.erase(words.begin(), words.begin() + static_cast<long>(std::min(drop, words.size())));
      again = true;
    }
  }
  return words;
}

Meaning of_one(Words words) {
  std::string user;
  words = bare(std::move(words), user);
  if (words.empty()) return made(To::kUnplaced, std::nullopt);
  const std::string program = program_of(words);
  Meaning meaning;
  if (program == "cd" || program == "pushd") {
    meaning.context = true;
    meaning.directory = word_at(words, 1);
  } else if (program == "echo" || program == "printf" || program == "source" || program == "." || program == "set" ||
             program == "true" || program == "popd" || program == "exit" || program == "sleep") {
    meaning.context = true;
  } else if (auto keeper = of_keeper(words)) {
    meaning = *std::move(keeper);
  } else if (auto git = of_git(words)) {
    meaning = *std::move(git);
  } else if (auto data = meaning_of_data(words)) {
    meaning = *std::move(data);
  } else if (auto build = of_build(words)) {
    meaning = *std::move(build);
  } else if (auto platform = meaning_of_platform(words)) {
    meaning = *std::move(platform);
  }
  meaning.user = user;
  return meaning;
}

Meaning of_assignment(std::string_view line) {
  line = trimmed(line);
  if (line.starts_with("export ")) line = trimmed(line.substr(7));
  Meaning meaning = made(To::kSet, std::nullopt);
  const size_t equals = line.find('=');
  meaning.assigned = line.substr(0, equals);
  std::string_view value = line.substr(equals + 1);
  if (const size_t comment = value.find(" #"); comment != std::string_view::npos) value = value.substr(0, comment);
  value = trimmed(value);
  if (value.size() >= 2 && (value.front() == '"' || value.front() == '\'') && value.back() == value.front())
    value = value.substr(1, value.size() - 2);
  meaning.value = value;
  return meaning;
}

}  // namespace

Meaning meaning_of(const std::string& command, const std::string& language) {
  if (language == "sql" || language == "psql" || language == "postgresql") {
    Meaning meaning = made(To::kDatabase, Phase::kSwitch);
    meaning.looks = command.starts_with("SELECT") || command.starts_with("select") || command.starts_with('\\');
    if (meaning.looks) meaning.phase = Phase::kCheck;
    return meaning;
  }
  if (is_assignment(command)) return of_assignment(command);
  if (command.starts_with(">>>")) return made(To::kDatabase, std::nullopt, true);
  const Words all = shell_words(command, 400);
  static constexpr std::string_view kKeywords[] = {"for", "while", "until", "if", "case", "function"};
  if (all.empty() || std::find(std::begin(kKeywords), std::end(kKeywords), all[0]) != std::end(kKeywords) ||
      all[0].ends_with("()"))
    return made(To::kUnplaced, std::nullopt);
  Meaning whole;
  bool first = true;
  for (size_t at = 0; at < all.size();) {
    size_t end = at;
    while (end < all.size() && all[end] != "&&" && all[end] != ";" && all[end] != "||") ++end;
    const Meaning one = of_one(Words(all.begin() + static_cast<long>(at), all.begin() + static_cast<long>(end)));
    at = end + 1;
    if (first || (whole.context && !one.context)) {
      const std::string directory = whole.directory;
      whole = one;
      if (whole.directory.empty()) whole.directory = directory;
    } else if (!one.context && one.to != whole.to) {
      return made(To::kCommands, std::nullopt, whole.looks && one.looks);
    } else if (!one.context && one.to == To::kServices && one.verb != whole.verb) {
      return made(To::kServices, Phase::kStart);
    }
    first = false;
  }
  return whole;
}

std::string_view name_of(To to) {
  switch (to) {
    case To::kDoor: return "door";
    case To::kServices: return "services";
    case To::kCode: return "code";
    case To::kBuild: return "build";
    case To::kDatabase: return "database";
    case To::kBackups: return "backups";
    case To::kMigrations: return "migrations";
    case To::kChecks: return "checks";
    case To::kAsk: return "ask";
    case To::kCommands: return "commands";
    case To::kWatch: return "watch";
    case To::kVersion: return "version";
    case To::kSet: return "set";
    case To::kHosts: return "hosts";
    case To::kHand: return "hand";
    case To::kStop: return "stop";
    case To::kRules: return "rules";
    case To::kPeople: return "people";
    case To::kReport: return "report";
    case To::kMessage: return "message";
    case To::kNote: return "note";
    case To::kRepeat: return "repeat";
    case To::kText: return "text";
    case To::kUnplaced: return "not placed";
  }
  return "not placed";
}

}  // namespace backout::import
