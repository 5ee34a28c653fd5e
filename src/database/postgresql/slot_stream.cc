#include "database/postgresql/slot_stream.h"

#include <fmt/format.h>
#include <poll.h>

#include <charconv>
#include <thread>

#include "base/text.h"
#include "database/postgresql/container_address.h"

namespace backout::postgresql {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kAskEvery = 50;  // ms without a word, after which the server is asked how far it is
constexpr auto kSayAlive = std::chrono::seconds(5);
constexpr auto kTryAgain = std::chrono::milliseconds(50);
constexpr size_t kDataHeader = 25;       // 'w', three numbers of eight bytes
constexpr size_t kKeepaliveHeader = 18;  // 'k', two of them, a flag
// Values as every session of ours has them.
constexpr const char* kWalsenderSettings =
    "SET client_encoding = 'UTF8'; SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'postgres'; SET TimeZone = 'UTC'; "
    "SET extra_float_digits = 1; SET bytea_output = 'hex'; SET search_path = ''; SET statement_timeout = 0; "
    "SET idle_in_transaction_session_timeout = 0; SET lock_timeout = '10s'";

uint64_t eight_bytes(const char* at) {
  uint64_t value = 0;
  for (int i = 0; i < 8; ++i) value = (value << 8U) | static_cast<unsigned char>(at[i]);
  return value;
}

struct Finish {
  void operator()(PGconn* connection) const { PQfinish(connection); }
};

/// A session of the server's replication protocol, in a database. It takes simple statements too.
class Walsender {
 public:
  static Result<Walsender> open(const SlotSource& source) {
    const std::string address = TRY(container_address(source.server));
    const char* const names[] = {"connect_timeout",
                                 "dbname",
                                 "dbname",
                                 "replication",
                                 "application_name",
                                 address.empty() ? nullptr : "hostaddr",
                                 nullptr};
    const char* const values[] = {"10",
                                  source.server.conninfo.c_str(),
                                  source.database.c_str(),
                                  "database",
                                  "backout slot",
                                  address.empty() ? nullptr : address.c_str(),
                                  nullptr};
    Walsender walsender;
    walsender.handle_.reset(PQconnectdbParams(names, values, 1));
    if (walsender.handle_ == nullptr) return Error{Code::kInternal, "libpq has no memory", ""};
    if (PQstatus(walsender.raw()) != CONNECTION_OK) return walsender.failed(nullptr, "reaching the server's log");
    PQsetNoticeProcessor(
        walsender.raw(), [](void*, const char*) {}, nullptr);
    TRY_VOID(walsender.tell(kWalsenderSettings, PGRES_COMMAND_OK));
    return walsender;
  }

  Result<void> start(const SlotSource& source) {
    return tell(fmt::format("START_REPLICATION SLOT {} LOGICAL 0/0 (proto_version '1', publication_names {})",
                            sql_name(source.slot), sql_text(sql_name(source.publication))),
                PGRES_COPY_BOTH);
  }

  /// What the server sent next; nothing: it is silent. It is asked how far it is, then.
  Result<std::optional<std::string_view>> next() {
    while (true) {
      PQfreemem(bytes_);
      bytes_ = nullptr;
      const int size = PQgetCopyData(raw(), &bytes_, 1);
      if (size > 0) return std::optional(std::string_view(bytes_, static_cast<size_t>(size)));
      if (size == -1) return end_of_stream();
      if (size < -1) return failed(nullptr, "reading the slot");
      pollfd socket{PQsocket(raw()), POLLIN, 0};
      const int ready = ::poll(&socket, 1, kAskEvery);
      if (ready == 0) return std::optional<std::string_view>();
      if (PQconsumeInput(raw()) != 1) return failed(nullptr, "reading the slot");
    }
  }

  /// Nothing was received for good: the slot stays where it is.
  Result<void> say_alive(bool answer) {
    std::string status = "r" + std::string(32, '\0');
    status += answer ? '\1' : '\0';
    if (PQputCopyData(raw(), status.data(), static_cast<int>(status.size())) == 1 && PQflush(raw()) >= 0) return {};
    return failed(nullptr, "reading the slot");
  }

  Walsender(Walsender&& other) noexcept
      : handle_(std::move(other.handle_)), bytes_(std::exchange(other.bytes_, nullptr)) {}
  Walsender& operator=(Walsender&&) = delete;
  ~Walsender() {
    PQfreemem(bytes_);
    if (handle_ != nullptr && streaming_) leave();
  }

  const std::string& sqlstate() const { return sqlstate_; }

 private:
  Walsender() = default;
  PGconn* raw() const { return handle_.get(); }

  Result<void> tell(const std::string& command, ExecStatusType wanted) {
    const Rows said(PQexec(raw(), command.c_str()));
    if (PQresultStatus(said.raw()) != wanted) return failed(said.raw(), "reading the slot");
    streaming_ = wanted == PGRES_COPY_BOTH;
    return {};
  }

  Result<std::optional<std::string_view>> end_of_stream() {
    streaming_ = false;
    const Rows last(PQgetResult(raw()));
    return failed(last.raw(), "the server ended the stream");
  }

  /// So that the slot is free again when this returns: a session that is only cut off lingers.
  void leave() {
    if (PQputCopyEnd(raw(), nullptr) != 1 || PQflush(raw()) < 0) return;
    const auto until = Clock::now() + std::chrono::seconds(1);
    while (Clock::now() < until) {
      const int size = PQgetCopyData(raw(), &bytes_, 1);
      PQfreemem(bytes_);
      bytes_ = nullptr;
      if (size < 0) return;
      if (size > 0) continue;
      pollfd socket{PQsocket(raw()), POLLIN, 0};
      if (::poll(&socket, 1, kAskEvery) < 0 || PQconsumeInput(raw()) != 1) return;
    }
  }

  Error failed(const PGresult* result, const char* doing) {
    const char* state = result == nullptr ? nullptr : PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char* words = result == nullptr ? nullptr : PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    sqlstate_ = state == nullptr ? (PQstatus(raw()) == CONNECTION_BAD ? "08006" : "") : state;
    return server_error(sqlstate_, words == nullptr ? PQerrorMessage(raw()) : words).with_context(doing);
  }

  std::unique_ptr<PGconn, Finish> handle_;
  char* bytes_ = nullptr;
  bool streaming_ = false;
  std::string sqlstate_;
};

/// The slot of an earlier reader is free only when its session has ended.
Result<Walsender> start_reading(const SlotSource& source, Clock::time_point until) {
  while (true) {
    Walsender walsender = TRY(Walsender::open(source));
    auto started = walsender.start(source);
    if (started) return walsender;
    if (started.error().code != Code::kBusy || Clock::now() + kTryAgain > until) return std::move(started).error();
    std::this_thread::sleep_for(kTryAgain);
  }
}

}  // namespace

Result<SlotRead> read_slot(const SlotSource& source, uint64_t until, Millis limit,
                           const std::function<Result<void>(std::string_view message)>& take) {
  const auto began = Clock::now(), end = began + limit;
  SlotRead read;
  Walsender walsender = TRY(start_reading(source, end));
  auto last_word = began;
  while (true) {
    const auto bytes = TRY(walsender.next());
    const auto now = Clock::now();
    if (now > end) return Error{Code::kTimedOut, "reading what the slot has takes too long", ""};
    if (!bytes || now - last_word > kSayAlive) {
      last_word = now;
      TRY_VOID(walsender.say_alive(!bytes));
    }
    if (!bytes) continue;
    if (bytes->size() >= kDataHeader && bytes->front() == 'w') {
      if (eight_bytes(bytes->data() + 1) > until) break;
      ++read.messages;
      read.bytes += static_cast<int64_t>(bytes->size());
      TRY_VOID(take(bytes->substr(kDataHeader)));
    } else if (bytes->size() >= kKeepaliveHeader && bytes->front() == 'k') {
      if (eight_bytes(bytes->data() + 1) >= until) break;
      if (bytes->back() != 0) TRY_VOID(walsender.say_alive(false));
    }
  }
  read.took = std::chrono::duration_cast<Millis>(Clock::now() - began).count();
  return read;
}

}  // namespace backout::postgresql
