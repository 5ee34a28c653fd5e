#include "database/postgresql/row_merge.h"

namespace backout::postgresql {

RowCounts& RowCounts::operator+=(const RowCounts& other) {
  insert += other.insert;
  update += other.update;
  remove += other.remove;
  return *this;
}

Json to_json(const RowCounts& counts) {
  return {{"insert", counts.insert}, {"update", counts.update}, {"delete", counts.remove}};
}

RowCounts row_counts(const Json& counts) {
  return {get_int(counts, "insert"), get_int(counts, "update"), get_int(counts, "delete")};
}

Result<void> merge_rows(RowStream& target, RowStream& live, RowDifferences& differences) {
  while (!target.done() || !live.done()) {
    const int which = target.done() ? 1 : live.done() ? -1 : order(target, live);
    if (which < 0) {
      TRY_VOID(differences.deleted(target));
      TRY_VOID(target.next());
    } else if (which > 0) {
      TRY_VOID(differences.inserted(live));
      TRY_VOID(live.next());
    } else {
      if (!same_row(target, live)) TRY_VOID(differences.updated(target, live));
      TRY_VOID(target.next());
      TRY_VOID(live.next());
    }
  }
  return {};
}

Result<void> RowCounter::inserted(const RowStream&) {
  ++counts.insert;
  return {};
}

Result<void> RowCounter::updated(const RowStream& target, const RowStream& live) {
  ++counts.update;
  const auto before = copy_fields(target.rest()), after = copy_fields(live.rest());
  for (size_t i = 0; i < before.size() && i < after.size(); ++i)
    if (before[i] != after[i]) ++columns[table_.columns[table_.key_size + i].name];
  return {};
}

Result<void> RowCounter::deleted(const RowStream&) {
  ++counts.remove;
  return {};
}

}  // namespace backout::postgresql
