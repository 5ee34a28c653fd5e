// RowReferences: the foreign keys of the target while rows are carried into it.
//
// Checks wait until the end (the keys are deferred), actions do not: ON DELETE CASCADE, SET NULL and the like would
// change rows that users did not. So a row is deleted, or gets another referenced value, only when nobody points at it
// by a key with an action. What points nowhere at the end, because of us, is taken back and reported.
#pragma once
#include <deque>

#include "database/postgresql/settle_values.h"

namespace backout::postgresql {

class RowReferences {
 public:
  /// Tables of `staged` must stay where they are.
  RowReferences(Connection& target, const RowCatalogue& catalogue, const RowMap& map, std::deque<StagedTable>& staged);

  /// Is the table on either end of a foreign key?
  bool touches(const StagedTable& table) const;
  /// Tables that point at others before those.
  const std::vector<StagedTable*>& children_first() const { return order_; }

  /// Deletes marked `letter` that an action would spread from wait (`p`).
  Result<void> hold_back_deletes(const std::string& letter);
  /// The same for updates of one table that change what others point at.
  Result<void> hold_back_updates(const StagedTable& table, const std::string& letter);
  /// Counts rows of tables set to `leave` that go with the parents that users deleted.
  Result<void> count_cascades(const std::string& letter);
  const Json& cascaded() const { return cascaded_; }
  /// Does an action of a foreign key hang on this table?
  bool has_actions(const StagedTable& table) const;

  /// Everything is in: finds what points nowhere, and marks (`x`) what has to be taken back. False: nothing.
  Result<bool> mark_missing_parents();
  Result<bool> mark_still_referenced();
  /// More rows were marked: children that hang on them are marked too.
  Result<void> spread();

 private:
  struct Link {
    const RowReference* reference = nullptr;
    const RowTable* child = nullptr;
    const RowTable* parent = nullptr;
    StagedTable* staged_child = nullptr;  // nothing: it has no differences, or is not carried
    StagedTable* staged_parent = nullptr;
    bool left_cascades = false;  // a table set to `leave`, ON DELETE CASCADE

    std::string shown() const;
    /// Row `c` of the child points at row `p` of the parent (or of its undo).
    std::string joined(const std::string& c, const std::string& p) const;
    /// Rows a and b of the parent have the same referenced value.
    std::string same_target(const std::string& a, const std::string& b) const;
    std::string points_somewhere(const std::string& c) const;
    /// Row `c` is not what the key allows.
    std::string broken(const std::string& c) const;
    std::string changes_target(const std::string& p, const std::string& s) const;
  };
  void sort();
  Result<int64_t> mark(const std::string& statement);
  Result<bool> spread_over_children();

  Connection& target_;
  std::deque<StagedTable>& staged_;
  std::vector<Link> links_;
  std::vector<StagedTable*> order_;
  Json cascaded_ = Json::object();
};

}  // namespace backout::postgresql
