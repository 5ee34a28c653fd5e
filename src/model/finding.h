// Finding: one thing that a rollback will rest on, looked at before the night it matters: how it is, and what to do
// about it. docs/ready.md lists the ids; they are stable.
#pragma once
#include <string>
#include <vector>

#include "base/json.h"

namespace backout {

enum class Severity {
  kOk,
  kWarning,  // going back is possible all the same
  kRed,      // it is not, or nobody could tell: no data is never good
};
std::string_view name_of(Severity severity);  // "ok", "warn", "red"

struct Finding {
  std::string id;  // "backup.bytes"
  Severity severity = Severity::kOk;
  std::string about;  // which part of the site, step, program or path; may be empty
  std::string host;   // empty: the site as a whole
  std::string what;   // one line: what was seen
  std::string next;   // what to do; never empty unless kOk
  Json evidence = Json::object();
};

Json to_json(const Finding& finding);

}  // namespace backout
