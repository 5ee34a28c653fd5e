#include "app/backups/postgresql_archives.h"

#include <algorithm>
#include <set>

#include "base/text.h"
#include "database/postgresql/dump_files.h"
#include "database/postgresql/manifest.h"
#include "database/postgresql/names.h"
#include "database/postgresql/restore.h"
#include "driver/tool.h"
#include "os/file.h"
#include "schema/postgresql/catalog.h"
#include "schema/postgresql/compare.h"

namespace backout::app {
namespace {

constexpr Millis kAlways{30 * 60'000};                    // for any archive and any dump
constexpr uint64_t kPlainPerMs = 512, kPackedPerMs = 51;  // bytes: 2 s for a megabyte, 20 s for a packed one

Millis time_for(uint64_t size, bool packed) {
  return kAlways + Millis(static_cast<int64_t>(size / (packed ? kPackedPerMs : kPlainPerMs)));
}

/// The names of tables, as far as they can be told: of an archive or of the live database.
std::set<std::string> tables_in(const Json& catalog) {
  std::set<std::string> names;
  if (const auto read = schema::postgresql::catalog_from_json(catalog))
    for (const auto& table : read->tables)
      if (!table.is_view()) names.insert(table.full_name());
  return names;
}

class PostgresqlArchives : public ArchiveLoader {
 public:
  explicit PostgresqlArchives(const Workspace& workspace)
      : workspace_(workspace),
        driver_(driver_of(*workspace.site().database)),
        config_(subject_of(*workspace.site().database)),
        has_command_(workspace.site().database->backups && workspace.site().database->backups->restore) {}

  bool reads_first() const override { return true; }

  Result<LoadedArchive> load(const archive::Found& found, const std::string& sha256, const std::string& place,
                             const Said& said) const override {
    const std::string live = TRY(database()), dump = place + ".dump", manifest = dump + ".manifest.json";
    if (said) said("restoring " + one_line(found.path) + " into a database of its own");
    auto evidence = ask("load",
                        {{"archive", found.path},
                         {"sha256", sha256},
                         {"taken_at", to_iso(found.when.at)},
                         {"beside", postgresql::name_for_test(live)},
                         {"like", live},
                         {"directory", dump},
                         {"manifest", manifest}},
                        time_for(found.size, found.packing != archive::Packing::kNone));
    if (!evidence) {
      remove_files({dump, manifest});
      return of_the_server(std::move(evidence).error());
    }
    LoadedArchive loaded{
        .kind = kind_named(get_string(*evidence, "kind"), found.kind), .sha256 = sha256, .files = {dump, manifest}};
    loaded.part = get(*evidence, "part");
    // Of the database as a whole no archive says anything: it will be as the live one is.
    if (const auto seen = observed(); seen && get(get(*seen, "schema"), "whole").is_object())
      loaded.part["catalog"]["whole"] = get(get(*seen, "schema"), "whole");
    loaded.schema_hash = get_string(loaded.part, "schema_hash");
    loaded.tables = get_int(*evidence, "tables");
    loaded.rows = get_int(*evidence, "rows");
    loaded.tested.emplace_back("every row read");
    for (const char* key : {"complaints", "notes"})
      for (const Json& line : get(*evidence, key))
        if (line.is_string()) loaded.caveats.push_back("of the backup: " + one_line(line.get<std::string>()));
    if (has_command_)
      loaded.caveats.emplace_back("database.backups.restore is for SQLite: here the backup is restored beside");
    return loaded;
  }

  std::string against_manifest(const archive::Found& found, const std::string& manifest,
                               const LoadedArchive& loaded) const override {
    const auto wanted = postgresql::load_manifest(manifest);
    if (!wanted) return "its manifest cannot be read: " + wanted.error().message;
    if (const auto bytes = postgresql::check_dump(found.path, *wanted); !bytes) return bytes.error().message;
    const auto there = postgresql::load_manifest(loaded.files.back());
    if (!there) return there.error().message;
    const auto faults = postgresql::faults_between(*there, *wanted);
    return faults ? join(*faults, "; ") : faults.error().message;
  }

  std::string against_live(const LoadedArchive& loaded) const override {
    const auto seen = observed();
    if (!seen) return "";  // no live database to compare with is no fault of the backup
    const std::set<std::string> live = tables_in(get(*seen, "schema")), there = tables_in(get(loaded.part, "catalog"));
    const bool common =
        std::any_of(live.begin(), live.end(), [&](const std::string& name) { return there.contains(name); });
    return live.empty() || common ? "" : is_of_another(live.size());
  }

  std::string against_schema(const Json& saved, const LoadedArchive& loaded) const override {
    if (get(saved, "catalog").empty()) return "";
    const auto wanted = schema::postgresql::catalog_from_json(get(saved, "catalog"));
    auto there = schema::postgresql::catalog_from_json(get(loaded.part, "catalog"));
    if (!wanted || !there) return "";
    there->whole = wanted->whole;  // of the database as a whole no archive says anything
    const schema::Comparison comparison = schema::postgresql::compare(*wanted, *there);
    return comparison.rung == schema::Rung::kLeave
               ? ""
               : "its schema is not the one that the checkpoint knows: " + comparison.why();
  }

  /// Names that changed since are known by the numbers of the live database, which only a checkpoint has.
  Json part_instead_of(const Json& saved, const LoadedArchive& loaded) const override {
    Json part = loaded.part;
    if (!get(saved, "catalog").empty()) part["names"] = get(saved, "catalog");
    return part;
  }

  std::string fault_of_copy(const Json& saved) const override {
    if (!get_string(saved, "template").empty()) return "";  // a kept database: looked at on the server
    const std::string dump = get_string(saved, "backup");
    if (dump.empty()) return "it names no dump of the database";
    if (!os::exists(dump)) return "its dump of the database is gone: " + dump;
    const auto manifest =
        postgresql::load_manifest(get_string(saved, "manifest"), get_string(saved, "manifest_sha256"));
    if (!manifest) return manifest.error().message;
    const auto bytes = postgresql::check_dump(dump, *manifest);
    return bytes ? "" : bytes.error().message;
  }

  std::string ending() const override { return ".dump"; }

  Result<uint64_t> copy_to(const std::string& path, const Said& said) const override {
    const Json seen = TRY(observed());
    if (!get_bool(seen, "exists"))
      return Error{Code::kNotFound, "there is no database " + get_string(seen, "database"),
                   "correct database: postgresql: in backout.yaml"};
    if (said) said("dumping " + get_string(seen, "database"));
    const Json evidence = TRY(ask("backup",
                                  {{"database", get_string(seen, "database")},
                                   {"directory", path},
                                   {"manifest", path + ".manifest.json"},
                                   {"jobs", get(config_, "jobs")}},
                                  time_for(static_cast<uint64_t>(get_int(seen, "size")), false)));
    return static_cast<uint64_t>(get_int(evidence, "size"));
  }

  void remove_left_by_killed() const override {
    if (const auto live = database()) (void)ask("discard-tests", {{"database", *live}}, kAlways);
  }

 private:
  host::Host& here() const { return *workspace_.hosts().at("local"); }

  Result<Json> observed() const { return TRY(workspace_.registry().find(driver_))->observe(config_, here(), {}); }

  /// The name that service or dsn gives, when no other is said.
  Result<std::string> database() const {
    if (std::string name = get_string(config_, "database"); !name.empty()) return name;
    return get_string(TRY(observed()), "database");
  }

  Result<Json> ask(const std::string& verb, Json args, Millis timeout) const {
    for (const char* key : {"server", "maintenance", "secrets"})
      if (config_.contains(key)) args[key] = get(config_, key);
    const driver::Driver* driver = TRY(workspace_.registry().find(driver_));
    host::Command command = TRY(driver->command({.driver = driver_, .verb = verb, .args = std::move(args)}, here()));
    command.timeout = timeout;
    return driver::ask_tool(here(), command, {});
  }

  /// What the server or our role lacks says nothing of the archive.
  static Error of_the_server(Error error) {
    constexpr std::string_view kVerb = "load: ";
    if (error.message.starts_with(kVerb)) error.message.erase(0, kVerb.size());
    if (error.code == Code::kDenied || error.code == Code::kNotFound || error.code == Code::kInvalid)
      error.code = Code::kUnavailable;
    return error;
  }

  static archive::Kind kind_named(const std::string& name, archive::Kind otherwise) {
    for (const archive::Kind kind : {archive::Kind::kPgSql, archive::Kind::kSql, archive::Kind::kPgCustom,
                                     archive::Kind::kPgTar, archive::Kind::kPgDirectory})
      if (archive::name_of(kind) == name) return kind;
    return otherwise;
  }

  const Workspace& workspace_;
  std::string driver_;
  Json config_;
  bool has_command_;  // database.backups.restore
};

}  // namespace

std::unique_ptr<ArchiveLoader> postgresql_archives(const Workspace& workspace) {
  return std::make_unique<PostgresqlArchives>(workspace);
}

}  // namespace backout::app
