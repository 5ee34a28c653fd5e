#include "decide/grid_walk.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "base/text.h"
#include "decide/assess.h"

namespace backout::decide {
namespace {

constexpr FactId kAxisFacts[] = {FactId::kSeverity, FactId::kData,      FactId::kUsers,
                                 FactId::kAge,      FactId::kMigration, FactId::kHotfix};
constexpr size_t kSeverityAxis = 0, kDataAxis = 1;
constexpr size_t kMostLooks = 4'000'000;  // beyond, what is beside the axes is walked only as far as this goes

bool is_axis(FactId fact) {
  return std::find(std::begin(kAxisFacts), std::end(kAxisFacts), fact) != std::end(kAxisFacts);
}

/// What says by itself how severe it is.
bool binds(FactId fact) {
  return kind_of(fact).symptom || fact == FactId::kErrorRate || fact == FactId::kLatency ||
         fact == FactId::kUnhealthyFor;
}

bool holds_unknown(const Predicate& predicate) {
  const std::optional<double> taken = kind_of(predicate.fact).taken;
  return predicate.or_unknown || (taken && predicate.holds(*taken));
}

}  // namespace

GridWalk::GridWalk(const std::vector<const Rule*>& rules, const Policies& policies)
    : rules_(rules), policies_(policies), words_(std::max<size_t>(1, (rules.size() + 63) / 64)) {
  by_action_.assign(static_cast<size_t>(Verdict::kRollBack) + 1, Bits(words_));
  for (size_t index = 0; index < rules_.size(); ++index)
    if (rules_[index]->action)
      by_action_[static_cast<size_t>(*rules_[index]->action)][index / 64] |= uint64_t{1} << (index % 64);
  ever_.assign(words_, 0);
  won_.assign(words_, 0);
  shadow_.assign(rules_.size(), Bits(words_, ~uint64_t{0}));
  met_.assign(rules_.size() * rules_.size(), 0);
  for (const Rule* rule : rules_) {
    harms_.emplace_back();
    for (const Predicate& predicate : rule->when)
      if (binds(predicate.fact) || predicate.fact == FactId::kData) harms_.back().push_back(predicate.fact);
  }
  make_axes();
  make_extras();
  steps_.assign(kAxes + 1, Bits(words_));
}

void GridWalk::make_axes() {
  for (const FactId fact : kAxisFacts) {
    Axis axis{.fact = fact, .regions = {}, .holds = {}};
    std::vector<Cut> cuts = grid_cuts(fact);
    for (const Rule* rule : rules_)
      for (const Predicate& predicate : rule->when)
        if (predicate.fact == fact) add_cuts(predicate, cuts), axis.spoken_of = true;
    axis.regions = regions_of(fact, std::move(cuts));
    if (fact == FactId::kUsers) axis.regions.push_back({0, 0, true, true, 0, true});
    for (const Region& region : axis.regions) {
      Bits bits(words_, ~uint64_t{0});
      for (size_t index = 0; index < rules_.size(); ++index)
        for (const Predicate& predicate : rules_[index]->when)
          if (predicate.fact == fact && !(region.unknown ? holds_unknown(predicate) : predicate.holds(region.value)))
            bits[index / 64] &= ~(uint64_t{1} << (index % 64));
      axis.holds.push_back(std::move(bits));
    }
    axes_.push_back(std::move(axis));
  }
  axis_cells_ = 1;
  for (size_t axis = kAxes; axis-- > 0;) {
    stride_[axis] = static_cast<size_t>(axis_cells_);
    axis_cells_ *= static_cast<int64_t>(axes_[axis].regions.size());
  }
  for (const Region& region : axes_[kDataAxis].regions) {
    Facts facts;
    facts.set(FactId::kData, region.value, "");
    implied_by_data_.push_back(severity_of(facts, false, policies_).value_or(-1));
  }
}

void GridWalk::add_extra(std::vector<std::pair<FactId, Region>> facts) {
  Extra extra{.facts = std::move(facts), .holds = Bits(words_), .implied = -1, .binding = false, .winners = {}};
  Facts told;
  bool alarm = false;
  for (const auto& [fact, region] : extra.facts) {
    extra.binding = extra.binding || binds(fact);
    alarm = alarm || fact == FactId::kErrorRate;
    told.set(fact, region.value, "");
  }
  if (extra.binding) extra.implied = severity_of(told, alarm, policies_).value_or(0);
  for (size_t index = 0; index < rules_.size(); ++index) {
    const bool holds =
        std::all_of(rules_[index]->when.begin(), rules_[index]->when.end(), [&](const Predicate& predicate) {
          if (is_axis(predicate.fact)) return true;
          for (const auto& [fact, region] : extra.facts)
            if (fact == predicate.fact) return predicate.holds(region.value);
          return holds_unknown(predicate);
        });
    if (holds) extra.holds[index / 64] |= uint64_t{1} << (index % 64);
  }
  extra.winners.assign(static_cast<size_t>(axis_cells_), kNotMet);
  extras_.push_back(std::move(extra));
}

void GridWalk::make_extras() {
  add_extra({});
  std::map<FactId, std::vector<Cut>> cuts;
  for (const Rule* rule : rules_)
    for (const Predicate& predicate : rule->when)
      if (!is_axis(predicate.fact)) add_cuts(predicate, cuts[predicate.fact]);
  const size_t most = std::max<size_t>(1, kMostLooks / static_cast<size_t>(axis_cells_));
  for (const auto& [fact, at] : cuts)
    for (const Region& region : regions_of(fact, at)) {
      const bool as_unknown = kind_of(fact).scale == FactScale::kYesNo && kind_of(fact).taken == region.value;
      if (!as_unknown && extras_.size() < most) add_extra({{fact, region}});
    }
  // Rules that ask for several such things at once.
  for (const Rule* rule : rules_) {
    std::vector<std::pair<FactId, Region>> wanted;
    for (const Predicate& predicate : rule->when) {
      if (is_axis(predicate.fact) || holds_unknown(predicate)) continue;
      for (const Region& region : regions_of(predicate.fact, cuts[predicate.fact]))
        if (predicate.holds(region.value)) {
          wanted.emplace_back(predicate.fact, region);
          break;
        }
    }
    if (wanted.size() > 1 && extras_.size() < most) add_extra(std::move(wanted));
  }
}

void GridWalk::walk() {
  for (Extra& extra : extras_) {
    steps_[0] = extra.holds;
    Cell cell{};
    descend(0, cell, 0, extra);
  }
  const std::vector<int16_t>& base = extras_.front().winners;
  gap_cells_ = std::count(base.begin(), base.end(), kNone);
  compare_along_axes();
  compare_along_figures();
}

void GridWalk::descend(size_t axis, Cell& cell, size_t index, Extra& extra) {
  if (axis == kAxes) {
    cells_ += 1;
    extra.winners[index] = look(cell, extra, steps_[axis]);
    return;
  }
  const Axis& here = axes_[axis];
  for (size_t region = 0; region < here.regions.size(); ++region) {
    cell[axis] = static_cast<uint16_t>(region);
    if (axis == kDataAxis && !meets(cell, extra)) {
      cells_ += static_cast<int64_t>(stride_[axis]);
      continue;
    }
    for (size_t word = 0; word < words_; ++word) steps_[axis + 1][word] = steps_[axis][word] & here.holds[region][word];
    descend(axis + 1, cell, index + region * stride_[axis], extra);
  }
}

bool GridWalk::meets(const Cell& cell, const Extra& extra) const {
  const double severity = axes_[kSeverityAxis].regions[cell[kSeverityAxis]].value;
  const double implied = std::max(implied_by_data_[cell[kDataAxis]], extra.implied);
  return extra.binding ? severity == implied : severity >= implied;
}

bool GridWalk::contradict(size_t one, size_t other) const {
  const std::vector<FactId>&a = harms_[one], &b = harms_[other];
  if (a.empty() || b.empty()) return true;
  return std::any_of(a.begin(), a.end(), [&](FactId fact) { return std::find(b.begin(), b.end(), fact) != b.end(); });
}

int16_t GridWalk::look(const Cell& cell, const Extra& extra, const Bits& bits) {
  const bool two_troubles = extra.binding && implied_by_data_[cell[kDataAxis]] > extra.implied;
  int16_t winner = kNone;
  size_t action = by_action_.size();
  for (size_t word = 0; word < words_; ++word) ever_[word] |= bits[word];
  while (action-- > 0 && winner == kNone)
    for (size_t word = 0; word < words_ && winner == kNone; ++word)
      if (const uint64_t won = bits[word] & by_action_[action][word])
        winner = static_cast<int16_t>(word * 64 + static_cast<size_t>(std::countr_zero(won)));
  if (winner == kNone) return winner;
  const Bits& same = by_action_[action + 1];
  for (size_t word = 0; word < words_; ++word) won_[word] |= bits[word] & same[word];
  for (size_t lower = 0; lower <= action && action < by_action_.size(); ++lower)
    for (size_t word = 0; word < words_; ++word)
      for (uint64_t lost = bits[word] & by_action_[lower][word]; lost != 0; lost &= lost - 1) {
        const size_t loser = word * 64 + static_cast<size_t>(std::countr_zero(lost));
        for (size_t each = 0; each < words_; ++each) shadow_[loser][each] &= bits[each] & same[each];
        if (two_troubles || !contradict(static_cast<size_t>(winner), loser)) continue;
        if (met_[static_cast<size_t>(winner) * rules_.size() + loser]++ == 0)
          conflicts_[{static_cast<size_t>(winner), loser}].example = text_of(cell, extra);
      }
  return winner;
}

std::optional<size_t> GridWalk::shadow_of(size_t rule) const {
  for (size_t word = 0; word < words_; ++word)
    if (shadow_[rule][word] != 0 && has(ever_, rule)) {
      const size_t other = word * 64 + static_cast<size_t>(std::countr_zero(shadow_[rule][word]));
      if (other < rules_.size()) return other;
    }
  return std::nullopt;
}

GridWalk::Cell GridWalk::cell_at(size_t index) const {
  Cell cell{};
  for (size_t axis = 0; axis < kAxes; ++axis) {
    cell[axis] = static_cast<uint16_t>(index / stride_[axis]);
    index %= stride_[axis];
  }
  return cell;
}

void GridWalk::compare(int16_t mild, int16_t worse, const Cell& cell, const Extra& extra) {
  if (mild < 0 || worse < 0 || mild == worse) return;
  const Rule &milder = *rules_[static_cast<size_t>(mild)], &other = *rules_[static_cast<size_t>(worse)];
  if (*other.action >= *milder.action || other.never_roll_back) return;
  Meeting& meeting = weaker_[{static_cast<size_t>(mild), static_cast<size_t>(worse)}];
  if (meeting.cells++ == 0) meeting.example = text_of(cell, extra);
}

/// From each cell to the next worse one: severity, data, users.
void GridWalk::compare_along_axes() {
  const Extra& base = extras_.front();
  for (size_t index = 0; index < base.winners.size(); ++index) {
    if (base.winners[index] < 0) continue;
    const Cell cell = cell_at(index);
    for (size_t axis = 0; axis < 3; ++axis) {
      const size_t next = cell[axis] + size_t{1};
      if (next >= axes_[axis].regions.size() || axes_[axis].regions[next].unknown) continue;
      compare(base.winners[index], base.winners[index + stride_[axis]], cell, base);
    }
  }
}

/// From one region of a figure to the next, each with the severity that it amounts to.
void GridWalk::compare_along_figures() {
  for (size_t at = 1; at + 1 < extras_.size(); ++at) {
    const Extra &mild = extras_[at], &worse = extras_[at + 1];
    if (mild.facts.size() != 1 || worse.facts.size() != 1 || mild.facts[0].first != worse.facts[0].first) continue;
    if (kind_of(mild.facts[0].first).role != FactRole::kHarm) continue;
    for (size_t index = 0; index < mild.winners.size(); ++index) {
      if (mild.winners[index] < 0) continue;
      const Cell cell = cell_at(index);
      size_t other = index;
      if (worse.binding) {
        const double severity = std::max(implied_by_data_[cell[kDataAxis]], worse.implied);
        other = index - cell[kSeverityAxis] * stride_[kSeverityAxis] +
                static_cast<size_t>(severity) * stride_[kSeverityAxis];
      }
      compare(mild.winners[index], worse.winners[other], cell, mild);
    }
  }
}

std::string GridWalk::text_of(const Cell& cell, const Extra& extra) const {
  std::vector<std::string> parts;
  for (size_t axis = 0; axis < kAxes; ++axis)
    if (axes_[axis].spoken_of || (axis == kSeverityAxis && extra.binding))
      parts.push_back(fmt::format("{} {}", kind_of(axes_[axis].fact).name,
                                  region_text(axes_[axis].fact, axes_[axis].regions[cell[axis]])));
  for (const auto& [fact, region] : extra.facts)
    parts.push_back(fmt::format("{} {}", kind_of(fact).name, region_text(fact, region)));
  return join(parts, ", ");
}

std::vector<GridPair> GridWalk::pairs_of(const Meetings& meetings) const {
  std::vector<GridPair> pairs;
  for (const auto& [rules, meeting] : meetings)
    pairs.push_back({rules.first, rules.second, meeting.cells, meeting.example});
  return pairs;
}

std::vector<GridPair> GridWalk::conflicts() const {
  std::vector<GridPair> pairs = pairs_of(conflicts_);
  for (GridPair& pair : pairs) pair.cells = met_[pair.stronger * rules_.size() + pair.weaker];
  return pairs;
}

std::vector<GridPair> GridWalk::weaker() const { return pairs_of(weaker_); }

std::vector<GridBox> GridWalk::gaps() const {
  const std::vector<int16_t>& winners = extras_.front().winners;
  std::vector<bool> told(winners.size());
  std::vector<GridBox> boxes;
  for (size_t start = 0; start < winners.size() && boxes.size() < kMostBoxes; ++start) {
    if (winners[start] != kNone || told[start]) continue;
    const Cell least = cell_at(start);
    Cell most = least;
    std::vector<size_t> inside{start};
    for (size_t axis = 0; axis < kAxes; ++axis)
      for (size_t more = 1; least[axis] + more < axes_[axis].regions.size(); ++more) {
        std::vector<size_t> slab;
        for (const size_t index : inside)
          if (cell_at(index)[axis] == least[axis]) slab.push_back(index + more * stride_[axis]);
        if (std::any_of(slab.begin(), slab.end(), [&](size_t index) { return winners[index] >= 0; })) break;
        most[axis] = static_cast<uint16_t>(least[axis] + more);
        inside.insert(inside.end(), slab.begin(), slab.end());
      }
    GridBox box;
    for (const size_t index : inside) {
      box.cells += winners[index] == kNone && !told[index] ? 1 : 0;
      told[index] = true;
    }
    std::vector<std::string> parts;
    for (size_t axis = 0; axis < kAxes; ++axis) {
      const std::vector<Region>& regions = axes_[axis].regions;
      if (least[axis] == 0 && most[axis] + size_t{1} == regions.size()) continue;
      std::vector<std::string> names;
      const bool levels = kind_of(axes_[axis].fact).scale == FactScale::kLevels;
      Region run = regions[least[axis]];
      for (size_t region = least[axis]; region <= most[axis]; ++region) {
        if (levels || regions[region].unknown) names.push_back(region_text(axes_[axis].fact, regions[region]));
        if (!regions[region].unknown) run.most = regions[region].most, run.with_most = regions[region].with_most;
      }
      if (!levels && !run.unknown) names.insert(names.begin(), region_text(axes_[axis].fact, run));
      parts.push_back(fmt::format("{} {}", kind_of(axes_[axis].fact).name, join(names, " or ")));
    }
    box.text = parts.empty() ? "everywhere" : join(parts, ", ");
    boxes.push_back(std::move(box));
  }
  std::stable_sort(boxes.begin(), boxes.end(), [](const GridBox& a, const GridBox& b) { return a.cells > b.cells; });
  return boxes;
}

}  // namespace backout::decide
