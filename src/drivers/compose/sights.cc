#include "drivers/compose/sights.h"

#include <algorithm>
#include <cstdlib>
#include <future>

#include "base/text.h"
#include "driver/final_sight.h"
#include "drivers/code/facts.h"
#include "drivers/code/saved_config.h"
#include "drivers/command/arguments.h"
#include "drivers/compose/given.h"
#include "drivers/compose/looks.h"

namespace backout::drivers::compose {
namespace {

/// The containers of a project as they are now.
struct Look {
  std::vector<Container> containers;
  std::map<std::string, std::string> tags;
  std::vector<std::pair<std::string, std::string>> before, instead;  // service and file: mounts.h
  std::vector<std::string> digests;
  WallTime now{};
};

Result<Look> looked(const Place& place, const char* whose, const std::vector<std::string>& held,
                    const std::vector<std::string>& refs, host::Host& host, std::stop_token stop) {
  std::vector<std::string> words = {place.path, place.project, place.env_file, place.tag, whose, join(held, "\n")};
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
  for (const std::string& line : facts.all("before"))  // with the container's id in front
    if (const size_t id = line.find(' '), space = line.find(' ', id + 1); space != std::string::npos)
      seen.before.emplace_back(line.substr(id + 1, space - id - 1), line.substr(space + 1));
  for (const std::string& line : facts.all("instead"))
    if (const size_t space = line.find(' '); space != std::string::npos)
      seen.instead.emplace_back(line.substr(0, space), line.substr(space + 1));
  seen.digests = facts.all("digests");
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

/// How Compose is asked about the files: a value for the variable of the tag, and what it is where none says.
struct Asking {
  std::string value, version;
  bool counts = false;    // how many containers the files ask for counts, too
  bool by_name = false;   // nobody has said which services the release has
  bool as_saved = false;  // what its containers were made from is known, and the files that say so were put back
};

Result<Given> given_by_files(const Place& place, const std::string& made_by, const Asking& asking, host::Host& host,
                             std::stop_token stop) {
  std::vector<std::string> words = {place.path,
                                    place.project,
                                    place.env_file,
                                    place.tag,
                                    made_by,
                                    asking.value,
                                    asking.version,
                                    asking.counts ? "yes" : "no",
                                    join(place.services, " ")};
  words.insert(words.end(), place.files.begin(), place.files.end());
  const Facts facts = TRY(drivers::look(host, observe_script(kLookAtGiven), std::move(words), "", std::move(stop)));
  Given given;
  given.by = facts.text("by");
  const auto each = [&](std::string_view key, const auto& take) {
    for (const std::string& line : facts.all(key)) {
      const std::vector<std::string> field = split(line, ' ');
      if (field.size() == 2) take(field[0], field[1]);
    }
  };
  each("hash", [&](const std::string& service, const std::string& hash) { given.hashes[service] = hash; });
  each("would", [&](const std::string& container, const std::string& what) {
    std::string& said = given.would[container];
    if (!said.starts_with("Recreat")) said = what;
  });
  each("wants", [&](const std::string& service, const std::string& count) {
    given.counts[service] = std::atoll(count.c_str());
  });
  return given;
}

/// They run as wanted; then, where nothing saved says it, Compose is asked whether they were made from its files.
Sight judged(const Place& place, const Look& seen, Wanted wanted, const Asking& asking, host::Host& host,
             std::stop_token stop) {
  wanted.tags = seen.tags;
  wanted.now = seen.now;
  const Fault fault = fault_of(seen.containers, wanted);
  Json evidence = evidence_of(seen.containers);
  if (!fault.why.empty()) {
    Sight sight = Sight::does_not_hold(fault.why, std::move(evidence));
    return fault.final ? driver::final_sight(std::move(sight)) : sight;
  }
  for (const auto& [service, file] : seen.instead)
    if (std::any_of(wanted.images.begin(), wanted.images.end(),
                    [&, name = service](const Image& each) { return each.service == name; }))
      return driver::final_sight(Sight::does_not_hold(
          fmt::format("{} goes on with another {} than the one on disk, which came after it was started", service,
                      file),
          std::move(evidence)));
  std::vector<std::string> open = unproven(seen.containers, wanted.images);
  if (asking.as_saved)
    if (const std::string other = made_from_something_else(seen.containers, wanted.images); !other.empty())
      return driver::final_sight(Sight::does_not_hold(
          other + " was made from another environment or compose file than when the release ran, though the saved "
                  "files are back: files that changed before the checkpoint or that were not saved (code.config), or a "
                  "variable of the shell",
          std::move(evidence)));
  if (open.empty() && !asking.counts) return Sight::holds(running_words(wanted.images), std::move(evidence));
  const std::string made_by = seen.containers.empty() ? "" : seen.containers.front().tool;
  const auto given = given_by_files(place, made_by, asking, host, std::move(stop));
  if (!given) return Sight::cannot_tell(one_line(given.error().message), std::move(evidence));
  if (asking.by_name)  // what a release before it left running is none of its services
    std::erase_if(open, [&](const std::string& each) {
      const bool named = std::find(place.services.begin(), place.services.end(), each) != place.services.end();
      return !named && !given->hashes.contains(each);
    });
  const Proof proof = proof_of(seen.containers, wanted.images, open, *given);
  if (proof.unknown) return Sight::cannot_tell(proof.why, std::move(evidence));
  if (!proof.why.empty()) return driver::final_sight(Sight::does_not_hold(proof.why, std::move(evidence)));
  return Sight::holds(running_words(wanted.images), std::move(evidence));
}

/// Somebody may have made them more or fewer since: then the files say how many there should be.
bool fewer_than_recorded(const std::vector<Container>& containers, std::vector<Image>& images) {
  bool fewer = false;
  for (Image& image : images) {
    const auto there = std::count_if(containers.begin(), containers.end(), [&](const Container& each) {
      return !each.oneoff && each.service == image.service && each.image == image.image;
    });
    fewer = fewer || there < image.count;
    image.count = 1;
  }
  return fewer;
}

/// Images by what runs now, of a release that nobody has saved: each must be what its name is here.
Result<std::vector<Image>> images_by_name(const std::vector<Container>& containers, const Place& place,
                                          const std::string& version, const std::vector<std::string>& must_run,
                                          const std::vector<std::string>& others) {
  const auto missing = [](std::string why) { return Error{Code::kNotFound, std::move(why), ""}; };
  std::vector<Image> images = images_of(containers, place.services);
  std::erase_if(images, [&](const Image& each) {
    return std::any_of(containers.begin(), containers.end(), [&](const Container& container) {
      return container.service == each.service &&
             std::find(others.begin(), others.end(),
                       container.name.substr(std::min<size_t>(1, container.name.size()))) != others.end();
    });
  });
  if (images.empty()) return missing("nothing of the project runs");
  for (const std::string& service : place.services)
    if (std::none_of(images.begin(), images.end(), [&](const Image& each) { return each.service == service; }))
      return missing(service + " does not run: it has no container");
  const bool tagged = std::any_of(images.begin(), images.end(),
                                  [&](const Image& each) { return name_of_ref(each.ref).tag == version; });
  if (!place.tag.empty() && !tagged)
    return missing(
        fmt::format("no service runs an image with the tag {}; {} runs {}", version, images[0].service, images[0].ref));
  for (Image& image : images) {
    image.image.clear();
    image.config.clear();
    const bool ran = std::find(must_run.begin(), must_run.end(), image.service) != must_run.end();
    image.fate = ran ? "runs" : "";
  }
  return images;
}

}  // namespace

Sight sight_of_up(const Up& up, host::Host& host, std::stop_token stop) {
  // Beside the look at the containers: users may be outside meanwhile.
  std::future<Sight> files;
  if (!up.set.empty())
    files = std::async(std::launch::async, [&] {
      return config_sight({kName, kRestoreConfig, {{"path", up.place.path}, {"set", up.set}}}, host, stop);
    });
  std::vector<std::string> refs;
  std::map<std::string, std::string> unseen = up.tags;  // of the others the containers themselves tell
  for (const Image& image : up.images) {
    if (!image.image.empty())
      unseen.erase(image.ref);
    else
      refs.push_back(image.ref);
  }
  for (const auto& [ref, id] : unseen) refs.push_back(ref);
  const auto seen = looked(up.place, "these", up.held, refs, host, stop);
  if (const Sight put_back = files.valid() ? files.get() : Sight::holds(""); put_back.kind != SightKind::kHolds)
    return put_back;
  if (!seen) return Sight::cannot_tell(one_line(seen.error().message));
  for (const auto& [service, file] : seen->before)
    if (std::find(up.again.begin(), up.again.end(), service) != up.again.end())
      return Sight::does_not_hold(fmt::format("{} was started before {} was put back", service, file));
  for (const auto& [ref, id] : unseen) {
    const auto here = seen->tags.find(ref);
    const std::string is = here == seen->tags.end() ? "no image" : short_id(here->second);
    if (is != short_id(id)) return Sight::does_not_hold(fmt::format("{} is {} here and not {}", ref, is, short_id(id)));
  }
  Sight sight = judged(up.place, *seen, {.images = up.images, .gone = up.gone, .steady = up.place.steady},
                       {up.value, ""}, host, std::move(stop));
  for (const Container& each : seen->containers)  // of `run`: an import, a shell. They write with the code they have
    if (each.oneoff && each.running() &&
        std::none_of(up.images.begin(), up.images.end(), [&](const Image& image) { return image.image == each.image; }))
      sight.evidence["left_behind"].push_back(fmt::format("{}, which somebody started by `run`, goes on with {}",
                                                          each.name.substr(each.name.find_first_not_of('/')),
                                                          each.ref));
  return sight;
}

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
  const auto must_run = words_argument(args, "must_run");
  if (!must_run) return Sight::cannot_tell(must_run.error().message);
  std::vector<std::string> refs;
  for (const Image& image : images)
    if (image.image.empty()) refs.push_back(image.ref);
  const auto held = path_list_argument(args, "config");
  if (!held) return Sight::cannot_tell(held.error().message);
  const auto seen = looked(*place, images.empty() ? "all" : "these", *held, refs, host, stop);
  if (!seen) return Sight::cannot_tell(one_line(seen.error().message));
  const std::string version = get_string(args, "version");
  bool counts = get_bool(args, "counts");
  if (!images.empty() && counts) counts = fewer_than_recorded(seen->containers, images);
  const bool by_name = images.empty();
  std::vector<std::string> others;  // containers that are no part of a release
  for (const Json& each : get(args, "others"))
    if (each.is_string()) others.push_back(each.get<std::string>());
  if (by_name) {
    auto named = images_by_name(seen->containers, *place, version, *must_run, others);
    if (!named) return Sight::does_not_hold(named.error().message, evidence_of(seen->containers));
    images = std::move(*named);
  }
  Sight sight =
      judged(*place, *seen, {.images = images, .gone = *gone, .steady = place->steady},
             {get_string(args, "value"), version, counts, by_name, get_bool(args, "as_saved")}, host, std::move(stop));
  if (sight.kind != SightKind::kHolds) return sight;
  std::vector<Image> now = images_of(seen->containers, place->services);
  for (Image& image : now)
    for (const Image& known : images)
      if (known.image == image.image && !image.image.empty()) image.digest = known.digest;
  note_digests(now, seen->digests);
  Json part = {{"images", to_json(now)}};  // as a checkpoint would note it
  sight.evidence["on_hosts"][host.name().str()] = std::move(part);
  return sight;
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

/// Why what runs was not made from the files as they are; empty: it was, or nobody can tell.
static std::string made_from_other_files(const Pin& pin, host::Host& host, const std::stop_token& stop) {
  if (!pin.place.is_object()) return "";
  auto place = place_from(pin.place);
  if (!place) return "";
  place->project = pin.project;
  if (place->files.empty()) place->files = pin.files;
  const auto seen = looked(*place, "these", {}, {}, host, stop);
  if (!seen || seen->containers.empty()) return "";
  const auto given = given_by_files(*place, seen->containers.front().tool, {pin.tag, pin.version}, host, stop);
  if (!given) return "";
  std::vector<std::string> services;
  for (const Image& image : pin.images)
    if (given->hashes.contains(image.service)) services.push_back(image.service);
  const Proof proof = proof_of(seen->containers, pin.images, services, *given);
  return proof.unknown ? "" : proof.why;
}

Sight sight_of_pins(const Pin& pin, host::Host& host, std::stop_token stop) {
  const auto facts = look(host, docker_script(kLookAtPins), {pin.project, pin.version}, "", stop);
  if (!facts) return Sight::cannot_tell(one_line(facts.error().message));
  const std::vector<std::string>& pinned = facts->all("pinned");
  for (const Image& image : pin.images)
    if (!image.image.empty() && std::find(pinned.begin(), pinned.end(), image.image) == pinned.end())
      return Sight::does_not_hold(fmt::format("nothing protects {} of {}", short_id(image.image), image.service));
  Json part = {{"images", to_json(pin.images)}};
  if (!pin.tag.empty()) part["tag"] = pin.tag;
  if (!pin.files.empty()) part["files"] = pin.files;
  Json evidence = {{"on_hosts", {{host.name().str(), std::move(part)}}}};
  if (const std::string other = made_from_other_files(pin, host, stop); !other.empty())
    evidence["left_behind"] = {
        fmt::format("the files that the checkpoint has are not those that {} runs with: {}. They were changed before "
                    "the deploy: change them in its command, or a way back ends unverified",
                    pin.version, other)};
  return Sight::holds(counted(static_cast<int64_t>(pin.images.size()), "image") + " of " + pin.version + " protected",
                      std::move(evidence));
}

Sight sight_of_images(const std::vector<Image>& images, host::Host& host, std::stop_token stop) {
  const auto facts = look(host, docker_script(kLookAtImages), {lines_of(images)}, "", std::move(stop));
  if (!facts) return Sight::cannot_tell(one_line(facts.error().message));
  if (facts->has("missing")) return Sight::does_not_hold("the image of " + facts->text("missing") + " is not here");
  return Sight::holds(counted(static_cast<int64_t>(images.size()), "image") + " here");
}

}  // namespace backout::drivers::compose
