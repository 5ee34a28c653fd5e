#include "drivers/traffic/alb.h"

#include <fmt/format.h>

#include <cstdlib>

#include "base/text.h"
#include "driver/tool.h"
#include "drivers/traffic/alb_actions.h"
#include "drivers/traffic/alb_beside.h"
#include "drivers/traffic/shift.h"
#include "os/process.h"

namespace backout::drivers {
namespace {

constexpr Millis kAwsTimeout{60'000};

/// The words of an aws command, before its own arguments.
std::vector<std::string> aws(const Json& subject, std::string_view what) {
  std::vector<std::string> argv = {get_string(subject, "program", "aws"),
                                   "elbv2",
                                   std::string(what),
                                   "--output",
                                   "json",
                                   "--cli-connect-timeout",
                                   "5",
                                   "--cli-read-timeout",
                                   "20"};
  for (const auto& [key, option] : {std::pair{"region", "--region"}, std::pair{"endpoint", "--endpoint-url"}})
    if (const std::string value = get_string(subject, key); !value.empty()) argv.insert(argv.end(), {option, value});
  return argv;
}

/// The same for another service, which has no endpoint of ours.
std::vector<std::string> aws_of(const Json& subject, const char* service, std::vector<std::string> more) {
  std::vector<std::string> argv = {get_string(subject, "program", "aws"), service};
  argv.insert(argv.end(), more.begin(), more.end());
  argv.insert(argv.end(), {"--output", "json", "--cli-connect-timeout", "5", "--cli-read-timeout", "20"});
  if (const std::string region = get_string(subject, "region"); !region.empty())
    argv.insert(argv.end(), {"--region", region});
  return argv;
}

/// Fewer tries than its own five: whoever looks tries again by itself.
std::map<std::string, std::string> environment() {
  std::map<std::string, std::string> variables = {{"AWS_PAGER", ""}};
  if (std::getenv("AWS_MAX_ATTEMPTS") == nullptr) variables["AWS_MAX_ATTEMPTS"] = "3";
  return variables;
}

bool by_rule(const Json& subject) { return subject.contains("rule"); }
std::string arn_of(const Json& subject) { return get_string(subject, by_rule(subject) ? "rule" : "listener"); }

std::vector<std::string> describe(const Json& subject) {
  std::vector<std::string> argv = aws(subject, by_rule(subject) ? "describe-rules" : "describe-listeners");
  argv.insert(argv.end(), {by_rule(subject) ? "--rule-arns" : "--listener-arns", arn_of(subject)});
  return argv;
}

Result<std::string> asked(host::Host& host, std::vector<std::string> argv, const std::stop_token& stop) {
  const auto said = TRY(host.run({.argv = std::move(argv), .env = environment(), .timeout = kAwsTimeout}, stop));
  if (!said.ok()) return aws_error(said.exit_status, said.err.empty() ? said.why_not_ok() : said.err);
  return said.out;
}

Result<std::string> run_here(std::vector<std::string> argv) {
  const auto said = os::run_process({.argv = std::move(argv), .env = environment(), .timeout = kAwsTimeout});
  if (!said) return aws_error(127, said.error().message);
  if (!said->ok()) return aws_error(said->exit_status, said->err.empty() ? said->why_not_ok() : said->err);
  return said->out;
}

Result<void> check_alb(const Json& subject, const Pools& pools) {
  const auto wrong = [](std::string message) {
    return Error{Code::kInvalid, "traffic: " + std::move(message), "see docs/traffic.md"};
  };
  if (subject.contains("listener") == subject.contains("rule")) return wrong("exactly one of 'listener' and 'rule'");
  if (!arn_of(subject).starts_with("arn:")) return wrong("'listener' and 'rule' are ARNs");
  for (const char* key : {"program", "region", "endpoint"})
    if (get_string(subject, key).starts_with('-')) return wrong(fmt::format("'{}' begins with '-'", key));
  TRY(alb_groups(pools));
  return {};
}

/// Every other rule of the load balancer that gives requests to a pool.
Result<std::vector<std::string>> forwards_beside(const Json& subject, host::Host& host, const std::stop_token& stop) {
  const auto groups = TRY(alb_groups(TRY(pools_from(subject))));
  std::vector<std::string> of_the_balancer = aws(subject, "describe-listeners");
  of_the_balancer.insert(of_the_balancer.end(), {"--load-balancer-arn", TRY(alb_balancer(arn_of(subject)))});
  std::vector<std::string> all;
  for (const AlbListener& listener : TRY(alb_listeners(TRY(asked(host, std::move(of_the_balancer), stop))))) {
    std::vector<std::string> argv = aws(subject, "describe-rules");
    argv.insert(argv.end(), {"--listener-arn", listener.arn});
    for (std::string& each :
         TRY(alb_forwards(TRY(asked(host, std::move(argv), stop)), listener, groups, arn_of(subject))))
      all.push_back(std::move(each));
  }
  return all;
}

class Alb : public ShiftDriver {
 public:
  explicit Alb(std::string self) : self_(std::move(self)) {}
  std::string_view name() const override { return "alb"; }

  driver::Readiness ready(const driver::Offering& offering, host::Host& host, driver::Depth,
                          std::stop_token stop) const override {
    const Json& subject = offering.subject;
    driver::Readiness readiness;
    readiness.needs = {{driver::Need::Kind::kTool, get_string(subject, "program", "aws"), "to shift the traffic"}};
    const std::string action =
        by_rule(subject) ? "elasticloadbalancing:ModifyRule" : "elasticloadbalancing:ModifyListener";
    const auto say = [&](Severity severity, std::string what, std::string next) {
      readiness.findings.push_back(
          {"traffic.rights", severity, "", "", std::move(what), std::move(next), Json::object()});
    };
    std::string who = "these credentials";
    const auto denied = [&]() -> Result<std::string> {
      who = TRY(alb_principal(TRY(asked(host, aws_of(subject, "sts", {"get-caller-identity"}), stop))));
      return alb_denied(TRY(asked(host,
                                  aws_of(subject, "iam",
                                         {"simulate-principal-policy", "--policy-source-arn", who, "--action-names",
                                          action, "--resource-arns", arn_of(subject)}),
                                  stop)));
    }();
    who = one_line(who);
    if (!denied)
      say(Severity::kWarning,
          fmt::format("whether {} may {} could not be found out: {}", who, action, one_line(denied.error().message)),
          "allow iam:SimulatePrincipalPolicy, so that it can be asked; or shift the traffic once in a drill");
    else if (!denied->empty())
      say(Severity::kRed, fmt::format("{} may not {}: {}", who, action, *denied),
          fmt::format("allow {} on {}", action, one_line(arn_of(subject))));
    else
      say(Severity::kOk, fmt::format("{} may {}, says IAM", who, action), "");
    const auto beside = forwards_beside(subject, host, stop);
    const auto warn = [&](std::string what, std::string next) {
      readiness.findings.push_back(
          {"traffic.elsewhere", Severity::kWarning, "", "", std::move(what), std::move(next), Json::object()});
    };
    if (!beside)
      warn("whether other listeners or rules forward to the same target groups could not be found out: " +
               one_line(beside.error().message),
           "allow elasticloadbalancing:DescribeListeners and DescribeRules");
    else
      for (const std::string& each : *beside)
        warn(each + ", too: a shift leaves it as it is", "take it over by a command of yours: commands, phase: start");
    return readiness;
  }

  Result<std::vector<std::string>> takes_away(const driver::Offering& offering, host::Host& host,
                                              std::stop_token stop) const override {
    std::vector<std::string> sentences;
    if (offering.kind == RunKind::kDeploy || offering.kind == RunKind::kCheckpoint) return sentences;
    const auto beside = forwards_beside(offering.subject, host, stop);
    if (!beside)
      return std::vector<std::string>{
          "whether other listeners or rules forward to the same target groups is not known: " +
          one_line(beside.error().message)};
    for (const std::string& each : *beside) sentences.push_back(each + ", too, and stays as it is");
    return sentences;
  }

 protected:
  std::vector<std::string> stays_beside(const Json& subject, host::Host& host, std::stop_token stop) const override {
    const auto beside = forwards_beside(subject, host, stop);
    if (!beside)
      return {"whether other listeners or rules forward to the same target groups was not seen: " +
              one_line(beside.error().message)};
    std::vector<std::string> sentences;
    for (const std::string& each : *beside) sentences.push_back(each + ", too, and was left as it is");
    return sentences;
  }
  Patience patience() const override { return {40, Millis(500)}; }  // the API is sooner than the load balancer
  Result<void> check(const Json& subject, const Pools& pools) const override { return check_alb(subject, pools); }

  Json to_keep(const Json& seen) const override { return numbers_kept(seen); }

  Result<host::Command> set(const Json& subject, const Pools&, const Weights& weights) const override {
    Json args = subject;
    args["weights"] = weights;
    for (const char* ours : {"weights_on", "public_url", "door", "steps", "hold_ms"}) args.erase(ours);
    host::Command command = driver::tool_command(self_, "alb", "set", args);
    command.timeout = 3 * kAwsTimeout;
    return command;
  }

  Result<Json> look(const Json& subject, const Pools& pools, host::Host& host, std::stop_token stop) const override {
    const Json actions = TRY(alb_actions(TRY(asked(host, describe(subject), stop))));
    const Numbers numbers = TRY(alb_numbers(actions, pools));
    const Weights weights = in_percent({numbers.begin(), numbers.end()});
    Json seen = {{"weights", weights}, {"as_set", numbers}, {"sick", Json::object()}};
    if (std::string amiss = TRY(not_put_back(subject, pools, numbers)); !amiss.empty()) seen["amiss"] = amiss;
    for (const auto& [name, group] : TRY(alb_groups(pools))) {
      if (weights.at(name) == 0) continue;
      std::vector<std::string> argv = aws(subject, "describe-target-health");
      argv.insert(argv.end(), {"--target-group-arn", group});
      const std::string why = TRY(alb_unhealthy(TRY(asked(host, std::move(argv), stop))));
      if (!why.empty()) seen["sick"][name] = why;
    }
    if (const std::string note = alb_stickiness(actions); !note.empty()) seen["note"] = note;
    return seen;
  }

 private:
  std::string self_;
};

Result<Json> set_weights(const Json& args) {
  const Pools pools = TRY(pools_from(args));
  TRY_VOID(check_alb(args, pools));
  const Weights weights = TRY(weights_from(get(args, "weights"), pools, get_bool(args, "undo")));
  const Numbers numbers = TRY(numbers_to_put_back(args, pools));
  const Json before = TRY(alb_actions(TRY(run_here(describe(args)))));
  const Json after = TRY(alb_actions_with(before, pools, numbers.empty() ? weights : numbers));
  std::vector<std::string> argv = aws(args, by_rule(args) ? "modify-rule" : "modify-listener");
  argv.insert(argv.end(), {by_rule(args) ? "--rule-arn" : "--listener-arn", arn_of(args)});
  argv.insert(argv.end(), {by_rule(args) ? "--actions" : "--default-actions", canonical(after)});
  TRY(run_here(std::move(argv)));
  return Json{{"weights", weights}};
}

}  // namespace

std::unique_ptr<driver::Driver> make_alb_driver(std::string self) { return std::make_unique<Alb>(std::move(self)); }

int run_alb_tool(const std::vector<std::string>& args, std::istream& in, std::ostream& out, std::ostream& err) {
  return driver::run_tool(args, in, out, err,
                          [](const std::string& verb, const Json& given, const driver::Progress&) -> Result<Json> {
                            if (verb == "set") return set_weights(given);
                            return Error{Code::kInvalid, "no verb '" + verb + "'", ""};
                          });
}

}  // namespace backout::drivers
