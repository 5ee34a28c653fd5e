#include "database/postgresql/live_guard.h"

#include <chrono>

#include "base/text.h"

namespace backout::postgresql {
namespace {

constexpr auto kGuardLooksEvery = std::chrono::milliseconds(5);

/// Tables whose rows our role may write; of others the tool's role is the owner's, and reads are enough there.
constexpr const char* kLockable =
    "SELECT pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname), "
    "pg_catalog.has_table_privilege(c.oid, 'UPDATE') OR pg_catalog.has_table_privilege(c.oid, 'DELETE') "
    "FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
    "WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND n.nspname !~ '^pg_' "
    "AND n.nspname <> 'information_schema' "
    "AND pg_catalog.has_table_privilege(c.oid, 'SELECT') ORDER BY c.oid";

/// Its own sessions, by name; and whoever waits for our locks, which users' reads and writes never do. One of those
/// that was there before may be a pooler's, so its statement is cancelled.
constexpr const char* kStrangers =
    "SELECT a.pid, coalesce(a.usename, ''), coalesce(a.application_name, ''), coalesce(a.query, ''), "
    "CASE WHEN a.application_name = $1 OR a.backend_start >= $2::timestamptz "
    "THEN pg_catalog.pg_terminate_backend(a.pid) ELSE pg_catalog.pg_cancel_backend(a.pid) END "
    "FROM pg_catalog.pg_stat_activity a WHERE a.datname = pg_catalog.current_database() "
    "AND a.backend_type = 'client backend' AND a.pid <> pg_catalog.pg_backend_pid() AND (a.application_name = $1 "
    "OR CASE WHEN a.wait_event_type = 'Lock' THEN $3::int = ANY (pg_catalog.pg_blocking_pids(a.pid)) ELSE false END)";

}  // namespace

LiveGuard::LiveGuard(const Server& server, const std::string& live, std::string application)
    : server_(server), live_(live), application_(std::move(application)) {}

LiveGuard::~LiveGuard() { (void)end(); }

Result<void> LiveGuard::begin(How how) {
  watching_ = TRY(Connection::open(server_, live_));
  began_ = TRY(watching_.text("SELECT pg_catalog.clock_timestamp()::text"));
  if (how == How::kLock) {
    locks_ = TRY(Connection::open(server_, live_));
    TRY_VOID(locks_.exec("BEGIN; SET LOCAL lock_timeout = '2s'; SET LOCAL idle_in_transaction_session_timeout = 0"));
    const Rows tables = TRY(locks_.query(kLockable));
    std::vector<std::string> names;
    for (int row = 0; row < tables.count(); ++row)
      if (tables.flag(row, 1)) names.push_back("ONLY " + tables.text(row, 0));
    if (!names.empty())
      TRY_VOID(locks_.exec("LOCK TABLE " + join(names, ", ") + " IN ROW EXCLUSIVE MODE")
                   .with_context("guarding the tables of " + live_));
  }
  thread_ = std::jthread([this](const std::stop_token& over) { watch(over); });
  return {};
}

void LiveGuard::watch(const std::stop_token& over) {
  while (look() && !over.stop_requested()) std::this_thread::sleep_for(kGuardLooksEvery);
}

bool LiveGuard::look() {
  const int holder = locks_.raw() == nullptr ? 0 : locks_.process_id();
  const auto strangers = watching_.query(kStrangers, {application_, began_, std::to_string(holder)});
  const std::scoped_lock lock(mutex_);
  if (!strangers) {
    trouble_ = strangers.error().message;
    found_.request_stop();  // nobody looks any more
    return false;
  }
  for (int row = 0; row < strangers->count(); ++row) {
    if (seen_.empty())
      seen_ = one_line(fmt::format("{} (pid {}, {}): {}", strangers->text(row, 1), strangers->text(row, 0),
                                   strangers->text(row, 2), shortened(strangers->text(row, 3), 120)));
    found_.request_stop();
  }
  return true;
}

Result<std::string> LiveGuard::end() {
  if (thread_.joinable()) {
    thread_.request_stop();
    thread_.join();
    if (trouble_.empty()) (void)look();  // what came last, before the locks go
  }
  locks_ = Connection();
  watching_ = Connection();
  if (!trouble_.empty()) return Error{Code::kUnavailable, "the live database could not be watched: " + trouble_, ""};
  return seen_;
}

}  // namespace backout::postgresql
