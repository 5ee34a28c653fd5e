// People and rules.
#include <algorithm>
#include <set>

#include "config/keys.h"
#include "import/area.h"
#include "import/entries.h"
#include "import/people.h"
#include "import/rules.h"

namespace backout::import {
namespace {

using YamlKind = init::YamlValue::Kind;

bool may_stand(const std::string& text) { return !text.empty() && text.size() < 400 && init::representable(text); }

/// Does this version of backout.yaml have the key, or let anything stand there?
bool is_key(std::string_view path, const std::string& name) {
  return config::key_in(path, name) != nullptr || config::names_in(path).empty();
}

init::YamlEntry rule_entry(const RuleDraft& rule, size_t number, bool built) {
  Entries when;
  for (const auto& [fact, must] : rule.when) {
    when.push_back(value(fact, must));
    if (must == "yes") when.back().value = init::YamlValue{YamlKind::kText, "yes", {}, true};
  }
  const std::string id =
      number == 0 ? fmt::format("line-{}", rule.line) : fmt::format("line-{}-{}", rule.line, number + 1);
  Entries keys = {value("id", id), flow("when", std::move(when)), value("do", rule.action)};
  if (!rule.within.empty()) keys.push_back(value("within", rule.within));
  if (!rule.by.empty() || rule.nobody) keys.push_back(words("by", rule.by));
  keys.push_back(value("says", rule.says));
  return flow("", std::move(keys), fmt::format("line {}", rule.line), !built);
}

}  // namespace

Entries people(const Source& source) {
  std::vector<PersonDraft> everyone;
  Entries list;
  std::set<std::string> roles;
  for (size_t at = 0; at < source.size(); ++at) {
    const Placed& placed = source.placed(at);
    if (placed.to != To::kPeople || source.item(at).kind == Kind::kText || source.item(at).kind == Kind::kCommand)
      continue;
    const auto person = person_of(source.item(at));
    if (!person || !roles.insert(person->role).second) continue;
    Entries keys;
    for (const auto& [key, words] : person->keys)
      if (may_stand(words) && is_key("people.*", key)) keys.push_back(value(key, words));
    if (keys.empty() || list.size() >= kMostEntries) continue;
    list.push_back(flow(person->role, std::move(keys), behind(source.item(at), placed), placed.off));
    if (!placed.off) everyone.push_back(*person);
  }
  if (list.empty()) return {};
  std::vector<std::string> order;
  for (size_t at = 0; at < source.size(); ++at) {
    if (source.placed(at).to != To::kPeople || source.item(at).kind != Kind::kBullet) continue;
    const auto [after, role] = escalation_of(source.item(at), everyone);
    if (role.empty() || std::find(order.begin(), order.end(), role) != order.end()) continue;
    if (!after.empty() && after != "0s" && !order.empty()) order.push_back(after);
    order.push_back(role);
  }
  std::stable_sort(everyone.begin(), everyone.end(),
                   [](const PersonDraft& a, const PersonDraft& b) { return a.order < b.order; });
  if (order.empty() &&
      std::any_of(everyone.begin(), everyone.end(), [](const PersonDraft& one) { return one.order > 0; }))
    for (const PersonDraft& person : everyone) order.push_back(person.role);
  if (order.size() > 1 && is_key("people", "escalation"))
    list.push_back(words("escalation", order, "who is called first, and who after how long"));
  return {part("people", YamlKind::kMap, std::move(list), "who can be reached")};
}

Entries rules(const Source& source) {
  const bool built = config::find_key("rules[].when") != nullptr;
  Entries list;
  std::map<int, std::string> actions;  // by section: "Action: fix forward"
  for (size_t at = 0; at < source.size(); ++at)
    if (source.placed(at).to == To::kRules && source.item(at).kind == Kind::kText)
      actions[source.item(at).section] = source.item(at).text.substr(0, 300);
  for (size_t at = 0; at < source.size(); ++at) {
    const Item& item = source.item(at);
    if (source.placed(at).to != To::kRules || item.kind == Kind::kText) continue;
    const std::string title = item.section < 0 ? "" : source.book.sections[static_cast<size_t>(item.section)].title;
    std::vector<RuleDraft> found;
    if (item.kind != Kind::kRow)
      found = rules_of_symptom(item, title, actions[item.section]);
    else if (const auto rule = rule_of_row(item))
      found.push_back(*rule);
    for (size_t each = 0; each < found.size() && list.size() < kMostEntries; ++each)
      if (may_stand(found[each].says)) list.push_back(rule_entry(found[each], each, built));
  }
  if (list.empty()) return {};
  return {part("rules", YamlKind::kList, std::move(list),
               "when to go back: docs/decide.md. What is no rule stands below, under \"When to go back\"")};
}

}  // namespace backout::import
