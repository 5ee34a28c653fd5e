#include "database/sqlite/page_digest.h"

#include <cstring>
#include <map>
#include <unordered_map>

namespace backout::database {
namespace {

// Offsets from https://www.sqlite.org/fileformat2.html, sections 1.3 and 4.1.
constexpr uint64_t kPendingByte = 0x40000000;  // its page is never used
constexpr int kWalHeader = 32, kFrameHeader = 24;
struct Span {
  size_t at, length;
};
// Of page 1: journal mode, change counter, schema cookie, version-valid-for and library version differ between equal
// databases.
constexpr Span kCounters[] = {{18, 2}, {24, 4}, {40, 4}, {92, 8}};

uint32_t big_endian(const unsigned char* p) {
  return static_cast<uint32_t>(p[0]) << 24 | static_cast<uint32_t>(p[1]) << 16 | static_cast<uint32_t>(p[2]) << 8 |
         p[3];
}
uint32_t little_endian(const unsigned char* p) {
  return static_cast<uint32_t>(p[3]) << 24 | static_cast<uint32_t>(p[2]) << 16 | static_cast<uint32_t>(p[1]) << 8 |
         p[0];
}

/// Where the newest committed image of each page lies in the write-ahead log.
struct WalPages {
  std::unordered_map<uint32_t, sqlite3_int64> offset_of;
  uint32_t page_count = 0;  // of the database after the last commit; 0: no commit in the log
};

class Checksum {
 public:
  explicit Checksum(bool big) : big_(big) {}
  void add(const unsigned char* bytes, size_t length) {
    for (size_t i = 0; i + 8 <= length; i += 8) {
      a_ += word(bytes + i) + b_;
      b_ += word(bytes + i + 4) + a_;
    }
  }
  bool matches(const unsigned char* stored) const { return big_endian(stored) == a_ && big_endian(stored + 4) == b_; }

 private:
  uint32_t word(const unsigned char* p) const { return big_ ? big_endian(p) : little_endian(p); }
  bool big_;
  uint32_t a_ = 0, b_ = 0;
};

class File {
 public:
  File(sqlite3* db, int which) { sqlite3_file_control(db, "main", which, &file_); }
  bool open() const { return file_ != nullptr && file_->pMethods != nullptr; }
  Result<sqlite3_int64> size() const {
    sqlite3_int64 bytes = 0;
    if (file_->pMethods->xFileSize(file_, &bytes) != SQLITE_OK)
      return Error{Code::kUnavailable, "cannot read the size of the database file", ""};
    return bytes;
  }
  Result<void> read(std::string& into, size_t length, sqlite3_int64 offset) const {
    into.resize(length);
    const int code = file_->pMethods->xRead(file_, into.data(), static_cast<int>(length), offset);
    if (code != SQLITE_OK) return Error{Code::kCorrupt, "the database file ends inside a page, or cannot be read", ""};
    return {};
  }

 private:
  sqlite3_file* file_ = nullptr;
};

Result<WalPages> read_wal(const File& wal, size_t page_size) {
  WalPages pages;
  if (!wal.open()) return pages;
  const sqlite3_int64 size = TRY(wal.size());
  if (size < kWalHeader) return pages;
  std::string header, frame;
  TRY_VOID(wal.read(header, kWalHeader, 0));
  const auto* h = reinterpret_cast<const unsigned char*>(header.data());
  const uint32_t magic = big_endian(h);
  if ((magic & ~1U) != 0x377f0682 || big_endian(h + 8) != page_size) return pages;
  Checksum checksum((magic & 1) != 0);
  checksum.add(h, 24);
  if (!checksum.matches(h + 24)) return pages;
  std::unordered_map<uint32_t, sqlite3_int64> pending;
  const size_t frame_size = kFrameHeader + page_size;
  for (sqlite3_int64 at = kWalHeader; at + static_cast<sqlite3_int64>(frame_size) <= size;
       at += static_cast<sqlite3_int64>(frame_size)) {
    TRY_VOID(wal.read(frame, frame_size, at));
    const auto* f = reinterpret_cast<const unsigned char*>(frame.data());
    if (std::memcmp(f + 8, h + 16, 8) != 0) break;  // salts of an earlier round
    checksum.add(f, 8);
    checksum.add(f + kFrameHeader, page_size);
    if (!checksum.matches(f + 16)) break;
    pending[big_endian(f)] = at + kFrameHeader;
    if (const uint32_t commit = big_endian(f + 4); commit != 0) {
      for (const auto& [page, offset] : pending) pages.offset_of[page] = offset;
      pending.clear();
      pages.page_count = commit;
    }
  }
  return pages;
}

}  // namespace

Result<Fingerprint> page_digest(Connection& connection) {
  const auto page_size = static_cast<size_t>(TRY(connection.integer("PRAGMA main.page_size")));
  const bool in_wal = TRY(connection.text("PRAGMA main.journal_mode")) == "wal";
  return page_digest(connection.raw(), page_size, in_wal).with_context(connection.path());
}

Result<Fingerprint> page_digest(sqlite3* db, size_t page_size, bool in_wal) {
  const File main(db, SQLITE_FCNTL_FILE_POINTER), log(db, SQLITE_FCNTL_JOURNAL_POINTER);
  if (!main.open()) return Error{Code::kUnavailable, "no file is open", ""};
  WalPages wal;
  if (in_wal) wal = TRY(read_wal(log, page_size));
  const uint64_t size = static_cast<uint64_t>(TRY(main.size()));
  const uint64_t count = wal.page_count != 0 ? wal.page_count : size / page_size;
  Fingerprint sum;
  std::string page;
  for (uint64_t number = 1; number <= count; ++number) {
    if (number == kPendingByte / page_size + 1) continue;
    const auto in_log = wal.offset_of.find(static_cast<uint32_t>(number));
    if (in_log != wal.offset_of.end()) {
      TRY_VOID(log.read(page, page_size, in_log->second));
    } else {
      TRY_VOID(main.read(page, page_size, static_cast<sqlite3_int64>((number - 1) * page_size)));
    }
    if (number == 1)
      for (const auto& [at, length] : kCounters) std::memset(page.data() + at, 0, length);
    sum.add(fingerprint_of(page, number));
  }
  return sum;
}

Result<Fingerprint> page_digest_of(const std::string& path, Open how) {
  auto connection = TRY(Connection::open(path, how));
  TRY_VOID(connection.exec("BEGIN; SELECT count(*) FROM sqlite_schema;"));
  return page_digest(connection);
}

}  // namespace backout::database
