#include "watch/services/restarts.h"

#include "base/text.h"
#include "watch/pace.h"
#include "watch/services/keepers.h"

namespace backout::watch {
namespace {

constexpr size_t kMostRecent = 20;

/// What is new about one instance; `memory` is what is kept of it.
void tell_of(const Kept& kept, const std::string& keeper, WallTime now, Json& memory, Seen& seen) {
  const bool is_new = !memory.is_object();
  if (is_new) memory = Json::object();
  const int64_t before = get_int(memory, "restarts");
  const bool same = !is_new && get_string(memory, "generation") == kept.generation && kept.restarts >= before;
  Json recent = same && get(memory, "recent").is_array() ? memory["recent"] : Json::array();
  if (same && kept.restarts > before) {
    const int64_t count = kept.restarts - before, since = to_millis(now - kLoopWithin);
    for (int64_t each = 0; each < std::min<int64_t>(count, kMostRecent); ++each) recent.push_back(to_millis(now));
    while (!recent.empty() && (recent.size() > kMostRecent || !recent[0].is_number() ||
                               recent[0].get<double>() < static_cast<double>(since)))
      recent.erase(recent.begin());
    Occurrence occurrence{.kind = "restart", .at = now, .count = count};
    occurrence.severe = std::ssize(recent) >= kLoopRestarts;
    occurrence.what =
        told(fmt::format("{} was started again by {}{}{}", kept.name, keeper, kept.last.empty() ? "" : ": " + kept.last,
                         occurrence.severe ? ", again and again" : ""));
    seen.occurrences.push_back(std::move(occurrence));
  }
  const bool was_down = get_bool(memory, "down");
  if (!kept.given_up.empty() && !was_down) {
    Occurrence occurrence{.kind = "exit", .at = now, .severe = true};
    occurrence.what =
        told(keeper == "process" ? fmt::format("{}: {}", kept.name, kept.given_up)
                                 : fmt::format("{} was given up by {}: {}", kept.name, keeper, kept.given_up));
    seen.occurrences.push_back(std::move(occurrence));
  }
  memory = {{"restarts", kept.restarts}, {"generation", kept.generation}};
  if (!recent.empty()) memory["recent"] = std::move(recent);
  // Between two tries it is neither up nor given up: then it is as it was.
  if (!kept.given_up.empty() || (was_down && !kept.is_up)) memory["down"] = true;
}

class RestartsSource : public Source {
 public:
  RestartsSource(std::vector<WatchedService> services, Millis every, host::Host& host)
      : services_(std::move(services)), pace_(every), host_(host) {}

  Result<Seen> look(const Scope& scope, const Json& position, const std::stop_token& stop) override {
    if (!pace_.is_due(position, scope.now)) return Pace::nothing_new(position);
    Seen seen;
    Json memory = get(position, "services");
    if (!memory.is_object()) memory = Json::object();
    Json figures = Json::object();
    std::string why;
    size_t answered = 0;
    for (const WatchedService& service : services_) {
      const auto out = host_.run(look_at_keeper(service), stop);
      if (stop.stop_requested()) return Pace::nothing_new(position);
      Result<std::vector<Kept>> kept =
          out ? out->ok() ? kept_in(service, out->out) : Error{Code::kUnavailable, out->why_not_ok(), ""}
              : Result<std::vector<Kept>>(out.error());
      if (!kept) {
        why = fmt::format("{}: {}", service.name, kept.error().message);
        seen.remarks.push_back(told(why));
        continue;
      }
      ++answered;
      for (const Kept& each : *kept) {
        tell_of(each, service.kind == "pm2" ? "PM2" : service.kind, scope.now, memory[service.name + " " + each.name],
                seen);
        figures[each.name] = {{"restarts", each.restarts}, {"up", each.is_up}};
      }
    }
    if (answered == 0 && !services_.empty()) {
      seen = blind(position, why);
    } else {
      seen.figures = std::move(figures);
      seen.position = {{"services", std::move(memory)}};
    }
    Pace::asked(seen, scope.now);
    return seen;
  }

 private:
  const std::vector<WatchedService> services_;
  const Pace pace_;
  host::Host& host_;
};

}  // namespace

Result<std::unique_ptr<Source>> make_restarts(const Json& subject, host::Host& host) {
  std::vector<WatchedService> services = TRY(watched_services(get(subject, "services"), host.name().str()));
  return std::unique_ptr<Source>(
      std::make_unique<RestartsSource>(std::move(services), Millis(get_int(subject, "every_ms", 5000)), host));
}

}  // namespace backout::watch
