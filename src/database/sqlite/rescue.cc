#include "database/sqlite/rescue.h"

#include "base/text.h"
#include "database/sqlite/carrier.h"
#include "database/sqlite/manifest.h"
#include "database/sqlite/page_digest.h"
#include "database/sqlite/proof.h"
#include "database/sqlite/read_schema.h"
#include "database/sqlite/references.h"
#include "database/sqlite/sequences.h"

namespace backout::database {
namespace {

Result<Connection> open_target(const RescueJob& job) {
  auto target = TRY(Connection::open(job.target, Open::kWrite));
  TRY_VOID(target.exec(
      "PRAGMA cache_size=-12000; PRAGMA temp.cache_size=-4000; PRAGMA journal_mode=DELETE; PRAGMA synchronous=EXTRA"));
  int off = 1;
  sqlite3_db_config(target.raw(), SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, &off);  // what triggers did is in the rows already
  if (off != 0) return Error{Code::kUnsupported, "this SQLite cannot switch triggers off", "use SQLite 3.35 or newer"};
  auto attach = TRY(target.prepare("ATTACH ?1 AS pristine"));
  attach.bind(1, uri_of(job.pristine, "immutable=1"));
  TRY_VOID(attach.run());
  return target;
}

/// Back to the restored bytes, when an earlier try was killed after its commit.
Result<void> make_pristine(const RescueJob& job, const Progress& progress) {
  const auto wanted = TRY(page_digest_of(job.pristine, Open::kFixed));
  if (const auto now = page_digest_of(job.target, Open::kWrite); now && *now == wanted) return {};
  if (progress) progress("an earlier try left its mark on the restored file: restoring it again");
  const std::string partial = job.target + ".partial";
  remove_database(partial);
  TRY_VOID(copy_file(job.pristine, partial, progress));
  remove_database(job.target);
  return rename_file(partial, job.target);
}

class Rescue {
 public:
  Rescue(const RescueJob& job, Progress progress, Connection target, Sides sides, os::LinesFile conflicts,
         os::LinesFile archive)
      : job_(job),
        progress_(std::move(progress)),
        target_(std::move(target)),
        sides_(std::move(sides)),
        conflicts_(std::move(conflicts)),
        archive_(std::move(archive)),
        carrier_(target_, sides_, conflicts_, archive_) {}

  Result<Json> run() {
    TRY_VOID(target_.exec("BEGIN IMMEDIATE"));
    schema_ = TRY(read_schema(target_));
    map_ = map_tables(sides_.base_schema, sides_.live_schema, schema_, job_.choices);
    TRY_VOID(settle_keys(map_, {&sides_.base, &sides_.live, &target_}));
    for (const auto& carry : map_.tables) TRY_VOID(add(carry));
    if (job_.base != job_.pristine)
      for (auto& table : carrier_.tables()) TRY_VOID(mark_known(table, job_.pristine, sides_));
    for (auto& table : carrier_.tables()) {
      TRY_VOID(carrier_.carry(table));
      say(table);
    }
    TRY_VOID(carrier_.settle_waiting());
    const auto references = TRY(mend_references(target_, schema_, carrier_));
    const auto sequences = TRY(raise_sequences(target_, sides_, schema_));
    TRY_VOID(archive_whole_tables());
    TRY_VOID(conflicts_.finish());
    TRY_VOID(archive_.finish());
    TRY_VOID(target_.exec("COMMIT"));

    if (progress_) progress_("comparing the result with the live database once more");
    Json evidence = TRY(report());
    evidence["residue"] = TRY(prove(target_, sides_, carrier_));
    evidence["sequences"] = sequences.raised;
    if (!sequences.reusable.empty()) evidence["reusable_ids"] = sequences.reusable;
    if (!references.unenforced.empty()) evidence["unenforced_references"] = references.unenforced;
    if (!references.cascaded.empty()) evidence["cascaded"] = references.cascaded;
    if (references.left_dangling > 0) evidence["left_dangling"] = references.left_dangling;
    TRY_VOID(target_.exec("BEGIN; SELECT count(*) FROM sqlite_schema;"));
    evidence["new_digest"] = TRY(page_digest(target_)).hex();
    TRY_VOID(target_.exec("COMMIT"));
    return evidence;
  }

 private:
  /// A table that only the application can write (its collations, its functions) is archived instead.
  Result<void> add(const Carry& carry) {
    const auto added = carrier_.add(carry, *find_table(schema_, carry.table), in_references(schema_, carry.table));
    if (added) return {};
    if (added.error().code != Code::kInternal) return added.error();
    map_.unkeyed[carry.table] = added.error().message;
    return {};
  }

  void say(const CarriedTable& table) const {
    const Counts& counts = table.difference.counter.counts;
    if (progress_ && counts.all() > 0)
      progress_(table.carry->table + ": " + std::to_string(counts.insert) + " inserted, " +
                std::to_string(counts.update) + " changed, " + std::to_string(counts.remove) +
                " deleted since the checkpoint" + (table.carry->leave ? " (left)" : ""));
  }

  Result<void> archive_table(const std::string& table, const std::string& why) {
    auto rows = TRY(sides_.live.prepare("SELECT * FROM main." + sql_name(table)));
    int64_t count = 0;
    while (TRY(rows.step())) {
      Json row = Json::object();
      for (int i = 0; i < sqlite3_column_count(rows.raw()); ++i)
        row[sqlite3_column_name(rows.raw(), i)] = to_json(cell_of(rows.raw(), i));
      TRY_VOID(archive_.add({{"table", table}, {"row", row}, {"why", why}}));
      ++count;
    }
    if (count > 0) archived_tables_[table] = count;
    return {};
  }

  Result<void> archive_whole_tables() {
    for (const auto& table : map_.new_tables) TRY_VOID(archive_table(table, "the table is new"));
    for (const auto& [table, why] : map_.unkeyed) {
      if (!TRY(content_differs(sides_, table))) continue;
      TRY_VOID(archive_table(table, why));
      changed_unkeyed_[table] = why;
    }
    return {};
  }

  Result<Json> report() {
    DifferenceReport differences;
    Json carried = Json::object();
    int64_t conflicts = 0;
    for (const auto& table : carrier_.tables()) {
      const int64_t rows = table.difference.counter.columns.empty()
                               ? 0
                               : TRY(sides_.base.integer("SELECT count(*) FROM main." + sql_name(table.carry->table)));
      differences.add(table.difference, *table.carry, rows);
      if (table.carried.all() > 0) carried[table.carry->table] = to_json(table.carried);
      conflicts += table.conflicts;
    }
    Json evidence = TRY(differences.json(map_, sides_));
    evidence["carried"] = carried;
    evidence["conflicts"] = carrier_.first_conflicts();
    evidence["conflicts_by_kind"] = carrier_.conflicts_by_kind();
    evidence["conflict_count"] = conflicts;
    if (conflicts > 0) evidence["conflicts_file"] = job_.conflicts;
    evidence["unkeyed"] = changed_unkeyed_;
    evidence["archived"] = {{"tables", archived_tables_}, {"columns", carrier_.archived_columns()}};
    if (archive_.lines() > 0) evidence["archived"]["file"] = job_.archive;
    return evidence;
  }

  const RescueJob& job_;
  Progress progress_;
  Connection target_;
  Sides sides_;
  os::LinesFile conflicts_, archive_;
  Carrier carrier_;
  schema::Snapshot schema_;
  CarryMap map_;
  Json archived_tables_ = Json::object(), changed_unkeyed_ = Json::object();
};

}  // namespace

Result<Json> rescue(const RescueJob& job, const Progress& progress) {
  TRY_VOID(make_pristine(job, progress));
  auto target = TRY(open_target(job));
  auto sides = TRY(Sides::open(job.base, job.live));
  auto conflicts = TRY(os::LinesFile::create(job.conflicts));
  auto archive = TRY(os::LinesFile::create(job.archive));
  Rescue rescue(job, progress, std::move(target), std::move(sides), std::move(conflicts), std::move(archive));
  return rescue.run();
}

}  // namespace backout::database
