#include "database/postgresql/row_references.h"

#include <functional>
#include <set>

#include "base/text.h"

namespace backout::postgresql {
namespace {

bool acts(char action) { return action != 'a'; }

std::string marked(const std::string& letter, const char* operation) {
  return "s.mark = " + sql_text(letter) + " AND s.op = '" + operation + "'";
}

}  // namespace

std::string RowReferences::Link::shown() const {
  return "FOREIGN KEY " + child->shown() + "." + join(reference->from, "+") + " -> " + parent->shown();
}

std::string RowReferences::Link::joined(const std::string& c, const std::string& p) const {
  std::vector<std::string> pairs;
  for (size_t i = 0; i < reference->from.size(); ++i)
    pairs.push_back(p + "." + sql_name(reference->to[i]) + " " + reference->equals[i] + " " + c + "." +
                    sql_name(reference->from[i]));
  return join(pairs, " AND ");
}

std::string RowReferences::Link::same_target(const std::string& a, const std::string& b) const {
  std::vector<std::string> pairs;
  for (size_t i = 0; i < reference->to.size(); ++i)
    pairs.push_back(a + "." + sql_name(reference->to[i]) + " " + reference->same[i] + " " + b + "." +
                    sql_name(reference->to[i]));
  return join(pairs, " AND ");
}

std::string RowReferences::Link::points_somewhere(const std::string& c) const {
  std::vector<std::string> parts;
  for (const std::string& name : reference->from) parts.push_back(c + "." + sql_name(name) + " IS NOT NULL");
  return join(parts, " AND ");
}

std::string RowReferences::Link::broken(const std::string& c) const {
  const std::string nowhere = "(" + points_somewhere(c) + " AND NOT EXISTS (SELECT FROM " + parent->from() +
                              " AS p WHERE " + joined(c, "p") + "))";
  if (!reference->match_full || reference->from.size() < 2) return nowhere;
  std::vector<std::string> parts;
  for (const std::string& name : reference->from) parts.push_back(c + "." + sql_name(name));
  return "(" + nowhere + " OR pg_catalog.num_nulls(" + join(parts, ", ") + ") BETWEEN 1 AND " +
         std::to_string(parts.size() - 1) + ")";
}

/// The update that staged row s is gives row p another referenced value.
std::string RowReferences::Link::changes_target(const std::string& p, const std::string& s) const {
  std::vector<std::string> parts;
  for (const std::string& name : reference->to) {
    const size_t column = staged_parent->column(name);
    if (column == std::string::npos || column < staged_parent->map->key_size) continue;
    parts.push_back(p + "." + sql_name(name) + "::pg_catalog.text IS DISTINCT FROM " + staged_parent->value(column, s) +
                    "::pg_catalog.text");
  }
  return parts.empty() ? "false" : "(" + join(parts, " OR ") + ")";
}

RowReferences::RowReferences(Connection& target, const RowCatalogue& catalogue, const RowMap& map,
                             std::deque<StagedTable>& staged)
    : target_(target), staged_(staged) {
  const auto staged_of = [&](int64_t oid) -> StagedTable* {
    for (StagedTable& table : staged_)
      if (table.map->target.oid == oid) return &table;
    return nullptr;
  };
  for (const RowReference& reference : catalogue.references) {
    const auto child = catalogue.tables.find(reference.child), parent = catalogue.tables.find(reference.parent);
    if (child == catalogue.tables.end() || parent == catalogue.tables.end()) continue;
    Link link{.reference = &reference,
              .child = &child->second,
              .parent = &parent->second,
              .staged_child = staged_of(reference.child),
              .staged_parent = staged_of(reference.parent)};
    if (link.staged_child == nullptr && link.staged_parent == nullptr) continue;
    const MappedTable* mapped = map.find(reference.child);
    link.left_cascades = mapped != nullptr && mapped->leave && reference.on_delete == 'c';
    links_.push_back(link);
  }
  sort();
}

void RowReferences::sort() {
  std::set<const StagedTable*> seen;
  const std::function<void(StagedTable*)> visit = [&](StagedTable* table) {
    if (!seen.insert(table).second) return;
    for (const Link& link : links_)
      if (link.staged_parent == table && link.staged_child != nullptr) visit(link.staged_child);
    order_.push_back(table);
  };
  for (StagedTable& table : staged_) visit(&table);
}

bool RowReferences::touches(const StagedTable& table) const {
  for (const Link& link : links_)
    if (link.staged_child == &table || link.staged_parent == &table) return true;
  return false;
}

bool RowReferences::has_actions(const StagedTable& table) const {
  for (const Link& link : links_)
    if (link.staged_parent == &table && (acts(link.reference->on_delete) || acts(link.reference->on_update)))
      return true;
  return false;
}

Result<int64_t> RowReferences::mark(const std::string& statement) {
  const Rows done = TRY(target_.query(statement));
  return done.affected();
}

Result<void> RowReferences::hold_back_deletes(const std::string& letter) {
  for (bool again = true; again;) {
    again = false;
    for (const Link& link : links_) {
      if (link.staged_parent == nullptr || link.staged_parent->staged.remove == 0) continue;
      if (!acts(link.reference->on_delete) || link.left_cascades) continue;
      const StagedTable& parent = *link.staged_parent;
      std::string child_rows = link.child->from() + " AS c", gone;
      if (link.staged_child != nullptr && link.staged_child->staged.remove > 0) {
        child_rows = link.staged_child->rows("c");
        gone = " AND NOT EXISTS (SELECT FROM " + link.staged_child->stage() + " AS z WHERE " +
               link.staged_child->match("z", "c") + " AND z.op = 'd' AND z.mark = " + sql_text(letter) + ")";
      }
      const int64_t held =
          TRY(mark("UPDATE " + parent.stage() + " AS s SET mark = 'p', kind = 'still-referenced', why = " +
                   sql_text(link.shown() + ": rows that stay point at it") + " FROM " + parent.rows() + " WHERE " +
                   parent.match() + " AND " + marked(letter, "d") + " AND EXISTS (SELECT FROM " + child_rows +
                   " WHERE " + link.joined("c", "t") + gone + ")"));
      again = again || held > 0;
    }
  }
  return {};
}

Result<void> RowReferences::hold_back_updates(const StagedTable& table, const std::string& letter) {
  for (const Link& link : links_) {
    if (link.staged_parent != &table || !acts(link.reference->on_update)) continue;
    const std::string changes = link.changes_target("t", "s");
    if (changes == "false") continue;
    TRY(mark("UPDATE " + table.stage() + " AS s SET mark = 'p', kind = 'still-referenced', why = " +
             sql_text(link.shown() + ": rows that stay point at it") + " FROM " + table.rows() + " WHERE " +
             table.match() + " AND " + marked(letter, "u") + " AND " + changes + " AND EXISTS (SELECT FROM " +
             link.child->from() + " AS c WHERE " + link.joined("c", "t") + ")"));
  }
  return {};
}

Result<void> RowReferences::count_cascades(const std::string& letter) {
  for (const Link& link : links_) {
    if (!link.left_cascades || link.staged_parent == nullptr || link.staged_parent->staged.remove == 0) continue;
    const StagedTable& parent = *link.staged_parent;
    const int64_t rows = TRY(target_.integer("SELECT pg_catalog.count(*) FROM " + link.child->from() +
                                             " AS c WHERE EXISTS (SELECT FROM " + parent.stage() + " AS s, " +
                                             parent.rows() + " WHERE " + parent.match() + " AND " +
                                             marked(letter, "d") + " AND " + link.joined("c", "t") + ")"));
    if (rows > 0) cascaded_[link.child->shown()] = get_int(cascaded_, link.child->shown()) + rows;
  }
  return {};
}

/// Children that hang on rows that are about to be taken back.
Result<bool> RowReferences::spread_over_children() {
  bool any = false;
  for (bool again = true; again;) {
    again = false;
    for (const Link& link : links_) {
      if (link.staged_child == nullptr || link.staged_parent == nullptr) continue;
      const StagedTable &child = *link.staged_child, &parent = *link.staged_parent;
      std::string vanishes = "z.op = 'i'";
      if (parent.has_undo && !parent.map->multiset) {
        const std::string changed = link.changes_target("u", "z");
        if (changed != "false")
          vanishes += " OR (z.op = 'u' AND EXISTS (SELECT FROM " + parent.undo() +
                      " AS u WHERE u.backout_n = z.n AND " + changed + "))";
      }
      const int64_t spread = TRY(mark(
          "UPDATE " + child.stage() + " AS s SET mark = 'x', kind = 'missing-parent', why = " +
          sql_text(link.shown() + ": the row that it points at could not be carried") + " FROM " + child.rows("c") +
          " WHERE " + child.match("s", "c") + " AND s.mark = 'a' AND s.op IN ('i', 'u') AND EXISTS (SELECT FROM " +
          parent.rows("p") + ", " + parent.stage() + " AS z WHERE " + link.joined("c", "p") + " AND " +
          parent.match("z", "p") + " AND z.mark = 'x' AND (" + vanishes + "))"));
      again = again || spread > 0;
    }
    any = any || again;
  }
  return any;
}

Result<void> RowReferences::spread() {
  TRY(spread_over_children());
  return {};
}

Result<bool> RowReferences::mark_missing_parents() {
  bool any = false;
  for (const Link& link : links_) {
    if (link.staged_child == nullptr) continue;
    const StagedTable& child = *link.staged_child;
    if (child.staged.insert + child.staged.update == 0) continue;
    // An update that leaves a broken key as it was did not break it.
    std::string ours = "s.op = 'i'";
    if (child.has_undo) {
      std::vector<std::string> moved;
      for (const std::string& name : link.reference->from)
        moved.push_back("u." + sql_name(name) + "::pg_catalog.text IS DISTINCT FROM c." + sql_name(name) +
                        "::pg_catalog.text");
      ours = "(s.op = 'i' OR (s.op = 'u' AND EXISTS (SELECT FROM " + child.undo() +
             " AS u WHERE u.backout_n = s.n AND (" + join(moved, " OR ") + "))))";
    }
    const int64_t found =
        TRY(mark("UPDATE " + child.stage() + " AS s SET mark = 'x', kind = 'missing-parent', why = " +
                 sql_text(link.shown() + ": there is no such row") + " FROM " + child.rows("c") + " WHERE " +
                 child.match("s", "c") + " AND s.mark = 'a' AND " + ours + " AND " + link.broken("c")));
    any = any || found > 0;
  }
  if (any) TRY(spread_over_children());
  return any;
}

Result<bool> RowReferences::mark_still_referenced() {
  bool any = false;
  for (const Link& link : links_) {
    if (link.staged_parent == nullptr || !link.staged_parent->has_undo) continue;
    const StagedTable& parent = *link.staged_parent;
    if (parent.staged.remove + parent.staged.update == 0) continue;
    const int64_t found =
        TRY(mark("UPDATE " + parent.stage() + " AS s SET mark = 'x', kind = 'still-referenced', why = " +
                 sql_text(link.shown() + ": rows that stay point at it") + " FROM " + parent.undo() +
                 " AS u WHERE u.backout_n = s.n AND s.mark = 'a' AND s.op IN ('d', 'u') AND EXISTS (SELECT FROM " +
                 link.child->from() + " AS c WHERE " + link.joined("c", "u") + ") AND NOT EXISTS (SELECT FROM " +
                 link.parent->from() + " AS p WHERE " + link.same_target("p", "u") + ")"));
    any = any || found > 0;
  }
  if (any) TRY(spread_over_children());
  return any;
}

}  // namespace backout::postgresql
