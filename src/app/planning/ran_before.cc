#include "app/planning/ran_before.h"

#include <future>

#include "app/site/subject.h"
#include "base/text.h"
#include "run/resolve.h"

namespace backout::app {
namespace {

bool is_everywhere(const Step& step) { return step.undo && get_bool(step.undo->args, "everywhere"); }

/// What `host` reports to a look that wants a version; empty when it does not tell. Whether it is the one that is
/// wanted does not matter.
std::string told(const Workspace& workspace, const Step& look, const std::string& host) {
  const auto driver = workspace.registry().find(look.action.driver);
  if (!driver) return "";
  Action action = look.action;
  action.args = run::with_host(action.args, host);
  return get_string((*driver)->verify(action, *workspace.hosts().at(host), {}).evidence, "version");
}

Result<Json> versions_now(const Workspace& workspace, const Version& from) {
  Journey journey;
  journey.kind = RunKind::kDeploy;
  journey.from = journey.to = from;
  std::vector<std::pair<std::string, std::future<std::string>>> asked;  // all at once: one that hangs delays no other
  std::vector<Step> looks;
  for (const Subject& subject : subjects_of(workspace.site())) {
    if (subject.part != plan::Part::kCheck || subject.in_front || get_string(subject.config, "version").empty())
      continue;
    for (Step& step : TRY(offers(workspace, subject, journey, {})))
      if (step.kind == StepKind::kLook && step.phase == Phase::kCheck) looks.push_back(std::move(step));
  }
  for (const Step& look : looks)
    for (const std::string& host : look.hosts)
      asked.emplace_back(host, std::async(std::launch::async, told, std::cref(workspace), std::cref(look), host));
  Json versions = Json::object();
  for (auto& [host, answer] : asked)
    if (std::string version = answer.get(); get_string(versions, host).empty()) versions[host] = std::move(version);
  return versions;
}

}  // namespace

Result<std::vector<std::string>> note_what_ran(const Workspace& workspace, const Version& from,
                                               std::vector<Step>& steps) {
  std::vector<std::string> words;
  if (std::none_of(steps.begin(), steps.end(), is_everywhere)) return words;
  const Json versions = TRY(versions_now(workspace, from));
  for (Step& step : steps)
    if (is_everywhere(step)) step.undo->args["before"] = versions;
  for (const auto& [host, version] : versions.items())
    if (const std::string ran = version.get<std::string>(); ran.empty())
      words.push_back(host +
                      " does not tell what it runs now: whether a put-back leaves it as it is, nobody will know");
    else if (ran != from.str())
      words.push_back(fmt::format("{} runs {} now: put back, it would be brought {}, and the run would end with 5",
                                  host, one_line(ran), one_line(from.str())));
  return words;
}

}  // namespace backout::app
