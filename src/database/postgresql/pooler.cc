#include "database/postgresql/pooler.h"

#include <libpq-fe.h>

#include <memory>

#include "base/clock.h"
#include "base/text.h"
#include "database/postgresql/connection.h"

namespace backout::postgresql {
namespace {

constexpr const char* kConnectSeconds = "5";
constexpr Millis kLook{2};
constexpr Millis kPatience{5'000};  // a pool is paused when the last transaction in it is over

using Console = std::unique_ptr<PGconn, decltype(&PQfinish)>;
using Answer = std::unique_ptr<PGresult, decltype(&PQclear)>;

Result<Console> open_console(const Pooler& pooler) {
  const char* names[] = {"connect_timeout", "fallback_application_name", "dbname", "dbname", nullptr};
  const char* values[] = {kConnectSeconds, "backout", pooler.admin.c_str(), "pgbouncer", nullptr};
  Console console(PQconnectdbParams(names, values, 1), &PQfinish);
  if (console == nullptr) return Error{Code::kInternal, "libpq has no memory", ""};
  if (PQstatus(console.get()) == CONNECTION_OK) return console;
  return Error{Code::kUnavailable, one_line(trimmed(PQerrorMessage(console.get()))),
               "is PgBouncer up, is database.postgresql.poolers right, and is the user one of its admin_users?"};
}

/// The console knows the simple protocol only, and answers nothing else meanwhile.
Result<Answer> say(PGconn* console, const std::string& words, Millis patience) {
  if (PQsendQuery(console, words.c_str()) != 1)
    return Error{Code::kUnavailable, one_line(trimmed(PQerrorMessage(console))), ""};
  const BootTime until = system_clock().boot() + patience;
  while (PQisBusy(console) != 0) {
    if (system_clock().boot() > until)
      return Error{Code::kTimedOut, words + " took longer than " + for_people(patience), ""};
    system_clock().wait(kLook, {});
    if (PQconsumeInput(console) != 1) return Error{Code::kUnavailable, one_line(trimmed(PQerrorMessage(console))), ""};
  }
  Answer answer(PQgetResult(console), &PQclear);
  while (PGresult* more = PQgetResult(console)) PQclear(more);
  const ExecStatusType status = PQresultStatus(answer.get());
  if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) return answer;
  return Error{Code::kRefused, one_line(trimmed(PQresultErrorMessage(answer.get()))), ""};
}

Result<void> tell(const Pooler& pooler, const std::string& word) {
  const Console console = TRY(open_console(pooler));
  TRY(say(console.get(), word + " " + sql_name(pooler.pool), kPatience));
  return {};
}

/// What is wrong; empty when it is paused.
std::string pause(const Pooler& pooler) {
  const auto paused = tell(pooler, "PAUSE");
  if (paused) return "";
  // Waiting for a transaction that does not end would keep new clients out for nothing.
  if (paused.error().code == Code::kTimedOut) (void)tell(pooler, "RESUME");
  return paused.error().message;
}

std::string resume_one(const Pooler& pooler) {
  const auto resumed = tell(pooler, "RESUME");
  return resumed || resumed.error().message.find("is not paused") != std::string::npos ? "" : resumed.error().message;
}

}  // namespace

std::vector<Pooler> poolers_of(const Json& args) {
  std::vector<Pooler> poolers;
  for (const Json& one : get(args, "poolers"))
    if (one.is_string())
      poolers.push_back({one.get<std::string>(), get_string(args, "pool", get_string(args, "database"))});
  return poolers;
}

Result<std::string> look_at_pooler(const Pooler& pooler) {
  const Console console = TRY(open_console(pooler));
  const Answer answer = TRY(say(console.get(), "SHOW DATABASES", kPatience));
  const int name = PQfnumber(answer.get(), "name");
  for (int row = 0; name >= 0 && row < PQntuples(answer.get()); ++row)
    if (pooler.pool == PQgetvalue(answer.get(), row, name)) {
      const Answer version = TRY(say(console.get(), "SHOW VERSION", kPatience));
      return std::string(PQntuples(version.get()) > 0 ? PQgetvalue(version.get(), 0, 0) : "");
    }
  return Error{Code::kNotFound, "it has no database called " + pooler.pool,
               "database.postgresql.pool is the name that clients of PgBouncer ask for"};
}

PausedPoolers::PausedPoolers(std::vector<Pooler> poolers, const driver::Progress& progress)
    : poolers_(std::move(poolers)) {
  for (const Pooler& pooler : poolers_) {
    faults_.push_back(pause(pooler));
    if (progress && !faults_.back().empty())
      progress("the pooler at " + one_line(pooler.admin) + " could not be paused: " + faults_.back());
  }
}

PausedPoolers::~PausedPoolers() {
  if (!resumed_) (void)resume();
}

Json PausedPoolers::resume() {
  Json told = Json::array();
  for (size_t i = 0; i < poolers_.size(); ++i) {
    const std::string fault = resume_one(poolers_[i]);
    told.push_back({{"pooler", poolers_[i].admin},
                    {"paused", faults_[i].empty()},
                    {"resumed", fault.empty()},
                    {"why", faults_[i].empty() ? fault : faults_[i]}});
  }
  resumed_ = true;
  return told;
}

}  // namespace backout::postgresql
