#include "database/sqlite/references.h"

#include "base/text.h"

namespace backout::database {
namespace {

/// One foreign key with what SQL about it needs.
struct Reference {
  const schema::Table* child = nullptr;
  const schema::Table* parent = nullptr;
  std::vector<std::string> from, to;
  bool cascades = false;

  std::string name() const { return child->name + "." + join(from, "+") + " -> " + parent->name; }

  /// Rows of the child in `database` ("main", "pristine") that point nowhere; `what` is selected from c.
  std::string orphans(const std::string& database, const std::string& what) const {
    std::string set, match;
    for (size_t i = 0; i < from.size(); ++i) {
      set += (i == 0 ? "" : " AND ") + std::string("c.") + sql_name(from[i]) + " IS NOT NULL";
      match += (i == 0 ? "" : " AND ") + std::string("p.") + sql_name(to[i]) + " = c." + sql_name(from[i]);
    }
    return "SELECT " + what + " FROM " + database + "." + sql_name(child->name) + " AS c WHERE " + set +
           " AND NOT EXISTS (SELECT 1 FROM " + database + "." + sql_name(parent->name) + " AS p WHERE " + match + ")";
  }
};

/// The foreign keys that foreign_key_check complains of.
Result<std::vector<Reference>> broken_references(Connection& target, const schema::Snapshot& schema) {
  std::vector<Reference> out;
  auto rows = TRY(target.prepare("SELECT DISTINCT \"table\", fkid FROM pragma_foreign_key_check ORDER BY 1, 2"));
  while (TRY(rows.step())) {
    const auto* child = find_table(schema, rows.text(0));
    if (child == nullptr) continue;
    const size_t at =
        child->foreign_keys.size() - 1 - static_cast<size_t>(rows.integer(1));  // read_schema keeps them by falling id
    if (at >= child->foreign_keys.size())
      return Error{Code::kInternal, "a foreign key of " + child->name + " is not in its schema", ""};
    const auto& key = child->foreign_keys[at];
    Reference reference{.child = child,
                        .parent = find_table(schema, key.parent),
                        .from = key.from,
                        .to = key.to,
                        .cascades = schema::same_name(key.on_delete, "CASCADE")};
    if (reference.parent == nullptr) continue;  // no such table: nothing that rows could mend
    if (reference.to.empty()) reference.to = primary_key(*reference.parent);
    if (reference.to.size() == reference.from.size()) out.push_back(std::move(reference));
  }
  return out;
}

class Mender {
 public:
  Mender(Connection& target, Carrier& carrier) : target_(target), carrier_(carrier) {}

  /// True: something was taken back, look again.
  Result<bool> mend(const Reference& reference) {
    if (settled_.contains(reference.name())) return false;
    if (TRY(target_.integer(reference.orphans("pristine", "count(*)"))) > 0) {
      settled_.insert(reference.name());
      report.unenforced[reference.name()] = TRY(target_.integer(reference.orphans("main", "count(*)")));
      return false;
    }
    const std::string list = "temp.orphans_" + std::to_string(lists_++);
    CarriedTable* child = carrier_.find(reference.child->name);
    std::vector<std::string> what;
    if (child != nullptr) {
      if (!child->carry->rowid.empty()) what.push_back("c." + child->carry->rowid);
      for (const auto& part : child->carry->key) what.push_back("c." + sql_name(child->carry->columns[part.column]));
    }
    const size_t keys = what.size();
    for (const auto& column : reference.from) what.push_back("c." + sql_name(column));
    TRY_VOID(target_.exec("CREATE TABLE " + list + " AS " + reference.orphans("main", join(what, ", "))));
    auto orphans = TRY(target_.prepare("SELECT * FROM " + list));
    bool progress = false;
    while (TRY(orphans.step())) {
      Key key, pointer;
      for (size_t i = 0; i < what.size(); ++i)
        (i < keys ? key : pointer).push_back(cell_of(orphans.raw(), static_cast<int>(i)));
      if (TRY(take_back_child(child, key, reference)) || TRY(take_back_parent(reference, pointer))) progress = true;
    }
    if (!progress) settled_.insert(reference.name());
    return progress;
  }

  ReferenceReport report;

 private:
  Result<bool> take_back_child(CarriedTable* child, const Key& key, const Reference& reference) {
    if (child == nullptr) return false;
    if (child->carry->leave && reference.cascades) {
      TRY_VOID(child->target.remove_row(key));
      auto& count = report.cascaded[reference.child->name];
      count = count.is_null() ? 1 : count.get<int64_t>() + 1;
      return true;
    }
    return take_back(*child, key, {"missing-parent", "FOREIGN KEY " + reference.name() + ": there is no such row"});
  }

  /// Nobody touched the child: then its parent was deleted, or got another key.
  Result<bool> take_back_parent(const Reference& reference, const Key& pointer) {
    CarriedTable* parent = carrier_.find(reference.parent->name);
    if (parent == nullptr) return false;
    const Carry& carry = *parent->carry;
    std::string what = carry.rowid, where;
    for (const auto& part : carry.key) what += (what.empty() ? "" : ", ") + sql_name(carry.columns[part.column]);
    for (size_t i = 0; i < reference.to.size(); ++i)
      where += (i == 0 ? " WHERE " : " AND ") + sql_name(reference.to[i]) + " = ?" + std::to_string(i + 1);
    auto rows = TRY(target_.prepare("SELECT " + what + " FROM pristine." + sql_name(carry.table) + where));
    for (size_t i = 0; i < pointer.size(); ++i) bind(rows.raw(), static_cast<int>(i + 1), pointer[i]);
    if (!TRY(rows.step())) return false;
    Key key;
    for (int i = 0; i < sqlite3_column_count(rows.raw()); ++i) key.push_back(cell_of(rows.raw(), i));
    return take_back(*parent, key,
                     {"still-referenced", "FOREIGN KEY " + reference.name() + ": rows that stay point at it"});
  }

  Result<bool> take_back(CarriedTable& table, const Key& key, const Refusal& refusal) {
    const auto entry = TRY(table.target.find_marked(Mark::kApplied, key));
    if (!entry || TRY(table.target.find_marked(Mark::kReported, key))) return false;
    TRY_VOID(target_.exec("SAVEPOINT taking_back"));
    if (const auto refused = TRY(table.target.take_back(entry->operation, key))) {
      TRY_VOID(target_.exec("ROLLBACK TO taking_back; RELEASE taking_back"));
      ++report.left_dangling;
      return false;
    }
    TRY_VOID(target_.exec("RELEASE taking_back"));
    TRY_VOID(carrier_.report_taken_back(table, {entry->number, entry->operation, key}, refusal));
    return true;
  }

  Connection& target_;
  Carrier& carrier_;
  std::set<std::string> settled_;
  int lists_ = 0;
};

}  // namespace

bool in_references(const schema::Snapshot& schema, const std::string& table) {
  for (const auto& child : schema.tables) {
    if (!child.foreign_keys.empty() && schema::same_name(child.name, table)) return true;
    for (const auto& key : child.foreign_keys)
      if (schema::same_name(key.parent, table)) return true;
  }
  return false;
}

Result<ReferenceReport> mend_references(Connection& target, const schema::Snapshot& schema, Carrier& carrier) {
  Mender mender(target, carrier);
  for (bool again = true; again;) {
    again = false;
    for (const auto& reference : TRY(broken_references(target, schema)))
      if (TRY(mender.mend(reference))) again = true;
  }
  return mender.report;
}

}  // namespace backout::database
