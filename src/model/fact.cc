#include "model/fact.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "base/text.h"

namespace backout {
namespace {

struct LevelAlias {
  FactId fact;
  std::string_view alias, level;
};
constexpr LevelAlias kAliases[] = {
    {FactId::kSeverity, "critical", "sev1"},    {FactId::kSeverity, "high", "sev2"},
    {FactId::kSeverity, "medium", "sev3"},      {FactId::kSeverity, "low", "sev4"},
    {FactId::kSeverity, "p0", "sev1"},          {FactId::kSeverity, "p1", "sev2"},
    {FactId::kSeverity, "p2", "sev3"},          {FactId::kSeverity, "p3", "sev4"},
    {FactId::kData, "loss", "corruption"},      {FactId::kData, "high", "corruption"},
    {FactId::kData, "medium", "wrong-writes"},  {FactId::kData, "low", "stale"},
    {FactId::kMigration, "m0", "none"},         {FactId::kMigration, "m1", "additive"},
    {FactId::kMigration, "m2", "backfill"},     {FactId::kMigration, "m3", "breaking"},
    {FactId::kMigration, "m4", "destructive"},  {FactId::kMigration, "irreversible", "destructive"},
    {FactId::kMigration, "expand", "additive"},
};

std::string lowered(std::string_view text) {
  std::string low(text);
  for (char& each : low)
    if (each >= 'A' && each <= 'Z') each = static_cast<char>(each - 'A' + 'a');
  return low;
}

/// -1: no such level.
int level_index(FactId id, std::string_view name) {
  std::string_view wanted = name;
  for (const LevelAlias& each : kAliases)
    if (each.fact == id && each.alias == name) wanted = each.level;
  int index = 0;
  for (const std::string& level : split(kind_of(id).levels, '|')) {
    if (level == wanted) return index;
    ++index;
  }
  return -1;
}

std::optional<double> number_from(std::string_view text) {
  double number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc() || end != text.data() + text.size() || !std::isfinite(number)) return std::nullopt;
  return number;
}

std::optional<double> percent_from(std::string_view text) {
  if (text.ends_with('%')) text = trimmed(text.substr(0, text.size() - 1));
  const std::optional<double> number = number_from(text);
  if (!number || *number < 0 || *number > 100) return std::nullopt;
  return number;
}

/// "1.5x", and "+50%" for it.
std::optional<double> factor_from(std::string_view text) {
  if (text.starts_with('+') && text.ends_with('%')) {
    const std::optional<double> more = number_from(trimmed(text.substr(1, text.size() - 2)));
    if (!more || *more < 0 || *more > 1e6) return std::nullopt;
    return 1 + *more / 100;
  }
  if (text.ends_with('x')) text = trimmed(text.substr(0, text.size() - 1));
  const std::optional<double> number = number_from(text);
  if (!number || *number < 0 || *number > 1e6) return std::nullopt;
  return number;
}

std::optional<double> duration_from(FactId id, std::string_view text) {
  if (id == FactId::kHotfix && (text == "none" || text == "never")) return kNever;
  const std::optional<Millis> span = parse_duration(text);
  if (!span) return std::nullopt;
  return static_cast<double>(span->count());
}

std::optional<double> yes_no_from(std::string_view text) {
  if (text == "yes" || text == "true" || text == "y" || text == "1") return 1;
  if (text == "no" || text == "false" || text == "n" || text == "0") return 0;
  return std::nullopt;
}

std::optional<double> known_value_from(FactId id, std::string_view text) {
  switch (kind_of(id).scale) {
    case FactScale::kLevels: {
      const int index = level_index(id, text);
      if (index < 0) return std::nullopt;
      return index;
    }
    case FactScale::kPercent: return percent_from(text);
    case FactScale::kDuration: return duration_from(id, text);
    case FactScale::kFactor: return factor_from(text);
    case FactScale::kCount: {
      const std::optional<double> number = number_from(text);
      if (!number || *number < 0 || *number > 1e15 || *number != std::floor(*number)) return std::nullopt;
      return number;
    }
    case FactScale::kYesNo: return yes_no_from(text);
  }
  return std::nullopt;
}

/// "15 min", where for_people says "15 min 0 s".
std::string duration_text(double millis) {
  const Millis span(static_cast<int64_t>(millis));
  constexpr int64_t kMinute = 60'000, kHour = 60 * kMinute, kDay = 24 * kHour;
  if (span.count() > 0 && span.count() % kDay == 0 && span.count() > kDay)
    return fmt::format("{} days", span.count() / kDay);
  if (span.count() > 0 && span.count() % kHour == 0) return fmt::format("{} h", span.count() / kHour);
  if (span.count() > 0 && span.count() % kMinute == 0) return fmt::format("{} min", span.count() / kMinute);
  if (span.count() % 1000 == 0 && span.count() < kMinute) return fmt::format("{} s", span.count() / 1000);
  return for_people(span);
}

}  // namespace

void Facts::set(FactId id, double value, std::string source, WallTime at, std::string detail) {
  set(id, Fact{.value = value, .source = std::move(source), .at = at, .confidence = 1, .detail = std::move(detail)});
}

std::optional<double> Facts::value(FactId id) const {
  const Fact& fact = (*this)[id];
  return fact.value ? fact.value : kind_of(id).taken;
}

Result<std::optional<double>> fact_value_from(FactId id, std::string_view text) {
  const std::string low = lowered(trimmed(text));
  if (low == "unknown" || low == "?") return std::optional<double>();
  const std::optional<double> value = known_value_from(id, low);
  if (value) return value;
  return Error{
      Code::kInvalid,
      fmt::format("{}: expected {}, got '{}'", kind_of(id).name, expected_of(id), shortened(one_line(text), 60)), ""};
}

std::string fact_value_text(FactId id, std::optional<double> value) {
  if (!value) return "unknown";
  const FactKind& kind = kind_of(id);
  switch (kind.scale) {
    case FactScale::kLevels: {
      const std::vector<std::string> levels = split(kind.levels, '|');
      const size_t index = static_cast<size_t>(std::clamp(*value, 0.0, static_cast<double>(levels.size() - 1)));
      return levels[index];
    }
    case FactScale::kPercent: {
      const double shown = std::round(*value * (*value < 10 ? 100 : 10)) / (*value < 10 ? 100 : 10);
      return fmt::format("{} %", shown);
    }
    case FactScale::kDuration:
      if (*value >= kNever) return "none";
      return duration_text(*value);
    case FactScale::kFactor: return fmt::format("{}x", std::round(*value * 100) / 100);
    case FactScale::kCount: return fmt::format("{:.0f}", *value);
    case FactScale::kYesNo: return *value > 0 ? "yes" : "no";
  }
  return "";
}

std::string expected_of(FactId id) {
  const FactKind& kind = kind_of(id);
  switch (kind.scale) {
    case FactScale::kLevels: return "one of " + replaced(std::string(kind.levels), "|", ", ");
    case FactScale::kPercent: return "a percentage, such as 60%";
    case FactScale::kDuration:
      return id == FactId::kHotfix ? "a duration, such as 20m, or none" : "a duration, such as 20m";
    case FactScale::kFactor: return "a factor, such as 1.5x, or +50%";
    case FactScale::kCount: return "a whole number";
    case FactScale::kYesNo: return "yes or no";
  }
  return "";
}

double level_of(FactId id, std::string_view name) {
  const int index = level_index(id, name);
  BACKOUT_CHECK(index >= 0, name);
  return index;
}

Json to_json(FactId id, const Fact& fact) {
  Json value = {{"name", kind_of(id).name}, {"value", nullptr}, {"text", fact_value_text(id, fact.value)}};
  if (fact.value) value["value"] = *fact.value;
  if (!fact.source.empty()) value["source"] = fact.source;
  if (fact.at != WallTime()) value["at_ms"] = to_millis(fact.at);
  if (fact.confidence < 1) value["confidence"] = fact.confidence;
  if (!fact.detail.empty()) value["detail"] = fact.detail;
  return value;
}

Json to_json(const Facts& facts) {
  Json list = Json::array();
  for (const FactKind& kind : all_fact_kinds())
    if (facts.known(kind.id)) list.push_back(to_json(kind.id, facts[kind.id]));
  return list;
}

Result<Facts> facts_from_json(const Json& list) {
  Facts facts;
  if (!list.is_array()) return Error{Code::kCorrupt, "facts are not a list", ""};
  for (const Json& each : list) {
    const std::optional<FactId> id = fact_named(get_string(each, "name"));
    if (!id) return Error{Code::kCorrupt, "unknown fact '" + get_string(each, "name") + "'", ""};
    Fact fact{.value = {},
              .source = get_string(each, "source"),
              .at = wall_from_millis(get_int(each, "at_ms")),
              .confidence = 1,
              .detail = get_string(each, "detail")};
    if (const Json& value = get(each, "value"); value.is_number()) fact.value = value.get<double>();
    if (const Json& confidence = get(each, "confidence"); confidence.is_number())
      fact.confidence = confidence.get<double>();
    facts.set(*id, std::move(fact));
  }
  return facts;
}

}  // namespace backout
