#include "journal/journal_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string_view>

#include "base/ids.h"
#include "journal/fold.h"
#include "journal/sqlite_store.h"
#include "journal/tables.h"
#include "os/descriptor.h"
#include "os/file.h"

namespace backout::journal {
namespace {

constexpr size_t kHeaderSize = 100;
constexpr std::string_view kMagic("SQLite format 3\0", 16);

uint32_t big_endian(std::string_view bytes, size_t at) {
  uint32_t value = 0;
  for (size_t i = at; i < at + 4; ++i) value = value << 8U | static_cast<unsigned char>(bytes[i]);
  return value;
}

Result<std::string> first_bytes(const std::string& file) {
  const os::Descriptor opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!opened.is_open()) return errno_error(file);
  std::string bytes(kHeaderSize, '\0');
  const ssize_t got = ::pread(opened.get(), bytes.data(), bytes.size(), 0);
  if (got < 0) return errno_error(file);
  bytes.resize(static_cast<size_t>(got));
  return bytes;
}

Error not_a_journal(const std::string& file, std::string_view why) {
  return {Code::kCorrupt, file + " is not a backout journal: " + std::string(why) + "; it was left as it is",
          "move it away if nobody needs it, restore a copy of the journal, or choose another place: --state DIR"};
}

/// Everything in one SQLite transaction, then WAL, which the file remembers.
Result<void> fill(const std::string& file) {
  const auto store = TRY(open_sqlite(file));
  const auto run = [&](std::string_view sql) -> Result<void> {
    TRY_VOID(store->execute(sql, {}));
    return {};
  };
  {
    auto transaction = TRY(Transaction::begin(*store, Access::kWrite));
    TRY_VOID(run(fmt::format("PRAGMA application_id={}", kApplicationId)));
    TRY_VOID(run(fmt::format("PRAGMA user_version={}", kFormat)));
    for (const std::string_view sql : kSchema) TRY_VOID(run(sql));
    static constexpr std::string_view kMeta = "INSERT INTO meta (key, value) VALUES ($1, $2)";
    TRY_VOID(store->execute(kMeta, {"id", random_hex(16)}));
    TRY_VOID(store->execute(kMeta, {"format", std::to_string(kFormat)}));
    TRY_VOID(store->execute(kMeta, {"models", std::to_string(kModelsVersion)}));
    TRY_VOID(transaction.commit());
  }
  std::string mode;
  TRY_VOID(store->query("PRAGMA journal_mode=WAL", {}, [&](const Row& row) -> Result<void> {
    mode = row.text(0);
    return {};
  }));
  if (mode != "wal")
    return Error{Code::kUnsupported, file + ": this file system cannot share memory between processes (no WAL)",
                 "choose a place on a local disk: --state DIR"};
  return {};
}

/// Gives `from` the name `to` unless that exists already.
Result<void> put_in_place(const std::string& from, const std::string& to) {
  if (::link(from.c_str(), to.c_str()) == 0 || errno == EEXIST) return {};
  // Some file systems have no hard links.
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0 || errno == EEXIST) return {};
  return errno_error(to);
}

}  // namespace

Result<void> recognise(const std::string& file) {
  const std::string header = TRY(first_bytes(file));
  if (header.empty()) return not_a_journal(file, "it is empty");
  if (header.size() < kHeaderSize || !header.starts_with(kMagic))
    return not_a_journal(file, "it is not an SQLite database");
  if (big_endian(header, 68) != kApplicationId) return not_a_journal(file, "it is a database of another program");
  if (const uint32_t format = big_endian(header, 60); format > kFormat)
    return Error{Code::kUnsupported,
                 fmt::format("{} was written by a newer backout (format {}, this one reads {})", file, format, kFormat),
                 "use that version, or another place: --state DIR"};
  return {};
}

Result<void> make_journal_file(const std::string& file) {
  const std::string draft = fmt::format("{}.{}.new", file, random_hex(4));
  {
    // SQLite gives -wal and -shm the mode of the file, so it is made here, before SQLite sees it.
    const os::Descriptor made(::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!made.is_open()) return errno_error(draft).with_next("choose another place: --state DIR");
  }
  Result<void> result = fill(draft);
  if (result) result = put_in_place(draft, file);
  for (const char* suffix : {"", "-journal", "-wal", "-shm"}) ::unlink((draft + suffix).c_str());
  if (!result) return result;
  return os::sync_directory(file.substr(0, file.rfind('/')));
}

}  // namespace backout::journal
