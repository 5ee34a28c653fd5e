#include "watch/access_log/tally.h"

#include <algorithm>

#include "base/text.h"
#include "watch/access_log/access_log.h"
#include "watch/access_log/scan.h"

namespace backout::watch {
namespace {

constexpr size_t kMostReleases = 16, kLongestRelease = 80;
constexpr size_t kUnnamed = 0, kManyReleases = 1;
constexpr int64_t kAheadSeconds = 2;   // a look takes a while, and what is written meanwhile is read too
constexpr int64_t kClockTrouble = 60;  // seconds
constexpr int64_t kGraceSeconds = kGrace.count();
constexpr size_t kSpare = 16;

int64_t floor_second(int64_t millis) { return millis / 1000; }

/// The same version, told another way: with a v in front, or a commit cut short.
bool same_release(std::string_view a, std::string_view b) {
  if (a == b) return true;
  const auto bare = [](std::string_view text) {
    return text.size() > 1 && text[0] == 'v' && text[1] >= '0' && text[1] <= '9' ? text.substr(1) : text;
  };
  a = bare(a);
  b = bare(b);
  return a == b || (std::min(a.size(), b.size()) >= 7 && (a.starts_with(b) || b.starts_with(a)));
}

}  // namespace

Tally::Tally(const LineRules& rules, const Scope& scope, const Json& state)
    : rules_(rules),
      scope_(scope),
      cutover_ms_(to_millis(scope.cutover)),
      earliest_ms_(std::max(cutover_ms_ - std::chrono::duration_cast<Millis>(kHabits).count(), to_millis(scope.since))),
      now_second_(floor_second(to_millis(scope.now))),
      cutover_second_(floor_second(cutover_ms_)),
      time_(rules.format.time_form()) {
  fields_.unit = rules.format.duration_unit();
  releases_ = {{"", std::nullopt}, {"(other)", Arm::kOld}};
  load(state);
}

void Tally::take(std::string_view lines) {
  const char* at = lines.data();
  const char* const end = at + lines.size();
  while (at < end) {
    if (!rules_.format.is_json() && *at != '\0') {
      const char* const next = rules_.format.take_line(at, end, fields_);
      if (next != nullptr && add_fields()) {
        at = next;
        continue;
      }
    }
    const char* const stop = find_byte(at, end, '\n');
    add({at, static_cast<size_t>(stop - at)});
    at = stop + 1;
  }
}

/// A line that needs a closer look: JSON, blanks, rubbish.
void Tally::add(std::string_view line) {
  if (!line.empty() && line.front() == '\0') line.remove_prefix(std::min(line.find_first_not_of('\0'), line.size()));
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  if (line.empty()) return;
  if (!rules_.format.parse(line, fields_) || !add_fields()) note_broken(line);
}

bool Tally::add_fields() {
  const int status = read_status(fields_[Column::kStatus]);
  if (status < 0) return false;
  const std::optional<int64_t> time = time_.read(fields_[Column::kTime]);
  if (!time) return false;
  ++understood_;
  if (*time < earliest_ms_) {
    ++old_;
    return true;
  }

  const Routes::Id route = rules_.format.has(Column::kRequest) && !fields_[Column::kRequest].empty()
                               ? routes_->of_request(fields_[Column::kRequest], status)
                               : routes_->of(fields_[Column::kMethod], fields_[Column::kPath], status);
  if (route == Routes::kIgnored) {
    ++ignored_;
    return true;
  }
  if (route >= route_states_.size()) route_states_.resize(routes_->size());

  const std::string_view duration_text = fields_[Column::kDuration];
  std::optional<int64_t> duration;
  if (!duration_text.empty()) duration = read_plain_duration(duration_text, fields_.unit);

  int64_t second = floor_second(*time);
  int64_t began = *time - (rules_.format.time_is_end() ? duration.value_or(0) / 1000 : 0);
  if (second > now_second_ + kAheadSeconds) {
    ++ahead_;
    second = std::max(now_second_, told_before_);
    began = second * 1000;
  } else if (second < told_before_) {
    if (told_before_ - second > kClockTrouble) began = told_before_ * 1000;  // the clock went back, not the line
    ++late_;
    second = told_before_;
  }
  const size_t release = release_of(fields_[Column::kRelease]);
  const Arm arm = releases_[release].arm.value_or(began >= cutover_ms_ ? Arm::kNew : Arm::kOld);

  const bool failed = rules_.statuses.failed(status);
  RouteState& state = route_states_[route];
  bool measured = false, slow = false;
  if (duration && !failed) {
    measured = state.bound >= 0 && (arm == Arm::kNew || second >= cutover_second_);
    slow = measured && Latency::bucket_of(*duration) > state.bound;
    if (arm == Arm::kOld && (second < cutover_second_ || state.latency.total() < Latency::kFewest))
      state.latency.add(*duration);
  }
  Part& part = part_of(second, release, arm);
  ++part.requests;
  part.failed += failed;
  const std::string_view client = fields_[Column::kClient];
  if (arm == Arm::kNew) {
    ++state.requests;
    state.failed += failed;
  }
  if (client.size() <= 1 && (client.empty() || client == "-")) {
    part.ballot.add_alone(failed, measured, slow);
    return true;
  }
  // The first of a list is the client itself; what stands behind it are proxies.
  const size_t comma = client.size() > 15 ? client.find(',') : std::string_view::npos;
  const uint64_t who = hash_of(client.substr(0, comma), seed_);
  if (arm == Arm::kNew) {
    clients_.add(who);
    if (failed) bad_clients_.add(who);
  }
  part.ballot.add(folded(who ^ 0xa0761d6478bd642fU, seed_ + 0x9e3779b97f4a7c15U * (route + 1U)), failed, measured,
                  slow);
  return true;
}

std::optional<int64_t> Tally::second_of(std::string_view line) {
  Fields fields;
  if (!rules_.format.parse(line, fields) || read_status(fields[Column::kStatus]) < 0) return std::nullopt;
  const auto time = read_time(fields[Column::kTime], rules_.format.time_form());
  if (!time) return std::nullopt;
  return floor_second(*time);
}

void Tally::note_broken(std::string_view line) {
  ++broken_;
  if (!broken_shape_.empty()) return;
  std::string shape = shortened(one_line(line.substr(0, 160)), 120);
  for (char& c : shape) {
    if (c >= '0' && c <= '9') c = '9';
    if (c >= 'a' && c <= 'z') c = 'a';
    if (c >= 'A' && c <= 'Z') c = 'A';
  }
  broken_shape_ = shape;
}

size_t Tally::release_of(std::string_view text) {
  if (text.empty()) return kUnnamed;
  const std::string& last = releases_[last_release_].name;
  if (text.size() == last.size() && same_bytes(text.data(), last.data(), last.size())) return last_release_;
  return new_release(text);
}

size_t Tally::new_release(std::string_view text) {
  if (text == "-") return kUnnamed;
  text = text.substr(0, kLongestRelease);
  const std::string name = one_line(text);
  for (size_t i = 0; i < releases_.size(); ++i)
    if (releases_[i].name == name) return last_release_ = i;
  if (releases_.size() >= kMostReleases) return kManyReleases;
  releases_.push_back({name, same_release(name, scope_.current) ? Arm::kNew : Arm::kOld});
  return last_release_ = releases_.size() - 1;
}

Tally::Part& Tally::part_of(int64_t second, size_t release, Arm arm) {
  if (last_part_ != nullptr && second == last_second_ && release == last_part_->release && arm == last_part_->arm)
    return *last_part_;
  return new_part(second, release, arm);
}

Tally::Part& Tally::new_part(int64_t second, size_t release, Arm arm) {
  if (second > latest_) {
    latest_ = second;
    close_before(second - kGraceSeconds);
  }
  auto at = std::lower_bound(open_.begin(), open_.end(), second,
                             [](const Second& each, int64_t bound) { return each.at < bound; });
  if (at == open_.end() || at->at != second) at = open_.insert(at, Second{second, {}});
  auto part = std::find_if(at->parts.begin(), at->parts.end(),
                           [&](const Part& each) { return each.release == release && each.arm == arm; });
  if (part == at->parts.end()) {
    Part fresh{.release = release, .arm = arm};
    if (!spare_.empty()) {
      fresh.ballot = std::move(spare_.back());
      spare_.pop_back();
    }
    part = at->parts.insert(at->parts.end(), std::move(fresh));
  }
  last_part_ = &*part;
  last_second_ = second;
  return *part;
}

void Tally::close_before(int64_t bound) {
  if (bound <= told_before_) return;
  learn_bounds();
  size_t count = 0;
  while (count < open_.size() && open_[count].at < bound) tell(open_[count++]);
  open_.erase(open_.begin(), open_.begin() + static_cast<ptrdiff_t>(count));
  last_part_ = nullptr;
  told_before_ = bound;
}

void Tally::close_by_now() {
  // A log that is ahead of this machine's clock is told by its own time.
  close_before(now_second_ - kGraceSeconds);
}

void Tally::tell(Second& second) {
  for (Part& part : second.parts) {
    Observation observation{.second = wall_from_millis(second.at * 1000),
                            .arm = part.arm,
                            .release = releases_[part.release].name,
                            .requests = part.requests,
                            .failed = part.failed};
    part.ballot.count(observation.outcomes, observation.speeds);
    told_.push_back(std::move(observation));
    dropped_ += part.ballot.dropped();
    if (spare_.size() >= kSpare) continue;
    part.ballot.clear();
    spare_.push_back(std::move(part.ballot));
  }
}

void Tally::learn_bounds() {
  for (RouteState& state : route_states_) {
    if (state.latency.total() < state.bound_total + state.bound_total / 16 + 1) continue;
    state.bound = state.latency.bound();
    state.bound_total = state.latency.total();
  }
}

}  // namespace backout::watch
