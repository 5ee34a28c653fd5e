#include "app/history/testimony.h"

#include "base/text.h"

namespace backout::app {

Result<void> report_problem(const Workspace& workspace, const ProblemReport& report) {
  const std::string text = shortened(std::string(trimmed(sanitised(report.text))), 2000);
  if (text.empty())
    return Error{Code::kInvalid, "a report needs words", "backout report-problem \"checkout says 500\""};
  TRY(workspace.journal().append(
      workspace.site().id, 0,
      {{EventType::kProblemReported, {{"text", text}, {"severe", report.severe}, {"by", workspace.actor()}}}}));
  return {};
}

Result<void> state_fact(const Workspace& workspace, const std::string& name, const std::string& value) {
  TRY(workspace.journal().append(
      workspace.site().id, 0,
      {{EventType::kFactStated, {{"fact", name}, {"value", sanitised(value)}, {"by", workspace.actor()}}}}));
  return {};
}

}  // namespace backout::app
