#include "app/site/linting.h"

#include <algorithm>
#include <filesystem>

#include "decide/collected.h"
#include "decide/grid.h"

namespace backout::app {

std::vector<config::Finding> lint_rules(const Site& site) {
  std::vector<std::string> signals;
  for (const SignalConfig& signal : site.signals) signals.push_back(signal.kind);
  decide::LintInput input{.policies = site.policies, .collected = {}, .watched = std::max(site.bake, site.watch.first)};
  if (!signals.empty()) input.collected = decide::collected_by(signals, !site.checks.empty());
  std::vector<config::Finding> findings;
  for (const decide::LintFinding& each : decide::lint_policies(input).findings) {
    if (each.shipped) continue;
    config::Finding finding{.severity = config::Severity::kWarning, .line = each.line, .column = each.column};
    finding.message = each.message;
    finding.next = each.next;
    // Rules name their file in short; a finding names it so that it can be opened.
    for (const Policy& policy : site.policies.levels)
      if (!policy.shipped &&
          std::filesystem::path(policy.file).filename() == std::filesystem::path(each.file).filename())
        finding.file = policy.file;
    if (finding.file.empty() && each.line > 0) finding.file = each.file;
    findings.push_back(std::move(finding));
  }
  return findings;
}

}  // namespace backout::app
