#include "schema/postgresql/rules.h"

namespace backout::schema::postgresql {
namespace {

constexpr RuleText kTriggerRules[] = {
    {"trigger-added", Fit::kNo, "WX", "it fires on writes by the code, and may refuse or change them"},
    {"trigger-added-elsewhere", Fit::kYes, "", "it fires only on what the code does not know, or is disabled"},
    {"trigger-removed", Fit::kNo, "WX", "what it kept up to date is no longer done"},
    {"trigger-changed", Fit::kNo, "WX", "writes by the code do something else"},
    {"trigger-enabled", Fit::kNo, "WX", "it fires when it did not"},
    {"trigger-disabled", Fit::kNo, "WX", "it no longer fires"},
};

bool fires(const Trigger& trigger) { return trigger.enabled == "origin" || trigger.enabled == "always"; }

void compare_all_triggers(const Sides& sides, Findings& findings) {
  for (const Table& table : sides.wanted.tables) {
    const Table* other = find(sides.there.tables, table.full_name());
    if (other == nullptr) continue;
    for (const Trigger& trigger : table.triggers) {
      const std::string name = table.full_name() + "." + trigger.name;
      const Trigger* now = find_named(other->triggers, trigger.name);
      if (now == nullptr) {
        findings.add("trigger-removed", name);
        continue;
      }
      if (now->definition != trigger.definition) findings.add("trigger-changed", name);
      if (now->enabled != trigger.enabled)
        findings.add(fires(*now) ? "trigger-enabled" : "trigger-disabled", name,
                     "was " + trigger.enabled + ", is " + now->enabled);
    }
  }
  for (const Table& table : sides.there.tables) {
    const Table* before = predecessor(sides, table);
    for (const Trigger& trigger : table.triggers) {
      if (before != nullptr && find_named(before->triggers, trigger.name) != nullptr) continue;
      findings.add(before != nullptr && fires(trigger) ? "trigger-added" : "trigger-added-elsewhere",
                   table.full_name() + "." + trigger.name);
    }
  }
}

}  // namespace

const Family kTriggers{"triggers", kTriggerRules, &compare_all_triggers};

}  // namespace backout::schema::postgresql
