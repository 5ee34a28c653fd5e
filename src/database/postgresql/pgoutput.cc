#include "database/postgresql/pgoutput.h"

#include <fmt/format.h>

namespace backout::postgresql {
namespace {

constexpr uint8_t kTransactional = 1, kCascade = 1, kRestartIdentity = 2, kInKey = 1;

/// Reads from the front. Once something is missing, everything is, and `ok()` says so at the end.
class Bytes {
 public:
  explicit Bytes(std::string_view bytes) : left_(bytes) {}

  bool ok() const { return ok_; }
  bool at_end() const { return left_.empty(); }
  size_t size() const { return left_.size(); }

  std::string_view take(size_t count) {
    if (!ok_ || count > left_.size()) {
      ok_ = false;
      return {};
    }
    const std::string_view taken = left_.substr(0, count);
    left_.remove_prefix(count);
    return taken;
  }
  uint64_t number(size_t count) {
    uint64_t value = 0;
    for (const char byte : take(count)) value = (value << 8U) | static_cast<unsigned char>(byte);
    return value;
  }
  uint8_t u8() { return static_cast<uint8_t>(number(1)); }
  uint16_t u16() { return static_cast<uint16_t>(number(2)); }
  uint32_t u32() { return static_cast<uint32_t>(number(4)); }
  uint64_t u64() { return number(8); }
  char letter() { return static_cast<char>(u8()); }
  /// Up to a zero, which must be there.
  std::string_view word() {
    const size_t end = left_.find('\0');
    if (!ok_ || end == std::string_view::npos) {
      ok_ = false;
      return {};
    }
    const std::string_view word = take(end);
    take(1);
    return word;
  }
  void fail() { ok_ = false; }

 private:
  std::string_view left_;
  bool ok_ = true;
};

PgTuple read_tuple(Bytes& bytes) {
  const size_t count = bytes.u16();
  PgTuple tuple;
  if (count > bytes.size()) bytes.fail();  // each field takes a byte at least
  if (!bytes.ok()) return tuple;
  tuple.reserve(count);
  for (size_t i = 0; i < count && bytes.ok(); ++i) {
    const char kind = bytes.letter();
    PgField field{static_cast<PgFieldKind>(kind), {}};
    if (kind == 't' || kind == 'b')
      field.bytes = bytes.take(bytes.u32());
    else if (kind != 'n' && kind != 'u')
      bytes.fail();
    tuple.push_back(field);
  }
  return tuple;
}

PgRelation read_relation(Bytes& bytes) {
  PgRelation relation;
  relation.oid = bytes.u32();
  relation.schema = bytes.word();
  if (relation.schema.empty()) relation.schema = "pg_catalog";  // so the protocol writes it
  relation.name = bytes.word();
  relation.identity = bytes.letter();
  const size_t count = bytes.u16();
  for (size_t i = 0; i < count && bytes.ok(); ++i) {
    PgColumn column;
    column.in_key = (bytes.u8() & kInKey) != 0;
    column.name = bytes.word();
    column.type = bytes.u32();
    column.modifier = static_cast<int32_t>(bytes.u32());
    relation.columns.push_back(column);
  }
  return relation;
}

/// The old row of an update or delete, when the message has one.
PgOld read_old(Bytes& bytes, char mark, PgTuple& before) {
  if (mark != 'K' && mark != 'O') return PgOld::kNone;
  before = read_tuple(bytes);
  return static_cast<PgOld>(mark);
}

PgUpdate read_update(Bytes& bytes) {
  PgUpdate update;
  update.relation = bytes.u32();
  char mark = bytes.letter();
  update.old = read_old(bytes, mark, update.before);
  if (update.old != PgOld::kNone) mark = bytes.letter();
  if (mark != 'N') bytes.fail();
  update.now = read_tuple(bytes);
  return update;
}

PgTruncate read_truncate(Bytes& bytes) {
  PgTruncate truncate;
  const size_t count = bytes.u32();
  const uint8_t options = bytes.u8();
  truncate.cascade = (options & kCascade) != 0;
  truncate.restart_identity = (options & kRestartIdentity) != 0;
  if (count > bytes.size() / 4) bytes.fail();
  for (size_t i = 0; i < count && bytes.ok(); ++i) truncate.relations.push_back(bytes.u32());
  return truncate;
}

PgOutput read_message(Bytes& bytes, char kind) {
  switch (kind) {
    case 'B': {
      PgBegin begin;
      begin.final_lsn = bytes.u64();
      bytes.take(8);  // when it was committed
      begin.xid = bytes.u32();
      return begin;
    }
    case 'C': {
      bytes.take(1);  // flags, none in use
      PgCommit commit;
      commit.lsn = bytes.u64();
      commit.end_lsn = bytes.u64();
      bytes.take(8);
      return commit;
    }
    case 'O': bytes.take(8); return PgOrigin{bytes.word()};
    case 'Y': {
      PgType type;
      type.oid = bytes.u32();
      type.schema = bytes.word();
      type.name = bytes.word();
      return type;
    }
    case 'M': {
      PgMessage message;
      message.transactional = (bytes.u8() & kTransactional) != 0;
      message.lsn = bytes.u64();
      message.prefix = bytes.word();
      message.content = bytes.take(bytes.u32());
      return message;
    }
    case 'R': return read_relation(bytes);
    case 'I': {
      PgInsert insert;
      insert.relation = bytes.u32();
      if (bytes.letter() != 'N') bytes.fail();
      insert.now = read_tuple(bytes);
      return insert;
    }
    case 'U': return read_update(bytes);
    case 'D': {
      PgDelete removal;
      removal.relation = bytes.u32();
      removal.old = read_old(bytes, bytes.letter(), removal.before);
      if (removal.old == PgOld::kNone) bytes.fail();
      return removal;
    }
    case 'T': return read_truncate(bytes);
    default: bytes.fail(); return PgBegin{};
  }
}

}  // namespace

Result<PgOutput> parse_pgoutput(std::string_view message) {
  Bytes bytes(message);
  const char kind = bytes.letter();
  if (bytes.ok() && std::string_view("SEcAbPKrp").find(kind) != std::string_view::npos)
    return Error{
        Code::kUnsupported,
        fmt::format("the server streams open or prepared transactions (message '{}'), which was not asked for", kind),
        ""};
  PgOutput output = read_message(bytes, kind);
  if (bytes.ok() && bytes.at_end()) return output;
  return Error{
      Code::kCorrupt,
      fmt::format("a message of logical replication is none: kind {:#04x}, {} bytes{}",
                  static_cast<unsigned char>(kind), message.size(), bytes.ok() ? ", and more than it needs" : ""),
      ""};
}

}  // namespace backout::postgresql
