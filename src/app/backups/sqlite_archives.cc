#include "app/backups/sqlite_archives.h"

#include "base/text.h"
#include "database/archive/trailer.h"
#include "database/sqlite/backup.h"
#include "database/sqlite/load.h"
#include "database/sqlite/manifest.h"
#include "database/sqlite/observe.h"
#include "database/sqlite/verbs.h"
#include "os/file.h"
#include "schema/compare.h"

namespace backout::app {
namespace {

schema::Snapshot schema_in(const Json& part) {
  const auto schema = schema::snapshot_from_json(get(part, "schema"));
  return schema ? *schema : schema::Snapshot{};
}

/// SQL text does not keep all of a database.
std::vector<std::string> lost_in_text(const database::Loaded& loaded) {
  std::vector<std::string> lost;
  if (loaded.kind != archive::Kind::kSql) return lost;
  for (const schema::Table& table : loaded.manifest.schema.tables)
    if (table.kind == schema::TableKind::kTable && !table.without_rowid && primary_key(table).empty())
      lost.push_back(table.name +
                     " has no key, and SQL text does not keep its row numbers: more of its rows are "
                     "counted as changed than were");
  lost.emplace_back("SQL text does not keep user_version and application_id: they will be 0");
  return lost;
}

class SqliteArchives : public ArchiveLoader {
 public:
  explicit SqliteArchives(std::string file) : file_(std::move(file)) {}

  bool reads_first() const override { return false; }

  Result<LoadedArchive> load(const archive::Found& found, const std::string& sha256, const std::string& place,
                             const Said& said) const override {
    if (found.kind == archive::Kind::kPgDirectory)
      return Error{Code::kUnsupported,
                   fmt::format("it is a {}, and the site's database is SQLite", archive::name_of(found.kind)), ""};
    const std::string backup = place + ".sqlite", manifest = backup + ".manifest.json";
    database::LoadJob job{.archive = found.path,
                          .sha256 = sha256,
                          .taken_at = to_iso(found.when.at),
                          .backup = backup,
                          .manifest = manifest};
    limit_by_size(job, found.size, found.packing != archive::Packing::kNone);
    auto loaded = database::load_archive(job, [&](std::string_view line) {
      if (said) said(std::string(line));
    });
    if (!loaded) {
      remove_files({backup, manifest});
      return loaded.error();
    }
    LoadedArchive restored{.kind = loaded->kind, .sha256 = loaded->sha256, .files = {backup, manifest}};
    restored.schema_hash = hash_of(loaded->manifest.schema);
    restored.tables = std::ssize(loaded->manifest.tables);
    restored.rows = loaded->rows;
    restored.dangling = loaded->dangling;
    restored.tested.emplace_back("integrity check");
    if (!loaded->marks_its_end) restored.tested.emplace_back(archive::kNoMark);
    restored.caveats = lost_in_text(*loaded);
    Json tables = Json::object();
    for (const auto& [name, content] : loaded->manifest.tables) tables[name] = content.rows;
    restored.part = {{"file", file_},
                     {"backup", backup},
                     {"taken_at", loaded->manifest.taken_at},
                     {"size", loaded->manifest.size},
                     {"schema", schema::to_json(loaded->manifest.schema)},
                     {"schema_hash", restored.schema_hash},
                     {"tables", tables}};
    return restored;
  }

  std::string against_manifest(const archive::Found&, const std::string& manifest,
                               const LoadedArchive& loaded) const override {
    const auto wanted = database::load_manifest(manifest);
    if (!wanted) return "its manifest cannot be read: " + wanted.error().message;
    if (wanted->sha256 != loaded.sha256) return "its bytes are not those that its manifest names";
    const auto there = database::load_manifest(loaded.files.back());
    if (!there) return there.error().message;
    if (wanted->schema != there->schema) return "the schema is not the one in its manifest";
    for (const auto& [name, content] : wanted->tables) {
      const auto found = there->tables.find(name);
      if (found == there->tables.end()) return "table " + name + " of its manifest is missing";
      if (found->second != content) return "table " + name + " does not hold the rows of its manifest";
    }
    return "";
  }

  std::string against_live(const LoadedArchive& loaded) const override {
    const auto live = database::schema_of(file_);
    if (!live) return "";  // no live database to compare with is no fault of the backup
    const auto schema = schema::snapshot_from_json(get(*live, "schema"));
    if (!schema || schema->tables.empty()) return "";
    const schema::Snapshot restored = schema_in(loaded.part);
    for (const schema::Table& table : schema->tables)
      if (find_table(restored, table.name) != nullptr) return "";
    return is_of_another(schema->tables.size());
  }

  std::string against_schema(const Json& saved, const LoadedArchive& loaded) const override {
    const auto wanted = schema::snapshot_from_json(get(saved, "schema"));
    if (!wanted) return "";
    const schema::Comparison comparison = compare(*wanted, schema_in(loaded.part));
    return comparison.rung == schema::Rung::kLeave
               ? ""
               : "its schema is not the one that the checkpoint knows: " + comparison.why();
  }

  Json part_instead_of(const Json&, const LoadedArchive& loaded) const override { return loaded.part; }

  std::string fault_of_copy(const Json& saved) const override {
    const std::string copy = get_string(saved, "backup");
    if (copy.empty()) return "it names no copy of the database";
    if (!os::exists(copy)) return "its copy of the database is gone: " + copy;
    const auto manifest = database::load_manifest(get_string(saved, "manifest"), get_string(saved, "manifest_sha256"));
    if (!manifest) return manifest.error().message;
    const auto bytes = database::check_bytes(copy, *manifest);
    return bytes ? "" : bytes.error().message;
  }

  std::string ending() const override { return ".sqlite3"; }

  Result<uint64_t> copy_to(const std::string& path, const Said&) const override {
    TRY(database::run_verb("backup", {{"file", file_}, {"backup", path}, {"manifest", path + ".manifest.json"}}, {}));
    return os::size_of(path);
  }

 private:
  std::string file_;
};

}  // namespace

std::unique_ptr<ArchiveLoader> sqlite_archives(const Workspace& workspace) {
  return std::make_unique<SqliteArchives>(get_string(workspace.site().database->args, "file"));
}

}  // namespace backout::app
