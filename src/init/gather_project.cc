#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "init/gather_parts.h"
#include "init/words.h"

namespace backout::init {
namespace {

namespace fs = std::filesystem;
constexpr size_t kMostNames = 8000;
constexpr int kDeepest = 7;

bool is_skipped(const std::string& name) {
  static const std::set<std::string> kSkipped = {".git",
                                                 "node_modules",
                                                 "__pycache__",
                                                 ".tox",
                                                 ".venv",
                                                 "venv",
                                                 "env",
                                                 "virtualenv",
                                                 ".mypy_cache",
                                                 "target",
                                                 ".hg",
                                                 ".svn",
                                                 "bower_components",
                                                 ".next",
                                                 ".cache",
                                                 "releases",
                                                 "coverage",
                                                 "tmp"};
  return kSkipped.contains(name);
}

bool is_worth_reading(const std::string& path) {
  static constexpr std::string_view kEndings[] = {".py", ".js", ".mjs", ".cjs", ".ts",   ".rb",  ".go",
                                                  ".c",  ".cc", ".cpp", ".ru",  ".toml", ".cfg", ".prisma"};
  static const std::set<std::string> kWorthReading = {"package.json",
                                                      "Gemfile",
                                                      "Gemfile.lock",
                                                      "Makefile",
                                                      "Procfile",
                                                      "VERSION",
                                                      "version.txt",
                                                      "REVISION",
                                                      ".env",
                                                      "database.yml",
                                                      "pm2.json",
                                                      "process.json",
                                                      "ecosystem.json",
                                                      "ecosystem.config.json",
                                                      "docker-compose.yml",
                                                      "docker-compose.yaml",
                                                      "compose.yml",
                                                      "compose.yaml",
                                                      "go.mod"};
  return kWorthReading.contains(base_name(path)) ||
         std::any_of(std::begin(kEndings), std::end(kEndings),
                     [&](std::string_view end) { return path.ends_with(end); });
}

class Walk {
 public:
  Walk(Eyes& eyes, Facts& facts) : eyes_(eyes), facts_(facts) {}

  void directory(const std::string& below, int depth) {
    for (const std::string& name : eyes_.names(facts_.code + "/" + below)) {
      if (facts_.tree.size() >= kMostNames) return;
      const std::string path = below + name, full = facts_.code + "/" + path;
      const bool is_link = !Eyes::link(full).empty();
      if (!eyes_.is_directory(full)) {
        facts_.tree.push_back(path);
        if (is_worth_reading(path)) read(path);
        continue;
      }
      facts_.tree.push_back(path + "/");
      if (eyes_.is_file(full + "/pyvenv.cfg")) {
        facts_.tree.push_back(path + "/pyvenv.cfg");
        read(path + "/pyvenv.cfg");
      } else if (!is_link && !is_skipped(name) && depth < kDeepest) {
        directory(path + "/", depth + 1);
      }
    }
  }

 private:
  void read(const std::string& path) {
    if (auto text = eyes_.text(facts_.code + "/" + path, 200U << 10)) facts_.project[path] = std::move(*text);
  }
  Eyes& eyes_;
  Facts& facts_;
};

std::string trimmed_line(std::string text) {
  text = text.substr(0, text.find('\n'));
  while (!text.empty() && (text.back() == ' ' || text.back() == '\r')) text.pop_back();
  return text;
}

void tags_below(Eyes& eyes, const std::string& directory, const std::string& prefix, std::set<std::string>& tags,
                int depth) {
  if (depth > 4 || !eyes.is_directory(directory)) return;
  for (const std::string& name : eyes.names(directory)) {
    if (tags.size() > 5000) return;
    if (eyes.is_directory(directory + "/" + name))
      tags_below(eyes, directory + "/" + name, prefix + name + "/", tags, depth + 1);
    else
      tags.insert(prefix + name);
  }
}

constexpr std::string_view kDumps[] = {".sql",  ".sql.gz", ".sql.xz", ".sql.zst",   ".sql.bz2",
                                       ".dump", ".pgdump", ".backup", ".sqlite3.gz"};
constexpr std::string_view kDatabases[] = {".db", ".sqlite", ".sqlite3"};

template <size_t kCount>
bool ends_in(const std::string& name, const std::string_view (&endings)[kCount]) {
  return std::any_of(std::begin(endings), std::end(endings), [&](std::string_view end) { return name.ends_with(end); });
}

Found found_at(const std::string& path) {
  std::error_code failure;
  Found found{path};
  found.size = fs::file_size(path, failure);
  const auto when = fs::last_write_time(path, failure);
  if (!failure)
    found.age_s = std::chrono::duration_cast<std::chrono::seconds>(fs::file_time_type::clock::now() - when).count();
  return found;
}

constexpr std::string_view kBookkeeping[] = {
    "django_migrations",    "schema_migrations", "ar_internal_metadata", "alembic_version",  "knex_migrations",
    "knex_migrations_lock", "SequelizeMeta",     "_prisma_migrations",   "goose_db_version", "flyway_schema_history"};

/// The beginning of a file, where SQLite keeps the words by which tables were made; empty when it is none of its files.
std::string head_of_sqlite(const std::string& path) {
  std::string head(1U << 20, '\0');
  const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path.c_str(), "rbe"), std::fclose);
  head.resize(file ? std::fread(head.data(), 1, head.size(), file.get()) : 0);
  return head.starts_with("SQLite format 3") ? head : "";
}

/// Which of the tables known as some tool's bookkeeping were made in it.
std::vector<std::string> bookkeeping_in(const std::string& head) {
  std::vector<std::string> found;
  for (const std::string_view table : kBookkeeping)
    for (const char* quote : {"", "\"", "`", "IF NOT EXISTS ", "IF NOT EXISTS \""}) {
      const size_t at = head.find(fmt::format("CREATE TABLE {}{}", quote, table));
      if (at == std::string::npos) continue;
      const char after = head[std::min(head.size() - 1, head.find(table, at) + table.size())];
      if (std::isalnum(static_cast<unsigned char>(after)) == 0 && after != '_') {
        found.emplace_back(table);
        break;
      }
    }
  return found;
}

/// Takes it up unless it is known, or is no SQLite file.
void take_database(const std::string& path, Facts& facts) {
  const bool known =
      std::any_of(facts.databases.begin(), facts.databases.end(), [&](const Found& each) { return each.path == path; });
  const std::string head = known ? "" : head_of_sqlite(path);
  if (head.empty()) return;
  facts.databases.push_back(found_at(path));
  facts.databases.back().bookkeeping = bookkeeping_in(head);
}

void look_for(Eyes& eyes, const std::string& directory, const std::string& must_mention, int depth, Facts& facts,
              bool databases) {
  if (depth > 3 || !eyes.is_directory(directory)) return;
  for (const std::string& name : eyes.names(directory)) {
    const std::string path = directory + "/" + name;
    if (facts.dumps.size() + facts.databases.size() > 500) return;
    if (eyes.is_directory(path)) {
      if (!is_skipped(name) && name != "current" && Eyes::link(path).empty())
        look_for(eyes, path, must_mention, depth + 1, facts, databases);
      continue;
    }
    if (!eyes.is_file(path)) continue;
    const bool meant = must_mention.empty() || path.find(must_mention) != std::string::npos;
    if (meant && ends_in(name, kDumps) && !is_sql_of_the_code(path)) facts.dumps.push_back(found_at(path));
    if (databases && ends_in(name, kDatabases)) take_database(Eyes::resolved(path), facts);
  }
}

/// A database that the settings of a service name, wherever it lies.
void look_at_named(Eyes& eyes, Facts& facts) {
  for (const FileFact& unit : facts.systemd) {
    if (!mentions(facts, unit.text)) continue;
    for (const Section& section : parse_ini(unit.text))
      for (const std::string& words : section.all("Environment"))
        for (const std::string& word : words_of(words)) {
          const std::string path = word.substr(word.find('=') + 1);
          if (path.starts_with('/') && ends_in(path, kDatabases) && eyes.is_file(path)) take_database(path, facts);
        }
  }
  for (const ProcessFacts& process : facts.processes)
    for (const std::string& path : process.argv) {
      if (!path.starts_with('/') || !ends_in(path, kDatabases) || path.size() > 4096) continue;
      if (eyes.is_file(path)) take_database(path, facts);
    }
}

void gather_small_files(Eyes& eyes, Facts& facts) {
  for (const std::string& where : {facts.directory, facts.code})
    for (const char* name : {"deploy.sh", "deploy", "bin/deploy", "bin/deploy.sh", "script/deploy", "scripts/deploy",
                             "scripts/deploy.sh", "release.sh"}) {
      const std::string path = where + "/" + name;
      const bool known = std::any_of(facts.scripts.begin(), facts.scripts.end(),
                                     [&](const FileFact& each) { return each.path == path; });
      if (known || !eyes.is_file(path)) continue;
      if (auto text = eyes.text(path, 64U << 10)) facts.scripts.push_back({path, std::move(*text)});
    }
  for (const char* below : {"", "/run", "/tmp/pids", "/shared/pids", "/shared/tmp/pids", "/var/run", "/pids"})
    for (const std::string& name :
         eyes.is_directory(facts.directory + below) ? eyes.names(facts.directory + below) : std::vector<std::string>())
      if (name.ends_with(".pid"))
        if (auto text = eyes.text(facts.directory + below + "/" + name, 4096))
          facts.pidfiles.push_back({facts.directory + below + "/" + name, std::move(*text)});
}

}  // namespace

void gather_project(Eyes& eyes, Facts& facts) {
  Walk(eyes, facts).directory("", 0);
  std::sort(facts.tree.begin(), facts.tree.end());
}

void gather_git(Eyes& eyes, Facts& facts) {
  for (const char* bare : {"repo.git", "repo", "shared/cached-copy"})
    if (eyes.is_file(facts.directory + "/" + bare + "/HEAD") && facts.bare_repository.empty())
      facts.bare_repository = facts.directory + "/" + bare;
  std::string root =
      eyes.is_directory(facts.code + "/.git") || eyes.is_file(facts.code + "/.git") ? facts.code : facts.directory;
  for (int up = 0; up < 3 && !facts.has_current; ++up) {
    if (eyes.is_directory(root + "/.git") || eyes.is_file(root + "/.git")) break;
    if (parent_of(root).size() > 1) root = parent_of(root);
  }
  std::string git = root + "/.git";
  if (eyes.is_file(git)) {  // a worktree: "gitdir: /elsewhere/.git/worktrees/name"
    const std::string words = trimmed_line(eyes.text(git).value_or(""));
    if (!words.starts_with("gitdir: ")) return;
    git = words.substr(8).starts_with('/') ? words.substr(8) : root + "/" + words.substr(8);
    if (const size_t at = git.find("/worktrees/"); at != std::string::npos) git.resize(at);
  }
  const auto head = eyes.text(git + "/HEAD");
  if (!head) return;
  facts.git.root = root;
  const std::string words = trimmed_line(*head);
  if (words.starts_with("ref: refs/heads/"))
    facts.git.branch = words.substr(16);
  else
    facts.git.commit = words;
  std::set<std::string> tags;
  tags_below(eyes, git + "/refs/tags", "", tags, 0);
  const std::string packed = eyes.text(git + "/packed-refs", 4U << 20).value_or("");
  for (const std::string_view line : lines_of(packed))
    if (const size_t at = line.find(" refs/tags/"); at != std::string_view::npos) tags.emplace(line.substr(at + 11));
  facts.git.tags.assign(tags.begin(), tags.end());
  const std::vector<Section> config = parse_ini(eyes.text(git + "/config").value_or(""));
  if (const Section* origin = find_section(config, "remote \"origin\"")) facts.git.remote = origin->get("url");
}

void gather_files_by_name(Eyes& eyes, Facts& facts) {
  gather_small_files(eyes, facts);
  const std::string name = base_name(facts.directory);
  look_for(eyes, facts.directory, "", 0, facts, true);
  if (facts.code != facts.directory) look_for(eyes, Eyes::resolved(facts.code), "", 0, facts, true);
  if (name.size() < 2) return;
  for (const char* place : {"/var/backups", "/srv/backups", "/backups", "/backup", "/var/lib/backups", "/opt/backups"})
    look_for(eyes, eyes.at(place), name, 0, facts, false);
  look_for(eyes, parent_of(facts.directory) + "/backups", name, 0, facts, false);
  look_for(eyes, eyes.at("/var/lib/" + name), "", 0, facts, true);
  look_at_named(eyes, facts);
}

}  // namespace backout::init
