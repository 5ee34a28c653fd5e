// What the facts amount to: the severity by b.7's V. Routes and thresholds may be the team's own.
#include <fmt/format.h>

#include <algorithm>

#include "decide/assess.h"

namespace backout::decide {
namespace {

struct Amounts {
  FactId fact;
  std::string_view severity;
};
// Sources of the classes: OBC:34-40 and 45-50, OD:20-23 and 27-30, GEN:23-27 and 30-39, SUM:12-17.
constexpr Amounts kAmounts[] = {
    {FactId::kDown, "sev1"},           {FactId::kCrashLoop, "sev1"},
    {FactId::kWontStart, "sev1"},      {FactId::kMigrationsFailed, "sev1"},
    {FactId::kAuth, "sev1"},           {FactId::kPayments, "sev1"},
    {FactId::kCore, "sev1"},           {FactId::kDatabaseDown, "sev1"},
    {FactId::kSearch, "sev1"},         {FactId::kSecurity, "sev1"},
    {FactId::kDatabaseErrors, "sev2"}, {FactId::kAdmin, "sev2"},
    {FactId::kMail, "sev2"},           {FactId::kCalendar, "sev2"},
    {FactId::kMajor, "sev2"},          {FactId::kUnexpected, "sev2"},
    {FactId::kMinor, "sev4"},
};
constexpr double kMuchSlower = 1.5, kSlower = 1.2;

}  // namespace

std::optional<double> severity_of(const Facts& facts, bool alarm, const Policies& policies, std::string* why) {
  double worst = -1;
  const auto at_least = [&](std::string_view level, const auto& words) {
    const double value = level_of(FactId::kSeverity, level);
    if (value <= worst) return;
    worst = value;
    if (why != nullptr) *why = words();
  };
  for (const Amounts& each : kAmounts)
    if (facts.yes(each.fact))
      at_least(each.severity, [&] { return fmt::format("{} is yes", kind_of(each.fact).name); });
  const double data = facts.value(FactId::kData).value_or(0);
  const auto about_data = [&] { return "data: " + fact_value_text(FactId::kData, data); };
  if (data >= level_of(FactId::kData, "corruption")) at_least("sev1", about_data);
  if (data >= level_of(FactId::kData, "wrong-writes")) at_least("sev2", about_data);
  if (data >= level_of(FactId::kData, "stale")) at_least("sev3", about_data);
  if (facts.value(FactId::kUnhealthyFor).value_or(0) > 0) at_least("sev2", [] { return "the health check fails"; });
  if (alarm) {
    const double rate = facts.value(FactId::kErrorRate).value_or(0);
    const auto about_rate = [&] { return "alarm at " + fact_value_text(FactId::kErrorRate, rate); };
    if (rate >= policies.sev2_rate) at_least("sev2", about_rate);
    if (rate >= policies.sev3_rate) at_least("sev3", about_rate);
    at_least("sev4", about_rate);
  }
  const double latency = facts.value(FactId::kLatency).value_or(1);
  const auto about_latency = [&] { return "slower by " + fact_value_text(FactId::kLatency, latency); };
  if (latency > kMuchSlower) at_least("sev3", about_latency);
  if (latency > kSlower) at_least("sev4", about_latency);
  if (worst < 0) return std::nullopt;
  return worst;
}

}  // namespace backout::decide
