#include "drivers/services/parked.h"

#include "base/text.h"
#include "model/step_word.h"

namespace backout::drivers {

std::vector<driver::Verb> parked_verbs() {
  return {{"park", StepKind::kEffect, true, true}, {"unpark", StepKind::kEffect, true, true}};
}

std::vector<Step> parked_steps(const driver::Offering& offering, std::string_view driver, const Service& service) {
  if (offering.kind != RunKind::kRollback && offering.kind != RunKind::kForward) return {};
  const std::string name(driver);
  Json put_back = offering.subject;
  for (const auto& [host, seen] : offering.seen)
    if (!get_bool(seen, "running", true)) put_back["leave_down"].push_back(host);
  const Action unpark{name, "unpark", std::move(put_back)};
  const Step park{.id = StepId("park-" + step_word(service.name)),
                  .phase = Phase::kClose,
                  .title = service.name + " begins no more",
                  .hosts = offering.hosts,
                  .action = {name, "park", offering.subject},
                  .undo = unpark,
                  .repeatable = true,
                  .has_probe = true,
                  .timeout = service.drain + Millis(30'000),
                  .patience = {8, Millis(250)}};
  const Step again{.id = StepId("unpark-" + step_word(service.name)),
                   .phase = Phase::kSettle,
                   .title = service.name + " may begin again",
                   .hosts = offering.hosts,
                   .action = unpark,
                   .repeatable = true,
                   .has_probe = true,
                   .timeout = Millis(60'000),
                   .patience = {8, Millis(250)}};
  return {park, again};
}

Result<std::vector<std::pair<std::string, std::string>>> facts_of(std::string_view output) {
  std::vector<std::pair<std::string, std::string>> facts;
  bool ended = false;
  for (const std::string& line : split(output, '\n')) {
    const size_t space = line.find(' ');
    if (line == "end") ended = true;
    if (line.empty()) continue;
    facts.emplace_back(line.substr(0, space), space == std::string::npos ? "" : line.substr(space + 1));
  }
  if (!ended) return Error{Code::kCorrupt, "looking ended half-way", ""};
  return facts;
}

}  // namespace backout::drivers
