#include "app/ready/steps.h"

#include "app/ready/needs.h"
#include "base/text.h"
#include "driver/secrets.h"
#include "run/executor.h"
#include "run/resolve.h"

namespace backout::app::ready {
namespace {

using driver::Need;

constexpr std::string_view kNoRun = "RUN-0000";

bool is_text_list(const Json& value) {
  return value.is_array() && !value.empty() &&
         std::all_of(value.begin(), value.end(), [](const Json& word) { return word.is_string(); });
}

/// The user's own commands inside of a step's arguments: objects with an argv, as model/site.h writes them.
void add_commands(const Json& value, const std::string& why, std::vector<Need>& needs) {
  if (value.is_object() && is_text_list(get(value, "argv"))) {
    std::string cwd = get_string(value, "cwd");
    for (Need& need :
         needs_of_command(get(value, "argv").get<std::vector<std::string>>(), cwd, get_string(value, "user"), why))
      if (!get(value, "env").contains("PATH")) needs.push_back(std::move(need));
    return;
  }
  if (value.is_structured())
    for (const Json& member : value) add_commands(member, why, needs);
}

class Looking {
 public:
  Looking(const Workspace& workspace, std::stop_token stop, StepsSeen& seen)
      : workspace_(workspace), stop_(std::move(stop)), seen_(seen) {}

  void at(const Step& step, const std::string& host) {
    const auto driver = workspace_.registry().find(step.action.driver);
    if (!driver) return;  // the plan is refused for it
    if (step.kind == StepKind::kLook) {
      if (step.phase == Phase::kPrepare && step.needs.empty()) look(**driver, step, host);
      add_commands(step.action.args, "for " + step.id.str(), seen_.needs[host]);
      return;
    }
    if (step.kind != StepKind::kEffect) return;
    make(**driver, step.action, step.id.str(), host);
    if (step.undo) make(**driver, *step.undo, step.id.str() + " (undo)", host);
  }

 private:
  void look(const driver::Driver& driver, const Step& step, const std::string& host) {
    const auto action = resolved(step.action, host);
    if (!action) return;
    const Sight sight = driver.verify(*action, *workspace_.hosts().at(host), stop_);
    const bool holds = sight.kind == SightKind::kHolds;
    seen_.findings.push_back({"step.look", holds ? Severity::kOk : Severity::kRed, step.id.str(), host,
                              one_line(sight.why), holds ? "" : "mend it: a rollback stops at this step",
                              sight.evidence});
  }

  void make(const driver::Driver& driver, const Action& action, const std::string& shown, const std::string& host) {
    const auto concrete = resolved(action, host);
    if (!concrete) return;  // it needs what an earlier step will have found
    const auto command = driver.command(*concrete, *workspace_.hosts().at(host));
    if (!command) {
      seen_.findings.push_back(
          {"step", Severity::kRed, shown, host,
           fmt::format("step {} cannot be begun: {}", shown, one_line(command.error().message)),
           one_line(command.error().next.empty() ? "correct it in backout.yaml" : command.error().next),
           Json::object()});
      return;
    }
    std::vector<Need>& needs = seen_.needs[host];
    for (Need& need : needs_of_command({command->argv.front()}, command->cwd, command->user, "for " + shown))
      needs.push_back(std::move(need));
    add_commands(concrete->args, "for " + shown, needs);
  }

  Result<Action> resolved(const Action& action, const std::string& host) const {
    return run::resolved(action, host, std::string(kNoRun), workspace_.runs_directory(), {});
  }

  const Workspace& workspace_;
  std::stop_token stop_;
  StepsSeen& seen_;
};

void add_secrets(const Json& value, std::map<std::string, std::string>& places) {
  if (!value.is_structured()) return;
  for (const auto& [key, member] : value.items()) {
    if ((key == "secrets" || key == "send_secret") && member.is_object()) {
      for (const auto& [name, place] : member.items())
        if (place.is_string()) places[place.get<std::string>()] = name;
    } else {
      add_secrets(member, places);
    }
  }
}

}  // namespace

StepsSeen look_at_steps(const Workspace& workspace, const Plan& plan, const std::set<std::string>& hosts,
                        std::stop_token stop) {
  StepsSeen seen;
  Looking looking(workspace, std::move(stop), seen);
  for (const Step& step : plan.contract.steps)
    for (const std::string& host : run::hosts_of(step))
      if (hosts.contains(host)) looking.at(step, host);
  return seen;
}

std::map<std::string, std::vector<Need>> needs_beside(const Site& site) {
  std::map<std::string, std::vector<Need>> needs;
  const auto add = [&](const UserCommand& command, const std::vector<std::string>& hosts, const std::string& why) {
    if (command.env.contains("PATH")) return;
    for (const std::string& host : hosts)
      for (Need& need : needs_of_command(command.argv, command.cwd, command.user, why))
        needs[host].push_back(std::move(need));
  };
  if (const auto& level = site.watch.log_level) {
    const std::vector<std::string> hosts = hosts_of(site, level->hosts);
    add(level->raise, hosts, "for watch.log_level.raise");
    add(level->put_back, hosts, "for watch.log_level.put_back");
    if (level->probe) add(*level->probe, hosts, "for watch.log_level.probe");
  }
  for (const FigureConfig& figure : site.watch.figures)
    add(figure.count, hosts_of(site, figure.hosts), "for watch.figures: " + figure.name);
  if (site.database && site.database->backups) {
    if (const auto& make = site.database->backups->make) add(*make, {"local"}, "for database.backups.make");
    if (const auto& restore = site.database->backups->restore) add(*restore, {"local"}, "for database.backups.restore");
  }
  return needs;
}

std::vector<Finding> look_at_secrets(const std::vector<Subject>& subjects) {
  std::vector<Finding> findings;
  std::set<std::string> told;
  for (const Subject& subject : subjects) {
    std::map<std::string, std::string> places;
    add_secrets(subject.config, places);
    for (const auto& [place, name] : places) {
      if (!told.insert(place).second) continue;
      std::map<std::string, std::string> value;
      const auto revealed = driver::reveal({{name, place}}, value);
      Finding finding{"secret", Severity::kOk, place, "", "there is a value at " + one_line(place), "", Json::object()};
      if (!revealed) {
        finding.severity = Severity::kRed;
        finding.what = fmt::format("{}: {}", subject.name, one_line(revealed.error().message));
        finding.next = place.starts_with('$')
                           ? "set it where backout is run from, or name a file instead of it in backout.yaml"
                           : "put the file back, readable for whoever runs backout: " + one_line(place);
      }
      findings.push_back(std::move(finding));
    }
  }
  return findings;
}

}  // namespace backout::app::ready
