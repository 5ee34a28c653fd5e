#include "database/sqlite/load.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <fstream>

#include "base/text.h"
#include "database/archive/stream.h"
#include "database/archive/trailer.h"
#include "database/sqlite/backup.h"
#include "database/sqlite/page_digest.h"
#include "database/sqlite/read_schema.h"
#include "database/sqlite/statements.h"
#include "os/file.h"

namespace backout::database {
namespace {

constexpr size_t kLongestStatement = 256U << 20;
constexpr uint64_t kKeptFree = 16U << 20;  // of the disk: never filled to its last byte by a test
constexpr int kOpsBetweenLooks = 100'000;
constexpr Millis kLongestStatementTime{15 * 60'000};

Error corrupt(std::string message) { return {Code::kCorrupt, std::move(message), ""}; }

/// What a dump may say with PRAGMA. writable_schema: how .dump writes virtual tables.
bool may_say(std::string_view pragma) {
  static constexpr std::array kAllowed = {"foreign_keys", "writable_schema", "user_version", "application_id",
                                          "encoding",     "page_size",       "auto_vacuum",  "defer_foreign_keys",
                                          "journal_mode", "synchronous",     "cache_size",   "legacy_alter_table"};
  const std::string name = schema::lowered(pragma);
  return std::find(kAllowed.begin(), kAllowed.end(), name) != kAllowed.end();
}

Error too_large(uint64_t most) {
  return corrupt(
      fmt::format("its restore was stopped at {}: no dump of this size holds so much", bytes_for_people(most)));
}

Error too_long(Millis within) {
  return corrupt(
      fmt::format("its restore was stopped after {}: no dump of this size takes so long", backout::for_people(within)));
}

struct Guard {
  std::string refused;  // what the text asked for and must not have
  std::stop_token stop;
  BootTime since{0};
  BootTime begun{0};
  Millis within{0};
  bool is_late() const { return within > Millis(0) && system_clock().boot() - begun > within; }
};

int authorize(void* state, int action, const char* first, const char* second, const char*, const char*) {
  auto& guard = *static_cast<Guard*>(state);
  const std::string_view name = first == nullptr ? "" : first, function = second == nullptr ? "" : second;
  const bool refused = action == SQLITE_ATTACH || action == SQLITE_DETACH ||
                       (action == SQLITE_PRAGMA && !may_say(name)) ||
                       (action == SQLITE_FUNCTION && (function == "load_extension" || function == "fts3_tokenizer"));
  if (!refused) return SQLITE_OK;
  guard.refused = action == SQLITE_PRAGMA     ? fmt::format("PRAGMA {}", name)
                  : action == SQLITE_FUNCTION ? std::string(function)
                                              : "another file (ATTACH)";
  return SQLITE_DENY;
}

int look_up(void* state) {
  const auto& guard = *static_cast<const Guard*>(state);
  return guard.stop.stop_requested() || guard.is_late() || system_clock().boot() - guard.since > kLongestStatementTime
             ? 1
             : 0;
}

/// SQL text into a new database.
class TextLoader {
 public:
  static Result<std::unique_ptr<TextLoader>> open(const std::string& path, uint64_t room, const LoadJob& job) {
    std::unique_ptr<TextLoader> loader(new TextLoader(TRY(Connection::open(path, Open::kCreate))));
    loader->guard_.stop = job.stop;
    loader->guard_.begun = system_clock().boot();
    loader->guard_.within = job.within;
    loader->limited_ = job.most_bytes != 0 && job.most_bytes <= room;
    if (loader->limited_) room = job.most_bytes;
    loader->room_ = room;
    sqlite3* db = loader->connection_.raw();
    TRY_VOID(
        loader->connection_.exec("PRAGMA synchronous=OFF; PRAGMA journal_mode=MEMORY; PRAGMA foreign_keys=OFF;"
                                 "PRAGMA trusted_schema=OFF;"));
    const auto page_size = static_cast<uint64_t>(TRY(loader->connection_.integer("PRAGMA page_size")));
    TRY_VOID(
        loader->connection_.integer(fmt::format("PRAGMA max_page_count={}", std::max<uint64_t>(room / page_size, 1))));
    sqlite3_set_authorizer(db, authorize, &loader->guard_);
    sqlite3_progress_handler(db, kOpsBetweenLooks, look_up, &loader->guard_);
    return loader;
  }
  ~TextLoader() = default;
  TextLoader(const TextLoader&) = delete;
  TextLoader& operator=(const TextLoader&) = delete;

  Result<void> take(std::string_view text) { return cutter_.take(text); }
  Result<void> finish() {
    TRY_VOID(cutter_.finish());
    if (sqlite3_get_autocommit(connection_.raw()) == 0) return corrupt("it is cut off: its transaction has no COMMIT");
    return {};
  }

 private:
  explicit TextLoader(Connection connection)
      : connection_(std::move(connection)),
        cutter_([this](const std::string& statement) { return run(statement); }, kLongestStatement) {}

  Result<void> run(const std::string& statement) {
    if (guard_.is_late()) return too_long(guard_.within);
    guard_.since = system_clock().boot();
    ++count_;
    const int code = sqlite3_exec(connection_.raw(), statement.c_str(), nullptr, nullptr, nullptr);
    if (code == SQLITE_OK) return {};
    const std::string where = fmt::format("statement {} ('{}')", count_, shortened(one_line(statement), 60));
    if (!guard_.refused.empty()) return corrupt(fmt::format("{} wants {}, which no dump needs", where, guard_.refused));
    if (code == SQLITE_FULL && limited_) return too_large(room_);
    if (code == SQLITE_FULL) return Error{Code::kNoSpace, "there is no room to restore it", "make room, then again"};
    if (code == SQLITE_INTERRUPT && !guard_.stop.stop_requested() && guard_.is_late()) return too_long(guard_.within);
    if (code == SQLITE_INTERRUPT)
      return guard_.stop.stop_requested() ? Error{Code::kCancelled, "it was asked to stop", ""}
                                          : corrupt(where + " does not come to an end");
    Error error = sqlite_error(connection_.raw(), code, where);
    if (error.code == Code::kNoSpace || error.code == Code::kDenied) return error;
    return corrupt(where + ": " + sqlite3_errmsg(connection_.raw()));
  }

  Connection connection_;
  Guard guard_;
  StatementCutter cutter_;
  int64_t count_ = 0;
  uint64_t room_ = 0;
  bool limited_ = false;  // by what the job allows, not by the disk
};

/// A file that the bytes of a packed SQLite file go into.
class ByteFile {
 public:
  explicit ByteFile(const std::string& path)
      : fd_(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600)) {}
  ByteFile(const ByteFile&) = delete;
  ByteFile& operator=(const ByteFile&) = delete;
  ~ByteFile() {
    if (fd_ >= 0) ::close(fd_);
  }
  Result<void> take(std::string_view bytes) {
    if (fd_ < 0) return errno_error("making a file to restore into");
    while (!bytes.empty()) {
      const ssize_t written = ::write(fd_, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return errno_error("restoring");
      bytes.remove_prefix(static_cast<size_t>(written));
    }
    return {};
  }

 private:
  int fd_;
};

/// Takes the first bytes to learn the kind, then hands on.
class Loading {
 public:
  Loading(const LoadJob& job, std::string partial, uint64_t room)
      : job_(job), partial_(std::move(partial)), room_(room) {}

  Result<void> take(std::string_view bytes) {
    if (decided_) return hand_on(bytes);
    head_.append(bytes);
    return head_.size() < archive::kHead ? Result<void>() : decide();
  }
  Result<void> finish(const archive::Streamed& streamed) {
    if (!decided_) TRY_VOID(decide());
    if (text_) {
      TRY_VOID(text_->finish());
      if (const std::string fault = archive::fault_of_end(kind_, streamed.head, streamed.tail); !fault.empty())
        return corrupt(fault);
    }
    text_.reset();
    bytes_.reset();
    return {};
  }
  archive::Kind kind() const { return kind_; }

 private:
  Result<void> decide() {
    decided_ = true;
    kind_ = archive::kind_of(head_);
    if (kind_ == archive::Kind::kEmpty) return corrupt("there is nothing in it");
    if (kind_ == archive::Kind::kUnknown) return corrupt("it is no archive of a database that is known here");
    if (kind_ != archive::Kind::kSqlite && kind_ != archive::Kind::kSql)
      return Error{Code::kUnsupported,
                   fmt::format("it is a {}, and the site's database is SQLite", archive::name_of(kind_)), ""};
    if (kind_ == archive::Kind::kSql) text_ = TRY(TextLoader::open(partial_, room_, job_));
    if (kind_ == archive::Kind::kSqlite) bytes_.emplace(partial_);
    return hand_on(std::exchange(head_, {}));
  }
  Result<void> hand_on(std::string_view bytes) { return text_ ? text_->take(bytes) : bytes_->take(bytes); }

  const LoadJob& job_;
  std::string partial_;
  uint64_t room_;
  std::string head_;
  bool decided_ = false;
  archive::Kind kind_ = archive::Kind::kUnknown;
  std::unique_ptr<TextLoader> text_;
  std::optional<ByteFile> bytes_;
};

/// Integrity, keys, and what is in it.
Result<void> check(const std::string& partial, const Progress& progress, Loaded& into) {
  auto restored = TRY(Connection::open(partial, Open::kWrite));
  if (progress) progress("checking the integrity of what was restored");
  auto check = TRY(restored.prepare("PRAGMA integrity_check(5)"));
  while (TRY(check.step()))
    if (check.text(0) != "ok") return corrupt("integrity check: " + one_line(check.text(0)));
  into.manifest.schema = TRY(read_schema(restored));
  if (into.manifest.schema.tables.empty()) return corrupt("there is no table in it");
  into.manifest.tables = TRY(read_content(restored, into.manifest.schema));
  into.manifest.sequences = TRY(read_sequences(restored));
  for (const auto& [name, content] : into.manifest.tables) into.rows += content.rows;
  auto dangling = TRY(restored.prepare("PRAGMA foreign_key_check"));
  while (TRY(dangling.step())) ++into.dangling;
  return {};
}

}  // namespace

void limit_by_size(LoadJob& job, uint64_t size, bool packed) {
  constexpr uint64_t kAlways = 256U << 20, kTimesPlain = 20, kTimesPacked = 2000, kMegabyte = 1U << 20;
  job.most_bytes = kAlways + size * (packed ? kTimesPacked : kTimesPlain);
  const uint64_t seconds = 5 * 60 + size / kMegabyte * (packed ? 20 : 2);
  job.within = Millis(static_cast<int64_t>(seconds) * 1000);
}

Result<Loaded> load_archive(const LoadJob& job, const Progress& progress) {
  const std::string partial = job.backup + ".partial";
  TRY_VOID(os::remove_file(job.manifest));
  remove_database(partial);
  Cleanup cleanup([&] { remove_database(partial); });
  const uint64_t free = TRY(os::free_bytes(parent_of(job.backup)));
  if (free <= kKeptFree)
    return Error{Code::kNoSpace, "there is no room in " + parent_of(job.backup) + " to restore it",
                 "make room, then again"};
  const uint64_t room = free - kKeptFree;

  if (progress) progress("restoring " + one_line(job.archive));
  Loaded loaded;
  {
    Loading loading(job, partial, room);
    const bool limited = job.most_bytes != 0 && job.most_bytes < room;
    bool taken = true;  // false: the error is of what takes the bytes, not of how many they are
    auto unpacked =
        archive::stream(job.archive, {limited ? job.most_bytes : room, job.stop}, [&](std::string_view bytes) {
          auto result = loading.take(bytes);
          taken = static_cast<bool>(result);
          return result;
        });
    if (!unpacked && taken && limited && unpacked.error().code == Code::kNoSpace) return too_large(job.most_bytes);
    const archive::Streamed streamed = TRY(std::move(unpacked));
    TRY_VOID(loading.finish(streamed));
    loaded.kind = loading.kind();
    loaded.marks_its_end = archive::marks_its_end(loaded.kind, streamed.head);
    loaded.sha256 = streamed.sha256;
    loaded.unpacked = streamed.unpacked;
  }
  if (!job.sha256.empty() && loaded.sha256 != job.sha256)
    return Error{Code::kConflict, job.archive + " is not the file that was chosen: its bytes have changed",
                 "plan the rollback again"};
  for (const char* suffix : {"-wal", "-journal"})  // of a database that was copied while it was open
    if (os::exists(job.archive + suffix)) TRY_VOID(copy_file(job.archive + suffix, partial + suffix));
  auto inside = check(partial, progress, loaded);
  if (!inside) {
    if (inside.error().code == Code::kInternal) inside.error().code = Code::kCorrupt;
    inside.error().message = "what was restored: " + replaced(inside.error().message, partial + ": ", "");
  }
  TRY_VOID(std::move(inside));
  TRY_VOID(make_self_contained(partial));
  TRY_VOID(sync_file(partial));
  loaded.manifest.source = job.archive;
  loaded.manifest.taken_at = job.taken_at;
  loaded.manifest.journal_mode = "delete";
  TRY_VOID(measure_file(partial, loaded.manifest));
  loaded.manifest.digest = TRY(page_digest_of(partial, Open::kFixed)).hex();
  remove_database(job.backup);
  TRY_VOID(rename_file(partial, job.backup));
  cleanup.dismiss();
  TRY_VOID(store_manifest(loaded.manifest, job.manifest));
  return loaded;
}

}  // namespace backout::database
