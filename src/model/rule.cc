#include "model/rule.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <set>
#include <tuple>

#include "base/hash.h"
#include "base/text.h"

namespace backout {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

Error not_a_condition(FactId fact, std::string_view text, std::string_view why) {
  const FactKind& kind = kind_of(fact);
  const std::string_view example = kind.scale == FactScale::kPercent    ? "\">50%\", 10%..50%"
                                   : kind.scale == FactScale::kDuration ? "\"<30m\", \">=24h\", 2h..24h"
                                   : kind.scale == FactScale::kFactor   ? "\">1.5x\", \">=+50%\""
                                   : kind.scale == FactScale::kCount    ? "0, \"<100\""
                                   : kind.scale == FactScale::kYesNo    ? "yes"
                                   : fact == FactId::kSeverity          ? "sev1, [sev1, sev2], sev2 or worse"
                                                                        : "";
  std::string next = example.empty() ? expected_of(fact) : std::string(example);
  if (kind.scale == FactScale::kLevels && fact != FactId::kSeverity)
    next = replaced(std::string(kind.levels), "|", ", ") + "; also with 'or worse', or a list";
  return {Code::kInvalid, fmt::format("{}: '{}' {}", kind.name, shortened(one_line(text), 60), why),
          fmt::format("for example: {}: {}", kind.name, next)};
}

Result<double> bound_from(FactId fact, std::string_view whole, std::string_view text) {
  const Result<std::optional<double>> value = fact_value_from(fact, text);
  if (!value || !*value)
    return not_a_condition(fact, whole, fmt::format("is no condition: expected {}", expected_of(fact)));
  return **value;
}

bool has_exact_values(FactId fact) {
  const FactScale scale = kind_of(fact).scale;
  return scale == FactScale::kLevels || scale == FactScale::kYesNo || scale == FactScale::kCount;
}

Result<ValueRange> range_from(FactId fact, std::string_view text) {
  for (const auto& [sign, below, with] : {std::tuple("<=", true, true), std::tuple(">=", false, true),
                                          std::tuple("<", true, false), std::tuple(">", false, false)}) {
    if (!text.starts_with(sign)) continue;
    const double bound = TRY(bound_from(fact, text, trimmed(text.substr(std::string_view(sign).size()))));
    return below ? ValueRange{0, bound, true, with} : ValueRange{bound, kInfinity, with, true};
  }
  if (const size_t dots = text.find(".."); dots != std::string_view::npos) {
    const double least = TRY(bound_from(fact, text, trimmed(text.substr(0, dots))));
    const double most = TRY(bound_from(fact, text, trimmed(text.substr(dots + 2))));
    if (least > most) return not_a_condition(fact, text, "goes from more to less");
    return ValueRange{least, most, true, has_exact_values(fact)};
  }
  if (const size_t to = text.find(" to "); to != std::string_view::npos) {
    const double least = TRY(bound_from(fact, text, trimmed(text.substr(0, to))));
    const double most = TRY(bound_from(fact, text, trimmed(text.substr(to + 4))));
    if (least > most) return not_a_condition(fact, text, "goes from more to less");
    return ValueRange{least, most};
  }
  for (const auto& [words, worse] : {std::pair(" or worse", true), std::pair(" or better", false)})
    if (kind_of(fact).scale == FactScale::kLevels && text.ends_with(words)) {
      const double bound =
          TRY(bound_from(fact, text, trimmed(text.substr(0, text.size() - std::string_view(words).size()))));
      return worse ? ValueRange{bound, kInfinity} : ValueRange{0, bound};
    }
  const double value = TRY(bound_from(fact, text, text));
  if (!has_exact_values(fact) && value != kNever && value != 0)
    return not_a_condition(fact, text, "is a single value, which is hardly ever met");
  return ValueRange{value, value};
}

}  // namespace

bool Predicate::holds(double value) const {
  return std::any_of(ranges.begin(), ranges.end(), [&](const ValueRange& range) { return range.holds(value); });
}

Predicate::Holds Predicate::holds(const Facts& facts) const {
  if (or_unknown && !facts.known(fact)) return Holds::kYes;
  const std::optional<double> value = facts.value(fact);
  if (!value) return Holds::kOpen;
  return holds(*value) ? Holds::kYes : Holds::kNo;
}

Result<Predicate> predicate_from(FactId fact, const std::vector<std::string>& any_of) {
  Predicate predicate{.fact = fact, .ranges = {}, .or_unknown = false, .text = join(any_of, ", ")};
  if (any_of.empty()) return not_a_condition(fact, "", "says nothing");
  for (const std::string& each : any_of) {
    const std::string_view text = trimmed(each);
    if (text == "unknown")
      predicate.or_unknown = true;
    else
      predicate.ranges.push_back(TRY(range_from(fact, text)));
  }
  std::sort(predicate.ranges.begin(), predicate.ranges.end(), [](const ValueRange& a, const ValueRange& b) {
    return std::tie(a.least, a.most) < std::tie(b.least, b.most);
  });
  return predicate;
}

std::string Rule::where() const { return line > 0 ? fmt::format("{}:{}", file, line) : file; }

std::vector<const Rule*> Policies::rules() const {
  std::vector<const Rule*> all;
  for (const Policy& policy : levels)
    for (const Rule& rule : policy.rules)
      if (rule.in_force) all.push_back(&rule);
  return all;
}

Policies sealed(Policies policies) {
  std::set<std::string> replaced_ids;
  for (auto level = policies.levels.rbegin(); level != policies.levels.rend(); ++level) {
    for (Rule& rule : level->rules) rule.in_force = !replaced_ids.contains(rule.id);
    for (const Rule& rule : level->rules)
      if (rule.in_force && !rule.instead_of.empty()) replaced_ids.insert(rule.instead_of);
  }
  for (Policy& policy : policies.levels)
    std::stable_sort(policy.rules.begin(), policy.rules.end(), [](const Rule& a, const Rule& b) {
      return std::tie(a.file, a.line, a.id) < std::tie(b.file, b.line, b.id);
    });
  policies.digest = sha256_hex(canonical(to_json(policies)));
  return policies;
}

Json to_json(const Rule& rule) {
  Json when = Json::object();
  for (const Predicate& each : rule.when) when[std::string(kind_of(each.fact).name)] = each.text;
  Json value = {{"id", rule.id}, {"where", rule.where()}, {"when", std::move(when)}};
  if (rule.action) value["do"] = name_of(*rule.action);
  if (rule.never_roll_back) value["never"] = "roll-back";
  if (rule.by) value["by"] = *rule.by;
  if (rule.need > 0) value["need"] = rule.need;
  if (rule.within) value["within_ms"] = rule.within->count();
  if (!rule.tell.empty()) value["tell"] = rule.tell;
  if (rule.on_timeout) value["on_timeout"] = name_of(*rule.on_timeout);
  if (!rule.cites.empty()) value["cites"] = rule.cites;
  if (!rule.says.empty()) value["says"] = rule.says;
  if (!rule.instead_of.empty()) value["instead-of"] = rule.instead_of;
  if (!rule.in_force) value["in_force"] = false;
  return value;
}

Json to_json(const Policies& policies) {
  Json value = {{"levels", Json::array()},
                {"automatic", policies.automatic},
                {"severity", {{"sev2", policies.sev2_rate}, {"sev3", policies.sev3_rate}}},
                {"features", policies.features}};
  for (const Policy& policy : policies.levels) {
    Json rules = Json::array();
    for (const Rule& rule : policy.rules) rules.push_back(to_json(rule));
    value["levels"].push_back({{"policy", policy.name}, {"rules", std::move(rules)}});
  }
  return value;
}

}  // namespace backout
