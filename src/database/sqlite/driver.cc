#include "database/sqlite/driver.h"

#include <map>

#include "base/text.h"
#include "database/sqlite/offer.h"
#include "database/sqlite/ready.h"
#include "driver/secrets.h"
#include "driver/tool.h"
#include "model/site.h"

namespace backout::database {
namespace {

/// Without one of these a verb makes no sense. The tool looks at all of its arguments itself, but only once it runs.
Result<void> check_arguments(const Action& action) {
  static const std::map<std::string, std::vector<const char*>, std::less<>> kNeeded = {
      {"backup", {"file", "backup", "manifest"}},
      {"verify-backup", {"backup", "manifest"}},
      {"restore", {"backup", "manifest", "beside"}},
      {"diff", {"base", "live", "target"}},
      {"rescue", {"base", "live", "target", "record", "conflicts", "archive"}},
      {"swap", {"file", "incoming", "keep", "record", "marker"}},
      {"swap-back", {"file", "keep", "aside", "marker"}},
      {"keep", {"file", "kept", "base", "record", "marker", "directory"}},
      {"discard", {"path"}},
      {"load", {"archive", "sha256", "backup", "manifest"}},
      {"put-back", {"file", "incoming", "keep", "marker"}}};
  const auto needed = kNeeded.find(action.verb);
  if (needed == kNeeded.end()) return {};
  for (const char* key : needed->second)
    if (get_string(action.args, key).empty())
      return Error{Code::kInvalid, "sqlite " + action.verb + ": the argument '" + key + "' is missing", ""};
  return {};
}

class SqliteDriver : public driver::Driver {
 public:
  explicit SqliteDriver(std::string self) : self_(std::move(self)) {}

  std::string_view name() const override { return "sqlite"; }

  std::vector<driver::Verb> capabilities() const override {
    std::vector<driver::Verb> verbs;
    for (const char* verb : {"backup", "verify-backup", "restore", "diff", "rescue", "swap", "swap-back", "keep",
                             "discard", "load", "script", "put-back"})
      verbs.push_back({verb, StepKind::kEffect, true, true});
    verbs.push_back({"schema-is", StepKind::kLook, true, true});
    return verbs;
  }

  Result<std::vector<Step>> offer(const driver::Offering& offering) const override { return offer_sqlite(offering); }

  Result<Json> observe(const Json& subject, host::Host& host, std::stop_token stop) const override {
    Json args{{"file", get_string(subject, "file")}};
    if (subject.contains("books_of")) args["books_of"] = subject["books_of"];
    return ask(host, "observe", args, stop);
  }

  Result<host::Command> command(const Action& action, const host::Host& host) const override {
    if (!host.is_local()) return remote();
    const auto verbs = capabilities();
    const bool known = std::any_of(verbs.begin(), verbs.end(), [&](const driver::Verb& verb) {
      return verb.name == action.verb && verb.kind == StepKind::kEffect;
    });
    const bool beside_runs = action.verb == "diff" || action.verb == "export" || action.verb == "apply";
    if (!known && !beside_runs) return Error{Code::kInvalid, "the sqlite driver has no verb '" + action.verb + "'", ""};
    if (action.verb == "script") return script(action.args);
    TRY_VOID(check_arguments(action));
    return tool(action.verb, action.args);
  }

  Sight verify(const Action& action, host::Host& host, std::stop_token stop) const override {
    const auto answer = ask(host, "look", {{"verb", action.verb}, {"args", action.args}}, stop);
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
    Json args = {{"prove", depth == driver::Depth::kProve}};
    for (const char* key : {"backup", "manifest", "manifest_sha256"}) args[key] = get_string(offering.saved, key);
    return readiness_of(offering, seen->second, ask(host, "ready", args, stop));
  }

 private:
  static Error remote() {
    return {Code::kUnsupported, "an SQLite file on another machine is not supported by this version",
            "run backout on the machine that has the file"};
  }

  /// The team's own command that overwrites the database. What came of it is looked at, not believed.
  static Result<host::Command> script(const Json& args) {
    UserCommand user = TRY(user_command_from_json(get(args, "run")).with_context("database.backups.restore"));
    host::Command command{.argv = std::move(user.argv), .cwd = std::move(user.cwd), .env = std::move(user.env)};
    TRY_VOID(driver::reveal(user.secrets, command.env));
    command.user = std::move(user.user);
    command.timeout = user.timeout;
    return command;
  }

  host::Command tool(const std::string& verb, const Json& args) const {
    return driver::tool_command(self_, "sqlite", verb, args);
  }

  Result<Json> ask(host::Host& host, const std::string& verb, const Json& args, const std::stop_token& stop) const {
    if (!host.is_local()) return remote();
    return driver::ask_tool(host, tool(verb, args), stop);
  }

  std::string self_;
};

}  // namespace

std::unique_ptr<driver::Driver> make_sqlite_driver(std::string self_path) {
  return std::make_unique<SqliteDriver>(std::move(self_path));
}

}  // namespace backout::database
