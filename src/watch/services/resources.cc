#include "watch/services/resources.h"

#include <cmath>

#include "base/text.h"
#include "model/limit.h"
#include "watch/pace.h"
#include "watch/services/keepers.h"
#include "watch/services/usage.h"

namespace backout::watch {
namespace {

struct Leak {
  const char* figure;
  double share, least;
};
constexpr Leak kLeaks[] = {{"rss", 0.2, 20e6}, {"open_files", 0.5, 100}, {"threads", 0.5, 20}};

std::string in_words(std::string_view figure, double value) {
  if (figure == "rss") return bytes_for_people(static_cast<uint64_t>(std::max(0.0, value)));
  if (figure == "open_files_share") return fmt::format("{:.0f}%", value);
  return figure == "cpu" ? fmt::format("{:.2f}", value) : fmt::format("{:.0f}", value);
}

/// The word "rss" for people.
std::string_view spoken(std::string_view figure) {
  return figure == "rss" ? "memory" : figure.starts_with("open_files") ? "open files" : figure;
}

class ResourcesSource : public Source {
 public:
  ResourcesSource(std::vector<WatchedService> services, std::map<std::string, std::pair<std::string, Limit>> limits,
                  Millis every, host::Host& host)
      : services_(std::move(services)), limits_(std::move(limits)), pace_(every), host_(host) {}

  Result<Seen> look(const Scope& scope, const Json& position, const std::stop_token& stop) override {
    if (!pace_.is_due(position, scope.now)) return Pace::nothing_new(position);
    std::vector<std::string> remarks;
    const auto roots = pids(remarks, stop);
    std::vector<int64_t> all;
    for (const auto& [name, of_service] : roots) all.insert(all.end(), of_service.begin(), of_service.end());
    Seen seen;
    if (all.empty()) {
      seen = blind(position, remarks.empty() ? "no service has a process" : remarks.front());
    } else {
      const auto out = host_.run(look_at_processes(all), stop);
      if (stop.stop_requested()) return Pace::nothing_new(position);
      const bool read = out && out->ok() && out->out.ends_with("end\n");
      seen = read ? figures(scope, position, roots, usage_in(out->out))
                  : blind(position, out ? out->why_not_ok() : out.error().message);
    }
    seen.remarks = std::move(remarks);
    Pace::asked(seen, scope.now);
    return seen;
  }

 private:
  std::map<std::string, std::vector<int64_t>> pids(std::vector<std::string>& remarks,
                                                   const std::stop_token& stop) const {
    std::map<std::string, std::vector<int64_t>> roots;
    for (const WatchedService& service : services_) {
      const auto out = host_.run(look_at_keeper(service), stop);
      const auto kept = out ? kept_in(service, out->out) : Result<std::vector<Kept>>(out.error());
      if (!kept) {
        remarks.push_back(told(fmt::format("{}: {}", service.name, kept.error().message)));
        continue;
      }
      for (const Kept& each : *kept)
        if (each.pid > 0) roots[service.name].push_back(each.pid);
    }
    return roots;
  }

  Seen figures(const Scope& scope, const Json& position, const std::map<std::string, std::vector<int64_t>>& roots,
               const std::map<int64_t, Usage>& usages) const {
    Seen seen;
    Json memory = Json::object();
    for (const auto& [name, of_service] : roots) {
      Usage sum;
      for (const int64_t root : of_service) {
        const auto found = usages.find(root);
        if (found == usages.end()) continue;
        const Usage& one = found->second;
        sum.cpu_seconds += one.cpu_seconds, sum.rss += one.rss, sum.files += one.files;
        sum.threads += one.threads, sum.processes += one.processes;
        sum.files_share = std::max(sum.files_share, one.files_share);
      }
      if (sum.processes > 0)
        memory[name] = one_service(scope, name, of_service, sum, get(get(position, "services"), name), seen);
    }
    if (memory.empty()) return blind(position, "no service has a process");
    seen.position = {{"services", std::move(memory)}};
    return seen;
  }

  Json one_service(const Scope& scope, const std::string& name, const std::vector<int64_t>& roots, const Usage& usage,
                   const Json& before, Seen& seen) const {
    const int64_t now = to_millis(scope.now);
    const bool same = get(before, "pids") == Json(roots);
    Json memory = {{"pids", roots}, {"cpu", usage.cpu_seconds}, {"at_ms", now}};
    std::map<std::string, double> values = {{"rss", usage.rss},
                                            {"open_files", static_cast<double>(usage.files)},
                                            {"open_files_share", usage.files_share},
                                            {"threads", static_cast<double>(usage.threads)}};
    // Children that ended took their seconds with them: then it is not known.
    const double seconds = static_cast<double>(now - get_int(before, "at_ms")) / 1000;
    const double spent = usage.cpu_seconds - (get(before, "cpu").is_number() ? before["cpu"].get<double>() : 0);
    if (same && seconds > 0 && spent >= 0) values["cpu"] = spent / seconds;
    tell_limits(scope, name, values, before, memory, seen);
    memory["trends"] = same ? get(before, "trends") : Json();
    memory["leaks"] = same && get(before, "leaks").is_array() ? before["leaks"] : Json::array();
    Json& told_figures = seen.figures[name] = {{"processes", usage.processes},
                                               {"cpu_seconds", std::round(usage.cpu_seconds * 100) / 100}};
    for (const auto& [figure, value] : values) told_figures[figure] = std::round(value * 100) / 100;
    for (const Leak& leak : kLeaks) {
      Json& trend = memory["trends"][leak.figure];
      add_to_trend(trend, now / 60'000, values[leak.figure]);
      const Growth growth = growth_of(trend, leak.share, leak.least);
      if (growth.per_hour != 0) told_figures[std::string(leak.figure) + "_per_hour"] = std::round(growth.per_hour);
      Json& leaks = memory["leaks"];
      if (!growth.clear || std::find(leaks.begin(), leaks.end(), leak.figure) != leaks.end()) continue;
      leaks.push_back(leak.figure);
      Occurrence occurrence{.kind = "resource", .at = scope.now};
      occurrence.what = told(fmt::format("{}: {} grows and does not come down: {} to {}, {} an hour", name,
                                         spoken(leak.figure), in_words(leak.figure, growth.from),
                                         in_words(leak.figure, growth.to), in_words(leak.figure, growth.per_hour)));
      seen.occurrences.push_back(std::move(occurrence));
    }
    return memory;
  }

  void tell_limits(const Scope& scope, const std::string& name, const std::map<std::string, double>& values,
                   const Json& before, Json& memory, Seen& seen) const {
    for (const auto& [figure, limit] : limits_) {
      const std::string measured = figure == "open_files" ? "open_files_share" : figure;
      const auto value = values.find(measured);
      const bool was = get_bool(get(before, "broken"), figure);
      if (value == values.end() || limit.second.holds(value->second)) {
        if (value == values.end() && was) memory["broken"][figure] = true;
        continue;
      }
      memory["broken"][figure] = true;
      if (was) continue;
      Occurrence occurrence{.kind = "resource", .at = scope.now};
      occurrence.what = told(fmt::format("{}: {} is {}, expected {}", name, spoken(measured),
                                         in_words(measured, value->second), limit.first));
      seen.occurrences.push_back(std::move(occurrence));
    }
  }

  const std::vector<WatchedService> services_;
  const std::map<std::string, std::pair<std::string, Limit>> limits_;  // as written, and read
  const Pace pace_;
  host::Host& host_;
};

}  // namespace

Result<std::unique_ptr<Source>> make_resources(const Json& subject, host::Host& host) {
  std::vector<WatchedService> services = TRY(watched_services(get(subject, "services"), host.name().str()));
  std::map<std::string, std::pair<std::string, Limit>> limits;
  for (const auto& [figure, said] : get(subject, "limits").items()) {
    const std::string text = said.is_string() ? said.get<std::string>() : said.dump();
    Limit limit = TRY(limit_from(text).with_context(figure));
    limits[figure] = {text, limit};
  }
  return std::unique_ptr<Source>(std::make_unique<ResourcesSource>(std::move(services), std::move(limits),
                                                                   Millis(get_int(subject, "every_ms", 5000)), host));
}

}  // namespace backout::watch
