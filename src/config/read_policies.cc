// policy, rules, automatic, severity, features: what `backout decide` goes by.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "base/text.h"
#include "config/file_text.h"
#include "config/read.h"
#include "config/shape.h"
#include "config/shipped.h"

namespace backout::config {
namespace {

constexpr size_t kMostRules = 2000;
constexpr size_t kLongestRuleText = 300;
constexpr FactId kFeatures[] = {FactId::kAuth,  FactId::kPayments, FactId::kCore,    FactId::kSearch,
                                FactId::kAdmin, FactId::kMail,     FactId::kCalendar};

std::vector<std::string> texts_of(const Node& list) {
  std::vector<std::string> texts;
  for (const Node& item : list.items)
    if (item.is_text()) texts.push_back(one_line(item.text));
  return texts;
}

std::vector<std::string> fact_names() {
  std::vector<std::string> names;
  for (const FactKind& kind : all_fact_kinds()) names.emplace_back(kind.name);
  return names;
}

void unknown_fact(Findings& findings, const Entry& entry) {
  const auto near = nearest(entry.key, fact_names());
  const std::string name = shortened(one_line(entry.key), 60);
  if (near)
    findings.error(entry.place, fmt::format("unknown fact '{}': did you mean '{}'?", name, *near));
  else
    findings.error(entry.place, fmt::format("unknown fact '{}'", name), "known are " + join(fact_names(), ", "));
}

/// One condition of `when`; nothing when it is none (and an error says so).
std::optional<Predicate> read_condition(Findings& findings, const Entry& entry) {
  const std::optional<FactId> fact = fact_named(entry.key);
  if (!fact) return unknown_fact(findings, entry), std::nullopt;
  std::vector<std::string> any_of = texts_of(entry.value);
  if (entry.value.is_text()) any_of = {entry.value.text};
  const bool mixed = entry.value.is_list() && any_of.size() != entry.value.items.size();
  if (entry.value.is_map() || mixed) any_of.clear();
  Result<Predicate> predicate = predicate_from(*fact, any_of);
  if (!predicate) {
    findings.error(entry.value.place, "when: " + predicate.error().message, predicate.error().next);
    return std::nullopt;
  }
  return std::move(*predicate);
}

bool is_always_empty(const Predicate& predicate) {
  const bool percent = kind_of(predicate.fact).scale == FactScale::kPercent;
  return !predicate.or_unknown &&
         std::all_of(predicate.ranges.begin(), predicate.ranges.end(), [&](const ValueRange& range) {
           const bool over = percent && (range.least > 100 || (range.least == 100 && !range.with_least));
           const bool under = range.most < 0 || (range.most == 0 && !range.with_most);
           return over || under || (range.least == range.most && !(range.with_least && range.with_most));
         });
}

/// `whole`: every condition could be read.
Rule read_rule(Findings& findings, const Node& node, const Policy& policy, bool& whole) {
  whole = node.find("when") != nullptr;
  Rule rule{.id = text_at(node, "id", fmt::format("line-{}", node.place.line)), .policy = policy.name};
  rule.file = std::filesystem::path(findings.file(node.place.file)).filename().string();
  rule.line = node.place.line;
  rule.column = node.place.column;
  if (const Node* when = node.find("when")) {
    for (const Entry& entry : when->entries) {
      if (entry.key.starts_with("x-")) continue;
      std::optional<Predicate> predicate = read_condition(findings, entry);
      whole = whole && predicate.has_value();
      if (!predicate) continue;
      if (is_always_empty(*predicate))
        findings.error(entry.value.place, fmt::format("when: {}: '{}' never holds", entry.key, predicate->text));
      rule.when.push_back(std::move(*predicate));
    }
    std::sort(rule.when.begin(), rule.when.end(),
              [](const Predicate& a, const Predicate& b) { return a.fact < b.fact; });
  } else {
    findings.error(node.place, "rules: 'when' is missing", "for example: when: {severity: sev1}; {} always holds");
  }
  if (const auto action = verdict_of(text_at(node, "do"))) rule.action = *action;
  rule.never_roll_back = text_at(node, "never") == "roll-back";
  if (const Node* by = node.find("by"); by != nullptr && by->is_list()) {
    rule.by = texts_of(*by);
    std::sort(rule.by->begin(), rule.by->end());
    rule.by->erase(std::unique(rule.by->begin(), rule.by->end()), rule.by->end());
  }
  rule.need = whole_at(node, "need", 0);
  if (const auto within = parse_duration(text_at(node, "within"))) rule.within = *within;
  if (const Node* tell = node.find("tell")) rule.tell = texts_of(*tell);
  if (const auto choice = on_timeout_of(text_at(node, "on_timeout"))) rule.on_timeout = *choice;
  rule.cites = shortened(one_line(text_at(node, "cites")), kLongestRuleText);
  rule.says = shortened(one_line(text_at(node, "says")), kLongestRuleText);
  rule.instead_of = text_at(node, "instead-of");
  return rule;
}

/// What one rule says that cannot be.
void check_rule(Findings& findings, const Node& node, const Rule& rule) {
  const auto place = [&](const char* key) { return node.entry(key) != nullptr ? node.entry(key)->place : node.place; };
  const bool adds = rule.by || rule.within || !rule.tell.empty() || rule.never_roll_back || rule.on_timeout;
  if (!rule.action && !adds && node.entry("do") == nullptr)
    findings.error(node.place, fmt::format("rules: '{}' says nothing to do", rule.id), "for example: do: roll-back");
  if (rule.never_roll_back && rule.action && *rule.action >= Verdict::kNeedsApproval &&
      *rule.action == Verdict::kRollBack)
    findings.error(place("never"), fmt::format("rules: '{}' says do: roll-back and never: roll-back", rule.id),
                   "keep one of them");
  if (rule.need > 0 && (!rule.by || rule.need > static_cast<int>(rule.by->size())))
    findings.error(place("need"),
                   fmt::format("rules: '{}' needs {} of {}", rule.id, rule.need,
                               counted(rule.by ? static_cast<int64_t>(rule.by->size()) : 0, "role")),
                   "name them: by: [dba, tech-manager]");
  if (rule.by && !rule.by->empty() && rule.action && *rule.action < Verdict::kNeedsApproval)
    findings.warning(
        place("by"),
        fmt::format("rules: '{}': by is about going back, and the rule says {}", rule.id, words_of(*rule.action)),
        "take it out, or write who is to hear of it: tell");
}

bool same_conditions(const Rule& a, const Rule& b) {
  return std::equal(a.when.begin(), a.when.end(), b.when.begin(), b.when.end(),
                    [](const Predicate& one, const Predicate& other) {
                      return one.fact == other.fact && one.ranges == other.ranges && one.or_unknown == other.or_unknown;
                    });
}

void read_rules(const Reading& reading, const Node& map, Policy& policy) {
  Findings& findings = reading.findings;
  std::map<std::string, int> ids;
  for (const Node& node : items_at(map, "rules")) {
    if (!node.is_map()) continue;
    if (policy.rules.size() == kMostRules)
      return findings.error(node.place, fmt::format("rules: more than {} in one file", kMostRules));
    bool whole = true;
    Rule rule = read_rule(findings, node, policy, whole);
    check_rule(findings, node, rule);
    if (const auto [first, is_new] = ids.emplace(rule.id, rule.line); !is_new)
      findings.error(node.place,
                     fmt::format("rules: '{}' is here twice; the first is in line {}", rule.id, first->second),
                     "give it another id");
    for (const Rule& other : policy.rules) {
      if (!whole || !rule.action || !other.action || !same_conditions(rule, other)) continue;
      if (*rule.action != *other.action)
        findings.error(
            node.place,
            fmt::format("rules: '{}' contradicts '{}' in line {}: under the same conditions one says {}, the "
                        "other {}",
                        rule.id, other.id, other.line, words_of(*rule.action), words_of(*other.action)),
            "keep one of them, or say in `when` what tells them apart");
      else
        findings.warning(node.place,
                         fmt::format("rules: '{}' says the same as '{}' in line {}", rule.id, other.id, other.line));
    }
    if (whole) policy.rules.push_back(std::move(rule));  // else there is an error, and nothing to compare with
  }
}

/// A policy file has rules, and perhaps a word about itself.
void read_policy_text(const Reading& reading, const std::string& text, const std::string& file, Policy& policy) {
  const int index = reading.findings.add_file(file);
  const std::optional<Node> root = read_document(text, index, reading.findings);
  if (!root) return;
  Node rules_alone = *root;
  std::erase_if(rules_alone.entries, [&](const Entry& entry) {
    if (entry.key == "rules" || entry.key.starts_with("x-")) return false;
    if (entry.key != "about")
      reading.findings.error(entry.place,
                             fmt::format("unknown key '{}' in a file of rules", shortened(one_line(entry.key), 60)),
                             "known here: about, rules; keys that begin with x- are yours");
    return true;
  });
  if (rules_alone.entry("rules") == nullptr)
    reading.findings.error(root->place, "a file of rules without rules",
                           "for example: rules: [{when: {severity: sev1}, do: roll-back}]");
  check_shape(rules_alone, reading.findings);
  read_rules(reading, *root, policy);
}

void read_policy(const Reading& reading, const Node& item, Policies& policies) {
  Findings& findings = reading.findings;
  const std::string name = one_line(item.text);
  Policy policy{.name = name, .file = name};
  std::vector<std::string> names;
  for (const Policy& other : policies.levels)
    if (other.name == name) return findings.error(item.place, fmt::format("policy: '{}' is here twice", name));
  for (const ShippedPolicy& shipped : shipped_policies()) {
    names.emplace_back(shipped.name);
    if (shipped.name != name) continue;
    policy.shipped = true;
    policy.file = name + ".yaml";
    read_policy_text(reading, std::string(shipped.text), policy.file, policy);
    policies.levels.push_back(std::move(policy));
    return;
  }
  const bool a_path = name.find('/') != std::string::npos || name.ends_with(".yaml") || name.ends_with(".yml");
  if (!a_path) {
    const auto near = nearest(name, names);
    return findings.error(
        item.place,
        fmt::format("policy: there is no '{}'{}", shortened(name, 60),
                    near ? fmt::format(": did you mean '{}'?", *near) : ""),
        near ? ""
             : "shipped are " + join(names, ", ") + "; a file of your own is named by its path, such as ./rules.yaml");
  }
  policy.file = absolute(reading.site.directory, name);
  const Result<std::string> text = file_text(policy.file);
  if (!text)
    return findings.error(item.place, "policy: " + text.error().message,
                          "paths start in the directory of backout.yaml");
  read_policy_text(reading, *text, policy.file, policy);
  policies.levels.push_back(std::move(policy));
}

/// instead-of names a rule of an earlier policy.
void check_replacements(const Reading& reading, const Policies& policies,
                        const std::vector<std::pair<Place, const Rule*>>& wanted) {
  for (const auto& [place, rule] : wanted) {
    std::vector<std::string> earlier;
    for (const Policy& policy : policies.levels) {
      if (policy.name == rule->policy) break;
      for (const Rule& other : policy.rules) earlier.push_back(other.id);
    }
    if (std::find(earlier.begin(), earlier.end(), rule->instead_of) != earlier.end()) continue;
    const auto near = nearest(rule->instead_of, earlier);
    reading.findings.error(place,
                           fmt::format("instead-of: no earlier policy has a rule '{}'{}", rule->instead_of,
                                       near ? fmt::format(": did you mean '{}'?", *near) : ""),
                           near || !earlier.empty() ? "" : "it replaces rules of what stands before it in policy");
  }
}

/// Rules of two policies under the same conditions: said, because one of them has no effect.
void check_between(const Reading& reading, const std::vector<std::pair<Place, const Rule*>>& all) {
  for (size_t later = 0; later < all.size(); ++later)
    for (size_t earlier = 0; earlier < later; ++earlier) {
      const Rule &a = *all[earlier].second, &b = *all[later].second;
      if (a.policy == b.policy || !a.action || !b.action || *a.action == *b.action || b.instead_of == a.id) continue;
      if (!same_conditions(a, b)) continue;
      const Rule& stronger = *a.action > *b.action ? a : b;
      reading.findings.warning(
          all[later].first,
          fmt::format("rules: '{}' and '{}' ({}) contradict each other: {} and {}; the more "
                      "protective one is taken: {}",
                      b.id, a.id, a.where(), words_of(*b.action), words_of(*a.action), words_of(*stronger.action)),
          fmt::format("to replace the earlier one: instead-of: {}", a.id));
    }
}

double percent_at(const Reading& reading, const Node& map, const char* key, double otherwise) {
  const Node* value = map.find(key);
  if (value == nullptr || !value->is_text()) return otherwise;
  const Result<std::optional<double>> percent = fact_value_from(FactId::kErrorRate, value->text);
  if (percent && *percent && **percent > 0) return **percent;
  reading.findings.error(value->place,
                         fmt::format("severity.{}: expected a percentage, got '{}'", key, shortened(value->text, 60)),
                         fmt::format("for example: {}: {}%", key, otherwise));
  return otherwise;
}

void read_severity(const Reading& reading, Policies& policies) {
  const Node* node = reading.root.find("severity");
  if (node == nullptr || !node->is_map()) return;
  policies.sev2_rate = percent_at(reading, *node, "sev2", policies.sev2_rate);
  policies.sev3_rate = percent_at(reading, *node, "sev3", policies.sev3_rate);
  if (policies.sev3_rate >= policies.sev2_rate)
    reading.findings.error(node->place, "severity: sev3 must begin below sev2",
                           "for example: severity: {sev2: 10%, sev3: 2%}");
}

void read_features(const Reading& reading, Policies& policies) {
  policies.features = {{"auth", {"/login", "/accounts/login", "/signin"}},
                       {"payments", {"/checkout", "/payment", "/payments", "/pay"}},
                       {"admin", {"/admin"}},
                       {"search", {"/search", "/api/search"}},
                       {"mail", {"/mail"}},
                       {"calendar", {"/calendar"}}};
  const Node* node = reading.root.find("features");
  if (node == nullptr || !node->is_map()) return;
  std::vector<std::string> names;
  for (const FactId id : kFeatures) names.emplace_back(kind_of(id).name);
  for (const Entry& entry : node->entries) {
    if (entry.key.starts_with("x-")) continue;
    if (std::find(names.begin(), names.end(), entry.key) == names.end()) {
      const auto near = nearest(entry.key, names);
      reading.findings.error(entry.place,
                             fmt::format("features: '{}' is none{}", shortened(one_line(entry.key), 60),
                                         near ? fmt::format(": did you mean '{}'?", *near) : ""),
                             near ? "" : "known are " + join(names, ", "));
      continue;
    }
    policies.features[entry.key] = texts_of(entry.value);
    for (const Node& route : entry.value.items)
      if (route.is_text() && !route.text.starts_with('/'))
        reading.findings.error(route.place, fmt::format("features: '{}' is no route", shortened(route.text, 60)),
                               "for example: /checkout");
  }
}

}  // namespace

void read_policies(const Reading& reading) {
  Policies policies;
  for (const Node& item : items_at(reading.root, "policy"))
    if (item.is_text() && !item.text.empty()) read_policy(reading, item, policies);
  if (!items_at(reading.root, "rules").empty()) {
    Policy own{.name = std::filesystem::path(reading.site.file).filename().string(), .file = reading.site.file};
    read_rules(reading, reading.root, own);
    policies.levels.push_back(std::move(own));
  }
  if (const Node* automatic = reading.root.find("automatic")) {
    policies.automatic = texts_of(*automatic);
    std::sort(policies.automatic.begin(), policies.automatic.end());
    if (std::binary_search(policies.automatic.begin(), policies.automatic.end(), "flag-off"))
      reading.findings.warning(automatic->place, "flag-off: backout says which flag, and does not switch it by itself",
                               "a person switches it, or a tool of yours that reads backout decide -o json");
  }
  read_severity(reading, policies);
  read_features(reading, policies);
  std::vector<std::pair<Place, const Rule*>> all, replacing;
  for (const Policy& policy : policies.levels)
    for (const Rule& rule : policy.rules) {
      // Places of rules are told again from their lines: the document is gone by now.
      const int file = reading.findings.index_of(policy.shipped || policy.file != reading.site.file ? policy.file : "");
      const Place place{file, rule.line, rule.column};
      all.emplace_back(place, &rule);
      if (!rule.instead_of.empty()) replacing.emplace_back(place, &rule);
    }
  check_replacements(reading, policies, replacing);
  check_between(reading, all);
  reading.site.policies = sealed(std::move(policies));
}

}  // namespace backout::config
