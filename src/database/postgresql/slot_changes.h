// SlotChanges: what the changes of a logical slot come to, row by row: which keys of a table were added, which are
// gone, and which were there before and are there still and were written to. Pure: messages in, keys out.
//
// A key's first change says whether the row was there before: an insert means no, an update or delete yes. Its last one
// says whether it is there now. What came between is nothing: an insert that was deleted, a row that went and came
// again (written to, then). Transactions that one snapshot saw already, or the other does not see yet, are passed over:
// the keys are exactly those of the time between the two.
//
// A table about which the stream leaves a doubt (TRUNCATE, another key, too many keys) has that doubt and no keys.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "database/postgresql/pgoutput.h"
#include "database/postgresql/snapshot.h"

namespace backout::postgresql {

struct SlotTable {
  int64_t id = 0;  // of whoever asks
  /// The key's columns in the asker's order, each by the names that it may have had meanwhile.
  std::vector<std::vector<std::string>> key;
  std::vector<uint32_t> relations;  // what holds its rows: itself, or its partitions
};

/// Keys are as COPY writes them: fields escaped, with tabs between them.
struct SlotNet {
  std::string doubt;  // not empty: nothing else is known
  int64_t inserted = 0, deleted = 0;
  std::vector<std::string> written;  // there before and now
};

class SlotChanges {
 public:
  /// What happened after `since` was taken and before `until` was. `most_bytes`: of keys that are kept, over all
  /// tables.
  SlotChanges(Snapshot since, Snapshot until, size_t most_bytes)
      : since_(std::move(since)), until_(std::move(until)), left_(most_bytes) {}

  void want(SlotTable table);
  /// Messages of tables that nobody wants are passed over. kCorrupt: no message of pgoutput, or out of order.
  Result<void> take(std::string_view message);
  SlotNet net(int64_t id) const;
  /// Inserts, updates and deletes of wanted tables that were taken in.
  int64_t changes() const { return changes_; }

 private:
  struct State {
    bool before = false, now = false;
  };
  struct Table {
    SlotTable wanted;
    std::string doubt;
    std::unordered_map<std::string, State> keys;
    size_t bytes = 0;
  };
  struct Shape {
    Table* table = nullptr;
    std::vector<size_t> places;  // of the key's columns
    bool known = false;
  };
  Result<void> took(const PgRelation& relation);
  Result<void> took(const PgInsert& insert);
  Result<void> took(const PgUpdate& update);
  Result<void> took(const PgDelete& removal);
  Result<void> took(const PgTruncate& truncate);
  /// The table of a change that counts; null: it does not.
  Result<Shape*> shape_of(uint32_t relation);
  /// The key of a row; `old` for what the row itself does not say. Nothing: nobody can tell.
  static std::optional<std::string> key_of(const Shape& shape, const PgTuple& row, const PgTuple* old);
  void write(Table& table, const std::optional<std::string>& key, State from_to);
  void doubt(Table& table, std::string why);

  Snapshot since_, until_;
  size_t left_;
  std::map<int64_t, Table> tables_;
  std::unordered_map<uint32_t, Shape> shapes_;
  bool open_ = false, counts_ = false;  // a transaction; it is of the time between
  int64_t changes_ = 0;
};

}  // namespace backout::postgresql
