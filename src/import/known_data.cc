// Databases, migrations, backups and checks, by the words of one command.
#include <algorithm>

#include "base/text.h"
#include "import/known.h"

namespace backout::import {
namespace {

using Words = std::vector<std::string>;

struct Command {
  const Words& words;
  std::string program;

  bool has(std::string_view word) const { return std::find(words.begin(), words.end(), word) != words.end(); }
  std::string after(std::string_view option) const {
    const auto at = std::find(words.begin(), words.end(), option);
    return at != words.end() && at + 1 != words.end() ? *(at + 1) : std::string();
  }
  bool mentions(std::string_view part) const {
    return std::any_of(words.begin(), words.end(),
                       [&](const std::string& word) { return word.find(part) != std::string::npos; });
  }
};

Meaning known(To to, Phase phase, bool looks = false) {
  Meaning meaning;
  meaning.to = to;
  meaning.phase = phase;
  meaning.looks = looks;
  return meaning;
}

std::string small(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

std::string directory_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos || slash == 0 ? path : path.substr(0, slash);
}

/// host=..., user=... and the name of the database, from the options of a client of PostgreSQL.
void name_database(const Command& command, size_t from, Meaning& meaning) {
  std::string server;
  for (size_t at = from; at < command.words.size(); ++at) {
    const std::string& word = command.words[at];
    if (word == "|" || word == ">" || word == "<") break;
    const std::string next = at + 1 < command.words.size() ? command.words[at + 1] : "";
    if (word == "-h" || word == "--host")
      server += " host=" + next, ++at;
    else if (word == "-p" || word == "--port")
      server += " port=" + next, ++at;
    else if (word == "-U" || word == "--username")
      server += " user=" + next, ++at;
    else if (word == "-d" || word == "--dbname")
      meaning.database = next, ++at;
    else if (word == "-c" || word == "-f" || word == "-F" || word == "-j" || word == "-n" || word == "-t")
      ++at;
    else if (!word.starts_with('-') && meaning.database.empty())
      meaning.database = word;
  }
  meaning.server = std::string(trimmed(server));
}

std::optional<Meaning> of_postgresql(const Command& command) {
  static constexpr std::string_view kDumps[] = {"pg_dump",   "pg_dumpall",    "mysqldump",
                                                "mongodump", "pg_basebackup", "xtrabackup"};
  static constexpr std::string_view kRestores[] = {"pg_restore", "createdb", "dropdb", "mongorestore"};
  for (size_t at = 0; at < command.words.size(); ++at) {
    std::string word = command.words[at];
    if (at > 0 && command.words[at - 1] == "<") continue;
    if (const size_t slash = word.rfind('/'); slash != std::string::npos) word = word.substr(slash + 1);
    if (std::find(std::begin(kDumps), std::end(kDumps), word) != std::end(kDumps)) {
      Meaning meaning = known(To::kDatabase, Phase::kPrepare);
      if (word == "pg_dump") name_database(command, at + 1, meaning);
      return meaning;
    }
    if (std::find(std::begin(kRestores), std::end(kRestores), word) != std::end(kRestores)) {
      if (command.has("--list") || command.has("-l")) return known(To::kBackups, Phase::kPrepare, true);
      Meaning meaning = known(To::kDatabase, Phase::kSwitch);
      if (word == "pg_restore" && !command.after("-d").empty()) name_database(command, at + 1, meaning);
      return meaning;
    }
    if (word != "psql" && word != "mysql") continue;
    const std::string said = small(command.after("-c") + command.after("--command") + command.after("-e"));
    const bool reads = said.starts_with("select") || said.starts_with("\\") || said.starts_with("show");
    Meaning meaning = known(To::kDatabase, reads ? Phase::kCheck : Phase::kSwitch, reads);
    if (word == "psql") name_database(command, at + 1, meaning);
    return meaning;
  }
  return std::nullopt;
}

std::optional<Meaning> of_migrations(const Command& command) {
  const auto migrating = [](std::string tool, bool looks) {
    Meaning meaning = known(To::kMigrations, looks ? Phase::kCheck : Phase::kSwitch, looks);
    meaning.migrator = std::move(tool);
    return meaning;
  };
  const std::string line = " " + join(command.words, " ") + " ";
  const auto said = [&](std::string_view words) { return line.find(words) != std::string::npos; };
  if (said("manage.py ")) {
    const size_t at = line.find("manage.py ");
    const std::string manage(trimmed(line.substr(0, at + 9)));
    Meaning meaning;
    if (said(" migrate "))
      meaning = migrating("django", false);
    else if (said(" showmigrations"))
      meaning = migrating("django", true);
    else if (said(" dumpdata "))
      meaning = known(To::kDatabase, Phase::kPrepare);
    else if (said(" loaddata "))
      meaning = known(To::kDatabase, Phase::kSettle);
    else if (said(" shell ") || said(" dbshell ") || said(" shell_plus "))
      meaning =
          command.has("-c") ? known(To::kChecks, Phase::kCheck, true) : known(To::kDatabase, Phase::kPrepare, true);
    else if (said(" check "))
      meaning = known(To::kChecks, Phase::kCheck, true);
    else
      return std::nullopt;
    meaning.manage = manage;
    return meaning;
  }
  if (said("prisma migrate") || said("prisma db ")) return migrating("prisma", said(" status "));
  if (said("knex migrate")) return migrating("knex", said(":status") || said(":list"));
  if (said("db:rollback") || said("db:migrate")) return migrating("rails", said("db:migrate:status"));
  if (command.program == "alembic")
    return migrating("alembic", said(" current ") || said(" history ") || said(" heads "));
  for (const char* tool : {"flyway", "liquibase", "goose", "dbmate", "sequelize", "typeorm", "migrate:rollback",
                           "sequelize-cli", " migrate down", " migrate-down", "ef database update", "migration:revert",
                           "drizzle-kit", "migrate:status", "artisan migrate"})
    if (said(tool)) return migrating("", said(" status") || said(":status") || said(" info "));
  return std::nullopt;
}

bool is_about_backups(const Command& command) {
  for (const char* part : {"backup", "dump", ".sql", "snapshot"})
    if (command.mentions(part)) return true;
  return false;
}

std::optional<Meaning> of_files(const Command& command) {
  static constexpr std::string_view kLooks[] = {"ls",     "cat",       "head", "stat",   "file", "du",
                                                "df",     "find",      "grep", "wc",     "less", "more",
                                                "md5sum", "sha256sum", "zcat", "gunzip", "tree", "diff"};
  const bool looks = std::find(std::begin(kLooks), std::end(kLooks), command.program) != std::end(kLooks);
  if (command.program == "gunzip" && !command.has("-t")) return std::nullopt;
  if (looks && is_about_backups(command) && !command.has("-delete")) {
    Meaning meaning = known(To::kBackups, Phase::kPrepare, true);
    for (const std::string& word : command.words)
      if (word.starts_with('/') && command.program == "ls") meaning.directory = directory_of(word);
    return meaning;
  }
  if (command.program == "grep" && command.mentions(".log")) return known(To::kChecks, Phase::kCheck, true);
  if (looks && command.program != "gunzip" && command.program != "zcat" && !command.has("-delete") &&
      !command.has(">")) {
    Meaning meaning;  // what it is for says the section
    meaning.looks = true;
    return meaning;
  }
  // A script of the team's that restores a database.
  const std::string program = small(command.program);
  if (program.find("restore") != std::string::npos &&
      (program.find("db") != std::string::npos || program.find("database") != std::string::npos ||
       is_about_backups(command)))
    return known(To::kDatabase, Phase::kSwitch);
  if (program.find("backup") != std::string::npos && command.words.front().find('/') != std::string::npos)
    return known(To::kDatabase, Phase::kPrepare);
  return std::nullopt;
}

std::optional<Meaning> of_logs(const Command& command) {
  Meaning meaning = known(To::kChecks, Phase::kCheck, true);
  if (command.program == "journalctl") {
    meaning.unit = command.after("-u");
    if (meaning.unit.empty()) meaning.unit = command.after("--unit");
    if (meaning.unit.empty())
      for (const std::string& word : command.words)
        if (word.starts_with("-u") && word.size() > 2) meaning.unit = word.substr(2);
    return meaning;
  }
  if (command.program == "watch") {
    meaning = known(To::kWatch, Phase::kSettle, true);
    return meaning;
  }
  if (command.program != "tail" && !(command.program == "less" && command.mentions(".log"))) return std::nullopt;
  for (const std::string& word : command.words) {
    if (word == "|") break;
    if (word.starts_with('/')) meaning.log = word;
  }
  return meaning;
}

std::optional<Meaning> of_requests(const Command& command) {
  if (command.program != "curl" && command.program != "wget" && command.program != "http" &&
      command.program != "https" && command.program != "Invoke-WebRequest" && command.program != "ab" &&
      command.program != "hey" && command.program != "nc" && command.program != "pg_isready" &&
      command.program != "dig" && command.program != "nslookup" && command.program != "ping")
    return std::nullopt;
  std::string method = command.after("-X");
  if (method.empty()) method = command.after("--request");
  for (const char* joined : {"-XPOST", "-XPUT", "-XPATCH", "-XDELETE"})
    if (command.has(joined)) method = joined + 2;
  const bool sends = command.has("-d") || command.has("--data") || command.has("--data-raw") || command.has("-F");
  Meaning meaning = known(To::kChecks, Phase::kCheck, true);
  if ((!method.empty() && method != "GET" && method != "HEAD") || (sends && method != "GET")) {
    meaning.to = To::kCommands;
    meaning.phase.reset();
    meaning.looks = false;
    return meaning;
  }
  meaning.head = command.has("-I") || command.has("--head") || method == "HEAD";
  for (const std::string& word : command.words) {
    if (word == "|" || word == ">") break;
    if (word.starts_with("http://") || word.starts_with("https://")) meaning.url = word;
    if (word.starts_with("-H") || word == "--header" || word == "-u" || word == "--resolve")
      meaning.head = meaning.head;
  }
  return meaning;
}

}  // namespace

std::optional<Meaning> meaning_of_data(const std::vector<std::string>& words) {
  const std::string first = words.front();
  const size_t slash = first.rfind('/');
  const Command command{words, slash == std::string::npos ? first : first.substr(slash + 1)};
  if (auto meaning = of_logs(command)) return meaning;
  if (auto meaning = of_migrations(command)) return meaning;
  if (auto meaning = of_postgresql(command)) return meaning;
  if (auto meaning = of_requests(command)) return meaning;
  if (command.program == "docker" || command.program == "docker-compose" || command.program == "kubectl")
    return std::nullopt;
  return of_files(command);
}

}  // namespace backout::import
