#include "database/sqlite/proof.h"

namespace backout::database {
namespace {

class Marker : public Differences {
 public:
  explicit Marker(TargetTable& target) : target_(target) {}
  Result<void> inserted(RowStream& after) override {
    return target_.mark(Mark::kKnown, Operation::kInsert, after.key());
  }
  Result<void> updated(RowStream&, RowStream& after) override {
    return target_.mark(Mark::kKnown, Operation::kUpdate, after.key());
  }
  Result<void> deleted(RowStream& before) override {
    return target_.mark(Mark::kKnown, Operation::kDelete, before.key());
  }
  Result<void> news(RowStream&) override { return {}; }

 private:
  TargetTable& target_;
};

/// Counts the residue and looks each row up in the log.
class Prover : public Differences {
 public:
  explicit Prover(TargetTable& target) : target_(target) {}
  Result<void> inserted(RowStream& after) override { return ++counts.insert, check(after); }
  Result<void> updated(RowStream&, RowStream& after) override { return ++counts.update, check(after); }
  Result<void> deleted(RowStream& before) override { return ++counts.remove, check(before); }
  Result<void> news(RowStream&) override { return {}; }

  Counts counts;
  int64_t reported = 0, unreported = 0;
  Json first_unreported;

 private:
  Result<void> check(RowStream& row) {
    const Key key = row.key();
    if (TRY(target_.find_marked(Mark::kReported, key))) {
      ++reported;
    } else if (!TRY(target_.find_marked(Mark::kKnown, key))) {
      if (unreported++ == 0) first_unreported = row.key_json();
    }
    return {};
  }
  TargetTable& target_;
};

}  // namespace

Result<Json> prove(Connection& target, Sides& sides, Carrier& carrier) {
  Json residue = Json::object();
  TRY_VOID(target.exec("BEGIN; SELECT count(*) FROM sqlite_schema;"));
  for (auto& table : carrier.tables()) {
    const std::string& name = table.carry->table;
    auto there = TRY(RowStream::scan(target, *table.carry, RowStream::Side::kTarget));
    auto live = TRY(RowStream::scan(sides.live, *table.carry, RowStream::Side::kLive));
    Prover prover(table.target);
    TRY_VOID(merge(there, live, prover).with_context("table " + name));
    if (prover.counts.all() > 0) residue[name] = to_json(prover.counts);
    if (table.carry->leave) continue;
    if (prover.unreported > 0)
      return Error{Code::kConflict,
                   "table " + name + ": after the rescue " + std::to_string(prover.unreported) +
                       " rows differ that were not reported, the first is " + canonical(prover.first_unreported),
                   "nothing was swapped in; report this with the table's definition"};
    if (prover.reported != table.conflicts)
      return Error{Code::kConflict,
                   "table " + name + ": " + std::to_string(table.conflicts) + " rows were reported as conflicts, " +
                       std::to_string(prover.reported) + " of them differ",
                   "nothing was swapped in; report this with the table's definition"};
  }
  TRY_VOID(target.exec("COMMIT"));
  return residue;
}

Result<void> mark_known(CarriedTable& table, const std::string& pristine, Sides& sides) {
  auto kept = TRY(Connection::open(pristine, Open::kFixed));
  TRY_VOID(kept.exec("BEGIN; SELECT count(*) FROM sqlite_schema;"));
  auto base = TRY(RowStream::scan(sides.base, *table.carry, RowStream::Side::kBase));
  auto there = TRY(RowStream::scan(kept, *table.carry, RowStream::Side::kTarget));
  Marker marker(table.target);
  return merge(base, there, marker).with_context("table " + table.carry->table);
}

}  // namespace backout::database
