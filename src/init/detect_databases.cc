// Databases that the project names, and dumps of them that lie about. A URL of a database holds a password: only what
// kind it is of is ever taken from it.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "init/detect.h"
#include "init/source.h"
#include "init/words.h"

namespace backout::init {
namespace {

constexpr std::string_view kServers[] = {"postgres", "mysql", "mariadb", "mongodb", "sqlserver", "oracle"};

/// `path` of a configuration as a path of the host. Relative ones start in the code; shared files are followed to
/// where they really lie.
std::string placed(const Facts& facts, std::string path) {
  while (path.starts_with("./")) path.erase(0, 2);
  if (path.empty() || path.find_first_of("{}%$<>*?") != std::string::npos) return "";
  if (path.starts_with('/')) return path;
  const std::string inside = facts.code + "/" + path;
  for (const Found& found : facts.databases)
    if (found.path == inside) return inside;
  for (const Found& found : facts.databases)
    if (base_name(found.path) == base_name(path)) return found.path;
  return facts.has_current ? "" : inside;
}

void sqlite_at(const Facts& facts, Draft& draft, const std::string& path, const std::string& where) {
  if (path.empty() || path.find(":memory:") != std::string::npos) return;
  take(draft.sqlite, placed(facts, path), where);
}

/// A URL or the value of an ENGINE: which kind of database is it?
void database_of(const Facts& facts, Draft& draft, const std::string& said, const std::string& where) {
  for (const char* scheme : {"sqlite3:", "sqlite:", "file:"})
    if (said.starts_with(scheme)) {
      std::string path = said.substr(std::string_view(scheme).size());
      path = path.substr(0, path.find('?'));
      // sqlite:///relative.db and sqlite:////absolute.db, as SQLAlchemy and dj-database-url have it.
      if (path.starts_with("////"))
        path.erase(0, 3);
      else if (path.starts_with("///"))
        path.erase(0, 3);
      return sqlite_at(facts, draft, path, where);
    }
  for (const std::string_view server : kServers)
    if (said.find(server) != std::string::npos && said.size() < 2000)
      return take(draft.other_database, std::string(server == "postgres" ? "postgresql" : server), where);
}

void detect_settings(const Facts& facts, Draft& draft, const std::string& path, const std::string& text) {
  const size_t begin = text.find("DATABASES");
  if (begin == std::string::npos) return;
  const size_t engine = text.find("ENGINE", begin);
  if (engine == std::string::npos) return;
  const std::string kind = quoted_after(text, text.find(':', engine));
  if (kind.find("sqlite") == std::string::npos) return database_of(facts, draft, kind, path + ": DATABASES");
  const size_t name = text.find("NAME", engine);
  if (name == std::string::npos) return;
  const size_t colon = text.find(':', name);
  const std::string_view line = std::string_view(text).substr(colon, text.find('\n', colon) - colon);
  std::string file;
  for (size_t at = 0; (at = line.find_first_of("'\"", at)) != std::string_view::npos;) {
    const std::string word = quoted_after(line, at);
    if (word.find('.') != std::string::npos || word.find('/') != std::string::npos)
      file += (file.empty() || file.ends_with('/') ? "" : "/") + word;
    at += word.size() + 2;
  }
  sqlite_at(facts, draft, file, path + ": DATABASES");
}

void detect_database_yml(const Facts& facts, Draft& draft) {
  const std::string* text = project_text(facts, "config/database.yml");
  if (text == nullptr) return;
  std::string adapter, file, shared_adapter;
  bool production = false;
  for (const std::string_view line : lines_of(*text)) {
    if (!line.empty() && line.front() != ' ' && line.front() != '#') production = line.starts_with("production");
    const std::string_view plain = trimmed(line);
    const auto value = [&] { return std::string(trimmed(plain.substr(plain.find(':') + 1))); };
    if (plain.starts_with("adapter:")) (production ? adapter : shared_adapter) = value();
    if (production && plain.starts_with("database:")) file = words_of(value()).empty() ? "" : words_of(value()).front();
    if (production && plain.starts_with("url:")) adapter = "url";
  }
  if (adapter.empty()) adapter = shared_adapter;
  if (adapter.starts_with("sqlite"))
    sqlite_at(facts, draft, file, "config/database.yml: production");
  else
    database_of(facts, draft, adapter, "config/database.yml: production");
}

/// Environment= of the units of the project, as an environment file would say it.
std::string environment_of(const Facts& facts, const FileFact& unit) {
  std::string text;
  if (mentions(facts, unit.text))
    for (const Section& section : parse_ini(unit.text))
      for (const std::string& words : section.all("Environment"))
        for (const std::string& word : words_of(words)) text += replaced(word, "\n", " ") + "\n";
  return text;
}

void detect_variables(const Facts& facts, Draft& draft) {
  const auto from = [&](const std::string& text, const std::string& where) {
    for (const auto& [name, value] : parse_environment(text))
      if (name.ends_with("DATABASE_URL") || name.ends_with("DB_URL") || name == "DATABASE" ||
          name.ends_with("DB_PATH") || name.ends_with("SQLITE_PATH") || name.ends_with("DB_FILE")) {
        const bool is_path = value.starts_with('/') || value.ends_with(".db") || value.ends_with(".sqlite3");
        if (is_path)
          sqlite_at(facts, draft, value, fmt::format("{}: {}", where, name));
        else
          database_of(facts, draft, value, fmt::format("{}: {} (its value is not copied)", where, name));
      }
  };
  for (const FileFact& file : facts.environment) from(file.text, file.path);
  for (const FileFact& unit : facts.systemd) from(environment_of(facts, unit), unit.path);
  for (const ProcessFacts& process : facts.processes)
    for (const std::string& word : process.argv)
      if (word.starts_with('/') && (word.ends_with(".db") || word.ends_with(".sqlite3") || word.ends_with(".sqlite")))
        sqlite_at(facts, draft, word, "the command line of a process of the project");
  for (const auto& [path, text] : facts.project)
    if (base_name(path) == ".env") from(text, path);
}

}  // namespace

void detect_databases(const Facts& facts, Draft& draft) {
  detect_variables(facts, draft);
  for (const auto& [path, text] : facts.project)
    if (is_settings(path)) detect_settings(facts, draft, path, text);
  detect_database_yml(facts, draft);
  for (const auto& [path, text] : facts.project)
    for (const char* sign : {"filename:", "SQLALCHEMY_DATABASE_URI", "sqlite3.connect(", "sqlite3.Database(",
                             "sql.Open(\"sqlite", "sqlite3_open", "DATABASE_URL"}) {
      const size_t at = text.find(sign);
      if (at == std::string::npos || is_settings(path) || base_name(path) == ".env") continue;
      std::string word = quoted_after(text, at + std::string_view(sign).size());
      if (word.starts_with("sqlite") && std::string_view(sign).starts_with("sql.Open"))
        word = quoted_after(text, text.find(',', at));
      if (word.find("://") != std::string::npos)
        database_of(facts, draft, word, path);
      else if (word.find(".db") != std::string::npos || word.find(".sqlite") != std::string::npos)
        sqlite_at(facts, draft, word, path);
    }
  if (draft.sqlite.empty() && draft.other_database.empty() && facts.databases.size() == 1)
    take(draft.sqlite, facts.databases.front().path, "an SQLite file there");
  else if (draft.sqlite.empty() && facts.databases.size() > 1)
    for (const Found& found : facts.databases)
      draft.remarks.push_back(fmt::format("an SQLite file, one of several: {}", found.path));
  if (draft.sqlite.empty()) return;
  const auto seen = std::find_if(facts.databases.begin(), facts.databases.end(),
                                 [&](const Found& found) { return found.path == draft.sqlite.value; });
  if (seen != facts.databases.end())
    draft.left_tables = seen->bookkeeping;
  else if (draft.kind == "Django")  // it was not looked into; every one of theirs has these
    draft.left_tables = {"django_migrations"};
  else if (draft.kind == "Rails")
    draft.left_tables = {"schema_migrations", "ar_internal_metadata"};
}

void detect_dumps(const Facts& facts, Draft& draft) {
  std::map<std::string, int> by_directory;
  for (const Found& dump : facts.dumps) by_directory[parent_of(dump.path)] += 1;
  const auto most = std::max_element(by_directory.begin(), by_directory.end(),
                                     [](const auto& a, const auto& b) { return a.second < b.second; });
  if (most == by_directory.end()) return;
  take(draft.backups, most->first, fmt::format("{} there", counted(most->second, "dump")));
}

}  // namespace backout::init
