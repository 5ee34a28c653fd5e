#include "drivers/services/managed.h"

#include "base/text.h"
#include "driver/final_sight.h"
#include "drivers/services/serves.h"

namespace backout::drivers {
namespace {

std::string claimed(const Managed& managed, const Instance& instance) {
  return fmt::format("{} is {} (says {})", one_line(instance.name), one_line(instance.state), managed.keeper);
}

Json claims(const Managed& managed) {
  Json list = Json::array();
  for (const Instance& instance : managed.instances)
    list.push_back({{"name", one_line(instance.name)},
                    {"state", one_line(instance.state)},
                    {"pid", instance.pid},
                    {"restarts", instance.restarts}});
  return list;
}

std::set<int64_t> family_of(const Managed& managed, const Look& seen) {
  std::set<int64_t> family = seen.marked;
  for (const Instance& instance : managed.instances)
    if (instance.pid > 0) family.merge(seen.family(instance.pid));
  return family;
}

Expected expected_of(const Service& service, const Instance& instance, const Managed& managed, const Look& seen) {
  Expected expected{.name = managed.instances.size() == 1 ? service.name : one_line(instance.name),
                    .main = instance.pid,
                    .family = family_of(managed, seen),
                    .at = service.at,
                    .keepers = managed.port_keepers};
  // A keeper calls a program up before it has done anything; without a port only its age tells.
  if (service.at.port == 0) expected.min_age = 1'000'000;
  if (instance.restarts > 0) expected.min_age = age_after_restarts(instance.restarts, service.startup);
  return expected;
}

Sight with_claims(Sight sight, const Managed& managed) {
  sight.evidence["instances"] = claims(managed);
  return sight;
}

Result<Look> look_at(Service service, const Managed& managed, host::Host& host, std::stop_token stop) {
  for (const Instance& instance : managed.instances)
    if (instance.pid > 0) service.at.pids.push_back(instance.pid);
  service.at.marks = managed.marks;
  return look(service.at, host, stop);
}

}  // namespace

Sight judge_managed_serving(const Service& service, const Managed& managed, const Look& seen) {
  if (managed.instances.empty()) return Sight::does_not_hold(fmt::format("{} has no {}", managed.keeper, service.name));
  for (const Instance& instance : managed.instances)
    if (instance.kind != Instance::Kind::kUp) {
      Sight down = with_claims(Sight::does_not_hold(claimed(managed, instance)), managed);
      return instance.given_up ? driver::final_sight(std::move(down)) : down;
    }
  std::optional<Sight> first;
  for (const Instance& instance : managed.instances) {
    Sight sight = judge_serving(seen, expected_of(service, instance, managed, seen));
    if (sight.kind != SightKind::kHolds) {
      if (instance.restarts > 0)
        sight.why += fmt::format("; restarted {} by {}", counted(instance.restarts, "time"), managed.keeper);
      sight.why += fmt::format(" ({} says {})", managed.keeper, one_line(instance.state));
      sight = with_claims(std::move(sight), managed);
      // A keeper that honestly lost it would soon say so.
      const bool gone = instance.pid > 0 && seen.living(instance.pid) == nullptr;
      return gone ? driver::final_sight(std::move(sight)) : sight;
    }
    if (!first) first = std::move(sight);
  }
  if (managed.instances.size() > 1) first->why += fmt::format("; all {} of it are up", managed.instances.size());
  return with_claims(std::move(*first), managed);
}

Sight judge_managed_stopped(const Service& service, const Managed& managed, const Look& seen) {
  for (const Instance& instance : managed.instances)
    if (instance.kind != Instance::Kind::kDown)
      return with_claims(Sight::does_not_hold(claimed(managed, instance)), managed);
  const Expected expected{.name = service.name, .family = family_of(managed, seen), .at = service.at};
  return with_claims(judge_stopped(seen, expected), managed);
}

Result<std::vector<Step>> ManagedDriver::offer(const driver::Offering& offering) const {
  const Service service = TRY(service_of(offering.subject, ""));
  // A deploy command may do as it likes; what we start ourselves must follow the code that is switched to.
  if (offering.kind == RunKind::kRollback || offering.kind == RunKind::kForward)
    for (const auto& [host, seen] : offering.seen)
      if (const std::string why = get_string(seen, "unusable"); !why.empty())
        return Error{Code::kRefused, fmt::format("{} on {}: {}", service.name, host, why), get_string(seen, "next")};
  return service_steps(offering, name(), service);
}

Result<Json> ManagedDriver::observe(const Json& subject, host::Host& host, std::stop_token stop) const {
  const Service service = TRY(service_of(subject, host.name().str()));
  const Managed managed = TRY(ask(subject, host, stop).with_context(service.name));
  const Look seen = TRY(look_at(service, managed, host, stop).with_context(service.name));
  const Instance* up = nullptr;
  bool starting = false;
  for (const Instance& instance : managed.instances) {
    if (instance.kind == Instance::Kind::kUp && up == nullptr) up = &instance;
    starting |= instance.starting;
  }
  Json facts = stable_facts(seen, expected_of(service, up == nullptr ? Instance{} : *up, managed, seen));
  facts["seen_at"] = seen.now;
  facts["running"] = up != nullptr || starting;  // what was coming up is up again when things are put back
  facts["instances"] = managed.instances.size();
  if (!managed.unusable.empty()) {
    facts["unusable"] = managed.unusable;
    facts["next"] = "see docs/services.md: " + std::string(name());
  }
  return facts;
}

Sight ManagedDriver::verify(const Action& action, host::Host& host, std::stop_token stop) const {
  const auto service = service_of(action.args, host.name().str());
  if (!service) return Sight::cannot_tell(service.error().message);
  const bool stopping = action.verb == "stop";
  if (!stopping && action.verb != "start" && action.verb != "serves")
    return Sight::cannot_tell(fmt::format("{}: nothing to look at for '{}'", name(), action.verb));
  if (action.verb == "start" && service->leave_down)
    return Sight::holds(service->name + " was found not running and is left so");
  const auto managed = ask(action.args, host, stop);
  if (!managed && managed.error().code == Code::kNotFound) return Sight::does_not_hold(managed.error().message);
  if (!managed) return Sight::cannot_tell(managed.error().message);
  const auto seen = look_at(*service, *managed, host, stop);
  if (!seen) return Sight::cannot_tell(seen.error().message);
  if (stopping) return judge_managed_stopped(*service, *managed, *seen);
  Sight sight = judge_managed_serving(*service, *managed, *seen);
  if (sight.kind != SightKind::kDoesNotHold) return sight;
  if (Json log = log_of(action.args, *managed, host, stop); !log.empty()) sight.evidence["log"] = std::move(log);
  return sight;
}

}  // namespace backout::drivers
