#include "import/rules.h"

#include <algorithm>

#include "base/text.h"
#include "import/area.h"
#include "import/block.h"
#include "import/sentence.h"

namespace backout::import {
namespace {

struct Symptom {
  std::string_view words, fact;
};
// The first that is named decides.
constexpr Symptom kSymptoms[] = {{"migrations fail", "migrations_failed"},
                                 {"migrations failed", "migrations_failed"},
                                 {"migration fail", "migrations_failed"},
                                 {"won't start", "wont_start"},
                                 {"won’t start", "wont_start"},
                                 {"fails to start", "wont_start"},
                                 {"crash", "crash_loop"},
                                 {"panic", "crash_loop"},
                                 {"data corruption", "corruption"},
                                 {"corruption", "corruption"},
                                 {"data loss", "corruption"},
                                 {"data integrity", "corruption"},
                                 {"security", "security"},
                                 {"vulnerab", "security"},
                                 {"breach", "security"},
                                 {"login", "auth"},
                                 {"authenticat", "auth"},
                                 {"auth ", "auth"},
                                 {"payment", "payments"},
                                 {"checkout", "payments"},
                                 {"database connection", "database_down"},
                                 {"database query", "database_errors"},
                                 {"database error", "database_errors"},
                                 {"search completely", "search"},
                                 {"search broken", "search"},
                                 {"admin", "admin"},
                                 {"email", "mail"},
                                 {"e-mail", "mail"},
                                 {"calendar", "calendar"},
                                 {"unavailab", "down"},
                                 {"outage", "down"},
                                 {"site down", "down"},
                                 {"service down", "down"},
                                 {"core functionality", "core"},
                                 {"critical functionality", "core"},
                                 {"core user flow", "core"},
                                 {"major feature", "major"},
                                 {"unexpected behav", "unexpected"},
                                 {"cosmetic", "minor"},
                                 {"minor", "minor"},
                                 {"ui glitch", "minor"},
                                 {"typo", "minor"},
                                 {"edge case", "minor"}};

/// Digits from `at` on; -1: none.
long number_at(std::string_view text, size_t& at) {
  if (at >= text.size() || text[at] < '0' || text[at] > '9') return -1;
  long number = 0;
  while (at < text.size() && text[at] >= '0' && text[at] <= '9' && number < 100000)
    number = number * 10 + (text[at++] - '0');
  return number;
}

/// "> 10%", "50-80%", "1-10 %", "<5%": as a condition on a percentage.
std::optional<std::string> percent_in(std::string_view text) {
  const size_t sign = text.find('%');
  if (sign == std::string_view::npos) return std::nullopt;
  size_t begins = sign;
  while (begins > 0 && std::string_view("0123456789 -–<>≥≤=.").find(text[begins - 1]) != std::string_view::npos)
    --begins;
  std::string said(trimmed(text.substr(begins, sign - begins)));
  said = replaced(said, " ", "");
  if (said.find('.') != std::string::npos) return std::nullopt;
  size_t at = said.find_first_of("0123456789");
  if (at == std::string::npos) return std::nullopt;
  const std::string mark = said.substr(0, at);
  const long first = number_at(said, at);
  if (at < said.size() && said[at] == '-') {
    const long second = number_at(said, ++at);
    if (second < first || second > 100) return std::nullopt;
    return std::to_string(first) + "% to " + std::to_string(second) + "%";
  }
  if (first > 100) return std::nullopt;
  if (mark == ">" || mark == "<" || mark == ">=" || mark == "<=") return mark + std::to_string(first) + "%";
  return ">=" + std::to_string(first) + "%";
}

std::string action_of(std::string_view words) {
  const std::string small = lowered(words);
  if (says(small, {"no approval"})) return "roll-back";
  if (says(small, {"probably not", "monitor", "no rollback", "do not roll", "beobachten"}) || small == "no")
    return "monitor";
  if (says(small, {"evaluate", "usually", "consider", "requires evaluation", "recommended", "if critical", "approval"}))
    return "needs-approval";
  if (says(small, {"fix forward", "forward fix", "roll forward", "roll-forward", "hotfix", "fix-forward"}) &&
      small.find("rollback") == std::string::npos)
    return "fix-forward";
  if (says(small, {"rollback", "roll back", "revert"}) || small == "yes") return "roll-back";
  if (says(small, {"immediate"})) return "roll-back";
  return "";
}

std::string severity_of(std::string_view words) {
  const std::string small = lowered(words);
  if (says(small, {"critical", "sev1", "sev-1", "p0", "kritisch", "crítica", "level 1"})) return "sev1";
  if (says(small, {"high", "sev2", "sev-2", "p1", "hoch", "alta", "major"})) return "sev2";
  if (says(small, {"medium", "moderate", "sev3", "sev-3", "p2", "mittel", "media"})) return "sev3";
  if (says(small, {"low", "minor", "sev4", "sev-4", "p3", "niedrig", "baja"})) return "sev4";
  return "";
}

/// "0-2 hours", "48+ hours": the age of a release.
std::optional<std::string> age_of(std::string_view words) {
  const std::string small = lowered(words);
  const std::string unit = says(small, {"hour", "hr", "stunde", "hora"}) ? "h"
                           : says(small, {"min"})                        ? "m"
                           : says(small, {"day"})                        ? "d"
                                                                         : "";
  size_t at = small.find_first_of("0123456789");
  if (unit.empty() || at == std::string::npos) return std::nullopt;
  const std::string mark = small.substr(0, at);
  const long first = number_at(small, at);
  if (at < small.size() && small[at] == '+') return ">=" + std::to_string(first) + unit;
  const size_t dash = small.find('-', at);
  if (dash != std::string::npos) {
    size_t second_at = small.find_first_of("0123456789", dash);
    if (second_at == std::string::npos) return std::nullopt;
    const long second = number_at(small, second_at);
    if (second <= first) return std::nullopt;
    return first == 0 ? "<" + std::to_string(second) + unit
                      : std::to_string(first) + unit + ".." + std::to_string(second) + unit;
  }
  if (mark.find('>') != std::string::npos) return ">" + std::to_string(first) + unit;
  if (mark.find('<') != std::string::npos || says(mark, {"within", "under"})) return "<" + std::to_string(first) + unit;
  return std::nullopt;
}

std::string data_of(std::string_view words) {
  const std::string small = lowered(words);
  if (says(small, {"none"})) return "none";
  if (says(small, {"low"})) return "stale";
  if (says(small, {"medium", "moderate"})) return "wrong-writes";
  return says(small, {"high"}) ? "corruption" : "";
}

std::vector<std::string> roles_in(std::string_view words, bool& nobody) {
  std::string small = lowered(words);
  nobody = small.starts_with("none") || small == "no" || small == "-" || small.starts_with("not needed");
  std::vector<std::string> roles;
  if (nobody) return roles;
  for (const std::string& part : split(replaced(replaced(small, " and ", "+"), ",", "+"), '+'))
    if (const std::string role = role_of_words(part); !role.empty()) roles.push_back(role);
  return roles;
}

}  // namespace

std::string role_of_words(std::string_view words) {
  std::string role;
  const std::string plain = lowered(without_markup(words));
  for (const char c : plain.substr(0, plain.find('('))) {
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
      role += c;
    else if (!role.empty() && role.back() != '-')
      role += '-';
    if (role.size() > 40) break;
  }
  while (role.ends_with('-')) role.pop_back();
  return role;
}

std::string within_of(std::string_view words) {
  const std::string small = lowered(words);
  std::string found;
  for (size_t at = 0; at < small.size(); ++at) {
    const size_t begins = at;
    const long number = number_at(small, at);
    if (at == begins) continue;
    const std::string rest(trimmed(std::string_view(small).substr(at, 12)));
    const char* unit = rest.starts_with("min")   ? "m"
                       : rest.starts_with("h")   ? "h"
                       : rest.starts_with("day") ? "d"
                       : rest.starts_with("sec") ? "s"
                                                 : "";
    if (*unit != 0 && number > 0 && number < 1000) found = std::to_string(number) + unit;
  }
  return found.empty() && says(small, {"immediate", "now", "sofort", "inmediat"}) ? "0s" : found;
}

std::optional<RuleDraft> rule_of_row(const Item& row) {
  RuleDraft rule{.line = row.line, .says = shortened(one_line(without_markup(join(row.cells, " | "))), 200)};
  for (size_t at = 0; at < std::min(row.cells.size(), row.head.size()); ++at) {
    const std::string head = lowered(row.head[at]), cell = without_markup(row.cells[at]);
    if (says(head, {"time since", "age", "since deploy"})) {
      const auto age = age_of(cell);
      if (!age) return std::nullopt;
      rule.when.emplace_back("age", *age);
    } else if (says(head, {"severity", "priority", "level"})) {
      const std::string severity = severity_of(cell);
      if (severity.empty()) return std::nullopt;
      rule.when.emplace_back("severity", severity);
    } else if (says(head, {"user"})) {
      const auto users = percent_in(cell);
      if (!users) return std::nullopt;
      rule.when.emplace_back("users", *users);
    } else if (says(head, {"error rate"})) {
      const auto rate = percent_in(cell);
      if (!rate) return std::nullopt;
      rule.when.emplace_back("error_rate", *rate);
    } else if (says(head, {"data risk"}) && !says(head, {"loss"})) {
      if (const std::string data = data_of(cell); !data.empty()) rule.when.emplace_back("data", data);
    } else if (says(head, {"approv"})) {
      rule.by = roles_in(cell, rule.nobody);
    } else if (says(head, {"response time", "timeline", "deadline", "time to"})) {
      rule.within = within_of(cell);
    } else if (says(head, {"action", "decision", "rollback?", "roll back?", "recommend"})) {
      rule.action = action_of(cell);
    }
  }
  if (rule.when.empty() || rule.action.empty()) return std::nullopt;
  if (rule.action != "roll-back" && rule.action != "needs-approval") rule.nobody = false, rule.by.clear();
  return rule;
}

std::vector<RuleDraft> rules_of_symptom(const Item& item, const std::string& title, const std::string& action) {
  std::string plain = one_line(without_markup(item.text));
  for (const char* mark : {"✅", "❌", "⚠️"}) plain = std::string(trimmed(replaced(plain, mark, "")));
  const std::string small = lowered(plain);
  RuleDraft rule{.line = item.line, .says = shortened(plain, 200)};
  const std::string above = lowered(title + " | " + item.intro + " | " + action);
  if (says(above, {"no rollback"}) || says(lowered(item.intro), {"fix forward"}))
    rule.action = says(above, {"fix forward"}) ? "fix-forward" : "monitor";
  else if (says(above, {"consider", "conditional", "requires evaluation", "recommended"}))
    rule.action = "needs-approval";
  else
    rule.action = action_of(action.empty() ? above : action);
  if (says(lowered(action), {"otherwise"})) rule.action = "needs-approval";
  if (rule.action.empty()) return {};
  rule.nobody = says(above, {"no approval"}) && rule.action == "roll-back";
  if (says(above, {"immediate"}) && rule.action == "roll-back") rule.within = "0s";
  const auto percent = percent_in(plain);
  const bool of_errors = says(small, {"error rate", "5xx", "errors"}), of_users = says(small, {"user"});
  if (percent && !of_errors && !of_users) return {};  // of what, only a person can tell
  std::vector<std::string> facts;
  for (const Symptom& symptom : kSymptoms) {
    if (small.find(symptom.words) == std::string::npos || (percent && symptom.fact == "minor")) continue;
    // "Course search broken" among the major issues is not "Search completely broken" among the critical ones.
    const std::string_view fact = symptom.fact == "search" && says(above, {"major"}) ? "major" : symptom.fact;
    if (std::find(facts.begin(), facts.end(), fact) == facts.end()) facts.emplace_back(fact);
  }
  if (facts.size() > 1) facts.erase(std::remove(facts.begin(), facts.end(), "minor"), facts.end());
  const auto with = [&](const std::string& fact) {
    RuleDraft one = rule;
    if (percent) one.when.emplace_back(of_errors ? "error_rate" : "users", *percent);
    if (fact == "corruption")
      one.when.emplace_back("data", "corruption");
    else if (!fact.empty())
      one.when.emplace_back(fact, "yes");
    return one;
  };
  if (facts.empty()) return percent ? std::vector{with("")} : std::vector<RuleDraft>{};
  std::vector<RuleDraft> rules;
  for (const std::string& fact : facts) rules.push_back(with(fact));
  return rules;
}

}  // namespace backout::import
