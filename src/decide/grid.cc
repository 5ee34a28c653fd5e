#include "decide/grid.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "base/text.h"
#include "decide/grid_walk.h"

namespace backout::decide {
namespace {

constexpr size_t kMostGaps = 4;

LintFinding finding_at(LintKind kind, const Rule& rule, std::string message, std::string next, int64_t cells = 0) {
  return {.kind = kind,
          .policy = rule.policy,
          .file = rule.file,
          .line = rule.line,
          .column = rule.column,
          .message = std::move(message),
          .next = std::move(next),
          .cells = cells};
}

std::string named(const Rule& rule) {
  return fmt::format("'{}' ({}{})", rule.id, rule.where(), rule.cites.empty() ? "" : ", " + rule.cites);
}

std::string action_text(const Rule& rule) { return std::string(words_of(*rule.action)); }

/// One policy, or all together.
class Linting {
 public:
  Linting(std::string policy, std::string file, bool shipped, std::vector<const Rule*> rules, const Policies& policies,
          bool merged)
      : policy_(std::move(policy)),
        file_(std::move(file)),
        shipped_(shipped),
        merged_(merged),
        rules_(std::move(rules)),
        walk_(rules_, policies) {}

  std::vector<LintFinding> findings() {
    walk_.walk();
    gaps();
    if (!merged_) holes();
    conflicts();
    weaker();
    if (!merged_) dead();
    return std::move(findings_);
  }
  int64_t cells() const { return walk_.cells(); }

 private:
  void add(LintFinding finding, bool about_shipped) {
    finding.shipped = about_shipped;
    findings_.push_back(std::move(finding));
  }

  void gaps() {
    const std::vector<GridBox> boxes = walk_.gaps();
    const int64_t all = walk_.gap_cells();
    if (all == 0) return;
    const bool has_rules =
        std::any_of(rules_.begin(), rules_.end(), [](const Rule* rule) { return rule->action.has_value(); });
    std::vector<std::string> where;
    for (size_t index = 0; index < boxes.size() && index < kMostGaps; ++index) where.push_back(boxes[index].text);
    std::string text = !has_rules
                           ? "no rule says what to do"
                           : fmt::format("no rule for {} of {} cells: {}", all, walk_.axis_cells(), join(where, "; "));
    if (has_rules && boxes.size() > kMostGaps)
      text += fmt::format("; and {}{} more regions", boxes.size() == GridWalk::kMostBoxes ? "at least " : "",
                          boxes.size() - kMostGaps);
    add({.kind = LintKind::kGap,
         .policy = policy_,
         .file = file_,
         .line = 0,
         .column = 0,
         .message = fmt::format("{}: {}", policy_, text),
         .next = "where no rule holds, what is cheapest is taken, and the default people approve",
         .cells = all},
        shipped_);
  }

  /// A figure that rules speak of below and above, but not between.
  void holes() {
    for (const FactKind& kind : all_fact_kinds()) {
      if (kind.scale == FactScale::kLevels || kind.scale == FactScale::kYesNo) continue;
      std::vector<Cut> cuts;
      std::vector<std::pair<const Rule*, const Predicate*>> about;
      for (const Rule* rule : rules_)
        for (const Predicate& predicate : rule->when)
          if (predicate.fact == kind.id && rule->action)
            add_cuts(predicate, cuts), about.emplace_back(rule, &predicate);
      const std::vector<Region> regions = regions_of(kind.id, std::move(cuts));
      const Rule* below = nullptr;
      std::optional<Region> hole;
      for (const Region& region : regions) {
        const auto holds =
            std::find_if(about.begin(), about.end(), [&](const auto& one) { return one.second->holds(region.value); });
        if (holds == about.end()) {
          if (below != nullptr && hole) hole->most = region.most, hole->with_most = region.with_most;
          if (below != nullptr && !hole) hole = region;
          continue;
        }
        if (hole)
          add(finding_at(LintKind::kGap, *holds->first,
                         fmt::format("{} {}: no rule speaks of it, between {} and {}", kind.name,
                                     region_text(kind.id, *hole), named(*below), named(*holds->first)),
                         "let one of them begin where the other one ends"),
              shipped_);
        hole.reset();
        below = holds->first;
      }
    }
  }

  void conflicts() {
    for (const GridPair& pair : walk_.conflicts()) {
      const Rule &winner = *rules_[pair.stronger], &loser = *rules_[pair.weaker];
      if (merged_ && winner.policy == loser.policy) continue;  // told for the policy alone
      const bool loser_later = std::tie(loser.file, loser.line) > std::tie(winner.file, winner.line);
      const Rule& place = loser_later ? loser : winner;
      const Rule& other = loser_later ? winner : loser;
      add(finding_at(LintKind::kConflict, place,
                     fmt::format("{} says {}, {} says {}, in {} cells, such as {}; taken: {}", named(place),
                                 action_text(place), named(other), action_text(other), pair.cells, pair.example,
                                 winner.never_roll_back || loser.never_roll_back
                                     ? "needs approval, because one of them is a veto"
                                     : action_text(winner)),
                     merged_ ? "the more protective one is taken; to replace the earlier one: instead-of: " + other.id
                             : "say in `when` what tells them apart",
                     pair.cells),
          shipped_);
    }
  }

  void weaker() {
    for (const GridPair& pair : walk_.weaker()) {
      const Rule &mild = *rules_[pair.stronger], &worse = *rules_[pair.weaker];
      if (merged_ && mild.policy == worse.policy) continue;
      add(finding_at(LintKind::kWeaker, worse,
                     fmt::format("worse facts, weaker action: {} says {}, but {} says {} where {}", named(worse),
                                 action_text(worse), named(mild), action_text(mild), pair.example),
                     "whatever is right for the milder case is right for the worse one", pair.cells),
          shipped_);
    }
  }

  void dead() {
    for (size_t index = 0; index < rules_.size(); ++index) {
      const Rule& rule = *rules_[index];
      if (!rule.action || rule.never_roll_back || walk_.lives(index)) continue;
      const bool ever = walk_.holds_somewhere(index);
      const auto by = walk_.shadow_of(index);
      std::string message =
          !ever ? fmt::format("{} never holds: its conditions exclude one another", named(rule))
          : by  ? fmt::format("{} has no effect: wherever it holds, {} says {}", named(rule), named(*rules_[*by]),
                              action_text(*rules_[*by]))
                : fmt::format("{} has no effect: wherever it holds, another rule says more", named(rule));
      add(finding_at(LintKind::kDead, rule, std::move(message), "take it out, or mend the other one"), shipped_);
    }
  }

  std::string policy_, file_;
  bool shipped_, merged_;
  std::vector<const Rule*> rules_;
  GridWalk walk_;
  std::vector<LintFinding> findings_;
};

/// The least value that a condition asks for; nothing: it asks for none.
std::optional<double> least_of(const Predicate& predicate) {
  if (predicate.or_unknown || predicate.ranges.empty()) return std::nullopt;
  return predicate.ranges.front().least;
}

void signals(const LintInput& input, const Policy& policy, std::vector<LintFinding>& findings) {
  const std::string told = "a person can say it: backout decide --fact ";
  for (const Rule& rule : policy.rules) {
    if (!rule.in_force) continue;
    for (const Predicate& predicate : rule.when) {
      const FactKind& kind = kind_of(predicate.fact);
      if (input.collected && !input.collected->contains(predicate.fact)) {
        findings.push_back(
            finding_at(LintKind::kNotCollected, rule,
                       fmt::format("{} asks for {}, which nothing here collects", named(rule), kind.name),
                       fmt::format("{}{}=VALUE", told, kind.name)));
        findings.back().shipped = policy.shipped;
      }
      const bool lasts = predicate.fact == FactId::kTroubleFor || predicate.fact == FactId::kUnhealthyFor;
      const std::optional<double> least = least_of(predicate);
      if (input.watched > Millis(0) && lasts && least && *least > static_cast<double>(input.watched.count())) {
        findings.push_back(finding_at(LintKind::kTooLate, rule,
                                      fmt::format("{} waits until {} is {}, but a release is watched for {}",
                                                  named(rule), kind.name, predicate.text, for_people(input.watched)),
                                      "watch for longer: watch: {bake: 24h}"));
        findings.back().shipped = policy.shipped;
      }
    }
  }
}

}  // namespace

std::string_view name_of(LintKind kind) {
  switch (kind) {
    case LintKind::kGap: return "gap";
    case LintKind::kConflict: return "conflict";
    case LintKind::kDead: return "dead";
    case LintKind::kWeaker: return "weaker";
    case LintKind::kNotCollected: return "not-collected";
    case LintKind::kTooLate: return "too-late";
  }
  return "";
}

Linted lint_policies(const LintInput& input) {
  Linted linted;
  for (const Policy& policy : input.policies.levels) {
    std::vector<const Rule*> rules;
    for (const Rule& rule : policy.rules)
      if (rule.in_force) rules.push_back(&rule);
    Linting linting(policy.name, policy.file, policy.shipped, std::move(rules), input.policies, false);
    for (LintFinding& finding : linting.findings()) linted.findings.push_back(std::move(finding));
    linted.cells += linting.cells();
    signals(input, policy, linted.findings);
  }
  if (input.policies.levels.size() > 1) {
    Linting linting("all policies together", input.policies.levels.back().file, false, input.policies.rules(),
                    input.policies, true);
    for (LintFinding& finding : linting.findings()) linted.findings.push_back(std::move(finding));
    linted.cells += linting.cells();
  }
  return linted;
}

}  // namespace backout::decide
