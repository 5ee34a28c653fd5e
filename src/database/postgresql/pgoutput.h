// pgoutput: the messages of PostgreSQL's own logical decoding, protocol version 1, as values. Pure.
//
// The format: "Logical Replication Message Formats" of the PostgreSQL manual. Whatever a server sends is data: what is
// cut off, longer than it says or of an unknown kind is kCorrupt, never read beyond its end. Views point into the
// message.
#pragma once
#include <cstdint>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"

namespace backout::postgresql {

struct PgBegin {
  uint64_t final_lsn = 0;  // of its commit
  uint32_t xid = 0;        // of the transaction, not of its subtransactions
};
struct PgCommit {
  uint64_t lsn = 0, end_lsn = 0;
};
struct PgOrigin {
  std::string_view name;
};
struct PgType {
  uint32_t oid = 0;
  std::string_view schema, name;
};
/// What `pg_logical_emit_message` wrote.
struct PgMessage {
  bool transactional = false;
  uint64_t lsn = 0;
  std::string_view prefix, content;
};

struct PgColumn {
  bool in_key = false;  // of the replica identity; all are where it is full
  std::string_view name;
  uint32_t type = 0;
  int32_t modifier = -1;
};
struct PgRelation {
  uint32_t oid = 0;
  std::string_view schema, name;
  char identity = 'd';  // default, nothing, full, index
  std::vector<PgColumn> columns;
};

enum class PgFieldKind : char { kNull = 'n', kUnchanged = 'u', kText = 't', kBinary = 'b' };
struct PgField {
  PgFieldKind kind = PgFieldKind::kNull;  // unchanged: a long value that the statement did not touch, and is not sent
  std::string_view bytes;
};
using PgTuple = std::vector<PgField>;

/// What is said of the row as it was: nothing, the columns of its key (all others are null then), or all.
enum class PgOld : char { kNone = 0, kKey = 'K', kWhole = 'O' };

struct PgInsert {
  uint32_t relation = 0;
  PgTuple now;
};
struct PgUpdate {
  uint32_t relation = 0;
  PgOld old = PgOld::kNone;
  PgTuple before, now;
};
struct PgDelete {
  uint32_t relation = 0;
  PgOld old = PgOld::kNone;
  PgTuple before;
};
struct PgTruncate {
  bool cascade = false, restart_identity = false;
  std::vector<uint32_t> relations;
};

using PgOutput =
    std::variant<PgBegin, PgCommit, PgOrigin, PgType, PgMessage, PgRelation, PgInsert, PgUpdate, PgDelete, PgTruncate>;

/// kUnsupported: a part of a transaction that is still open (protocol version 2, which is not asked for).
Result<PgOutput> parse_pgoutput(std::string_view message);

}  // namespace backout::postgresql
