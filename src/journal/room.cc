#include "journal/room.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>

#include <tuple>

#include "os/descriptor.h"
#include "os/file.h"

namespace backout::journal {
namespace {

/// A WAL is copied into the database every megabyte; one transaction and a reader that holds this up come on top.
constexpr int64_t kWalBytes = 2 << 20;

bool run(sqlite3* database, const std::string& sql) {
  return sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK;
}

uint64_t number(sqlite3* database, const char* pragma) {
  uint64_t value = 0;
  const auto take = [](void* to, int, char** values, char**) {
    *static_cast<uint64_t*>(to) = std::strtoull(values[0], nullptr, 10);
    return 0;
  };
  sqlite3_exec(database, pragma, take, &value, nullptr);
  return value;
}

/// A row of that size comes and goes in one transaction: what it stood in is free, inside the file. secure_delete has
/// the free pages written, zeroed; without it they would be a hole.
void add_free_pages(sqlite3* database, uint64_t bytes) {
  if (!run(database, "PRAGMA secure_delete=ON")) return;
  const bool done = run(database, "BEGIN IMMEDIATE") &&
                    run(database, fmt::format("INSERT INTO meta (key, value) VALUES ('room', zeroblob({}))", bytes)) &&
                    run(database, "DELETE FROM meta WHERE key = 'room'") && run(database, "COMMIT");
  if (!done && sqlite3_get_autocommit(database) == 0) run(database, "ROLLBACK");
  run(database, "PRAGMA secure_delete=OFF");
  sqlite3_wal_checkpoint_v2(database, "main", SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
}

}  // namespace

void make_room(sqlite3* database, const std::string& file, uint64_t bytes) {
  const uint64_t there = number(database, "PRAGMA freelist_count") * number(database, "PRAGMA page_size");
  const Result<uint64_t> free = os::free_bytes(file.substr(0, file.rfind('/')));
  if (there < bytes / 4 * 3 && free && *free >= 3 * bytes) add_free_pages(database, bytes);
  // SQLite holds no lock on the WAL, so that closing it again lets none go; on the database it would.
  const os::Descriptor wal(::open((file + "-wal").c_str(), O_RDWR | O_CLOEXEC));
  if (wal.is_open()) std::ignore = ::posix_fallocate(wal.get(), 0, kWalBytes);
}

void keep_room(sqlite3* database, const std::string& file) {
  const Result<uint64_t> free = os::free_bytes(file.substr(0, file.rfind('/')));
  if (free && *free < kRoomBytes) sqlite3_db_config(database, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
}

}  // namespace backout::journal
