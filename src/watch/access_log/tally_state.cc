// Tally between two looks: its state as JSON, and what it says to people.
#include <algorithm>

#include "base/ids.h"
#include "base/text.h"
#include "watch/access_log/tally.h"

namespace backout::watch {
namespace {

constexpr size_t kWorstRoutes = 5;
constexpr int64_t kClockAhead = 60;     // seconds
constexpr int64_t kClosingSeconds = 5;  // after the cutover the new release is not there at once

Json hex_json(uint64_t value) { return fmt::format("{:016x}", value); }
uint64_t hex_from(const Json& value) {
  return value.is_string() ? std::strtoull(value.get_ref<const std::string&>().c_str(), nullptr, 16) : 0;
}

}  // namespace

void Tally::load(const Json& state) {
  seed_ = hex_from(get(state, "seed"));
  if (seed_ == 0) seed_ = hex_from(Json(random_hex(8))) | 1U;
  routes_.emplace(rules_.routes, rules_.ignored, seed_);
  route_states_.resize(1);
  told_before_ = earliest_ms_ / 1000;
  if (!state.is_object()) return;
  // Of another cutover, the figures are of another release. What the old one was used to is still the best there is.
  const bool same = get_int(state, "cutover_ms") == cutover_ms_;
  told_before_ = get_int(state, "told_before", told_before_);
  // Told by a clock that was ahead: what comes now would seem late until that time comes.
  if (told_before_ > now_second_ + kClockAhead) told_before_ = now_second_;
  latest_ = get_int(state, "latest");
  understood_before_ = get_int(state, "lines");
  for (const Json& each : get(state, "routes")) {
    const size_t id = routes_->known(get_string(each, "name"));
    if (id >= route_states_.size()) route_states_.resize(id + 1);
    RouteState& route = route_states_[id];
    route.latency = Latency::from_json(get(each, "latency"));
    if (same) route.requests = get_int(each, "requests");
    if (same) route.failed = get_int(each, "failed");
  }
  for (RouteState& route : route_states_) {
    route.bound = route.latency.bound();
    route.bound_total = route.latency.total();
  }
  for (const Json& each : get(state, "open")) {
    const auto arm = arm_of(get_string(each, "arm"));
    if (!arm) continue;
    Part& part = new_part(get_int(each, "second"), release_of(get_string(each, "release")), *arm);
    part.requests = get_int(each, "requests");
    part.failed = get_int(each, "failed");
    part.ballot = Ballot::from_text(get_string(each, "ballot"));
  }
  if (!same) return;
  if (auto set = Distinct::from_text(get_string(state, "clients"))) clients_ = *set;
  if (auto set = Distinct::from_text(get_string(state, "bad_clients"))) bad_clients_ = *set;
}

Json Tally::state() const {
  Json routes = Json::array(), open = Json::array();
  for (size_t id = 0; id < route_states_.size(); ++id) {
    const RouteState& route = route_states_[id];
    Json each = {{"name", routes_->name(static_cast<Routes::Id>(id))}};
    if (route.latency.total() > 0) each["latency"] = route.latency.to_json();
    if (route.requests > 0) each["requests"] = route.requests;
    if (route.failed > 0) each["failed"] = route.failed;
    routes.push_back(std::move(each));
  }
  for (const Second& second : open_)
    for (const Part& part : second.parts)
      open.push_back({{"second", second.at},
                      {"release", releases_[part.release].name},
                      {"arm", name_of(part.arm)},
                      {"requests", part.requests},
                      {"failed", part.failed},
                      {"ballot", part.ballot.to_text()}});
  return {{"seed", hex_json(seed_)},
          {"cutover_ms", cutover_ms_},
          {"told_before", told_before_},
          {"latest", latest_},
          {"lines", understood_ + understood_before_},
          {"routes", std::move(routes)},
          {"open", std::move(open)},
          {"clients", clients_.to_text()},
          {"bad_clients", bad_clients_.to_text()}};
}

Json Tally::figures() const {
  std::vector<size_t> order;
  int64_t requests = 0, failed = 0;
  for (size_t id = 0; id < route_states_.size(); ++id) {
    requests += route_states_[id].requests;
    failed += route_states_[id].failed;
    if (route_states_[id].failed > 0) order.push_back(id);
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return route_states_[a].failed > route_states_[b].failed; });
  if (order.size() > kWorstRoutes) order.resize(kWorstRoutes);
  Json worst = Json::array();
  for (const size_t id : order)
    worst.push_back({{"route", routes_->name(static_cast<Routes::Id>(id))},
                     {"requests", route_states_[id].requests},
                     {"failed", route_states_[id].failed}});
  Json figures = {{"clients", clients_.count()},
                  {"bad_clients", bad_clients_.count()},
                  {"requests", requests},
                  {"failed", failed},
                  {"worst_routes", std::move(worst)}};
  if (latest_ > 0) figures["last_line"] = to_iso(wall_from_millis(latest_ * 1000));
  return figures;
}

std::vector<std::string> Tally::remarks() const {
  std::vector<std::string> all;
  if (broken_ > 0)
    all.push_back(counted(broken_, "line") +
                  (broken_ == 1 ? " that is no access log line" : " that are no access log lines"));
  if (late_ > 0)
    all.push_back(
        fmt::format("{} came after their second had been told, and count in a later one", counted(late_, "line")));
  if (ahead_ > 0)
    all.push_back(
        fmt::format("{} with a time ahead of this machine's clock: they count as of now", counted(ahead_, "line")));
  if (old_ > 0 && understood_before_ > 0)
    all.push_back(fmt::format("{} from more than an hour before the cutover: left out", counted(old_, "line")));
  if (dropped_ > 0)
    all.push_back(fmt::format("{} in seconds with too many clients count as requests, but not as votes",
                              counted(dropped_, "request")));
  if (releases_.size() > 2 &&
      std::none_of(releases_.begin() + 2, releases_.end(), [](const Release& each) { return each.arm == Arm::kNew; }) &&
      rules_.format.has(Column::kRelease) && now_second_ > cutover_second_ + kClosingSeconds) {
    std::vector<std::string> names;
    for (size_t i = 2; i < releases_.size() && names.size() < 4; ++i) names.push_back(releases_[i].name);
    all.push_back(fmt::format("the log names {}, and not {}: nothing counts as the new release", join(names, ", "),
                              one_line(scope_.current)));
  }
  return all;
}

}  // namespace backout::watch
