#include "app/ready/answer.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "base/text.h"

namespace backout::app {
namespace {

constexpr int64_t kTellAgainAfter = 24 * 3600 * 1000LL;

Json findings_in(const ReadyAnswer& answer, Severity severity) {
  Json list = Json::array();
  for (const Finding* finding : answer.of(severity)) {
    Json told = to_json(*finding);
    told.erase("severity");
    told.erase("evidence");
    list.push_back(std::move(told));
  }
  return list;
}

/// What must be the same for an answer to be the same: not the words, which hold figures.
Json gist(const Json& event) {
  Json same = {{"ready", get(event, "ready")}, {"from", get(event, "from")}, {"to", get(event, "to")}};
  for (const char* list : {"red", "warnings"}) {
    Json& names = same[list] = Json::array();
    for (const Json& finding : get(event, list))
      names.push_back({get_string(finding, "id"), get_string(finding, "about"), get_string(finding, "host")});
    std::sort(names.begin(), names.end());
  }
  return same;
}

Json database_of(const Plan& plan) {
  return {{"rung", plan.contract.database_rung},
          {"why", plan.contract.database_why},
          {"rows", plan.forecast.rows},
          {"not_carried", plan.forecast.not_carried}};
}

}  // namespace

bool ReadyAnswer::ready() const { return of(Severity::kRed).empty(); }

std::vector<const Finding*> ReadyAnswer::of(Severity severity) const {
  std::vector<const Finding*> some;
  for (const Finding& finding : findings)
    if (finding.severity == severity) some.push_back(&finding);
  return some;
}

std::string ReadyAnswer::says() const {
  const std::string where = target ? " to " + one_line(target->version.str()) : "";
  if (ready()) return "can go back" + where;
  const auto red = std::ssize(of(Severity::kRed));
  return fmt::format("cannot go back{}: {} in the way", where,
                     red == 1 ? "1 thing is" : fmt::format("{} things are", red));
}

void put_in_order(std::vector<Finding>& findings) {
  std::set<std::tuple<std::string, std::string, std::string, std::string>> seen;
  std::erase_if(findings, [&](const Finding& finding) {
    return !seen.insert({finding.id, finding.about, finding.host, finding.what}).second;
  });
  std::stable_sort(findings.begin(), findings.end(),
                   [](const Finding& a, const Finding& b) { return a.severity > b.severity; });
}

bool measured(const Forecast& forecast) { return forecast.source.find("earlier run on") == std::string::npos; }

const Finding* backup_of(const ReadyAnswer& answer) {
  for (const Finding& finding : answer.findings)
    if (finding.id == "backup" && !finding.evidence.empty()) return &finding;
  return nullptr;
}

Json to_json(const ReadyAnswer& answer) {
  Json value = {{"site", answer.site.str()},
                {"ready", answer.ready()},
                {"says", answer.says()},
                {"at_ms", to_millis(answer.at)},
                {"took_ms", answer.took.count()},
                {"proved", answer.proved},
                {"now", nullptr},
                {"target", nullptr},
                {"database", nullptr},
                {"backup", nullptr},
                {"time", nullptr}};
  value["not_built"] = answer.not_built;
  if (answer.current) value["now"] = to_json(*answer.current);
  if (answer.target) value["target"] = to_json(*answer.target);
  if (const Finding* backup = backup_of(answer)) value["backup"] = backup->evidence;
  if (answer.checkpoint) {
    value["backup"]["checkpoint"] = answer.checkpoint->id.str();
    value["backup"]["taken_at_ms"] = to_millis(answer.checkpoint->taken_at);
    value["backup"]["verified"] = answer.checkpoint->verified;
  }
  if (answer.plan) {
    value["database"] = database_of(*answer.plan);
    const Forecast& forecast = answer.plan->forecast;
    value["time"] = {{"total_ms", forecast.total.count()},
                     {"outage_ms", forecast.outage.count()},
                     {"measured", measured(forecast)},
                     {"source", forecast.source}};
  }
  Json& findings = value["findings"] = Json::array();
  for (const Finding& finding : answer.findings) findings.push_back(to_json(finding));
  return value;
}

Json event_of(const ReadyAnswer& answer) {
  return {{"ready", answer.ready()},
          {"from", answer.current ? answer.current->version.str() : ""},
          {"to", answer.target ? answer.target->version.str() : ""},
          {"red", findings_in(answer, Severity::kRed)},
          {"warnings", findings_in(answer, Severity::kWarning)},
          {"says", answer.says()}};
}

bool is_news(const Json& last, const Json& now, WallTime at) {
  if (!last.is_object() || to_millis(at) - get_int(last, "at_ms") >= kTellAgainAfter) return true;
  return gist(last) != gist(now);
}

}  // namespace backout::app
