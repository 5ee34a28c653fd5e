#include "database/postgresql/fingerprints.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <functional>
#include <set>
#include <unordered_map>

#include "base/hash.h"
#include "base/text.h"
#include "database/postgresql/keyed_rows.h"
#include "database/postgresql/rewritten_rows.h"
#include "database/postgresql/row_buckets.h"

namespace backout::postgresql {
namespace {

constexpr int kHashesRecords = 140000;  // hash_record_extended came with 14
constexpr size_t kRecord = 16;          // bytes
constexpr size_t kAtOnce = kRecord << 16U;
constexpr int64_t kMostLooked = 500'000;  // rows
constexpr const char* kKeySeed = "7919";

/// Of the table as the side that is asked has it; `name`: what that calls a column.
std::string hashes(const RowTable& own, const std::vector<std::string>& key, const std::vector<std::string>& columns,
                   const std::function<std::string(const std::string&)>& name) {
  const auto row = [&](const std::vector<std::string>& of) {
    std::vector<std::string> values;
    for (const std::string& each : of)
      values.push_back(hashed_value(*find_column(own, name(each)), "t." + sql_name(name(each))));
    return "ROW(" + join(values, ", ") + ")";
  };
  const std::string of_key = std::string("pg_catalog.hash_record_extended(") + row(key) + ", " + kKeySeed + ")";
  // Each row has a seed of its own.
  return of_key + ", pg_catalog.hash_record_extended(" + row(columns) + ", " + of_key + ")";
}

std::vector<std::string> strings(const Json& list) {
  std::vector<std::string> all;
  for (const Json& each : list)
    if (each.is_string()) all.push_back(each.get<std::string>());
  return all;
}

int64_t eight_bytes_of(const char* at) {
  uint64_t value = 0;
  for (int i = 0; i < 8; ++i) value = (value << 8U) | static_cast<unsigned char>(at[i]);
  return static_cast<int64_t>(value);
}

/// The rows of COPY BINARY: two fields of eight bytes each, with their lengths.
Result<Json> write_table(Connection& connection, const RowTable& table, const std::string& path) {
  const std::vector<std::string>& key = table.keys.front();
  std::vector<std::string> columns;
  for (const RowColumn& column : table.columns)
    if (!column.generated) columns.push_back(column.name);
  std::sort(columns.begin(), columns.end());
  auto copy = TRY(connection.copy_out("COPY (SELECT " +
                                      hashes(table, key, columns, [](const std::string& name) { return name; }) +
                                      " FROM " + table.from() + " AS t) TO STDOUT (FORMAT binary)"));
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  Sha256 sha256;
  std::string waiting;
  int64_t rows = 0;
  const auto flush = [&] {
    sha256.update(waiting);
    file.write(waiting.data(), static_cast<std::streamsize>(waiting.size()));
    waiting.clear();
  };
  constexpr size_t kHeader = 19, kTuple = 2 + 4 + 8 + 4 + 8;
  while (auto bytes = TRY(copy.next_bytes())) {
    if (bytes->size() >= kHeader && bytes->starts_with("PGCOPY\n")) bytes->remove_prefix(kHeader);
    if (bytes->size() != kTuple) continue;  // the end
    waiting.append(bytes->substr(6, 8)).append(bytes->substr(18, 8));
    ++rows;
    if (waiting.size() >= kAtOnce) flush();
  }
  flush();
  file.close();
  if (!file) return Error{Code::kNoSpace, path + " could not be written", "make room there and try again"};
  return Json{{"key", key}, {"columns", columns}, {"rows", rows}, {"sha256", sha256.hex()}};
}

/// Of rows by the hash of their key: the hash of the row, and the transaction that wrote it.
struct FingerprintNow {
  int64_t row = 0;
  std::string transaction;
};
using FingerprintsNow = std::unordered_map<int64_t, FingerprintNow>;

struct FingerprintsMet {
  int64_t met = 0, updated = 0;
  std::map<std::string, int64_t> by_transaction;  // rows that it updated last
};

/// Whether the fingerprints of a table can be compared with its rows of now.
bool fit_for(const Json& kept, const MappedTable& table, int server_version) {
  if (!kept.is_object() || server_version < kHashesRecords) return false;
  const auto key = strings(get(kept, "key")), columns = strings(get(kept, "columns"));
  std::set<std::string> mapped;
  for (size_t i = 0; i < table.key_size; ++i) mapped.insert(table.columns[i].name);
  if (std::set(key.begin(), key.end()) != mapped || table.multiset) return false;
  return std::all_of(columns.begin(), columns.end(), [&](const std::string& name) {
    const auto column = std::find_if(table.columns.begin(), table.columns.end(),
                                     [&](const MappedColumn& each) { return each.name == name; });
    return column != table.columns.end() && column->target.type == column->live.type && !column->converts;
  });
}

Result<FingerprintsNow> fingerprints_now(Connection& live, const Json& kept, const MappedTable& table,
                                         const RowTable& own, const std::vector<std::string>& keys) {
  const std::string what = hashes(own, strings(get(kept, "key")), strings(get(kept, "columns")),
                                  [&](const std::string& name) { return own_name(own, table.live, name); });
  FingerprintsNow now;
  TRY_VOID(read_by_keys(live, table, own, keys, what + ", t.xmin", [&](std::string_view line) {
    const auto fields = copy_fields(line);
    int64_t key = 0, row = 0;
    std::from_chars(fields[0].data(), fields[0].data() + fields[0].size(), key);
    std::from_chars(fields[1].data(), fields[1].data() + fields[1].size(), row);
    now[key] = {row, std::string(fields[2])};
  }));
  return now;
}

/// One pass over the file. kCorrupt: it is not what was written.
Result<FingerprintsMet> meet_fingerprints(const Json& kept, const std::string& directory, const FingerprintsNow& now) {
  const std::string path = directory + "/" + get_string(kept, "file");
  std::ifstream file(path, std::ios::binary);
  FingerprintsMet met;
  Sha256 sha256;
  std::string chunk(kAtOnce, '\0');
  int64_t rows = 0;
  // Nearly all rows are of no interest: a bit for each of the keys that are, by a part of its hash, says so.
  constexpr uint64_t kBits = 1U << 22U;
  std::vector<bool> maybe(kBits);
  for (const auto& [key, row] : now) maybe[static_cast<uint64_t>(key) % kBits] = true;
  while (file) {
    file.read(chunk.data(), static_cast<std::streamsize>(chunk.size()));
    const auto size = static_cast<size_t>(file.gcount());
    sha256.update(std::string_view(chunk).substr(0, size));
    rows += static_cast<int64_t>(size / kRecord);
    for (size_t at = 0; at + kRecord <= size; at += kRecord) {
      const int64_t key = eight_bytes_of(chunk.data() + at);
      if (!maybe[static_cast<uint64_t>(key) % kBits]) continue;
      const auto found = now.find(key);
      if (found == now.end()) continue;
      ++met.met;
      if (found->second.row == eight_bytes_of(chunk.data() + at + 8)) continue;
      ++met.updated;
      ++met.by_transaction[found->second.transaction];
    }
  }
  if (rows == get_int(kept, "rows", -1) && sha256.hex() == get_string(kept, "sha256")) return met;
  return Error{Code::kCorrupt, path + " is not what the checkpoint wrote", ""};
}

}  // namespace

Result<Json> write_fingerprints(Connection& connection, const Json& tables, const std::string& directory) {
  Json kept = Json::object();
  if (connection.server_version() < kHashesRecords) return kept;
  const RowCatalogue catalogue = TRY(read_row_catalogue(connection));
  for (const auto& [oid, table] : catalogue.tables) {
    const std::string name = table.schema + "." + table.name;
    if (table.keys.empty() || get_int(get(tables, name), "oid") != oid) continue;
    const std::string file = std::to_string(oid) + ".rows";
    kept[name] = TRY(write_table(connection, table, directory + "/" + file).with_context("table " + table.shown()));
    kept[name]["file"] = file;
  }
  return kept;
}

Result<bool> settle_by_fingerprints(Connection& live, const CountGround& ground, const std::string& directory,
                                    TableCount& count) {
  const MappedTable& table = *count.difference.map;
  const Json& kept = get(get(ground.manifest->horizon, "fingerprints"), table.target.schema + "." + table.target.name);
  const auto own = ground.live->tables.find(table.live.oid);
  if (!count.net || own == ground.live->tables.end() || !fit_for(kept, table, live.server_version())) return false;
  const auto rows = static_cast<int64_t>(count.net->written.size());
  if (rows > kMostLooked || directory.empty()) return false;
  const FingerprintsNow now = TRY(fingerprints_now(live, kept, table, own->second, count.net->written));
  if (static_cast<int64_t>(now.size()) != rows) return false;
  const auto met = meet_fingerprints(kept, directory, now);
  if (!met || met->met != rows) return false;  // the dump is asked, which has its own checks
  int64_t by_one = 0;
  for (const auto& [transaction, updated] : met->by_transaction) by_one = std::max(by_one, updated);
  if (nearly_all(by_one, met->updated) || nearly_all(met->updated, get_int(kept, "rows"))) return false;
  count.wants_dump = false;
  count.exact = true;
  count.why = "by the slot, and the fingerprints of what its rows were";
  count.difference.counts.update = met->updated;
  return true;
}

}  // namespace backout::postgresql
