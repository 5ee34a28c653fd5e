#include "drivers/compose/compose.h"

#include <set>

#include "base/text.h"
#include "driver/final_sight.h"
#include "drivers/code/facts.h"
#include "drivers/code/saved_config.h"
#include "drivers/code/version.h"
#include "drivers/command/arguments.h"
#include "drivers/compose/arguments.h"
#include "drivers/compose/offer.h"
#include "drivers/compose/project.h"
#include "drivers/compose/ready.h"
#include "drivers/compose/scripts.h"

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

struct Pin {
  std::string project, version, tag;
  int64_t keep = 5;
  std::vector<Image> images;
  std::vector<std::string> spared;
};

Result<Pin> pin_from(const Json& args) {
  Pin pin;
  pin.project = TRY(text_argument(args, "project"));
  TRY(words_argument({{"project", Json::array({pin.project})}}, "project"));
  pin.version = TRY(version_argument(args, "version"));
  pin.tag = get_string(args, "tag");
  pin.keep = get_int(args, "keep", 5);
  if (pin.keep < 1) return Error{Code::kInvalid, "'keep' is less than one", ""};
  pin.images = TRY(images_argument(args, "images"));
  if (pin.images.empty()) return Error{Code::kInvalid, "'images' is empty", ""};
  for (const Json& each : get(args, "spared")) {
    if (!each.is_string()) return Error{Code::kInvalid, "'spared' is no list of versions", ""};
    TRY_VOID(check_version(each.get<std::string>()));
    pin.spared.push_back(each.get<std::string>());
  }
  return pin;
}

struct Stop {
  std::string project;
  std::vector<std::string> services;
};

Result<Stop> stop_from(const Json& args) {
  Stop what;
  what.project = TRY(text_argument(args, "project"));
  TRY(words_argument({{"project", Json::array({what.project})}}, "project"));
  what.services = TRY(words_argument(args, "services"));
  if (what.services.empty()) return Error{Code::kInvalid, "'services' is empty", ""};
  return what;
}

Sight sight_of_stopped(const Stop& what, host::Host& host, std::stop_token stop) {
  const auto facts = look(host, docker_script("project=$1\nids=$(of_project)\ninspected $ids\necho end\n"),
                          {what.project}, "", std::move(stop));
  if (!facts) return Sight::cannot_tell(one_line(facts.error().message));
  const auto containers = containers_from(facts->all("container"));
  if (!containers) return Sight::cannot_tell(containers.error().message);
  for (const Container& container : *containers) {
    const bool own = std::find(what.services.begin(), what.services.end(), container.service) != what.services.end();
    const bool down = container.state == "exited" || container.state == "created" || container.state == "dead";
    if (own && !container.oneoff && !down) return Sight::does_not_hold(container.service + " is " + container.state);
  }
  return Sight::holds(join(what.services, ", ") + " stopped");
}

Result<std::vector<Image>> fetched_from(const Json& args) {
  std::vector<Image> images = TRY(images_argument(args, "images"));
  if (images.empty()) return Error{Code::kInvalid, "'images' is empty", ""};
  return images;
}

Sight sight_of_pins(const Pin& pin, host::Host& host, std::stop_token stop) {
  const auto facts = look(host, docker_script(kLookAtPins), {pin.project, pin.version}, "", std::move(stop));
  if (!facts) return Sight::cannot_tell(one_line(facts.error().message));
  const std::vector<std::string>& pinned = facts->all("pinned");
  for (const Image& image : pin.images)
    if (!image.image.empty() && std::find(pinned.begin(), pinned.end(), image.image) == pinned.end())
      return Sight::does_not_hold(fmt::format("nothing protects {} of {}", short_id(image.image), image.service));
  Json part = {{"images", to_json(pin.images)}};
  if (!pin.tag.empty()) part["tag"] = pin.tag;
  return Sight::holds(counted(static_cast<int64_t>(pin.images.size()), "image") + " of " + pin.version + " protected",
                      {{"on_hosts", {{host.name().str(), std::move(part)}}}});
}

Sight sight_of_images(const std::vector<Image>& images, host::Host& host, std::stop_token stop) {
  const auto facts = look(host, docker_script(kLookAtImages), {lines_of(images)}, "", std::move(stop));
  if (!facts) return Sight::cannot_tell(one_line(facts.error().message));
  if (facts->has("missing")) return Sight::does_not_hold("the image of " + facts->text("missing") + " is not here");
  return Sight::holds(counted(static_cast<int64_t>(images.size()), "image") + " here");
}

/// The containers of a project as they are now.
struct Look {
  std::vector<Container> containers;
  std::map<std::string, std::string> tags;
  WallTime now{};
};

Result<Look> looked(const Place& place, const char* whose, const std::vector<std::string>& refs, host::Host& host,
                    std::stop_token stop) {
  std::vector<std::string> words = {place.path, place.project, place.env_file, place.tag, whose};
  words.insert(words.end(), refs.begin(), refs.end());
  const Facts facts =
      TRY(drivers::look(host, observe_script(kLookAtContainers), std::move(words), "", std::move(stop)));
  if (facts.text("path") == "none") return Error{Code::kNotFound, place.path + " does not exist", ""};
  if (facts.has("projects"))
    return Error{Code::kConflict, "several projects run from " + place.path + ": " + facts.text("projects"),
                 "say which: code.compose.project"};
  Look seen;
  seen.containers = TRY(containers_from(facts.all("container")));
  for (const std::string& line : facts.all("named")) {
    const std::vector<std::string> field = split(line, ' ');
    if (field.size() == 2) seen.tags[field[0]] = field[1];
  }
  seen.now = wall_from_millis(facts.number("now"));
  return seen;
}

Json evidence_of(const std::vector<Container>& containers) {
  Json list = Json::array();
  for (const Container& container : containers)
    if (!container.oneoff) list.push_back(to_json(container));
  return {{"containers", std::move(list)}};
}

std::string running_words(const std::vector<Image>& images) {
  return images.size() == 1 ? images[0].service + " runs what it should"
                            : counted(static_cast<int64_t>(images.size()), "service") + " run what they should";
}

Sight judged(const Look& seen, Wanted wanted, const std::string& words) {
  wanted.tags = seen.tags;
  wanted.now = seen.now;
  const Fault fault = fault_of(seen.containers, wanted);
  Json evidence = evidence_of(seen.containers);
  if (fault.why.empty()) return Sight::holds(words, std::move(evidence));
  Sight sight = Sight::does_not_hold(fault.why, std::move(evidence));
  return fault.final ? driver::final_sight(std::move(sight)) : sight;
}

Sight sight_of_up(const Up& up, host::Host& host, std::stop_token stop) {
  if (!up.set.empty()) {
    const Sight files = config_sight({kName, kRestoreConfig, {{"path", up.place.path}, {"set", up.set}}}, host, stop);
    if (files.kind != SightKind::kHolds) return files;
  }
  std::vector<std::string> refs;
  std::map<std::string, std::string> unseen = up.tags;  // of the others the containers themselves tell
  for (const Image& image : up.images) {
    if (!image.image.empty())
      unseen.erase(image.ref);
    else
      refs.push_back(image.ref);
  }
  for (const auto& [ref, id] : unseen) refs.push_back(ref);
  const auto seen = looked(up.place, "these", refs, host, std::move(stop));
  if (!seen) return Sight::cannot_tell(one_line(seen.error().message));
  for (const auto& [ref, id] : unseen) {
    const auto here = seen->tags.find(ref);
    const std::string is = here == seen->tags.end() ? "no image" : short_id(here->second);
    if (is != short_id(id)) return Sight::does_not_hold(fmt::format("{} is {} here and not {}", ref, is, short_id(id)));
  }
  return judged(*seen, {.images = up.images, .gone = up.gone, .steady = up.place.steady}, running_words(up.images));
}

/// Where no images are known, each container must run what its name is here, and the release's tag must be among them.
Sight sight_of_running(const Json& args, host::Host& host, std::stop_token stop) {
  const auto place = place_from(args);
  if (!place) return Sight::cannot_tell(place.error().message);
  std::vector<Image> images;
  if (!get(args, "images").is_null()) {
    auto given = fetched_from(args);
    if (!given) return Sight::cannot_tell(given.error().message);
    images = std::move(*given);
  }
  const auto gone = words_argument(args, "gone");
  if (!gone) return Sight::cannot_tell(gone.error().message);
  std::vector<std::string> refs;
  for (const Image& image : images)
    if (image.image.empty()) refs.push_back(image.ref);
  const auto seen = looked(*place, images.empty() ? "all" : "these", refs, host, std::move(stop));
  if (!seen) return Sight::cannot_tell(one_line(seen.error().message));
  const std::string version = get_string(args, "version");
  if (images.empty()) {
    images = images_of(seen->containers, place->services);
    if (images.empty()) return Sight::does_not_hold("nothing of the project runs");
    for (const std::string& service : place->services)
      if (std::none_of(images.begin(), images.end(), [&](const Image& each) { return each.service == service; }))
        return Sight::does_not_hold(service + " does not run: it has no container");
    for (Image& image : images) image.image.clear();
    const bool tagged = std::any_of(images.begin(), images.end(),
                                    [&](const Image& image) { return name_of_ref(image.ref).tag == version; });
    if (!place->tag.empty() && !tagged)
      return Sight::does_not_hold(fmt::format("no service runs an image with the tag {}; {} runs {}", version,
                                              images[0].service, images[0].ref),
                                  evidence_of(seen->containers));
  }
  return judged(*seen, {.images = images, .gone = *gone, .steady = place->steady}, running_words(images));
}

/// "web app:v2 199aa71e1021, worker ...": what a plan holds on to.
std::string current_of(const std::vector<Image>& images) {
  std::vector<std::string> words;
  for (const Image& image : images)
    words.push_back(fmt::format("{} {} {}", image.service, image.ref, short_id(image.image)));
  return join(words, ", ");
}

Result<Json> observed(const Json& subject, host::Host& host, std::stop_token stop) {
  const Place place = TRY(place_from(subject));
  std::vector<std::string> words = {place.path, place.project, place.env_file, place.tag};
  words.insert(words.end(), place.files.begin(), place.files.end());
  const Facts facts = TRY(look(host, observe_script(kObserve), std::move(words), "", std::move(stop)));
  if (facts.text("path") == "none")
    return Error{Code::kNotFound, place.path + " does not exist on " + host.name().str(), "mend code.path"};
  if (facts.has("projects"))
    return Error{Code::kConflict, "several projects run from " + place.path + ": " + facts.text("projects"),
                 "say which: code.compose.project"};
  if (facts.has("elsewhere") && place.files.empty())
    return Error{Code::kConflict, "COMPOSE_FILE names the compose files", "name them in code.compose.files, too"};
  std::vector<std::string> files = facts.all("file");
  const auto main_files = std::count_if(
      files.begin(), files.end(), [](const std::string& file) { return file.find(".override.") == std::string::npos; });
  if (place.files.empty() && main_files > 1)
    return Error{Code::kConflict, "there are several compose files in " + place.path, "say which: code.compose.files"};
  if (files.empty() || (!place.files.empty() && files.size() < place.files.size()))
    return Error{Code::kNotFound, "there is no compose file in " + place.path + " on " + host.name().str(),
                 "mend code.path or code.compose.files"};
  const std::vector<Container> containers = TRY(containers_from(facts.all("container")));
  std::map<std::string, std::string> digests;
  for (const std::string& line : facts.all("digests")) {
    const std::vector<std::string> field = split(line, ' ');
    if (field.size() > 1) digests[field[0]] = field[1];
  }
  std::vector<Image> images = images_of(containers, place.services);
  for (Image& image : images)
    if (const auto digest = digests.find(image.image); digest != digests.end()) image.digest = digest->second;
  // Which versions the release's own images are here in: a database beside it has tags, too.
  const std::string tag = facts.text("tag");
  std::set<std::string> own;
  for (const Image& image : images)
    if (const Name name = name_of_ref(image.ref); !name.repository.empty() && (tag.empty() || name.tag == tag))
      own.insert(name.repository);
  Json tags = Json::object(), present = Json::array(), versions = Json::array();
  for (const std::string& line : facts.all("image")) {
    const std::vector<std::string> field = split(line, ' ');
    if (field.size() != 2) continue;
    if (present.empty() || present.back() != field[0]) present.push_back(field[0]);
    if (field[1].find("<none>") != std::string::npos) continue;
    tags[field[1]] = field[0];
    const Name name = name_of_ref(field[1]);
    if (!place.tag.empty() && own.contains(name.repository) && is_version(name.tag)) versions.push_back(name.tag);
  }
  for (const Container& container : containers) present.push_back(container.image);
  const std::string made_by = containers.empty() ? "" : containers.front().tool;
  return Json{{"project", facts.text("project")},
              {"tool", tool_for(facts.has("standalone"), facts.has("plugin"), made_by)},
              {"files", files},
              {"tag", tag},
              {"versions", std::move(versions)},
              {"current", current_of(images)},
              {"images", to_json(images)},
              {"tags", std::move(tags)},
              {"present", std::move(present)}};
}

}  // namespace
}  // namespace compose

namespace {

using namespace compose;

class ComposeDriver : public driver::Driver {
 public:
  std::string_view name() const override { return kName; }

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
      std::vector<std::string> words = {
          up.place.path,     up.tool, up.place.project,   up.place.env_file, up.place.tag,
          up.value,          up.set,  join(counts, "\n"), join(tags, "\n"),  join(up.place.services, " "),
          join(up.gone, " ")};
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
      return images ? sight_of_images(*images, host, std::move(stop)) : Sight::cannot_tell(images.error().message);
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
