#include "database/sqlite/rows_out.h"

#include "database/sqlite/read_schema.h"
#include "database/sqlite/sides.h"
#include "database/sqlite/verb_args.h"
#include "os/rows_directory.h"

namespace backout::database {
namespace {

class RowWriter : public Differences {
 public:
  RowWriter(const Carry& carry, os::RowsDirectory& files) : carry_(carry), files_(files) {}
  Result<void> inserted(RowStream& after) override {
    TRY_VOID(counter.inserted(after));
    return write("insert", nullptr, &after);
  }
  Result<void> updated(RowStream& before, RowStream& after) override {
    TRY_VOID(counter.updated(before, after));
    return write("update", &before, &after);
  }
  Result<void> deleted(RowStream& before) override {
    TRY_VOID(counter.deleted(before));
    return write("delete", &before, nullptr);
  }
  Result<void> news(RowStream& after) override { return counter.news(after); }
  Counter counter;

 private:
  Result<void> write(const char* operation, const RowStream* base, const RowStream* live) {
    if (carry_.leave) return {};
    return files_.add({{"table", carry_.table},
                       {"operation", operation},
                       {"key", (live != nullptr ? live : base)->key_json()},
                       {"base", base == nullptr ? Json(nullptr) : base->json()},
                       {"live", live == nullptr ? Json(nullptr) : live->json()}});
  }
  const Carry& carry_;
  os::RowsDirectory& files_;
};

}  // namespace

Result<Json> export_rows(const Json& args, const Progress& progress) {
  auto sides = TRY(Sides::open(TRY(need_path(args, "base")), TRY(need_path(args, "live"))));
  std::optional<Connection> onto;
  if (const std::string target = get_string(args, "target"); !target.empty())
    onto = TRY(Connection::open(target, Open::kFixed));
  Connection& wanted = onto ? *onto : sides.base;
  CarryMap map = map_tables(sides.base_schema, sides.live_schema, TRY(read_schema(wanted)),
                            TRY(choices_from_json(get(args, "tables"))));
  TRY_VOID(settle_keys(map, {&sides.base, &sides.live, &wanted}));
  auto files = TRY(os::RowsDirectory::create(TRY(need_path(args, "directory")), "sqlite"));
  DifferenceReport report;
  for (const Carry& carry : map.tables) {
    if (progress) progress("exporting " + carry.table);
    RowWriter writer(carry, files);
    auto before = TRY(RowStream::scan(sides.base, carry, RowStream::Side::kBase));
    auto after = TRY(RowStream::scan(sides.live, carry, RowStream::Side::kLive));
    TRY_VOID(merge(before, after, writer).with_context("table " + carry.table));
    TableDifference difference{.table = carry.table,
                               .leave = carry.leave,
                               .counter = std::move(writer.counter),
                               .matched_by = matched_by(carry)};
    report.add(difference, carry, 0);
  }
  Json evidence = TRY(report.json(map, sides));
  evidence["files"] = TRY(files.finish({{"rows", get(evidence, "rows")}, {"left", get(evidence, "left")}}));
  evidence["directory"] = get(args, "directory");
  return evidence;
}

}  // namespace backout::database
