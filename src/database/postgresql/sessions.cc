#include "database/postgresql/sessions.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/text.h"
#include "database/postgresql/slot.h"

namespace backout::postgresql {
namespace {

constexpr auto kLookEvery = std::chrono::microseconds(500);
constexpr size_t kMostTold = 5;

bool is_one_of(int pid, const std::vector<int>& pids) { return std::find(pids.begin(), pids.end(), pid) != pids.end(); }

}  // namespace

Result<std::optional<Database>> find_database(Connection& maintenance, const std::string& name) {
  const Rows rows = TRY(maintenance.query(
      "SELECT d.oid::bigint, d.datallowconn, r.rolname, pg_catalog.pg_database_size(d.oid) "
      "FROM pg_catalog.pg_database d JOIN pg_catalog.pg_roles r ON r.oid = d.datdba WHERE d.datname = $1",
      {name}));
  if (rows.count() == 0) return std::optional<Database>();
  return std::optional(Database{rows.integer(0, 0), rows.flag(0, 1), rows.text(0, 2), rows.integer(0, 3)});
}

Result<std::vector<Session>> sessions_of(Connection& maintenance, int64_t database, const std::vector<int>& but) {
  const Rows rows = TRY(maintenance.query(
      "SELECT pid, coalesce(usename, ''), coalesce(application_name, ''), coalesce(host(client_addr), ''), "
      "coalesce(backend_type, ''), coalesce(state, '') FROM pg_catalog.pg_stat_activity "
      "WHERE datid = $1::bigint::oid AND pid <> pg_catalog.pg_backend_pid() ORDER BY pid",
      {std::to_string(database)}));
  std::vector<Session> sessions;
  for (int row = 0; row < rows.count(); ++row)
    if (const int pid = static_cast<int>(rows.integer(row, 0)); !is_one_of(pid, but))
      sessions.push_back(
          {pid, rows.text(row, 1), rows.text(row, 2), rows.text(row, 3), rows.text(row, 4), rows.text(row, 5)});
  return sessions;
}

std::string for_people(const std::vector<Session>& sessions) {
  std::vector<std::string> words;
  for (const Session& session : sessions) {
    if (words.size() == kMostTold) {
      words.push_back(fmt::format("{} more", sessions.size() - kMostTold));
      break;
    }
    std::string where = session.application;
    if (!session.client.empty()) where += (where.empty() ? "" : ", ") + session.client;
    const std::string who = session.user.empty() ? session.kind : session.user;
    words.push_back(one_line(fmt::format("{} (pid {}{}{})", who, session.pid, where.empty() ? "" : ", ", where)));
  }
  return join(words, ", ");
}

Json to_json(const std::vector<Session>& sessions) {
  Json list = Json::array();
  for (const Session& session : sessions)
    list.push_back({{"pid", session.pid},
                    {"user", one_line(session.user)},
                    {"application", one_line(session.application)},
                    {"client", session.client},
                    {"kind", session.kind},
                    {"state", session.state}});
  return list;
}

Result<void> close_database(Connection& maintenance, const std::string& name) {
  return maintenance.exec("ALTER DATABASE " + sql_name(name) + " ALLOW_CONNECTIONS false")
      .with_context("closing the database " + name);
}

Result<void> open_database(Connection& maintenance, const std::string& name) {
  return maintenance.exec("ALTER DATABASE " + sql_name(name) + " ALLOW_CONNECTIONS true")
      .with_context("opening the database " + name);
}

Result<int> end_sessions(Connection& maintenance, int64_t database, const std::vector<int>& but, Millis limit) {
  const auto until = std::chrono::steady_clock::now() + limit;
  std::vector<int> ended, spared = but;
  while (true) {
    const std::vector<Session> there = TRY(sessions_of(maintenance, database, spared));
    if (there.empty()) return static_cast<int>(ended.size());
    for (const Session& session : there) {
      // Asked once each; autovacuum workers too, which a rename would end anyway.
      if (is_one_of(session.pid, ended)) continue;
      auto told = maintenance.query("SELECT pg_catalog.pg_terminate_backend($1::int)", {std::to_string(session.pid)});
      // An autovacuum worker, which has no user: only a superuser may end it, and renaming the database does.
      if (!told && told.error().code == Code::kDenied && session.user.empty()) {
        spared.push_back(session.pid);
        continue;
      }
      if (!told) {
        const bool of_superuser = told.error().message.find("superuser") != std::string::npos;
        return std::move(told)
            .error()
            .with_context("ending the session of " + for_people({session}))
            .with_next(of_superuser ? "only a superuser may: end it by hand, or let backout go by a superuser's role"
                                    : "grant pg_signal_backend to the role of backout, or end it by hand");
      }
      ended.push_back(session.pid);
    }
    if (std::chrono::steady_clock::now() > until)
      return Error{Code::kBusy, "sessions that do not end: " + for_people(there), "end them, then: backout resume"};
    std::this_thread::sleep_for(kLookEvery);
  }
}

Result<void> nothing_in_the_way(Connection& maintenance, const std::string& name) {
  const std::string prepared = TRY(maintenance.text(
      "SELECT string_agg(gid, ', ' ORDER BY prepared) FROM pg_catalog.pg_prepared_xacts WHERE database = $1", {name}));
  if (!prepared.empty())
    return Error{Code::kRefused, name + " has prepared transactions, and cannot be renamed: " + one_line(prepared),
                 "end each in that database: COMMIT PREPARED or ROLLBACK PREPARED"};
  const std::string slots = TRY(maintenance.text(
      std::string("SELECT string_agg(slot_name, ', ' ORDER BY slot_name) FROM pg_catalog.pg_replication_slots WHERE "
                  "database = $1 AND NOT slot_name ") +
          kOurSlots,  // the swap drops them
      {name}));
  if (!slots.empty())
    return Error{Code::kRefused,
                 name + " has logical replication slots, whose consumers would stay with the replaced database: " +
                     one_line(slots),
                 "drop them, and begin those consumers anew after the rollback"};
  return {};
}

}  // namespace backout::postgresql
