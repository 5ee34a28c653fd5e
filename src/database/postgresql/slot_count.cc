#include "database/postgresql/slot_count.h"
#include "database/postgresql/lsn.h"

#include <algorithm>
#include <thread>

#include "base/text.h"
#include "database/postgresql/slot.h"
#include "database/postgresql/slot_stream.h"
#include "database/postgresql/verb_args.h"

namespace backout::postgresql {
namespace {

constexpr size_t kKeptKeys = 160U << 20;  // bytes
constexpr int kFlushTries = 10;           // of 10 ms
constexpr Millis kReadLimit{3'600'000};

/// Every commit that anybody sees by now is before it, and the server has it on its disk, where slots are read from.
Result<uint64_t> position_now(const Server& server, const std::string& database) {
  auto connection = TRY(Connection::open(server, database));
  const std::string now = TRY(connection.text("SELECT pg_catalog.pg_current_wal_insert_lsn()"));
  for (int i = 0; i < kFlushTries; ++i) {
    if (TRY(connection.text("SELECT pg_catalog.pg_current_wal_flush_lsn() >= $1::pg_catalog.pg_lsn", {now})) == "t")
      return lsn_of(now);
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  // A commit of our own, of nothing, takes what is before it to the disk.
  TRY_VOID(connection.exec(
      "SET synchronous_commit = local; SELECT pg_catalog.pg_logical_emit_message(true, 'backout', '')"));
  return lsn_of(now);
}

/// What is known of the tables now, in the transaction that counts.
struct TablesNow {
  std::map<int64_t, int64_t> memberships;                          // table -> its place in the publication
  std::map<int64_t, std::set<std::pair<int64_t, int64_t>>> files;  // root -> what holds its rows, and the file of each
};

Result<TablesNow> tables_now(Connection& live, const std::string& publication) {
  TablesNow now;
  const Rows members = TRY(live.query(
      "SELECT r.prrelid::pg_catalog.int8, r.oid::pg_catalog.int8 FROM pg_catalog.pg_publication_rel r JOIN "
      "pg_catalog.pg_publication p ON p.oid = r.prpubid WHERE p.pubname = $1 AND p.pubinsert AND p.pubupdate AND "
      "p.pubdelete AND p.pubtruncate AND NOT p.puballtables",
      {publication}));
  for (int i = 0; i < members.count(); ++i) now.memberships[members.integer(i, 0)] = members.integer(i, 1);
  const Rows files = TRY(live.query(
      "SELECT coalesce(pg_catalog.pg_partition_root(c.oid), c.oid)::pg_catalog.oid::pg_catalog.int8, "
      "c.oid::pg_catalog.int8, c.relfilenode::pg_catalog.int8 FROM pg_catalog.pg_class c WHERE c.relkind IN ('r', "
      "'p')"));
  for (int i = 0; i < files.count(); ++i)
    now.files[files.integer(i, 0)].insert({files.integer(i, 1), files.integer(i, 2)});
  return now;
}

std::set<std::pair<int64_t, int64_t>> files_then(const CountGround& ground, const RowTable& base) {
  std::set<std::pair<int64_t, int64_t>> files;
  const Json& marks = get(get(get(ground.manifest->horizon, "marks"), "tables"), base.schema + "." + base.name);
  for (const Json& one : get(marks, "counters"))
    if (one.is_array() && one.size() >= 2 && one[0].is_number() && one[1].is_number())
      files.insert({one[0].get<int64_t>(), one[1].get<int64_t>()});
  return files;
}

class SlotCounting {
 public:
  SlotCounting(const Server& server, Connection& live, const CountGround& ground, const RowMap& map)
      : server_(server), live_(live), ground_(ground), map_(map), kept_(get(ground.manifest->horizon, "slot")) {}

  SlotCount run() {
    if (!kept_.is_object()) {
      if (const std::string why = get_string(ground_.manifest->horizon, "no_slot"); !why.empty())
        count_.why_not = "the checkpoint has none: " + why;
      return std::move(count_);
    }
    if (const auto read = read_all(); !read) {
      count_.nets.clear();
      count_.why_not = one_line(read.error().message);
    }
    return std::move(count_);
  }

 private:
  Result<void> read_all() {
    if (!ground_.unsound.empty()) return Error{Code::kConflict, ground_.unsound, ""};
    const std::string name = get_string(kept_, "name"), database = live_.database();
    TRY_VOID(is_there(name, database));
    now_ = TRY(tables_now(live_, name));
    const Snapshot since = TRY(Snapshot::parse(ground_.manifest->snapshot));
    const Snapshot until = TRY(Snapshot::parse(
        TRY(live_.text(live_.server_version() >= 130000 ? "SELECT pg_catalog.pg_current_snapshot()"
                                                        : "SELECT pg_catalog.txid_current_snapshot()"))));
    SlotChanges changes(since, until, kKeptKeys);
    std::vector<int64_t> asked;
    for (const MappedTable& table : map_.tables) {
      if (std::string why = why_not(table); !why.empty()) {
        count_.nets[table.target.oid].doubt = std::move(why);
        continue;
      }
      changes.want(wanted(table));
      asked.push_back(table.target.oid);
    }
    if (asked.empty()) return {};
    const SlotRead read = TRY(read_slot({server_, database, name, name}, TRY(position_now(server_, database)),
                                        ground_.left() / 2, [&](std::string_view each) { return changes.take(each); }));
    count_.changes = changes.changes();
    count_.took = read.took;
    for (const int64_t table : asked) count_.nets[table] = changes.net(table);
    return {};
  }

  Result<void> is_there(const std::string& name, const std::string& database) {
    for (const Slot& slot : TRY(our_slots(live_, database))) {
      if (slot.name != name) continue;
      if (!slot.lost) return {};
      return Error{Code::kNotFound, "the server has thrown away what it needs of the log (max_slot_wal_keep_size)", ""};
    }
    return Error{Code::kNotFound, "it was dropped", ""};
  }

  /// Why the stream cannot be believed for a table.
  std::string why_not(const MappedTable& table) const {
    const RowTable& base = table.target;
    const std::string name = base.schema + "." + base.name;
    if (const std::string left_out = get_string(get(kept_, "left_out"), name); !left_out.empty()) return left_out;
    const Json& member = get(get(kept_, "tables"), name);
    if (get_int(member, "oid") != base.oid) return "it was not in the publication";
    if (table.live.oid != base.oid) return "it is another table";
    const auto membership = now_.memberships.find(base.oid);
    if (membership == now_.memberships.end() || membership->second != get_int(member, "membership"))
      return "it was taken out of the publication";
    if (table.multiset) return "its rows have no key";
    for (size_t i = 0; i < table.key_size; ++i)
      if (!table.columns[i].target.builtin || table.columns[i].target.type != table.columns[i].live.type)
        return "its key is of a type of the application, or of another type than it was";
    const auto files = now_.files.find(base.oid);
    if (files == now_.files.end() || files->second != files_then(ground_, base))
      return "it was rewritten, which no slot shows";
    return "";
  }

  SlotTable wanted(const MappedTable& table) const {
    SlotTable wanted{.id = table.target.oid, .key = {}, .relations = {}};
    const auto own = ground_.live->tables.find(table.live.oid);
    for (size_t i = 0; i < table.key_size; ++i) {
      const std::string& name = table.columns[i].name;
      std::vector<std::string> names{name};
      for (size_t j = 0; own != ground_.live->tables.end() && j < table.live.columns.size(); ++j)
        if (table.live.columns[j].name == name) names.push_back(own->second.columns[j].name);
      wanted.key.push_back(std::move(names));
    }
    for (const int64_t leaf : ground_.base->tables.at(table.target.oid).leaves)
      wanted.relations.push_back(static_cast<uint32_t>(leaf));
    return wanted;
  }

  const Server& server_;
  Connection& live_;
  const CountGround& ground_;
  const RowMap& map_;
  const Json& kept_;
  TablesNow now_;
  SlotCount count_;
};

}  // namespace

SlotCount count_by_slot(const Server& server, Connection& live, const CountGround& ground, const RowMap& map) {
  return SlotCounting(server, live, ground, map).run();
}

Result<Json> run_read_slot(const Json& args, const driver::Progress&) {
  SlotSource source{.server = TRY(server_of(args)),
                    .database = TRY(need(args, "database")),
                    .slot = TRY(need(args, "slot")),
                    .publication = get_string(args, "publication")};
  if (source.publication.empty()) source.publication = source.slot;
  int64_t changes = 0;
  const uint64_t until = TRY(position_now(source.server, source.database));
  const SlotRead read = TRY(read_slot(source, until, kReadLimit, [&](std::string_view message) -> Result<void> {
    const PgOutput output = TRY(parse_pgoutput(message));
    if (std::holds_alternative<PgInsert>(output) || std::holds_alternative<PgUpdate>(output) ||
        std::holds_alternative<PgDelete>(output))
      ++changes;
    return {};
  }));
  return Json{{"messages", read.messages}, {"changes", changes}, {"bytes", read.bytes}, {"took_ms", read.took}};
}

}  // namespace backout::postgresql
