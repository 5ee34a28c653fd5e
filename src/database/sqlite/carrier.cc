#include "database/sqlite/carrier.h"

namespace backout::database {
namespace {

constexpr size_t kFirstConflicts = 100;

}  // namespace

/// Applies each difference as it is met.
class Carrier::Pass : public Differences {
 public:
  Pass(Carrier& carrier, CarriedTable& table) : carrier_(carrier), table_(table), counter_(table.difference.counter) {}

  Result<void> inserted(RowStream& after) override {
    TRY_VOID(counter_.inserted(after));
    if (table_.carry->leave) return {};
    return settle(Operation::kInsert, after, TRY(table_.target.insert(after)));
  }
  Result<void> updated(RowStream& before, RowStream& after) override {
    TRY_VOID(counter_.updated(before, after));
    if (table_.carry->leave) return {};
    return settle(Operation::kUpdate, after, TRY(table_.target.update(before, after)));
  }
  Result<void> deleted(RowStream& before) override {
    TRY_VOID(counter_.deleted(before));
    if (table_.carry->leave) return {};
    return settle(Operation::kDelete, before, TRY(table_.target.remove(before)));
  }
  Result<void> news(RowStream& after) override {
    TRY_VOID(counter_.news(after));
    Json columns = Json::object();
    for (size_t i = 0; i < table_.carry->only_live.size(); ++i)
      columns[table_.carry->only_live[i].name] = to_json(after.new_cell(i));
    carrier_.archived_columns_[table_.carry->table] = counter_.rows_with_news;
    return carrier_.archive_.add({{"table", table_.carry->table}, {"key", after.key_json()}, {"columns", columns}});
  }

 private:
  Result<void> settle(Operation operation, RowStream& row, const Tried& tried) {
    if (!tried) {
      ++count_of(table_.carried, operation);
      return {};
    }
    const Key key = row.key();
    // Looks have found base-changed and taken keys; only a unique constraint may still be freed by another change.
    const bool may_be_freed =
        tried->kind == "unique" && !(operation == Operation::kInsert && !TRY(table_.target.row(key))->done());
    if (may_be_freed) return table_.target.mark(Mark::kWaiting, operation, key);
    return carrier_.report(table_, operation, key, *tried);
  }

  Carrier& carrier_;
  CarriedTable& table_;
  Counter& counter_;
};

int64_t& Carrier::count_of(Counts& counts, Operation operation) {
  switch (operation) {
    case Operation::kInsert: return counts.insert;
    case Operation::kUpdate: return counts.update;
    case Operation::kDelete: return counts.remove;
  }
  return counts.insert;
}

Result<void> Carrier::add(const Carry& carry, const schema::Table& table, bool in_references) {
  CarriedTable out;
  out.carry = &carry;
  out.target = TRY(TargetTable::open(target_, carry, table, static_cast<int>(tables_.size()), in_references));
  out.base_look = TRY(RowStream::lookup(sides_.base, carry, RowStream::Side::kBase));
  out.live_look = TRY(RowStream::lookup(sides_.live, carry, RowStream::Side::kLive));
  out.difference = {.table = carry.table, .leave = carry.leave, .matched_by = matched_by(carry)};
  tables_.push_back(std::move(out));
  return {};
}

CarriedTable* Carrier::find(std::string_view table) {
  for (auto& carried : tables_)
    if (schema::same_name(carried.carry->table, table)) return &carried;
  return nullptr;
}

Result<void> Carrier::carry(CarriedTable& table) {
  auto base = TRY(RowStream::scan(sides_.base, *table.carry, RowStream::Side::kBase));
  auto live = TRY(RowStream::scan(sides_.live, *table.carry, RowStream::Side::kLive));
  Pass pass(*this, table);
  return merge(base, live, pass).with_context("table " + table.carry->table);
}

/// Tries every waiting change once. True: at least one went in.
Result<bool> Carrier::try_waiting_once() {
  bool progress = false;
  for (auto& table : tables_) {
    int64_t number = 0;
    while (auto entry = TRY(table.target.next_marked(Mark::kWaiting, number))) {
      number = entry->number;
      TRY_VOID(table.live_look.find(entry->key));
      if (table.live_look.done())
        return Error{Code::kInternal, "a waiting row of " + table.carry->table + " is gone from the live snapshot", ""};
      const auto tried = TRY(entry->operation == Operation::kInsert ? table.target.insert_again(table.live_look)
                                                                    : table.target.update_again(table.live_look));
      if (tried) continue;
      ++count_of(table.carried, entry->operation);
      TRY_VOID(table.target.set_mark(number, Mark::kApplied));
      progress = true;
    }
  }
  return progress;
}

/// Changes that wait for each other: all old versions go, then all new ones come. Whoever is refused even so collides
/// with a row that stays: that one is a conflict, its old version stays, and the rest is tried again without it.
Result<void> Carrier::settle_circles() {
  while (true) {
    TRY_VOID(target_.exec("SAVEPOINT circles"));
    for (auto& table : tables_) {
      int64_t number = 0;
      while (auto entry = TRY(table.target.next_marked(Mark::kWaiting, number))) {
        number = entry->number;
        if (entry->operation == Operation::kUpdate) TRY_VOID(table.target.remove_row(entry->key));
      }
    }
    struct Refused {
      CarriedTable* table;
      int64_t number;
      Refusal refusal;
    };
    std::vector<Refused> refused;
    for (auto& table : tables_) {
      int64_t number = 0;
      while (auto entry = TRY(table.target.next_marked(Mark::kWaiting, number))) {
        number = entry->number;
        TRY_VOID(table.live_look.find(entry->key));
        const auto tried =
            TRY(entry->operation == Operation::kInsert ? table.target.insert_again(table.live_look)
                                                       : table.target.insert_over(table.live_look, entry->key));
        if (tried) refused.push_back({&table, number, *tried});
      }
    }
    if (refused.empty()) {
      TRY_VOID(target_.exec("RELEASE circles"));
      for (auto& table : tables_) {
        while (auto entry = TRY(table.target.next_marked(Mark::kWaiting, 0))) {
          ++count_of(table.carried, entry->operation);
          TRY_VOID(table.target.set_mark(entry->number, Mark::kApplied));
        }
      }
      return {};
    }
    TRY_VOID(target_.exec("ROLLBACK TO circles; RELEASE circles"));
    for (const auto& [table, number, refusal] : refused) {
      auto entry = TRY(table->target.next_marked(Mark::kWaiting, number - 1));
      if (!entry || entry->number != number) return Error{Code::kInternal, "a waiting change is gone", ""};
      const Operation operation = entry->operation;
      const Refusal why = refusal;
      TRY_VOID(report(*table, operation, entry->key, why));
      TRY_VOID(table->target.set_mark(number, Mark::kApplied));  // the report has its own entry
    }
  }
}

Result<void> Carrier::settle_waiting() {
  while (TRY(try_waiting_once())) continue;
  return settle_circles();
}

Result<void> Carrier::report(CarriedTable& table, Operation operation, const Key& key, const Refusal& refusal) {
  const auto side = [](const RowStream& row) { return row.done() ? Json(nullptr) : row.json(); };
  TRY_VOID(table.base_look.find(key));
  TRY_VOID(table.live_look.find(key));
  const RowStream* there = TRY(table.target.row(key));
  const Json shown_key = !table.live_look.done()   ? table.live_look.key_json()
                         : !table.base_look.done() ? table.base_look.key_json()
                                                   : Json::object();
  Json line{{"table", table.carry->table},
            {"operation", name_of(operation)},
            {"kind", refusal.kind},
            {"why", refusal.why},
            {"key", shown_key}};
  if (first_.size() < kFirstConflicts) first_.push_back(line);
  line["base"] = side(table.base_look);
  line["live"] = side(table.live_look);
  line["there"] = side(*there);
  TRY_VOID(conflicts_.add(line));
  auto& count = by_kind_[table.carry->table][refusal.kind];
  count = count.is_null() ? 1 : count.get<int64_t>() + 1;
  ++table.conflicts;
  return table.target.mark(Mark::kReported, operation, key);
}

Result<void> Carrier::report_taken_back(CarriedTable& table, const TargetTable::Entry& entry, const Refusal& refusal) {
  --count_of(table.carried, entry.operation);
  return report(table, entry.operation, entry.key, refusal);
}

}  // namespace backout::database
