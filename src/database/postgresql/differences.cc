#include "database/postgresql/differences.h"

#include <fmt/format.h>

#include "database/postgresql/row_files.h"
#include "database/postgresql/settle_values.h"

namespace backout::postgresql {
namespace {

/// Counts, and stages what is to be staged.
class Collector : public RowDifferences {
 public:
  Collector(const MappedTable& table, Stager* stager) : counter(table), stager_(stager) {}
  Result<void> inserted(const RowStream& live) override {
    TRY_VOID(counter.inserted(live));
    return stager_ == nullptr ? Result<void>() : stager_->inserted(live);
  }
  Result<void> updated(const RowStream& target, const RowStream& live) override {
    TRY_VOID(counter.updated(target, live));
    return stager_ == nullptr ? Result<void>() : stager_->updated(target, live);
  }
  Result<void> deleted(const RowStream& target) override {
    TRY_VOID(counter.deleted(target));
    return stager_ == nullptr ? Result<void>() : stager_->deleted(target);
  }
  RowCounter counter;

 private:
  Stager* stager_;
};

}  // namespace

Result<Found> find_differences(RowSides& sides, Connection& writer, const RowMap& map, const FindJob& job,
                               const Progress& progress) {
  Found found;
  int number = job.first_number;
  const bool hush = TRY(has_event_triggers(writer));
  for (const MappedTable& table : map.tables) {
    const bool settles = table.converts() || job.known;
    const bool stages = settles || (job.stage_all && !table.leave);
    StagedTable staged{.map = &table, .number = number, .hush = hush};
    Stager stager(writer, staged);
    Collector collector(table, stages ? &stager : nullptr);
    TableDifference difference{.map = &table};
    difference.compared = TRY(compare_rows(sides, table, collector));
    TRY_VOID(stager.finish().with_context("staging " + table.shown));
    difference.counts = collector.counter.counts;
    difference.columns = std::move(collector.counter.columns);
    if (settles && difference.counts.all() > 0) {
      TRY_VOID(settle_types(writer, staged).with_context("values of " + table.shown));
      if (job.known) TRY(mark_known(writer, staged));
      TRY_VOID(count_staged(writer, staged, &difference.columns).with_context("counting " + table.shown));
      difference.counts = staged.staged;
    }
    const RowCounts& counts = difference.counts;
    if (progress && counts.all() > 0)
      progress(fmt::format("{}: {} inserted, {} changed, {} deleted{}", table.shown, counts.insert, counts.update,
                           counts.remove, table.leave ? " (left)" : ""));
    const bool any_staged = stages && collector.counter.counts.all() > 0;
    if (any_staged && job.stage_all && !table.leave) {
      found.staged.push_back(std::move(staged));
      ++number;
    } else if (any_staged) {
      TRY_VOID(writer.exec(hushed("DROP TABLE " + staged.stage(), hush)));
    }
    found.tables.push_back(std::move(difference));
  }
  return found;
}

}  // namespace backout::postgresql
