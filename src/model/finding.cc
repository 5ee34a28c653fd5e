#include "model/finding.h"

namespace backout {

std::string_view name_of(Severity severity) {
  switch (severity) {
    case Severity::kOk: return "ok";
    case Severity::kWarning: return "warn";
    case Severity::kRed: return "red";
  }
  return "";
}

Json to_json(const Finding& finding) {
  Json value = {{"id", finding.id}, {"severity", name_of(finding.severity)}, {"what", finding.what}};
  if (!finding.about.empty()) value["about"] = finding.about;
  if (!finding.host.empty()) value["host"] = finding.host;
  if (!finding.next.empty()) value["next"] = finding.next;
  if (!finding.evidence.empty()) value["evidence"] = finding.evidence;
  return value;
}

}  // namespace backout
