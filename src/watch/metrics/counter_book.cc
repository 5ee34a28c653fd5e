#include "watch/metrics/counter_book.h"

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "watch/pace.h"

namespace backout::watch {
namespace {

constexpr double kMost = 1e12;  // requests between two scrapes: more is no counter of requests

/// FNV-1a; only has to tell the series of one site apart.
uint64_t hash_of(std::string_view text, uint64_t hash = 1469598103934665603ULL) {
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return (hash ^ 0xFF) * 1099511628211ULL;
}

uint64_t identity(std::string_view name, const Labels& labels, std::string_view without) {
  uint64_t hash = hash_of(name);
  for (const auto& [label, value] : labels)
    if (without.empty() || label != without) hash = hash_of(value, hash_of(label, hash));
  return hash;
}

std::string hex(uint64_t number) { return fmt::format("{:016x}", number); }
uint64_t number_of(const std::string& text) { return std::strtoull(text.c_str(), nullptr, 16); }

bool has_errors(Counts counts) { return counts != Counts::kRequests; }
bool has_requests(Counts counts) { return counts != Counts::kErrors; }

}  // namespace

CounterBook::CounterBook(const Scope& scope, std::string release, int64_t told_second)
    : scope_(scope), release_(std::move(release)), told_(told_second) {}

void CounterBook::begin(const Scrape& scrape) {
  target_ = &targets_[scrape.target];
  before_ms_ = target_->at_ms;
  target_->at_ms = scrape.at_ms;
  quiet_ = scrape.quiet || before_ms_ == 0;
  whole_ = scrape.whole;
  fresh_.clear();
  for (auto& [id, known] : target_->series) known.was_seen = known.seen, known.seen = false;
}

void CounterBook::series(Counts counts, const std::string& name, const Labels& labels, double value) {
  if (!std::isfinite(value) || value < 0) {
    ++odd_;
    // As if it had not been scraped: it has not vanished either.
    if (const auto known = target_->series.find(identity(name, labels, "")); known != target_->series.end())
      known->second.seen = true;
    return;
  }
  const uint64_t id = identity(name, labels, "");
  const uint64_t kin = release_.empty() ? id : identity(name, labels, release_);
  const auto label = release_.empty() ? labels.end() : labels.find(release_);
  const std::string release = label == labels.end() ? "" : label->second;
  const auto known = target_->series.find(id);
  if (known == target_->series.end()) {
    fresh_.push_back({counts, release, value, id, kin});
    return;
  }
  const double before = known->second.value;
  known->second.value = value;
  known->second.seen = true;
  if (!quiet_) grow(counts, release, value < before ? value : value - before, value < before);
}

void CounterBook::end() {
  for (Fresh& each : fresh_) {
    double began = 0;
    if (each.kin != each.id)  // it may be a known one under another release
      for (const auto& [id, known] : target_->series)
        if (known.kin == each.kin && known.was_seen && !known.seen && known.value <= each.value)
          began = std::max(began, known.value);
    if (!quiet_ && whole_) grow(each.counts, each.release, each.value - began, false);
  }
  for (const Fresh& each : fresh_) target_->series[each.id] = {each.value, each.kin, true, false};
}

void CounterBook::grow(Counts counts, const std::string& release, double by, bool reset) {
  if (by <= 0) return;
  if (by > kMost) {
    ++odd_;
    return;
  }
  const int64_t cutover = to_millis(scope_.cutover), at = target_->at_ms;
  if (before_ms_ < cutover && cutover <= at && release.empty() && !reset) {
    ++straddled_;
    return;
  }
  const bool old = at < cutover || (!release.empty() && !is_same_release(release, scope_.current));
  const int64_t second = std::max(std::min(at / 1000, to_millis(scope_.now) / 1000 - 1), told_ + 1);
  Grown& grown = grown_[{second, old ? Arm::kOld : Arm::kNew, release}];
  if (has_errors(counts)) grown.errors += by;
  if (has_requests(counts)) grown.requests += by;
}

std::vector<Observation> CounterBook::take(std::vector<std::string>& remarks) {
  std::vector<Observation> observations;
  bool more_errors = false;
  for (const auto& [where, grown] : grown_) {
    const auto& [second, arm, release] = where;
    const auto failed = static_cast<int64_t>(std::llround(grown.errors));
    const auto requests = std::max(static_cast<int64_t>(std::llround(grown.requests)), failed);
    if (requests == 0) continue;
    more_errors = more_errors || std::llround(grown.requests) < failed;
    Observation each;
    each.second = wall_from_millis(second * 1000);
    each.arm = arm;
    each.release = told(release);
    each.outcomes = {{1, requests - failed, failed}};
    each.requests = requests;
    each.failed = failed;
    observations.push_back(std::move(each));
    told_ = std::max(told_, second);
  }
  grown_.clear();
  if (more_errors) remarks.emplace_back("errors grew by more than requests: do requests count the failed ones, too?");
  if (odd_ > 0) remarks.push_back(fmt::format("{} that are no counts were left out", counted(odd_, "sample")));
  if (straddled_ > 0)
    remarks.push_back(fmt::format("what {} counted while the cutover was could not be told apart, and is left out",
                                  counted(straddled_, "series")));
  odd_ = straddled_ = 0;
  return observations;
}

Json CounterBook::memory_of(const std::string& target) const {
  const auto found = targets_.find(target);
  if (found == targets_.end()) return nullptr;
  Json series = Json::object();
  for (const auto& [id, known] : found->second.series) {
    Json& each = series[hex(id)] = Json::array({known.value, known.seen ? 1 : 0});
    if (known.kin != id) each.push_back(hex(known.kin));
  }
  return {{"at_ms", found->second.at_ms}, {"series", std::move(series)}};
}

void CounterBook::remember(const std::string& target, const Json& memory) {
  Target known;
  known.at_ms = get_int(memory, "at_ms");
  for (const auto& [id, each] : get(memory, "series").items()) {
    if (!each.is_array() || each.size() < 2 || !each[0].is_number() || !each[1].is_number()) continue;
    Known one;
    one.value = each[0].get<double>();
    one.seen = each[1].get<double>() != 0;
    one.kin = each.size() > 2 && each[2].is_string() ? number_of(each[2].get<std::string>()) : number_of(id);
    known.series[number_of(id)] = one;
  }
  targets_[target] = std::move(known);
}

}  // namespace backout::watch
