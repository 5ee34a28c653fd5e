#include "database/postgresql/driver.h"

#include <algorithm>

#include "database/postgresql/offer.h"
#include "database/postgresql/ready.h"
#include "driver/secrets.h"
#include "driver/tool.h"

namespace backout::postgresql {
namespace {

constexpr const char* kEffects[] = {"backup",   "verify-backup", "load",         "restore",   "diff", "rescue",
                                    "try-down", "step-down",     "swap",         "swap-back", "keep", "discard",
                                    "recover",  "prove-point",   "discard-side", "drop-slots"};

/// What is asked for outside runs: plans, `rescue`, retention, tests of archives.
constexpr const char* kBesideRuns[] = {"count", "export", "apply", "kept", "discard-tests", "slots"};

class PostgresqlDriver : public driver::Driver {
 public:
  explicit PostgresqlDriver(std::string self) : self_(std::move(self)) {}

  std::string_view name() const override { return "postgresql"; }

  std::vector<driver::Verb> capabilities() const override {
    std::vector<driver::Verb> verbs;
    for (const char* verb : kEffects) verbs.push_back({verb, StepKind::kEffect, true, true});
    for (const char* look : {"schema-is", "stepped-down"}) verbs.push_back({look, StepKind::kLook, true, true});
    return verbs;
  }

  Result<std::vector<Step>> offer(const driver::Offering& offering) const override {
    return offer_postgresql(offering);
  }

  Result<Json> observe(const Json& subject, host::Host& host, std::stop_token stop) const override {
    return ask(host, "observe", subject, subject, stop);
  }

  Result<host::Command> command(const Action& action, const host::Host&) const override {
    if (std::find(std::begin(kBesideRuns), std::end(kBesideRuns), action.verb) != std::end(kBesideRuns))
      return tool(action.verb, action.args, action.args);
    if (std::find(std::begin(kEffects), std::end(kEffects), action.verb) == std::end(kEffects))
      return Error{Code::kInvalid, "the postgresql driver has no verb '" + action.verb + "'", ""};
    return tool(action.verb, action.args, action.args);
  }

  Sight verify(const Action& action, host::Host& host, std::stop_token stop) const override {
    const auto answer = ask(host, "look", {{"verb", action.verb}, {"args", action.args}}, action.args, stop);
    if (!answer) return Sight::cannot_tell(answer.error().message);
    Sight sight{.kind = get_string(*answer, "sight") == "holds" ? SightKind::kHolds : SightKind::kDoesNotHold,
                .why = get_string(*answer, "why")};
    if (get(*answer, "evidence").is_object()) sight.evidence = get(*answer, "evidence");
    return sight;
  }

  driver::Readiness ready(const driver::Offering& offering, host::Host& host, driver::Depth depth,
                          std::stop_token stop) const override {
    const auto seen = offering.seen.find(host.name().str());
    if (seen == offering.seen.end()) return {};
    Json args = offering.subject;
    args["prove"] = depth == driver::Depth::kProve;
    args["database"] = get_string(seen->second, "database", get_string(args, "database"));
    for (const char* key : {"backup", "manifest", "manifest_sha256", "template"})
      args[key] = get_string(offering.saved, key);
    if (get(offering.saved, "point").is_object()) args["point"] = get(offering.saved, "point");
    return readiness_of(offering, seen->second, ask(host, "ready", args, offering.subject, stop));
  }

 private:
  /// The password goes the way of libpq's own variable; the arguments hold only its place.
  Result<host::Command> tool(const std::string& verb, const Json& args, const Json& subject) const {
    host::Command command = driver::tool_command(self_, "postgresql", verb, args);
    TRY_VOID(driver::reveal(TRY(driver::secret_places(get(subject, "secrets"))), command.env)
                 .with_context("database.postgresql.password"));
    return command;
  }

  Result<Json> ask(host::Host& host, const std::string& verb, const Json& args, const Json& subject,
                   const std::stop_token& stop) const {
    return driver::ask_tool(host, TRY(tool(verb, args, subject)), stop);
  }

  std::string self_;
};

}  // namespace

std::unique_ptr<driver::Driver> make_postgresql_driver(std::string self_path) {
  return std::make_unique<PostgresqlDriver>(std::move(self_path));
}

}  // namespace backout::postgresql
