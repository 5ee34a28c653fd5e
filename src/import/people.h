// People: contact tables and escalation of a runbook, by role. Pure.
#pragma once
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "import/item.h"

namespace backout::import {

struct PersonDraft {
  std::string role;                                       // "devops-lead"
  std::vector<std::pair<std::string, std::string>> keys;  // name, email, phone, slack, does
  int order = 0;                                          // of escalation; 0: not said
  int line = 0;
};
/// A row of a contact table, or "- Technical Lead: Ana - +49 30 1".
std::optional<PersonDraft> person_of(const Item& item);
/// "After 15 min: Tech Manager approval": the time and the role; empty where not said.
std::pair<std::string, std::string> escalation_of(const Item& item, const std::vector<PersonDraft>& people);

}  // namespace backout::import
