#include "schema/compare.h"

#include "base/text.h"
#include "schema/compare_table.h"
#include "schema/sql_text.h"

namespace backout::schema {
namespace {

bool restricts(const ForeignKey& key) {
  return same_name(key.on_delete, "NO ACTION") || same_name(key.on_delete, "RESTRICT") || key.on_delete.empty();
}

/// A table that the code does not know can still get in its way: by refusing to let it delete rows.
void compare_added_table(const Snapshot& wanted, const Table& table, std::vector<Finding>& findings) {
  for (const auto& key : table.foreign_keys) {
    if (restricts(key) && find_table(wanted, key.parent) != nullptr) {
      findings.push_back({"table-added-restricts", false, table.name,
                          "its rows point at " + key.parent + " without ON DELETE CASCADE or SET NULL: deletes from " +
                              key.parent + " by the code can be refused"});
      return;
    }
  }
  findings.push_back({"table-added", true, table.name, "the code does not know it and never touches it"});
}

void compare_triggers(const Snapshot& wanted, const Snapshot& there, std::vector<Finding>& findings) {
  const auto find = [](const std::vector<Trigger>& list, const std::string& name) -> const Trigger* {
    for (const auto& trigger : list)
      if (same_name(trigger.name, name)) return &trigger;
    return nullptr;
  };
  for (const auto& trigger : wanted.triggers) {
    const Trigger* other = find(there.triggers, trigger.name);
    if (other == nullptr) {
      findings.push_back(
          {"trigger-removed", false, trigger.table + "." + trigger.name, "what it kept up to date is no longer done"});
    } else if (normalised(other->sql) != normalised(trigger.sql)) {
      findings.push_back(
          {"trigger-changed", false, trigger.table + "." + trigger.name, "writes by the code now do something else"});
    }
  }
  for (const auto& trigger : there.triggers) {
    if (find(wanted.triggers, trigger.name) != nullptr) continue;
    const bool known = find_table(wanted, trigger.table) != nullptr ||
                       std::any_of(wanted.views.begin(), wanted.views.end(),
                                   [&](const View& view) { return same_name(view.name, trigger.table); });
    if (known) {
      findings.push_back({"trigger-added", false, trigger.table + "." + trigger.name,
                          "it fires on writes by the code, and may refuse or change them"});
    } else {
      findings.push_back({"trigger-added-elsewhere", true, trigger.table + "." + trigger.name,
                          "it fires only on what the code does not know"});
    }
  }
}

void compare_views(const Snapshot& wanted, const Snapshot& there, std::vector<Finding>& findings) {
  const auto find = [](const std::vector<View>& list, const std::string& name) -> const View* {
    for (const auto& view : list)
      if (same_name(view.name, name)) return &view;
    return nullptr;
  };
  for (const auto& view : wanted.views) {
    const View* other = find(there.views, view.name);
    if (other == nullptr) {
      findings.push_back({"view-removed", false, view.name, "statements that read it fail: no such table"});
    } else if (normalised(other->sql) != normalised(view.sql)) {
      findings.push_back({"view-changed", false, view.name, "statements that read it may fail or see other rows"});
    }
  }
  for (const auto& view : there.views)
    if (find(wanted.views, view.name) == nullptr)
      findings.push_back({"view-added", true, view.name, "the code does not know it"});
}

}  // namespace

std::string_view name_of(Rung rung) {
  switch (rung) {
    case Rung::kLeave: return "leave";
    case Rung::kStepDown: return "step-down";
    case Rung::kRestore: return "restore";
  }
  BACKOUT_CHECK(false, "an enum value without a name");
}

Result<Rung> rung_of(std::string_view name) {
  for (const Rung rung : {Rung::kLeave, Rung::kStepDown, Rung::kRestore})
    if (name_of(rung) == name) return rung;
  return Error{Code::kInvalid, "there is no rung '" + one_line(name) + "' of the database ladder",
               "leave, step-down or restore"};
}

Comparison compare(const Snapshot& wanted, const Snapshot& there) {
  Comparison out;
  for (const auto& table : wanted.tables) {
    const Table* other = find_table(there, table.name);
    if (other == nullptr) {
      out.findings.push_back({"table-removed", false, table.name, "statements that name it fail: no such table"});
    } else {
      compare_table(table, *other, out.findings);
    }
  }
  for (const auto& table : there.tables)
    if (find_table(wanted, table.name) == nullptr) compare_added_table(wanted, table, out.findings);
  compare_triggers(wanted, there, out.findings);
  compare_views(wanted, there, out.findings);
  if (wanted.user_version != there.user_version) {
    out.findings.push_back(
        {"user-version", true, "PRAGMA user_version",
         std::to_string(wanted.user_version) + " is now " + std::to_string(there.user_version) +
             "; code that refuses a database newer than itself at start would say so when it is tried"});
  }
  if (wanted.application_id != there.application_id)
    out.findings.push_back({"application-id", false, "PRAGMA application_id", "code that checks it refuses the file"});
  out.conclude();
  return out;
}

void Comparison::conclude() {
  std::stable_partition(findings.begin(), findings.end(), [](const Finding& finding) { return !finding.fits; });
  rung = !findings.empty() && !findings.front().fits ? Rung::kRestore : Rung::kLeave;
}

std::string Comparison::why() const {
  const std::string tried = (evidence.empty() ? "" : "; " + evidence) + (ladder.empty() ? "" : "; " + ladder);
  if (findings.empty()) return "the schema is the same" + tried;
  std::vector<std::string> parts;
  const bool fits = findings.front().fits;  // else those that do not come first
  for (const auto& finding : findings) {
    if (finding.fits != fits) continue;
    parts.push_back(finding.rule + " " + finding.object + (finding.fits ? "" : " (" + finding.breaks + ")"));
  }
  const size_t all = parts.size();
  if (all > 4) {
    parts.resize(4);
    parts.push_back("and " + std::to_string(all - 4) + " more");
  }
  return (fits ? "only additions the code need not know: " : "the code does not fit the schema: ") + join(parts, ", ") +
         tried;
}

Json to_json(const Comparison& comparison) {
  Json findings = Json::array();
  for (const auto& finding : comparison.findings) {
    findings.push_back(
        {{"rule", finding.rule}, {"fits", finding.fits}, {"object", finding.object}, {"breaks", finding.breaks}});
    if (!finding.harms.empty()) findings.back()["harms"] = finding.harms.names();
  }
  Json value{{"rung", name_of(comparison.rung)}, {"why", comparison.why()}, {"findings", findings}};
  if (!comparison.evidence.empty()) value["evidence"] = comparison.evidence;
  return value;
}

Result<Comparison> comparison_from_json(const Json& value) {
  if (!get(value, "findings").is_array()) return Error{Code::kCorrupt, "a comparison of schemas without findings", ""};
  Comparison comparison;
  comparison.evidence = get_string(value, "evidence");
  for (const Json& finding : get(value, "findings"))
    comparison.findings.push_back({.rule = get_string(finding, "rule"),
                                   .fits = get_bool(finding, "fits"),
                                   .object = get_string(finding, "object"),
                                   .breaks = get_string(finding, "breaks")});
  comparison.conclude();
  if (name_of(comparison.rung) != get_string(value, "rung"))
    return Error{Code::kCorrupt, "a comparison of schemas whose rung is not that of its findings", ""};
  return comparison;
}

}  // namespace backout::schema
