#include "database/sqlite/merge.h"

namespace backout::database {

Json to_json(const Counts& counts) {
  return {{"insert", counts.insert}, {"update", counts.update}, {"delete", counts.remove}};
}

Result<void> merge(RowStream& before, RowStream& after, Differences& differences) {
  while (!before.done() || !after.done()) {
    const int which = before.done() ? 1 : after.done() ? -1 : order(before, after);
    if (which < 0) {
      TRY_VOID(differences.deleted(before));
      TRY_VOID(before.next());
      continue;
    }
    if (after.has_news()) TRY_VOID(differences.news(after));
    if (which > 0) {
      TRY_VOID(differences.inserted(after));
    } else {
      if (!same_row(before, after)) TRY_VOID(differences.updated(before, after));
      TRY_VOID(before.next());
    }
    TRY_VOID(after.next());
  }
  return {};
}

Result<void> Counter::inserted(RowStream&) {
  ++counts.insert;
  return {};
}

Result<void> Counter::updated(RowStream& before, RowStream& after) {
  ++counts.update;
  for (size_t i = 0; i < before.carry().columns.size(); ++i)
    if (!same(before.cell(i), after.cell(i))) ++columns[before.carry().columns[i]];
  return {};
}

Result<void> Counter::deleted(RowStream&) {
  ++counts.remove;
  return {};
}

Result<void> Counter::news(RowStream&) {
  ++rows_with_news;
  return {};
}

}  // namespace backout::database
