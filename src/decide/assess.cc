#include "decide/assess.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "base/text.h"

namespace backout::decide {
namespace {

constexpr size_t kLongestName = 100;
constexpr double kHeardConfidence = 0.8;  // a person's word, and what was concluded from a route's name
constexpr double kRouteBroken = 0.5;      // of a feature's requests
constexpr int64_t kRouteVotes = 5;

std::string safe(std::string_view text, size_t most = kLongestName) { return shortened(one_line(text), most); }

int64_t count_at(const Json& object, std::string_view name) {
  const Json& value = get(object, name);
  if (!value.is_number()) return 0;
  const double number = value.get<double>();
  return number > 0 && number < 1e15 ? static_cast<int64_t>(number) : 0;
}

/// One reading on its way to facts.
class Assessor {
 public:
  Assessor(const AssessInput& input, const Policies& policies) : input_(input), policies_(policies) {
    for (const Evidence& each : input.evidence) evidence_.push_back(&each);
    std::sort(evidence_.begin(), evidence_.end(), [](const Evidence* a, const Evidence* b) {
      return std::tie(a->signal, a->measure) < std::tie(b->signal, b->measure);
    });
    for (const Occurrence& each : input.occurrences) occurrences_.push_back(&each);
    std::sort(occurrences_.begin(), occurrences_.end(), [](const Occurrence* a, const Occurrence* b) {
      return std::tie(a->at, a->kind, a->what, a->severe) < std::tie(b->at, b->kind, b->what, b->severe);
    });
  }

  Assessed assess() {
    way_back();
    from_evidence();
    from_figures();
    from_occurrences();
    from_health();
    attribution();
    answers();
    severity();
    return std::move(result_);
  }

 private:
  Facts& facts() { return result_.facts; }
  void set(FactId id, double value, std::string source, WallTime at, std::string detail = "") {
    facts().set(id, value, std::move(source), at == WallTime() ? input_.now : at, std::move(detail));
  }
  void set_if(FactId id, const std::optional<bool>& value, const char* source, WallTime at = {}) {
    if (value) set(id, *value ? 1 : 0, source, at);
  }

  void way_back() {
    const WayBack& way = input_.way_back;
    if (way.deployed_at != WallTime() && way.deployed_at <= input_.now)
      set(FactId::kAge, static_cast<double>((input_.now - way.deployed_at).count()), "journal", way.deployed_at,
          "deployed at " + to_iso(way.deployed_at));
    set_if(FactId::kTargetVerified, way.target_verified, "ready", way.target_verified_at);
    set_if(FactId::kTargetBad, way.target_bad, "journal");
    if (way.target_known_good)
      set(FactId::kTargetYoung, 0, "journal", {}, "known-good");
    else if (way.target_age)
      set(FactId::kTargetYoung, *way.target_age < kYoung ? 1 : 0, "journal", {},
          "it had served for " + for_people(*way.target_age));
    set_if(FactId::kSecurityFix, way.security_fix, "journal");
    set_if(FactId::kFreeze, way.freeze, "configuration");
    set(FactId::kRollbackRunning, way.rollback_running ? 1 : 0, "journal", {});
    set(FactId::kBackwards, way.from_came_by_rollback ? 1 : 0, "journal", {});
    if (way.automatic_rollback_at)
      set(FactId::kRecentRollback, input_.now - *way.automatic_rollback_at < kRollbackPause ? 1 : 0, "journal",
          *way.automatic_rollback_at, "the newest at " + to_iso(*way.automatic_rollback_at));
    else
      set(FactId::kRecentRollback, 0, "journal", {}, "none");
    if (way.rows_lost) set(FactId::kRowsLost, static_cast<double>(std::max<int64_t>(*way.rows_lost, 0)), "plan", {});
    migration(way);
  }

  void migration(const WayBack& way) {
    if (way.no_database) {
      set(FactId::kMigration, 0, "configuration", {}, "the site has no database");
      set(FactId::kSchemaFits, 1, "configuration", {});
      return set(FactId::kRestore, 0, "configuration", {});
    }
    if (!way.database_rung.empty())
      set(FactId::kRestore, way.database_rung == "restore" || way.database_rung == "step-down" ? 1 : 0, "plan", {},
          "database: " + safe(way.database_rung));
    if (way.database_rung == "none" || way.database_rung == "leave") {
      const bool untouched = way.database_rung == "none";
      set(FactId::kSchemaFits, 1, "plan", {}, "old code runs on the new schema");
      set(FactId::kMigration, level_of(FactId::kMigration, untouched ? "none" : "additive"), "plan", {});
    } else if (way.database_rung == "step-down") {
      set(FactId::kMigration, level_of(FactId::kMigration, "breaking"), "plan", {}, "its down was tried");
    }
    if (!way.migration) return;
    const Result<std::optional<double>> told = fact_value_from(FactId::kMigration, *way.migration);
    if (told && *told) set(FactId::kMigration, **told, "schema", {});
  }

  void from_evidence() {
    double rate = -1, slower = -1;
    for (const Evidence* each : evidence_) {
      alarm_ = alarm_ || each->state == EvidenceState::kAlarm;
      const std::string source = "signal " + safe(each->signal);
      if (each->onset != WallTime() && each->state == EvidenceState::kAlarm &&
          (onset_ == WallTime() || each->onset < onset_))
        onset_ = each->onset;
      if (each->first_bad != WallTime() && each->state == EvidenceState::kAlarm &&
          (first_bad_ == WallTime() || each->first_bad < first_bad_))
        first_bad_ = each->first_bad;
      if (each->old_votes > 0 && each->state != EvidenceState::kBlind) arms(*each, source);
      if (each->votes <= 0) continue;
      const double share = 100 * static_cast<double>(each->bad) / static_cast<double>(each->votes);
      if (each->measure == "speeds") {
        if (each->state == EvidenceState::kAlarm) slower = std::max(slower, share);
      } else if (share > rate) {
        rate = share;
        set(FactId::kErrorRate, std::min(share, 100.0), source, input_.now,
            fmt::format("{} of {} votes, tolerated {}", each->bad, each->votes,
                        fact_value_text(FactId::kErrorRate, 100 * each->tolerated)));
      }
      if (each->measure == "down" && each->state == EvidenceState::kAlarm)
        set(FactId::kDown, 1, source, each->alarm_at, "every request failed");
    }
    // The votes say how many are slower than the old release's p95, not by how much: half of them is taken for 1.5x.
    if (slower >= 50)
      set(FactId::kLatency, 1.5 + (slower - 50) / 50, "signals", input_.now,
          fmt::format("{:.0f} % of the requests slower than the old release's p95", slower));
    const WallTime began = onset_ != WallTime() ? onset_ : first_bad_;
    if (began != WallTime() && began <= input_.now)
      set(FactId::kTroubleFor, static_cast<double>((input_.now - began).count()), "signals", began,
          "since " + to_iso(began));
  }

  void arms(const Evidence& each, const std::string& source) {
    canary_ = canary_ || each.old_votes > 0;
    new_votes_ = std::max(new_votes_, each.votes), new_bad_ = std::max(new_bad_, each.bad);
    old_votes_ = std::max(old_votes_, each.old_votes), old_bad_ = std::max(old_bad_, each.old_bad);
    const double old_rate = static_cast<double>(each.old_bad) / static_cast<double>(each.old_votes);
    const bool clean = old_rate <= each.tolerated;
    if (!facts().known(FactId::kControlClean) || !clean)
      set(FactId::kControlClean, clean ? 1 : 0, source, input_.now,
          fmt::format("{} of {} votes of the old release are bad", each.old_bad, each.old_votes));
  }

  void from_figures() {
    for (const auto& [signal, figures] : input_.figures) {
      const int64_t clients = count_at(figures, "clients"), bad = count_at(figures, "bad_clients");
      if (clients > 0 && bad <= clients) {
        const double share = 100 * static_cast<double>(bad) / static_cast<double>(clients);
        if (!facts().known(FactId::kUsers) || share > *facts()[FactId::kUsers].value)
          set(FactId::kUsers, share, "signal " + safe(signal), input_.now,
              fmt::format("{} of {} clients", bad, clients));
      }
      const Json& routes = get(figures, "worst_routes");
      if (routes.is_array())
        for (const Json& route : routes) from_route(route, safe(signal));
    }
    if (canary_ || input_.canary) set(FactId::kCanary, 1, canary_ ? "signals" : "plan", input_.now);
  }

  /// A route of which at least half fails, for a feature that the team named.
  void from_route(const Json& route, const std::string& signal) {
    const std::string name = get_string(route, "route");
    const int64_t requests = count_at(route, "requests"), failed = count_at(route, "failed");
    if (!alarm_ || name.empty() || requests < kRouteVotes || failed > requests ||
        static_cast<double>(failed) < kRouteBroken * static_cast<double>(requests))
      return;
    // An access log says "GET /pay"; a feature may be told with the method, too.
    const std::string_view whole = name, path = whole.substr(whole.find('/') == whole.npos ? 0 : whole.find('/'));
    for (const auto& [feature, prefixes] : policies_.features) {
      const std::optional<FactId> id = fact_named(feature);
      if (!id || facts().yes(*id)) continue;
      const bool about = std::any_of(prefixes.begin(), prefixes.end(), [&](const std::string& prefix) {
        const std::string_view asked = prefix.starts_with('/') ? path : whole;
        if (!asked.starts_with(prefix)) return false;
        return asked.size() == prefix.size() || prefix.ends_with('/') || asked[prefix.size()] == '/' ||
               asked[prefix.size()] == '?';
      });
      if (!about) continue;
      Fact fact{.value = 1, .source = "signal " + signal, .at = input_.now, .confidence = kHeardConfidence};
      fact.detail = fmt::format("{}: {} of {} requests failed", safe(name), failed, requests);
      facts().set(*id, std::move(fact));
    }
  }

  void from_occurrences() {
    int reports_of_down = 0;
    for (const Occurrence* each : occurrences_) {
      if (each->elsewhere) {
        if (each->kind == "alert" && (onset_ == WallTime() || each->at <= onset_)) dependency_ = safe(each->what);
        if (each->kind == "alert-resolved" && dependency_ == safe(each->what)) dependency_.clear();
        continue;
      }
      if (each->kind == "restart" && each->severe) set(FactId::kCrashLoop, 1, "restarts", each->at, safe(each->what));
      if (each->kind == "report" && each->severe) reports_of_down += 1;
      if (each->kind == "report" && each->severe && reports_of_down == 1) {
        Fact fact{.value = 1, .source = "a report", .at = each->at, .confidence = kHeardConfidence};
        fact.detail = safe(each->what);
        facts().set(FactId::kDown, std::move(fact));
      }
    }
  }

  void from_health() {
    if (input_.service_failed_to_start) set(FactId::kWontStart, 1, "deploy", input_.now);
    if (input_.migrations_failed) set(FactId::kMigrationsFailed, 1, "deploy", input_.now);
    if (input_.unhealthy_since == WallTime() || input_.unhealthy_since > input_.now) return;
    std::vector<std::string> names;
    for (const std::string& name : input_.failing_checks) names.push_back(safe(name, 60));
    std::sort(names.begin(), names.end());
    if (names.size() > 5) names.resize(5);
    set(FactId::kUnhealthyFor, static_cast<double>((input_.now - input_.unhealthy_since).count()), "checks",
        input_.unhealthy_since, names.empty() ? "" : "failing: " + join(names, ", "));
  }

  void attribution() {
    std::optional<bool> external;
    for (const Answer& answer : input_.answers)
      if (answer.fact == "external") {
        const auto value = fact_value_from(FactId::kExternal, answer.value);
        if (value && *value) external = **value > 0;
      }
    const OtherDeploy* newest = nullptr;
    for (const OtherDeploy& each : input_.other_deploys)
      if (newest == nullptr || std::tie(newest->at, newest->what) < std::tie(each.at, each.what)) newest = &each;
    if (newest != nullptr) set(FactId::kOtherDeploy, 1, "journal", newest->at, safe(newest->what));
    result_.attribution = attribute({.cutover = input_.way_back.deployed_at,
                                     .onset = onset_,
                                     .new_votes = new_votes_,
                                     .new_bad = new_bad_,
                                     .old_votes = old_votes_,
                                     .old_bad = old_bad_,
                                     .dependency_alert_before = !dependency_.empty(),
                                     .dependency = dependency_,
                                     .others = input_.other_deploys,
                                     .elevated_before = input_.elevated_before,
                                     .external = external});
  }

  void answers() {
    std::vector<const Answer*> all;
    for (const Answer& answer : input_.answers) all.push_back(&answer);
    std::sort(all.begin(), all.end(), [](const Answer* a, const Answer* b) {
      return std::tie(a->at, a->fact, a->value, a->by) < std::tie(b->at, b->fact, b->value, b->by);
    });
    for (const Answer* answer : all) {  // the newest wins
      const std::optional<FactId> id = fact_named(answer->fact);
      if (!id) {
        std::vector<std::string> names;
        for (const FactKind& kind : all_fact_kinds()) names.emplace_back(kind.name);
        const auto near = nearest(answer->fact, names);
        result_.refused.push_back(
            fmt::format("unknown fact '{}'{}", safe(answer->fact, 60),
                        near ? fmt::format(": did you mean '{}'?", *near) : "; known are " + join(names, ", ")));
        continue;
      }
      const Result<std::optional<double>> value = fact_value_from(*id, answer->value);
      if (!value) {
        result_.refused.push_back(value.error().message);
        continue;
      }
      const Fact& was = facts()[*id];
      Fact fact{.value = *value, .source = answer->by.empty() ? "told" : "told by " + safe(answer->by)};
      fact.at = answer->at == WallTime() ? input_.now : answer->at;
      if (was.value && was.value != fact.value && !was.source.starts_with("told"))
        fact.detail = fmt::format("{} says {}", was.source, fact_value_text(*id, was.value));
      facts().set(*id, std::move(fact));
    }
  }

  void severity() {
    std::string why;
    const bool told = facts()[FactId::kErrorRate].source.starts_with("told");  // somebody's word on it is an alarm
    const std::optional<double> derived = severity_of(facts(), alarm_ || told, policies_, &why);
    if (!derived) return;
    if (!facts().known(FactId::kSeverity))
      return set(FactId::kSeverity, *derived, std::string(kConcluded), input_.now, why);
    Fact said = facts()[FactId::kSeverity];
    if (*said.value == *derived) return;
    said.detail = fmt::format("the other facts say {}: {}", fact_value_text(FactId::kSeverity, derived), why);
    facts().set(FactId::kSeverity, std::move(said));
  }

  const AssessInput& input_;
  const Policies& policies_;
  std::vector<const Evidence*> evidence_;
  std::vector<const Occurrence*> occurrences_;
  Assessed result_;
  bool alarm_ = false, canary_ = false;
  WallTime onset_{}, first_bad_{};
  int64_t new_votes_ = 0, new_bad_ = 0, old_votes_ = 0, old_bad_ = 0;
  std::string dependency_;
};

}  // namespace

Assessed assess(const AssessInput& input, const Policies& policies) { return Assessor(input, policies).assess(); }

}  // namespace backout::decide
