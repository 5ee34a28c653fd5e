#include "database/postgresql/export_rows.h"

#include <map>

#include "base/text.h"
#include "database/postgresql/count_since.h"
#include "database/postgresql/read_catalog.h"
#include "database/postgresql/rescue.h"
#include "database/postgresql/restore.h"
#include "database/postgresql/row_files.h"
#include "database/postgresql/row_renames.h"
#include "database/postgresql/verb_args.h"
#include "os/rows_directory.h"
#include "schema/postgresql/renames.h"

namespace backout::postgresql {
namespace {

/// The checkpoint's copy, restored under a name of ours, and dropped at the end.
class ScratchCopy {
 public:
  static Result<ScratchCopy> make(const Json& args, const driver::Progress& progress) {
    ScratchCopy restored;
    const std::string scratch = TRY(need(args, "scratch"));
    restored.args_ = {{"server", get(args, "server")}, {"database", scratch}};
    if (args.contains("maintenance")) restored.args_["maintenance"] = args["maintenance"];
    restored.name_ = TRY(need_our_database(args, "scratch"));
    Json wanted = restored.args_;
    wanted["source"] = {{"backup", get(args, "backup")},
                        {"manifest", get(args, "manifest")},
                        {"manifest_sha256", get_string(args, "manifest_sha256")}};
    wanted["beside"] = restored.name_;
    wanted["like"] = get(args, "live");
    for (const char* key : {"jobs", "programs"})
      if (args.contains(key)) wanted[key] = args[key];
    const auto done = run_restore(wanted, progress);
    if (!done) {
      (void)run_discard(restored.args_, {});
      return done.error();
    }
    return restored;
  }
  const std::string& name() const { return name_; }
  Result<void> drop() {
    TRY(run_discard(args_, {}));
    return {};
  }

 private:
  Json args_;
  std::string name_;
};

Result<Json> renames_since(const Json& args) {
  if (get(args, "renamed").is_object()) return get(args, "renamed");
  const Manifest manifest = TRY(manifest_of(args));
  auto live = TRY(Connection::open(TRY(server_of(args)), TRY(need(args, "live"))));
  return to_json(schema::postgresql::renames(TRY(schema::postgresql::catalog_from_json(manifest.catalog)),
                                             TRY(read_catalog(live))));
}

/// Writes each difference with both sides.
class RowWriter : public RowDifferences {
 public:
  RowWriter(const MappedTable& table, os::RowsDirectory& files) : table_(table), files_(files) {}
  Result<void> inserted(const RowStream& live) override { return write("insert", nullptr, &live); }
  Result<void> updated(const RowStream& target, const RowStream& live) override {
    return write("update", &target, &live);
  }
  Result<void> deleted(const RowStream& target) override { return write("delete", &target, nullptr); }
  RowCounts counts;

 private:
  Json row_of(const RowStream& row, bool key_alone) const {
    Json out = Json::object();
    const auto fields = copy_fields(row.line());
    const size_t count = key_alone ? table_.key_size : table_.columns.size();
    for (size_t i = 0; i < count && i < fields.size(); ++i) {
      auto value = copy_value(fields[i]);
      out[table_.columns[i].name] = value ? Json(*std::move(value)) : Json(nullptr);
    }
    if (key_alone && table_.multiset && !fields.empty()) out["#"] = std::string(fields.back());
    return out;
  }
  Result<void> write(const std::string& operation, const RowStream* base, const RowStream* live) {
    ++(operation == "insert" ? counts.insert : operation == "update" ? counts.update : counts.remove);
    if (table_.leave) return {};
    const RowStream& row = live != nullptr ? *live : *base;
    return files_.add({{"table", table_.shown},
                       {"operation", operation},
                       {"key", row_of(row, true)},
                       {"base", base == nullptr ? Json(nullptr) : row_of(*base, false)},
                       {"live", live == nullptr ? Json(nullptr) : row_of(*live, false)}});
  }
  const MappedTable& table_;
  os::RowsDirectory& files_;
};

Result<Json> write_rows(const Json& args, const std::string& target_name, const driver::Progress& progress) {
  const Server server = TRY(server_of(args));
  auto sides = TRY(RowSides::open(server, TRY(need(args, "live")), target_name, ""));
  const auto target = TRY(read_row_catalogue(sides.target));
  auto live = TRY(read_row_catalogue(sides.live));
  rename_as_before(live, schema::postgresql::renames_from_json(TRY(renames_since(args))));
  const auto map = map_rows(live, target, TRY(row_choices(get(args, "tables"))), TRY(row_fill(get(args, "fill"))));
  auto files = TRY(os::RowsDirectory::create(TRY(need_path(args, "directory")), "postgresql"));
  RowReport report;
  for (const MappedTable& table : map.tables) {
    if (progress) progress("exporting " + table.shown);
    RowWriter writer(table, files);
    TableDifference difference{.map = &table};
    difference.compared = TRY(compare_rows(sides, table, writer));
    difference.counts = writer.counts;
    TRY_VOID(report.add(difference, sides.target));
  }
  std::map<std::string, std::string> changed;
  for (const auto& [oid, table] : target.tables)
    if (const auto why = map.unkeyed.find(table.shown()); why != map.unkeyed.end())
      if (const RowTable* there = live.find(table.schema, table.name);
          there != nullptr && TRY(content_differs(sides, *there, table)))
        changed.insert(*why);
  Json evidence = TRY(report.json(map, changed, sides));
  evidence["files"] = TRY(files.finish({{"rows", get(evidence, "rows")}, {"left", get(evidence, "left")}}));
  evidence["directory"] = get(args, "directory");
  return evidence;
}

}  // namespace

Result<Json> export_rows(const Json& args, const driver::Progress& progress) {
  ScratchCopy restored = TRY(ScratchCopy::make(args, progress));
  auto written = write_rows(args, restored.name(), progress);
  const auto dropped = restored.drop();
  if (!written) return written;
  TRY_VOID(dropped);
  return written;
}

Result<Json> count_rows(const Json& args, const driver::Progress& progress) {
  Json known = args;
  known["renamed"] = TRY(renames_since(args));
  auto counted = count_since(known, progress);
  if (!get_bool(args, "exact") || (counted && get_bool(*counted, "exact"))) return counted;
  ScratchCopy restored = TRY(ScratchCopy::make(known, progress));
  Json diff = known;
  diff["target"] = restored.name();
  for (const char* key : {"result", "refuse_undecided"}) diff.erase(key);
  auto merged = diff_rows(diff, progress);
  const auto dropped = restored.drop();
  if (!merged) return merged;
  TRY_VOID(dropped);
  for (auto& [table, how] : (*merged)["compared"].items()) how["exact"] = true;
  (*merged)["exact"] = true;
  return merged;
}

}  // namespace backout::postgresql
