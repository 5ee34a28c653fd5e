#include "app/planning/trying.h"

#include "app/site/subject.h"
#include "base/hash.h"
#include "driver/secrets.h"
#include "driver/tool.h"
#include "os/file.h"
#include "schema/compare.h"

namespace backout::app {
namespace {

constexpr uint64_t kLargest = 64U << 20;
constexpr size_t kTail = 12;
constexpr Millis kPatience{3'600'000};

Result<Subject> postgresql_of(const Site& site) {
  for (Subject& subject : subjects_of(site))
    if (subject.driver == "postgresql") return std::move(subject);
  return Error{Code::kUnsupported, "this site has no PostgreSQL database to try a migration on",
               "try it on a copy of your own"};
}

}  // namespace

Result<Tried> try_migration(const Where& where, const std::string& file,
                            const std::function<void(const std::string&)>& said, const std::stop_token& stop) {
  const std::string sql = TRY(os::read_file(file, kLargest));
  if (sql.empty()) return Error{Code::kInvalid, file + " is empty", "name the file with the migration's SQL"};
  const auto workspace = TRY(Workspace::open(where));
  const Subject subject = TRY(postgresql_of(workspace->site()));
  host::Host& host = *workspace->hosts().at("local");
  Json args = subject.config;
  // Always the same names: what a killed try left goes at the beginning of the next.
  args["scratch"] = "try__backout_" + sha256_hex(workspace->site().id.str()).substr(0, kTail);
  args["directory"] = workspace->runs_directory() + "/try";
  args["sql"] = sql;
  const Json seen = TRY(TRY(workspace->registry().find("postgresql"))->observe(subject.config, host, stop));
  if (!get_bool(seen, "exists"))
    return Error{Code::kNotFound, "there is no database " + get_string(seen, "database"),
                 "correct database: postgresql: in backout.yaml"};
  args["database"] = get_string(seen, "database");
  host::Command command = driver::tool_command(own_path(), "postgresql", "try-sql", args);
  command.timeout = kPatience;
  TRY_VOID(driver::reveal(TRY(driver::secret_places(get(subject.config, "secrets"))), command.env)
               .with_context("database.postgresql.password"));
  if (said) said("copying " + get_string(args, "database") + " to try " + file + " on it");
  const Json evidence = TRY(driver::ask_tool(host, command, stop));
  Tried tried{.file = file,
              .database = get_string(args, "database"),
              .applied = get_bool(evidence, "applied"),
              .why_not = get_string(evidence, "why_not"),
              .took = Millis(get_int(evidence, "took_ms")),
              .rows = get_int(evidence, "rows")};
  if (!tried.applied) return tried;
  const auto comparison = TRY(schema::comparison_from_json(get(evidence, "comparison")));
  tried.rung = schema::name_of(comparison.rung);
  tried.why = comparison.why();
  return tried;
}

Json to_json(const Tried& tried) {
  return {{"file", tried.file},
          {"database", tried.database},
          {"applied", tried.applied},
          {"why_not", tried.why_not},
          {"took_ms", tried.took.count()},
          {"rows", tried.rows},
          {"rollback_would", tried.rung},
          {"why", tried.why}};
}

}  // namespace backout::app
