// decide: one decision with 100 rules, every word and what-if of it; lint_grid: the walk of 100 rules over the grid.
// Prints rows of JSON: medians in milliseconds.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iostream>

#include "base/json.h"
#include "config/config.h"
#include "decide/assess.h"
#include "decide/evaluate.h"
#include "decide/grid.h"

namespace {

using namespace backout;
using Clock = std::chrono::steady_clock;

/// The three largest shipped policies, and rules of a team's own up to 100.
Policies hundred_rules() {
  std::string yaml = "site: shop\npolicy: [procedures, obcms, single-binary, sum, open-discussions]\nrules:\n";
  size_t rules = config::parse(yaml + "  []\n", "b.yaml").site.policies.rules().size();
  const char* facts[] = {"latency: \">{}x\"", "error_rate: \">{}%\"", "unhealthy_for: \">{}m\""};
  for (int index = 0; rules < 100; ++index, ++rules)
    yaml += fmt::format("  - {{id: own-{}, when: {{severity: sev{}, {}}}, do: {}}}\n", index, 1 + index % 4,
                        fmt::format(fmt::runtime(facts[index % 3]), 2 + index),
                        index % 2 == 0 ? "roll-back" : "fix-forward");
  config::Loaded loaded = config::parse(yaml, "backout.yaml");
  for (const config::Finding& finding : loaded.findings)
    if (finding.severity == config::Severity::kError) std::cerr << config::render("", finding) << '\n', std::exit(1);
  return std::move(loaded.site.policies);
}

template <class Work>
double median_ms(int times, const Work& work) {
  std::vector<double> all;
  for (int time = 0; time < times; ++time) {
    const auto begin = Clock::now();
    work();
    all.push_back(std::chrono::duration<double, std::milli>(Clock::now() - begin).count());
  }
  std::nth_element(all.begin(), all.begin() + times / 2, all.end());
  return all[static_cast<size_t>(times / 2)];
}

void print(const char* name, double value, const std::string& about) {
  std::cout << Json{{"name", name}, {"value", value}, {"unit", "ms"}, {"about", about}}.dump() << std::endl;
}

}  // namespace

int main(int argc, char** argv) {
  const auto wanted = [&](std::string_view name) {
    return argc < 2 || std::any_of(argv + 1, argv + argc, [&](const char* each) { return name == each; });
  };
  const Policies policies = hundred_rules();
  if (wanted("decide")) {
    decide::AssessInput seen{.now = wall_from_millis(1'767'225'600'000)};
    seen.way_back = {.from = "v2", .to = "v1", .deployed_at = seen.now - Millis(1'200'000)};
    seen.way_back.target_verified = true;
    Evidence evidence{.signal = "shop-log", .measure = "outcomes", .state = EvidenceState::kAlarm};
    evidence.votes = 36'000, evidence.bad = 1440, evidence.decibels = 91, evidence.needed = 82.6;
    evidence.bad_per_second = 4, evidence.onset = seen.now - Millis(360'000);
    seen.evidence = {evidence, evidence};
    seen.figures["shop-log"] = {{"clients", 5000}, {"bad_clients", 240}};
    decide::EvaluateInput input{.site = "shop/production", .from = "v2", .to = "v1", .now = seen.now};
    input.policies = policies;
    size_t bytes = 0;
    const double ms = median_ms(300, [&] {
      const decide::Assessed assessed = decide::assess(seen, policies);
      input.facts = assessed.facts;
      input.attribution = assessed.attribution;
      input.evidence = seen.evidence;
      bytes += canonical(to_json(decide::evaluate(input))).size();
    });
    print("decide", ms, fmt::format("{} rules, with its JSON of {} bytes", policies.rules().size(), bytes / 300));
  }
  if (wanted("lint_grid")) {
    Policy one{.name = "hundred", .file = "hundred.yaml"};
    for (const Rule* rule : policies.rules()) one.rules.push_back(*rule);
    Policies alone;
    alone.levels = {std::move(one)};
    decide::Linted linted;
    const double ms = median_ms(
        15, [&] { linted = decide::lint_policies({.policies = alone, .collected = {}, .watched = Millis(0)}); });
    print(
        "lint_grid", ms,
        fmt::format("{} rules, {} cells, {} findings", policies.rules().size(), linted.cells, linted.findings.size()));
  }
  return 0;
}
