#include "database/postgresql/row_buckets.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <random>
#include <set>

#include "base/text.h"

namespace backout::postgresql {
namespace {

constexpr int kHashesSince = 140000;      // bit_xor, hash_record_extended
constexpr int64_t kMostBuckets = 400000;  // what a hash aggregate holds in memory, and we
constexpr int64_t kSamples = 64;
constexpr int64_t kManyRows = 5000000;  // from then on it pays to compile the expressions
constexpr int64_t kOneInFour = 4;  // more buckets differ than that: one pass over the table is quicker than its index
/// The planner takes each row for a bucket of its own: it would sort them all, and send them all from its workers.
constexpr const char* kForAll = "enable_sort = off; SET LOCAL parallel_tuple_cost = 0";
constexpr const char* kAfterAll = "enable_sort = on; SET LOCAL parallel_tuple_cost TO DEFAULT; SET LOCAL jit = off";
constexpr int64_t kFewBuckets = 1024;  // fewer of a table that is not small: a few ids lie far from all others

std::string seed_of() {
  std::random_device device;
  return std::to_string((static_cast<uint64_t>(device()) << 31) ^ device());
}

Result<int64_t> size_of(Connection& connection, const RowTable& table) {
  const std::string oid = std::to_string(table.oid) + "::pg_catalog.oid";
  return connection.integer(
      "SELECT coalesce(pg_catalog.sum(pg_catalog.pg_relation_size(x.oid)), 0)::pg_catalog.int8 "
      "FROM (SELECT " +
      oid + " AS oid UNION SELECT relid FROM pg_catalog.pg_partition_tree(" + oid + ")) AS x");
}

struct Extent {
  std::optional<int64_t> lowest, highest;
};
Result<Extent> extent_of(Connection& connection, const MappedTable& table, const RowTable& from) {
  const std::string key = "t." + sql_name(table.columns.front().name);
  const Rows rows = TRY(connection.query("SELECT pg_catalog.min(" + key + "), pg_catalog.max(" + key + ") FROM " +
                                         from.from() + " AS t"));
  Extent extent;
  if (!rows.is_null(0, 0)) extent.lowest = rows.integer(0, 0);
  if (!rows.is_null(0, 1)) extent.highest = rows.integer(0, 1);
  return extent;
}

std::string hash_of_key(const MappedTable& table, const std::string& seed) {
  std::vector<std::string> key;
  for (size_t i = 0; i < table.key_size; ++i) key.push_back(read_expression(table, i, "t.") + "::pg_catalog.text");
  return "pg_catalog.hash_record_extended(ROW(" + join(key, ", ") + "), " + seed + ")";
}

/// Each row has a seed of its own. With the same one, a record's hash being a sum, two rows that change alike or swap
/// a value would often enough leave the xor of both as it was.
std::string hash_of_row(const MappedTable& table, const std::string& seed) {
  std::vector<std::string> values;
  for (const MappedColumn& column : table.columns)
    values.push_back(hashed_value(column.target, "t." + sql_name(column.name)));
  const std::string own = table.by_integer()
                              ? "(t." + sql_name(table.columns.front().name) + "::pg_catalog.int8 # " + seed + ")"
                              : hash_of_key(table, seed);
  return "pg_catalog.hash_record_extended(ROW(" + join(values, ", ") + "), " + own + ")";
}

/// Both sides' buckets, in order, side by side.
class Comparison {
 public:
  Comparison(RowSides& sides, const MappedTable& table, std::string bucket)
      : sides_(sides), table_(table), bucket_(std::move(bucket)), seed_(seed_of()) {}

  /// Of all rows, or of those in ranges.
  Result<void> run(const KeyRanges& ranges = {}) {
    const bool all = ranges.empty();
    TRY_VOID(sides_.set_local(all ? kForAll : "enable_seqscan = off"));
    if (all && table_.live.estimated_rows > kManyRows) TRY_VOID(sides_.set_local("jit TO DEFAULT"));
    TRY_VOID(sides_.target.send_copy_out(query(table_.target, ranges)));
    TRY_VOID(sides_.live.send_copy_out(query(table_.live, ranges)));
    compare(TRY(all_of(sides_.target)), TRY(all_of(sides_.live)));
    return sides_.set_local(all ? kAfterAll : "enable_seqscan = on");
  }
  const std::string& bucket() const { return bucket_; }
  int64_t buckets = 0;
  std::vector<int64_t> differing;

 private:
  struct Bucket {
    int64_t number = 0, rows = 0, hash = 0;
    auto operator<=>(const Bucket&) const = default;
  };
  std::string query(const RowTable& table, const KeyRanges& ranges) const {
    const std::string from = ranges.empty() ? table.from() + " AS t"
                                            : from_ranges(ranges) + ", LATERAL (SELECT x.* FROM " + table.from() +
                                                  " AS x WHERE " + in_range(table_, "x") + ") AS t";
    return "COPY (SELECT " + bucket_ + ", pg_catalog.count(*), pg_catalog.bit_xor(" + hash_of_row(table_, seed_) +
           ") FROM " + from + " GROUP BY 1) TO STDOUT";
  }
  static Result<std::vector<Bucket>> all_of(Connection& side) {
    auto copy = TRY(side.sent_copy_out());
    std::vector<Bucket> all;
    for (auto line = TRY(copy.next()); line; line = TRY(copy.next())) {
      const char *at = line->data(), *end = at + line->size();
      Bucket bucket;
      for (int64_t* number : {&bucket.number, &bucket.rows, &bucket.hash})
        at = std::min(std::from_chars(at, end, *number).ptr + 1, end);
      all.push_back(bucket);
    }
    std::sort(all.begin(), all.end());
    return all;
  }
  void compare(const std::vector<Bucket>& target, const std::vector<Bucket>& live) {
    for (auto a = target.begin(), b = live.begin(); a != target.end() || b != live.end(); ++buckets) {
      const bool from_a = a != target.end() && (b == live.end() || a->number <= b->number);
      const bool from_b = b != live.end() && (a == target.end() || b->number <= a->number);
      if (!from_a || !from_b || *a != *b) differing.push_back(from_a ? a->number : b->number);
      if (from_a && from_b) {
        ++a, ++b;
      } else {
        ++(from_a ? a : b);
      }
    }
  }

  RowSides& sides_;
  const MappedTable& table_;
  std::string bucket_, seed_;
};

std::string list_of(const std::vector<int64_t>& numbers) {
  std::string out;
  for (const int64_t number : numbers) out += (out.empty() ? "" : ",") + std::to_string(number);
  return "'{" + out + "}'::pg_catalog.int8[]";
}

/// Ranges of a whole number that is the key.
struct Ranges {
  std::string key;
  int64_t lowest = 0, highest = 0;
  int shift = 0;

  std::string bucket() const { return "(" + key + "::pg_catalog.int8 >> " + std::to_string(shift) + ")"; }
  int64_t first_of(int64_t number) const { return static_cast<int64_t>(static_cast<uint64_t>(number) << shift); }
  int64_t last_of(int64_t number) const {
    return static_cast<int64_t>((static_cast<uint64_t>(number) << shift) | ((uint64_t{1} << shift) - 1));
  }
  /// Buckets in order, neighbours in one.
  KeyRanges spans(const std::vector<int64_t>& numbers) const {
    KeyRanges spans;
    for (size_t i = 0; i < numbers.size(); ++i) {
      if (i > 0 && numbers[i] == numbers[i - 1] + 1) {
        spans.back().second = last_of(numbers[i]);
      } else {
        spans.emplace_back(first_of(numbers[i]), last_of(numbers[i]));
      }
    }
    return spans;
  }
};

Result<std::optional<Ranges>> ranges_of(RowSides& sides, const MappedTable& table) {
  const Extent a = TRY(extent_of(sides.target, table, table.target)), b = TRY(extent_of(sides.live, table, table.live));
  std::optional<Ranges> ranges;
  if ((!a.lowest && !b.lowest)) return ranges;
  ranges = Ranges{.key = "t." + sql_name(table.columns.front().name)};
  ranges->lowest = std::min(a.lowest.value_or(INT64_MAX), b.lowest.value_or(INT64_MAX));
  ranges->highest = std::max(a.highest.value_or(INT64_MIN), b.highest.value_or(INT64_MIN));
  const uint64_t width = static_cast<uint64_t>(ranges->highest) - static_cast<uint64_t>(ranges->lowest);
  while ((width >> ranges->shift) > kMostBuckets || (int64_t{1} << ranges->shift) < bucket_limits().rows)
    ++ranges->shift;
  return ranges;
}

/// Any other key: its hash.
std::string key_bucket(const MappedTable& table) { return "(" + hash_of_key(table, "0") + " & 65535)"; }

/// Do most buckets differ? Then hashing them all would be for nothing.
Result<bool> nearly_all_differ(RowSides& sides, const MappedTable& table, const Ranges& ranges) {
  std::mt19937_64 random(std::random_device{}());
  const int64_t first = ranges.lowest >> ranges.shift, last = ranges.highest >> ranges.shift;
  if (last - first < kSamples * 4) return false;
  std::set<int64_t> numbers;
  for (int64_t i = 0; i < kSamples; ++i)
    numbers.insert(first + static_cast<int64_t>(random() % static_cast<uint64_t>(last - first + 1)));
  Comparison sample(sides, table, ranges.bucket());
  TRY_VOID(sample.run(ranges.spans({numbers.begin(), numbers.end()})));
  return sample.buckets >= kSamples / 4 && static_cast<int64_t>(sample.differing.size()) * 10 > sample.buckets * 6;
}

}  // namespace

/// What is hashed of a column tells any two values apart. The server's own hashes do not: of eight bytes they fold the
/// upper half into the lower, and of a numeric they leave out the sign and add the exponent at the end.
std::string hashed_value(const RowColumn& column, const std::string& name) {
  static const std::map<std::string, std::string> kBytesOf = {{"bigint", "int8send"},
                                                              {"numeric", "numeric_send"},
                                                              {"time without time zone", "time_send"},
                                                              {"timestamp without time zone", "timestamp_send"},
                                                              {"timestamp with time zone", "timestamptz_send"}};
  if (!column.hash_is_portable) return name + "::pg_catalog.text";
  const auto bytes = kBytesOf.find(column.base_type);
  return bytes == kBytesOf.end() ? name : "pg_catalog." + bytes->second + "(" + name + ")";
}

BucketLimits& bucket_limits() {
  static BucketLimits limits;
  return limits;
}

Result<RowBuckets> differing_buckets(RowSides& sides, const MappedTable& table) {
  RowBuckets out;
  const auto all = [&](const std::string& why) {
    out.why = why;
    return out;
  };
  if (table.multiset) return all("it has no key");
  if (table.converts()) return all("types differ");
  if (sides.live.server_version() < kHashesSince) return all("the server has no hashes of rows");
  if (TRY(size_of(sides.target, table.target)) < bucket_limits().small_bytes &&
      TRY(size_of(sides.live, table.live)) < bucket_limits().small_bytes)
    return all("it is small");
  std::optional<Ranges> ranges;
  std::optional<Comparison> comparison;
  if (table.by_integer()) {
    ranges = TRY(ranges_of(sides, table));
    if (!ranges) return all("it is empty");
    if (TRY(nearly_all_differ(sides, table, *ranges))) return all("a sample shows that most of it differs");
    comparison.emplace(sides, table, ranges->bucket());
    TRY_VOID(comparison->run());
    if (comparison->buckets < kFewBuckets && (int64_t{1} << ranges->shift) > bucket_limits().rows) ranges.reset();
  }
  if (!ranges) {
    comparison.emplace(sides, table, key_bucket(table));
    TRY_VOID(comparison->run());
  }
  out.worth_it = true;
  out.why = fmt::format("{} of {} buckets differ", comparison->differing.size(), comparison->buckets);
  if (comparison->differing.empty()) return out;
  if (!bucket_limits().always && static_cast<int64_t>(comparison->differing.size()) * 10 > comparison->buckets * 6) {
    out.worth_it = false;
    return out;
  }
  const std::vector<int64_t>& differing = comparison->differing;
  const bool by_index = ranges && table.live.source.empty() && table.target.source.empty();
  if (by_index && static_cast<int64_t>(differing.size()) * kOneInFour < comparison->buckets) {
    out.part.ranges = ranges->spans(differing);
    return out;
  }
  out.part.where = comparison->bucket() + " = ANY (" + list_of(differing) + ")";
  if (ranges)
    out.part.where += fmt::format(" AND {} BETWEEN '{}'::pg_catalog.int8 AND '{}'::pg_catalog.int8", ranges->key,
                                  ranges->first_of(differing.front()), ranges->last_of(differing.back()));
  return out;
}

}  // namespace backout::postgresql
