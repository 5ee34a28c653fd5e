#include "drivers/traffic/istio.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/text.h"
#include "driver/tool.h"
#include "drivers/kubernetes/kubectl.h"
#include "drivers/traffic/shift.h"

namespace backout::drivers {
namespace {

constexpr int kTriesToSet = 5;  // each after somebody else was faster
constexpr int64_t kMostWeight = 1'000'000;

std::string subset_of(const Pool& pool) { return get_string(pool.args, "subset", pool.name); }

Result<std::string> service_of(const Json& subject) {
  const std::string name = get_string(subject, "virtual_service");
  const bool fits = !name.empty() && name.front() != '-' &&
                    name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.-") == std::string::npos;
  if (!fits)
    return Error{Code::kInvalid, "traffic: 'virtual_service' is not the name of one: '" + one_line(name) + "'",
                 "see docs/traffic.md"};
  return name;
}

Result<IstioRoute> seen_route(const kubernetes::Ask& ask, const Json& subject, const Pools& pools) {
  const kubernetes::Cluster cluster = TRY(kubernetes::cluster_of(subject));
  const std::string name = TRY(service_of(subject));
  const Json object =
      TRY(kubernetes::ask_json(ask, cluster, {"get", "virtualservice.networking.istio.io", name}).with_context(name));
  return istio_route(object, pools, get_string(subject, "route"));
}

class Istio : public ShiftDriver {
 public:
  explicit Istio(std::string self) : self_(std::move(self)) {}
  std::string_view name() const override { return "istio"; }

  driver::Readiness ready(const driver::Offering& offering, host::Host& host, driver::Depth,
                          std::stop_token stop) const override {
    const std::string program = get_string(offering.subject, "program", "kubectl");
    driver::Readiness readiness{.needs = {{driver::Need::Kind::kTool, program, "to shift the traffic"}},
                                .findings = {}};
    const auto cluster = kubernetes::cluster_of(offering.subject);
    if (!cluster) return readiness;
    const std::vector<std::string> words = {
        "auth", "can-i", "patch",
        "virtualservices.networking.istio.io/" + get_string(offering.subject, "virtual_service")};
    const auto said = kubernetes::by_host(host, std::move(stop))(kubernetes::kubectl_words(*cluster, words), "");
    if (said && trimmed(said->out).starts_with("yes")) return readiness;
    Finding finding;
    finding.id = "traffic.may";
    finding.severity = Severity::kRed;
    finding.what = said && trimmed(said->out).starts_with("no")
                       ? "may not patch the VirtualService"
                       : "whether the VirtualService may be patched is not known";
    finding.next = "look: " + kubernetes::as_typed(*cluster, join(words, " "));
    readiness.findings.push_back(std::move(finding));
    return readiness;
  }

 protected:
  Patience patience() const override { return {40, Millis(500)}; }  // the object is sooner than the proxies

  Result<void> check(const Json& subject, const Pools&) const override {
    TRY(kubernetes::cluster_of(subject));
    TRY(service_of(subject));
    return {};
  }

  Json to_keep(const Json& seen) const override { return numbers_kept(seen); }

  Result<host::Command> set(const Json& subject, const Pools&, const Weights& weights) const override {
    Json args = subject;
    args["weights"] = weights;
    for (const char* ours : {"weights_on", "public_url", "door", "steps", "hold_ms"}) args.erase(ours);
    return driver::tool_command(self_, "istio", "set", args);
  }

  Result<Json> look(const Json& subject, const Pools& pools, host::Host& host, std::stop_token stop) const override {
    const kubernetes::Ask ask = kubernetes::by_host(host, std::move(stop));
    TRY_VOID(kubernetes::still_leads_there(ask, subject));
    const IstioRoute route = TRY(seen_route(ask, subject, pools));
    Json seen = {{"weights", in_percent({route.numbers.begin(), route.numbers.end()})}, {"as_set", route.numbers}};
    if (std::string amiss = TRY(not_put_back(subject, pools, route.numbers)); !amiss.empty()) seen["amiss"] = amiss;
    if (subject.contains("cluster"))
      seen["cluster"] = subject["cluster"];
    else
      seen["cluster"] = TRY(kubernetes::place_of(ask, TRY(kubernetes::cluster_of(subject))));
    if (!route.note.empty()) seen["note"] = route.note;
    return seen;
  }

 private:
  std::string self_;
};

Result<Json> set_istio_weights(const Json& args, const driver::Progress& progress) {
  const Pools pools = TRY(pools_from(args));
  const Weights weights = TRY(weights_from(get(args, "weights"), pools, get_bool(args, "undo")));
  const Numbers numbers = TRY(numbers_to_put_back(args, pools));
  const kubernetes::Cluster cluster = TRY(kubernetes::cluster_of(args));
  const std::string name = TRY(service_of(args));
  const kubernetes::Ask ask = kubernetes::by_process();
  TRY_VOID(kubernetes::still_leads_there(ask, args));
  for (int tries = 1;; ++tries) {
    const IstioRoute route = TRY(seen_route(ask, args, pools));
    const bool is_so = numbers.empty() ? same(weights, in_percent({route.numbers.begin(), route.numbers.end()}))
                                       : numbers == route.numbers;
    if (is_so) return Json{{"weights", weights}};
    const auto said = TRY(
        ask(kubernetes::kubectl_words(cluster, {"patch", "virtualservice.networking.istio.io", name, "--type=json",
                                                "-p", istio_patch(route, numbers.empty() ? weights : numbers).dump()}),
            ""));
    if (said.ok) return Json{{"weights", weights}};
    Error error = kubernetes::trouble_of(said.err, cluster);
    if (error.code != Code::kConflict || tries >= kTriesToSet) return std::move(error).with_context(name);
    progress("somebody else changed " + name + " meanwhile: looked at again");
  }
}

/// "web.shop subset v3", as far as it is said.
std::string destination_words(const Json& destination) {
  const std::string subset = get_string(destination, "subset");
  return one_line(get_string(destination, "host", "a destination without host")) +
         (subset.empty() ? "" : " subset " + one_line(subset));
}

/// Routes beside `but` that give the pools traffic, which are left as they are: a sentence, or nothing.
std::string note_of_others(const Json& http, size_t but, const Pools& pools) {
  std::vector<std::string> names;
  for (size_t i = 0; i < http.size(); ++i) {
    const Json& destinations = get(http[i], "route");
    if (i == but || !destinations.is_array()) continue;
    const bool leads = std::any_of(destinations.begin(), destinations.end(), [&](const Json& each) {
      return std::any_of(pools.by_name.begin(), pools.by_name.end(), [&](const auto& pool) {
        return get_string(get(each, "destination"), "subset") == subset_of(pool.second);
      });
    });
    if (leads) names.push_back(get_string(http[i], "name", fmt::format("number {}", i + 1)));
  }
  return names.empty() ? ""
                       : "other routes of the VirtualService lead to the pools, too, and are as they were: " +
                             one_line(join(names, ", "));
}

}  // namespace

Result<IstioRoute> istio_route(const Json& virtual_service, const Pools& pools, const std::string& route) {
  const Json& http = get(get(virtual_service, "spec"), "http");
  std::optional<IstioRoute> found;
  for (size_t i = 0; http.is_array() && i < http.size(); ++i) {
    const Json& destinations = get(http[i], "route");
    if (!destinations.is_array() || (!route.empty() && get_string(http[i], "name") != route)) continue;
    IstioRoute here{.route = i};
    std::vector<std::string> twice, others;
    for (size_t j = 0; j < destinations.size(); ++j) {
      const Json& destination = get(destinations[j], "destination");
      const Json& said = get(destinations[j], "weight");
      const int64_t weight = get_int(destinations[j], "weight", said.is_null() && destinations.size() == 1 ? 100 : 0);
      if ((!said.is_null() && !said.is_number_integer()) || weight < 0 || weight > kMostWeight)
        return Error{Code::kCorrupt,
                     "traffic: a weight of the VirtualService is none: " +
                         one_line(said.dump(-1, ' ', false, Json::error_handler_t::replace)),
                     ""};
      bool ours = false;
      for (const auto& [name, pool] : pools.by_name) {
        if (get_string(destination, "subset") != subset_of(pool)) continue;
        ours = true;
        if (!here.places.emplace(name, j).second) twice.push_back(name);
        here.numbers[name] += static_cast<int>(weight);
      }
      if (!ours && weight != 0) others.push_back(fmt::format("{} (weight {})", destination_words(destination), weight));
    }
    if (here.places.empty()) continue;
    if (found)
      return Error{Code::kConflict, "traffic: several routes of the VirtualService lead to the pools",
                   "say which one: give it a name, and say traffic.istio.route"};
    if (!twice.empty())
      return Error{Code::kConflict,
                   "traffic: several destinations of the route have the subset of " + join(twice, ", "),
                   "a pool is one destination: give the others subsets of their own"};
    if (!others.empty())
      return Error{Code::kConflict, "traffic: the route leads beside the pools, too: " + join(others, ", "),
                   "make it a pool of traffic.pools, or give it weight 0"};
    for (const auto& [name, pool] : pools.by_name) here.numbers.try_emplace(name, 0);
    found = std::move(here);
  }
  if (!found)
    return Error{Code::kNotFound, "traffic: no route of the VirtualService leads to the pools",
                 "mend traffic.pools.*.subset, or traffic.istio.route"};
  found->note = note_of_others(http, found->route, pools);
  for (const auto& [name, pool] : pools.by_name)
    if (found->places.count(name) == 0)
      return Error{Code::kNotFound,
                   fmt::format("traffic: the route has no destination with subset {}", subset_of(pool)),
                   "add it to the VirtualService, with weight 0"};
  found->resource_version = get_string(get(virtual_service, "metadata"), "resourceVersion");
  if (found->resource_version.empty())
    return Error{Code::kCorrupt, "traffic: the VirtualService has no resourceVersion", ""};
  return std::move(*found);
}

Json istio_patch(const IstioRoute& route, const Weights& weights) {
  Json patch =
      Json::array({{{"op", "test"}, {"path", "/metadata/resourceVersion"}, {"value", route.resource_version}}});
  for (const auto& [name, place] : route.places) {
    const auto wanted = weights.find(name);
    patch.push_back({{"op", "add"},  // makes it where there was none, and replaces what was there
                     {"path", fmt::format("/spec/http/{}/route/{}/weight", route.route, place)},
                     {"value", wanted == weights.end() ? 0 : wanted->second}});
  }
  return patch;
}

std::unique_ptr<driver::Driver> make_istio_driver(std::string self) { return std::make_unique<Istio>(std::move(self)); }

int run_istio_tool(const std::vector<std::string>& args, std::istream& in, std::ostream& out, std::ostream& err) {
  return driver::run_tool(
      args, in, out, err,
      [](const std::string& verb, const Json& given, const driver::Progress& progress) -> Result<Json> {
        if (verb == "set") return set_istio_weights(given, progress);
        return Error{Code::kInvalid, "no verb '" + verb + "'", ""};
      });
}

}  // namespace backout::drivers
