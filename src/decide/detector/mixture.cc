#include "decide/detector/mixture.h"

#include <algorithm>
#include <cmath>

#include "decide/detector/stored.h"

namespace backout::decide {
namespace {

/// ln(1 + e^x).
double softplus(double x) { return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x)); }

}  // namespace

Mixture::Mixture(std::vector<double> ratios) : ratios_(std::move(ratios)), states_(ratios_.size()) {
  for (const double ratio : ratios_) logs_.push_back(std::log(ratio));
}

void Mixture::weigh(double p, int64_t good, int64_t bad) {
  const auto bads = static_cast<double>(bad), all = bads + static_cast<double>(good);
  for (size_t j = 0; j < ratios_.size(); ++j)
    states_[j].open += bads * logs_[j] - all * std::log1p((ratios_[j] - 1) * p);
}

void Mixture::close(WallTime at, double divide) {
  for (State& state : states_) {
    const double weight = state.open / divide;
    state.open = 0;
    state.log_r = std::max(softplus(state.log_r) + weight, kNoEvidence);
    const double walk = state.walk + weight;
    if (walk <= 0) {
      state.walk = 0;
      state.since = WallTime();
    } else {
      if (state.walk == 0) state.since = at;
      state.walk = walk;
    }
  }
}

double Mixture::log_evidence() const {
  if (states_.empty()) return kNoEvidence;
  double most = kNoEvidence;
  for (const State& state : states_) most = std::max(most, state.log_r);
  double sum = 0;
  for (const State& state : states_) sum += std::exp(state.log_r - most);
  return most + std::log(sum / static_cast<double>(states_.size()));
}

WallTime Mixture::onset() const {
  const auto likeliest =
      std::max_element(states_.begin(), states_.end(), [](const State& a, const State& b) { return a.walk < b.walk; });
  return likeliest == states_.end() ? WallTime() : likeliest->since;
}

double Mixture::votes_until(double log_threshold, double p, double bad, double divide) const {
  double fewest = 0;
  for (size_t j = 0; j < ratios_.size(); ++j) {
    const double growth = (bad * logs_[j] - std::log1p((ratios_[j] - 1) * p)) / divide;
    if (growth <= 0) continue;
    const double missing =
        log_threshold + std::log(static_cast<double>(ratios_.size())) - std::max(states_[j].log_r, 0.0);
    const double votes = std::max(missing, 0.0) / growth;
    if (fewest == 0 || votes < fewest) fewest = votes;
  }
  return fewest;
}

Json Mixture::to_json() const {
  Json log_r = Json::array(), walk = Json::array(), since = Json::array();
  for (const State& state : states_) {
    log_r.push_back(state.log_r);
    if (state.walk > 0)
      walk.push_back(state.walk);
    else
      walk.push_back(0);
    since.push_back(to_millis(state.since));
  }
  return {{"log_r", log_r}, {"walk", walk}, {"since_ms", since}};
}

Result<void> Mixture::restore(const Json& value) {
  const Json &log_r = get(value, "log_r"), &walk = get(value, "walk"), &since = get(value, "since_ms");
  for (const Json* list : {&log_r, &walk, &since})
    if (!list->is_array() || list->size() != states_.size()) return not_stored("other alternatives");
  for (size_t j = 0; j < states_.size(); ++j) {
    if (!log_r[j].is_number() || !walk[j].is_number() || !since[j].is_number_integer()) return not_stored("log_r");
    State state{log_r[j].get<double>(), walk[j].get<double>(), wall_from_millis(since[j].get<int64_t>()), 0};
    if (!std::isfinite(state.log_r) || !std::isfinite(state.walk) || state.walk < 0) return not_stored("walk");
    if (!is_time(state.since)) state.since = WallTime();
    states_[j] = state;
  }
  return {};
}

}  // namespace backout::decide
