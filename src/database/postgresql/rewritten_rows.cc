#include "database/postgresql/rewritten_rows.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "database/postgresql/table_count.h"
#include "schema/migration_books.h"

namespace backout::postgresql {
namespace {

constexpr const char* kMigratorRule = "migrator-";

bool is_settled(const MappedTable& table, const std::map<std::string, int64_t>& changed_columns) {
  if (table.chosen || schema::is_migration_book(table.target.name)) return true;
  return !changed_columns.empty() &&
         std::all_of(changed_columns.begin(), changed_columns.end(),
                     [&](const auto& changed) { return table.chosen_columns.contains(changed.first); });
}

std::string share(const std::string& table, const Json& seen) {
  return fmt::format("{}{} of {} old rows of {} changed since the checkpoint", get_bool(seen, "exact") ? "" : "about ",
                     get_int(seen, "changed"), get_int(seen, "rows"), one_line(table));
}

/// "Django (django_migrations): shop.0002_cents", of the migrations that came with the release.
std::vector<std::string> unexplained(const schema::Comparison& comparison) {
  std::vector<std::string> names;
  for (const schema::Finding& finding : comparison.findings) {
    if (!finding.rule.starts_with(kMigratorRule)) return {};
    if (finding.rule != "migrator-tolerates") continue;
    names.push_back(finding.object + ": " +
                    finding.breaks.substr(0, std::min(finding.breaks.find(" ("), finding.breaks.find(": "))));
  }
  return names;
}

}  // namespace

bool nearly_all(int64_t changed, int64_t rows) { return rows >= kFewRows && changed * 10 >= rows * 9; }

Json old_rows_of(const TableCount& count, int64_t rows) {
  const RowCounts& counts = count.difference.counts;
  const MappedTable& table = *count.difference.map;
  // Without a key a row that changed is one that went and one that came. Of the server's counters one row may have
  // many, and of a balance changes do not show.
  const int64_t changed = table.multiset ? std::min(counts.insert, counts.remove) : counts.update;
  const bool known = count.how != "counters" && count.how != "balance" && count.how != "unknown";
  return {{"changed", std::min(changed, rows)},
          {"rows", rows},
          {"exact", count.exact && !table.multiset},
          {"known", known},
          {"settled", is_settled(table, count.difference.columns)},
          {"why", count.why}};
}

void weigh_rows(const Json& counted, schema::Comparison& comparison) {
  for (const auto& [table, seen] : get(counted, "old_rows").items()) {
    if (!get_bool(seen, "known") || get_bool(seen, "settled")) continue;
    if (!nearly_all(get_int(seen, "changed"), get_int(seen, "rows"))) continue;
    comparison.findings.push_back({.rule = kRowsRewritten,
                                   .fits = false,
                                   .object = table,
                                   .breaks = share(table, seen) + ", probably by the migration",
                                   .harms = schema::Harms("X")});
  }
  comparison.conclude();
}

std::vector<std::string> doubts_about_rows(const Json& counted, const schema::Comparison& comparison) {
  std::vector<std::string> doubts, uncounted;
  std::string why = get_string(counted, "failed");
  bool none_changed = get_bool(counted, "exact") && get(counted, "rows").empty();
  for (const auto& [table, seen] : get(counted, "old_rows").items()) {
    if (get_bool(seen, "settled")) continue;
    if (!get_bool(seen, "known")) {
      uncounted.push_back(one_line(table));
      if (why.empty()) why = get_string(seen, "why");
    } else if (const int64_t changed = get_int(seen, "changed");
               changed >= kFewRows && changed * 10 >= get_int(seen, "rows")) {
      doubts.push_back(share(table, seen) + "; they stay as they are now");
    }
  }
  if (const auto names = unexplained(comparison); !names.empty() && !none_changed)
    doubts.push_back(join(names, "; ") +
                     " came with the release, and the schema shows nothing of it: what it did to rows is not known");
  if (!why.empty())
    doubts.push_back(fmt::format("whether a migration rewrote old rows{} is not known: {}",
                                 uncounted.empty() ? "" : " of " + join(uncounted, ", "), one_line(why)));
  return doubts;
}

Json only_carried(const Json& tables) {
  Json carried = Json::object();
  for (const auto& [name, word] : tables.items())
    if (word == "carry") carried[name] = word;
  return carried;
}

}  // namespace backout::postgresql
