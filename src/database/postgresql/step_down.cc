#include "database/postgresql/step_down.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "database/postgresql/create.h"
#include "database/postgresql/live_guard.h"
#include "database/postgresql/read_catalog.h"
#include "database/postgresql/read_migrations.h"
#include "database/postgresql/same_catalog.h"
#include "database/postgresql/sessions.h"

namespace backout::postgresql {
namespace {

constexpr Millis kToolSessions{5'000};
constexpr const char* kInstead = "nothing is changed; restore instead: --rung restore";

std::vector<std::string> sorted(std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  return names;
}

std::string named(const std::vector<std::string>& names) {
  return names.empty() ? "none" : one_line(join(names, ", "));
}

/// Names in one and not in the other, in words.
std::string difference(const std::vector<std::string>& found, const std::vector<std::string>& wanted) {
  std::vector<std::string> more, fewer;
  for (const std::string& name : found)
    if (std::find(wanted.begin(), wanted.end(), name) == wanted.end()) more.push_back(name);
  for (const std::string& name : wanted)
    if (std::find(found.begin(), found.end(), name) == found.end()) fewer.push_back(name);
  std::vector<std::string> parts;
  if (!more.empty()) parts.push_back("still noted: " + named(more));
  if (!fewer.empty()) parts.push_back("not noted any more: " + named(fewer));
  return join(parts, "; ");
}

Error goes_elsewhere(const std::string& why) {
  return {Code::kRefused, "the migration tool does not work on the copy: " + why,
          "nothing was undone. Let its settings take PGDATABASE or DATABASE_URL, or set their own "
          "variable: database: {migrations: {environment: {NAME: \"{database}\"}}}"};
}

/// Letters and digits: loggers escape and wrap.
std::string letters_of(std::string_view text) {
  std::string out;
  for (const char c : text)
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 || static_cast<unsigned char>(c) >= 0x80 || c == '_') out += c;
  return out;
}

/// What the server answers to whoever asks for the closed copy, in its language.
Result<std::string> words_of_the_closed(const StepDownJob& job) {
  const auto refused = Connection::open(job.server, job.copy);
  if (refused) return Error{Code::kInternal, "the copy " + job.copy + " is closed, and lets us in", ""};
  const std::string& said = refused.error().message;
  const size_t name = said.rfind(job.copy), severity = said.rfind(':', name);
  if (name == std::string::npos || severity == std::string::npos)
    return Error{Code::kUnavailable, "the closed copy cannot be asked for: " + said, ""};
  return letters_of(said.substr(severity));
}

/// The down itself, while the copy is closed: it must fail because of that. Where it goes elsewhere, its session is
/// read-only, DDL has to wait for the guard's locks, and the guard ends it. REQUIRES: the copy is closed.
Result<void> downs_fail_too(const StepDownJob& job, const MigrationCalls& calls) {
  const MigrationTool& tool = calls.tool();
  const auto down = std::find_if(job.downs.begin(), job.downs.end(), [](const Down& each) { return !each.by_us; });
  if (job.live.empty() || down == job.downs.end() || tool.down == nullptr) return {};
  const std::string closed = TRY(words_of_the_closed(job));
  std::vector<Argv> asked;
  if (tool.harmless != nullptr) asked.push_back(tool.harmless(calls.how(), *down));
  asked.push_back(tool.down(calls.how(), *down));
  for (const Argv& argv : asked) {
    LiveGuard guard(job.server, job.live, calls.application());
    TRY_VOID(guard.begin(LiveGuard::How::kLock));
    const auto ran = calls.run(argv, job.copy, MigrationCalls::May::kLook, guard.stop());
    const std::string seen = TRY(guard.end());
    if (!seen.empty()) return goes_elsewhere("its down went to the live database, and was ended there: " + seen);
    if (!ran) return ran.error();
    if (ran->ok()) return goes_elsewhere("its down said that it is done while the copy was closed to everybody");
    if (letters_of(ran->out + ran->err).find(closed) == std::string::npos)
      return goes_elsewhere(
          "while the copy was closed its down failed, and did not say because of that, so it may be "
          "another database that it asks for: " +
          calls.complaint(*ran));
  }
  return {};
}

/// By observation, whatever was configured.
Result<void> only_the_copy(const StepDownJob& job, const MigrationCalls& calls) {
  if (calls.tool().list == nullptr) return {};  // backout does all of it, by connections of its own
  auto maintenance = TRY(open_maintenance(job.server, job.maintenance));
  const auto copy = TRY(find_database(maintenance, job.copy));
  if (!copy) return Error{Code::kNotFound, "there is no database " + job.copy, ""};
  TRY_VOID(close_database(maintenance, job.copy));
  TRY(end_sessions(maintenance, copy->oid, {}, kToolSessions));
  const auto closed = calls.list(job.copy);
  const auto downs = closed ? Result<void>() : downs_fail_too(job, calls);
  TRY_VOID(open_database(maintenance, job.copy));
  if (closed) return goes_elsewhere("its list was answered while the copy was closed to everybody");
  TRY_VOID(downs);
  const auto open = calls.list(job.copy);
  if (!open) return goes_elsewhere("its list fails: " + open.error().message);
  if (const std::string why = why_not_same(*open, job.noted, job.downs); !why.empty()) return goes_elsewhere(why);
  return {};
}

/// The tool's down, or the SQL that stands for it.
Result<void> undo(const StepDownJob& job, const MigrationCalls& calls, const Down& down) {
  if (down.by_us) {
    auto connection = TRY(Connection::open(job.server, job.copy));
    TRY_VOID(connection.exec("SET search_path = \"$user\", public"));
    const auto done = connection.exec(down.sql);
    if (done) return {};
    return Error{done.error().code, "undoing " + one_line(down.name) + " failed: " + done.error().message, kInstead};
  }
  LiveGuard guard(job.server, job.live, calls.application());
  if (!job.live.empty()) TRY_VOID(guard.begin(LiveGuard::How::kWatch));
  const auto ran =
      TRY(calls.run(calls.tool().down(calls.how(), down), job.copy, MigrationCalls::May::kWrite, guard.stop()));
  if (const std::string seen = TRY(guard.end()); !seen.empty())
    return Error{Code::kConflict,
                 fmt::format("undoing {} on the copy, the tool went to the live database, and was ended there: {}",
                             one_line(down.name), seen),
                 "look what it did to the live database before anything else"};
  if (ran.ok()) return {};
  const std::string said = calls.complaint(ran);
  for (const std::string& word : calls.tool().irreversible)
    if (ran.out.find(word) != std::string::npos || ran.err.find(word) != std::string::npos)
      return Error{Code::kRefused, one_line(down.name) + " is irreversible: " + said, kInstead};
  return Error{Code::kConflict, "undoing " + one_line(down.name) + " failed: " + said, kInstead};
}

Result<SteppedDown> one_down(const StepDownJob& job, const MigrationCalls& calls, const Down& down,
                             const schema::postgresql::Catalog* expected) {
  SteppedDown done{.name = down.name};
  const BootTime began = system_clock().boot();
  TRY_VOID(undo(job, calls, down));
  done.took = std::chrono::duration_cast<Millis>(system_clock().boot() - began);
  auto copy = TRY(Connection::open(job.server, job.copy));
  const auto noted = sorted(TRY(noted_in(copy, calls)));
  if (noted != down.after)
    return Error{Code::kConflict,
                 fmt::format("the tool said that {} is undone, and its table does not have what it should: {}",
                             one_line(down.name), difference(noted, down.after)),
                 kInstead};
  done.catalog = TRY(read_catalog(copy));
  if (expected == nullptr) return done;
  const auto differences = differences_of(done.catalog, *expected);
  if (!differences.faults.empty())
    return Error{Code::kConflict,
                 fmt::format("undoing {} left another schema than when it was tried: {}", one_line(down.name),
                             join(differences.faults, "; ")),
                 "something changed the schema since; plan the rollback again"};
  return done;
}

}  // namespace

Result<std::vector<std::string>> noted_in(Connection& connection, const MigrationCalls& calls) {
  const MigrationTool& tool = calls.tool();
  if (tool.noted != nullptr) return tool.noted(calls, connection);
  std::string table;
  for (const auto& each : TRY(read_migrations(connection)))
    if (each.tool == tool.books) table = each.table;
  const size_t dot = table.find('.');
  if (dot == std::string::npos)
    return Error{Code::kNotFound, fmt::format("{} has noted no migrations in {}", tool.books, connection.database()),
                 "see database: {migrations: ...} in backout.yaml"};
  const Rows rows = TRY(connection.query(
      replaced(std::string(tool.in_order), "%T", sql_name(table.substr(0, dot), table.substr(dot + 1)))));
  std::vector<std::string> names;
  for (int i = 0; i < rows.count(); ++i) names.push_back(rows.text(i, 0));
  return names;
}

Result<std::vector<SteppedDown>> step_down(const StepDownJob& job, const MigrationCalls& calls,
                                           const driver::Progress& progress) {
  {
    auto copy = TRY(Connection::open(job.server, job.copy));
    const auto noted = TRY(noted_in(copy, calls));
    if (sorted(noted) != sorted(job.noted))
      return Error{
          Code::kConflict,
          "other migrations are applied than when this was planned: " + difference(sorted(noted), sorted(job.noted)),
          "plan the rollback again"};
  }
  TRY_VOID(only_the_copy(job, calls));
  std::vector<SteppedDown> done;
  for (const Down& down : job.downs) {
    if (progress) progress("undoing " + one_line(down.name));
    const auto* expected = done.size() < job.expected.size() ? &job.expected[done.size()] : nullptr;
    done.push_back(TRY(one_down(job, calls, down, expected)));
  }
  return done;
}

}  // namespace backout::postgresql
