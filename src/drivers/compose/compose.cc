#include "drivers/compose/compose.h"

#include "base/text.h"
#include "drivers/code/saved_config.h"
#include "drivers/command/arguments.h"
#include "drivers/compose/arguments.h"
#include "drivers/compose/offer.h"
#include "drivers/compose/ready.h"
#include "drivers/compose/scripts.h"
#include "drivers/compose/sights.h"

namespace backout::drivers {
namespace compose {
namespace {

/// What the action says for this host.
Result<Json> args_on(const Action& action, const host::Host& host) {
  Json args = action.args;
  if (!args.is_object()) return Error{Code::kInvalid, "the arguments are no object", ""};
  const Json on = get(args, "on");
  args.erase("on");
  if (on.is_null()) return args;
  const Json& own = get(on, host.name().str());
  if (!own.is_object()) return Error{Code::kInvalid, "'on' does not name " + host.name().str(), ""};
  args.update(own);
  return args;
}

}  // namespace
}  // namespace compose

namespace {

using namespace compose;

class ComposeDriver : public driver::Driver {
 public:
  std::string_view name() const override { return kName; }
  std::string_view release_evidence() const override { return "on_hosts"; }

  std::vector<driver::Verb> capabilities() const override {
    std::vector<driver::Verb> verbs = {{"pin", StepKind::kEffect, true, true},
                                       {"fetch", StepKind::kEffect, true, true},
                                       {"up", StepKind::kEffect, true, true},
                                       {"stop", StepKind::kEffect, true, true},
                                       {"runs", StepKind::kLook, true, true}};
    for (driver::Verb& verb : config_verbs()) verbs.push_back(std::move(verb));
    return verbs;
  }

  Result<std::vector<Step>> offer(const driver::Offering& offering) const override { return compose::offer(offering); }

  Result<Json> observe(const Json& subject, host::Host& host, std::stop_token stop) const override {
    return observed(subject, host, std::move(stop));
  }

  Result<host::Command> command(const Action& action, const host::Host& host) const override {
    if (action.verb == kSaveConfig || action.verb == kRestoreConfig) return config_command(action, host);
    const Json args = TRY(args_on(action, host));
    if (action.verb == "pin") {
      const Pin pin = TRY(pin_from(args));
      std::vector<std::string> words = {pin.project, pin.version, std::to_string(pin.keep), lines_of(pin.images)};
      words.insert(words.end(), pin.spared.begin(), pin.spared.end());
      return host::shell(docker_script(kPin), std::move(words));
    }
    if (action.verb == "fetch") {
      host::Command made = host::shell(docker_script(kFetch), {lines_of(TRY(fetched_from(args)))});
      made.timeout = Millis(1'800'000);
      return made;
    }
    if (action.verb == "up") {
      const Up up = TRY(up_from(args));
      std::vector<std::string> counts, tags;
      for (const Image& image : up.images) counts.push_back(fmt::format("{} {}", image.service, image.count));
      for (const auto& [ref, id] : up.tags) tags.push_back(id + " " + ref);
      std::vector<std::string> words = {up.place.path,
                                        up.tool,
                                        up.place.project,
                                        up.place.env_file,
                                        up.place.tag,
                                        up.value,
                                        up.set,
                                        join(counts, "\n"),
                                        join(tags, "\n"),
                                        join(up.place.services, " "),
                                        join(up.gone, " "),
                                        join(up.held, "\n"),
                                        join(up.again, " ")};
      words.insert(words.end(), up.place.files.begin(), up.place.files.end());
      host::Command made = host::shell(up_script(), std::move(words));
      made.timeout = Millis(300'000);
      return made;
    }
    if (action.verb == "stop") {
      const Stop what = TRY(stop_from(args));
      std::vector<std::string> words = {what.project};
      words.insert(words.end(), what.services.begin(), what.services.end());
      host::Command made = host::shell(docker_script(kStop), std::move(words));
      made.timeout = Millis(120'000);
      return made;
    }
    return no_such_verb(action, *this);
  }

  driver::Readiness ready(const driver::Offering& offering, host::Host& host, driver::Depth depth,
                          std::stop_token stop) const override {
    return readiness(offering, host, depth, std::move(stop));
  }

  Sight verify(const Action& action, host::Host& host, std::stop_token stop) const override {
    if (action.verb == kSaveConfig || action.verb == kRestoreConfig) return config_sight(action, host, std::move(stop));
    const auto args = args_on(action, host);
    if (!args) return Sight::cannot_tell(args.error().message);
    if (action.verb == "pin") {
      const auto pin = pin_from(*args);
      return pin ? sight_of_pins(*pin, host, std::move(stop)) : Sight::cannot_tell(pin.error().message);
    }
    if (action.verb == "fetch") {
      const auto images = fetched_from(*args);
      if (!images) return Sight::cannot_tell(images.error().message);
      if (const std::string set = get_string(*args, "set"); !set.empty())
        if (Sight saved = saved_config_sight(set, host, stop); saved.kind != SightKind::kHolds) return saved;
      return sight_of_images(*images, host, std::move(stop));
    }
    if (action.verb == "up") {
      const auto up = up_from(*args);
      return up ? sight_of_up(*up, host, std::move(stop)) : Sight::cannot_tell(up.error().message);
    }
    if (action.verb == "stop") {
      const auto what = stop_from(*args);
      return what ? sight_of_stopped(*what, host, std::move(stop)) : Sight::cannot_tell(what.error().message);
    }
    if (action.verb == "runs") return sight_of_running(*args, host, std::move(stop));
    return Sight::cannot_tell(no_such_verb(action, *this).message);
  }
};

}  // namespace

std::unique_ptr<driver::Driver> make_compose_driver() { return std::make_unique<ComposeDriver>(); }

}  // namespace backout::drivers
