#include "drivers/compose/offer.h"

#include <algorithm>

#include "base/text.h"
#include "drivers/code/saved_config.h"
#include "drivers/code/version.h"
#include "drivers/command/arguments.h"
#include "drivers/compose/arguments.h"
#include "drivers/compose/seen.h"

namespace backout::drivers::compose {
namespace {

Step step(std::string id, const char* verb, StepKind kind, Phase phase, std::string title,
          const driver::Offering& offering, Json args) {
  Step made;
  made.id = StepId(std::move(id));
  made.phase = phase;
  made.kind = kind;
  made.title = std::move(title);
  made.hosts = offering.hosts;
  made.action = {kName, verb, std::move(args)};
  made.repeatable = made.has_probe = true;
  return made;
}

/// For `startup` or longer: a look takes 25 ms at the very least, for it starts docker twice.
Patience patience(const driver::Offering& offering) {
  const Millis startup(get_int(offering.subject, "startup_ms", 60'000)), every(75), look(25);
  return {static_cast<int>(startup / (every + look)) + 1, every};
}

/// What every host has its own of: {"on": {host: args}}.
Json by_host(const std::map<std::string, Json>& args) { return {{"on", args}}; }

/// Each host saves its own.
Result<std::vector<Step>> saving_files(const driver::Offering& offering) {
  Json on = Json::object();
  std::vector<Step> steps;
  for (const std::string& host : offering.hosts) {
    const driver::Offering with = with_files(offering, TRY(seen_on(offering, host)));
    if (on.empty()) steps = TRY(config_steps_for_checkpoint(kName, with));
    on[host] = with.subject["config"];
  }
  if (offering.hosts.size() > 1)
    for (Step& each : steps) each.action.args["files_on"] = on;
  return steps;
}

Json spared(const driver::Offering& offering) {
  Json list = Json::array();
  for (const Version& version : {offering.to, offering.from})
    if (is_version(version.str())) list.push_back(version.str());
  for (const Json& good : get(offering.subject, "keep_versions"))
    if (good.is_string() && is_version(good.get<std::string>())) list.push_back(good);
  return list;
}

Result<Step> pinning(const driver::Offering& offering) {
  std::map<std::string, Json> on;
  int64_t images = 0;
  for (const std::string& host : offering.hosts) {
    const Seen seen = TRY(seen_on(offering, host));
    on[host] = {{"project", seen.project}, {"images", to_json(seen.running)}, {"tag", seen.tag}, {"files", seen.files}};
    images += static_cast<int64_t>(seen.running.size());
  }
  Json args = by_host(on);
  args["version"] = offering.from.str();
  args["keep"] = std::max<int64_t>(get_int(offering.subject, "keep", 5), 1);
  args["spared"] = spared(offering);
  return step("pin-code", "pin", StepKind::kEffect, Phase::kPrepare,
              fmt::format("protect {} of {} from being pruned", counted(images, "image"), offering.from.str()),
              offering, std::move(args));
}

bool runs_something(const driver::Offering& offering) {
  return std::all_of(offering.hosts.begin(), offering.hosts.end(), [&](const std::string& host) {
    const auto seen = offering.seen.find(host);
    return seen != offering.seen.end() && !get(seen->second, "images").empty();
  });
}

/// What runs on a host where it is provably not the release: by the tag of each image. Empty: it may be.
std::string other_release(const driver::Offering& offering) {
  if (get_string(offering.subject, "tag").empty()) return "";
  for (const std::string& host : offering.hosts) {
    const auto seen = seen_on(offering, host);
    if (!seen) continue;
    std::vector<std::string> tags;
    for (const Image& image : seen->running) tags.push_back(name_of_ref(image.ref).tag);
    const bool told = std::any_of(tags.begin(), tags.end(), [](const std::string& tag) { return !tag.empty(); });
    if (told && std::find(tags.begin(), tags.end(), offering.from.str()) == tags.end())
      return fmt::format("no container on {} runs {}: {} runs {}", host, offering.from.str(), seen->running[0].service,
                         seen->running[0].ref);
  }
  return "";
}

Result<std::vector<Step>> for_checkpoint(const driver::Offering& offering) {
  std::vector<Step> steps;
  if (offering.seen.empty() || offering.from.empty()) return steps;
  TRY_VOID(check_version(offering.from.str()));
  if (const std::string other = other_release(offering); !other.empty()) {
    // A deploy goes on, for it may be what mends that; nothing is saved under the name of a release that is not there.
    if (offering.kind == RunKind::kDeploy) return steps;
    return Error{Code::kConflict, other, "say what runs: backout record VERSION"};
  }
  steps = TRY(saving_files(offering));
  if (!runs_something(offering)) return steps;
  steps.push_back(TRY(pinning(offering)));
  steps.back().action.args["place"] = place_of_subject(offering.subject);
  return steps;
}

/// The images that `to` ran: those saved; else those now running of the version that is left, at the tag of `to`.
Result<std::vector<Image>> target_images(const driver::Offering& offering, const Seen& seen) {
  const Json& saved = get(get(offering.saved, "on_hosts"), seen.host);
  const std::string to = offering.to.str();
  if (!saved.is_null()) {
    std::vector<Image> images = TRY(images_argument(saved, "images"));
    std::erase_if(images, [&](const Image& each) {
      return std::find(seen.others.begin(), seen.others.end(), each.service) != seen.others.end();
    });
    for (Image& image : images)
      if (image.fate == "down") image.fate.clear();  // it shall serve
    return images;
  }
  if (get_string(offering.subject, "tag").empty())
    return Error{Code::kNotFound, "no checkpoint was taken while " + to + " ran, so its images are not known",
                 "choose a release that has one, or name the variable that carries the tag: code.compose.tag"};
  std::vector<Image> images;
  bool any = false;
  for (Image image : seen.running) {
    const Name name = name_of_ref(image.ref);
    if (name.tag == offering.from.str() && !name.tag.empty()) {
      image.ref = name.repository + ":" + to;
      const auto here = seen.tags.find(image.ref);
      image.image = here == seen.tags.end() ? "" : here->second;
      image.digest.clear();
      any = true;
    }
    image.config.clear();  // what it was made from as `to`, the files say
    if (image.fate == "down") image.fate.clear();
    images.push_back(std::move(image));
  }
  if (any) return images;
  return Error{Code::kNotFound,
               fmt::format("nothing on {} runs an image with the tag {}", seen.host, offering.from.str()),
               "go back to a release with a checkpoint: backout releases"};
}

/// What names of images shall mean, as a list of images without services of their own.
Json tags_for(const std::vector<Image>& images, const std::map<std::string, std::string>& now) {
  std::map<std::string, std::string> tags;
  for (const Image& image : images) {
    if (name_of_ref(image.ref).repository.empty()) continue;
    const auto here = now.find(image.ref);
    const std::string id = image.image;
    if (!id.empty())
      tags[image.ref] = id;
    else if (here != now.end())
      tags[image.ref] = here->second;
  }
  std::vector<Image> list;
  for (const auto& [ref, id] : tags) list.push_back({"tag", id, ref, "", 1});
  return to_json(list);
}

std::vector<std::string> services_of(const std::vector<Image>& images) {
  std::vector<std::string> services;
  for (const Image& image : images) services.push_back(image.service);
  return services;
}

std::vector<std::string> services_beyond(const std::vector<Image>& now, const std::vector<Image>& then) {
  std::vector<std::string> beyond;
  for (const Image& image : now)
    if (std::none_of(then.begin(), then.end(), [&](const Image& each) { return each.service == image.service; }))
      beyond.push_back(image.service);
  return beyond;
}

std::string described(const std::vector<Image>& images) {
  std::vector<std::string> words;
  for (const Image& image : images) {
    const std::string word = image.image.empty() ? image.ref : fmt::format("{} ({})", image.ref, short_id(image.image));
    if (std::find(words.begin(), words.end(), word) == words.end()) words.push_back(word);
  }
  return shortened(join(words, ", "), 120);
}

/// What one host is told: to the target, and back to how it was found.
struct Ways {
  Json fetch, up, undo, runs, stop, stop_again;
  bool missing = false;
};

Result<Ways> ways_on(const driver::Offering& offering, const Seen& seen) {
  const std::string to = offering.to.str();
  const std::vector<Image> target = TRY(target_images(offering, seen));
  if (target.empty())
    return Error{Code::kNotFound, "nothing of " + seen.project + " ran on " + seen.host + " as " + to,
                 "choose another release: backout releases"};
  Ways ways;
  std::vector<Image> missing;
  for (const Image& image : target) {
    const bool here = image.image.empty() ? seen.tags.count(image.ref) != 0 : seen.has(image.image);
    if (here) continue;
    if (!image.image.empty() && image.digest.empty() && !get(offering.saved, "on_hosts").is_null())
      return Error{Code::kNotFound,
                   fmt::format("{} of {}, which ran as {}, is gone on {}, and it came from no registry",
                               short_id(image.image), image.ref, image.service, seen.host),
                   "bring it back (docker load), or choose another release: backout releases"};
    missing.push_back(image);
  }
  ways.missing = !missing.empty();
  ways.fetch = {{"images", to_json(target)}};
  const auto without_databases = [&](std::vector<std::string> services) {
    std::erase_if(services, [&](const std::string& each) {
      return std::find(seen.databases.begin(), seen.databases.end(), each) != seen.databases.end();
    });
    return services;
  };
  Json place = place_of_subject(offering.subject);
  place["project"] = seen.project;
  place["files"] = seen.files;
  place["tool"] = seen.tool;
  ways.up = ways.undo = place;
  const bool all = get(offering.subject, "services").empty();
  std::vector<Image> wanted = target;
  for (Image& image : wanted)  // as many containers as there were then, and as many as there are now
    for (const Image& now : seen.running)
      if (now.service == image.service) image.count = std::max(image.count, now.count);
  if (!seen.others.empty() && all) {  // or `up` would wake them
    ways.up["services"] = services_of(target);
    ways.undo["services"] = services_of(seen.running);
  }
  const Json& saved = get(get(offering.saved, "on_hosts"), seen.host);
  if (!get(saved, "files").empty()) ways.up["files"] = get(saved, "files");
  ways.up["images"] = to_json(wanted);
  const std::string tag = get_string(saved, "tag");
  ways.up["value"] = !place.contains("tag") ? "" : is_version(tag) ? tag : to;
  ways.up["tags"] = tags_for(target, {});
  const Json& files_then = get(get(offering.saved, "config"), "files");
  const Json& files_on = get(get(get(offering.saved, "config"), "on"), seen.host);
  const Json now = with_files(offering, seen).subject["config"];
  ways.up["held"] = files_on.is_array() ? files_on : files_then.is_array() ? files_then : now;
  ways.undo["held"] = ways.up["held"];
  ways.up["again"] = without_databases(services_of(target));
  ways.undo["again"] = without_databases(services_of(seen.running));
  ways.up["gone"] = all ? services_beyond(seen.running, target) : std::vector<std::string>();
  std::vector<Image> touched = target;  // names that are given another meaning get back the one that they had
  for (Image& image : touched) image.image = seen.tags.count(image.ref) != 0 ? seen.tags.at(image.ref) : "";
  touched.insert(touched.end(), seen.running.begin(), seen.running.end());
  ways.undo["images"] = to_json(seen.running);
  ways.undo["value"] = place.contains("tag") && is_version(seen.tag) ? seen.tag
                       : place.contains("tag")                       ? offering.from.str()
                                                                     : "";
  ways.undo["tags"] = tags_for(touched, {});
  ways.undo["gone"] = all ? services_beyond(target, seen.running) : std::vector<std::string>();
  const auto stopping = [&](std::vector<std::string> services) {
    return Json{{"project", seen.project}, {"services", without_databases(std::move(services))}};
  };
  std::vector<std::string> services = services_of(seen.running);
  ways.stop = stopping(services);
  for (std::string& service : services_beyond(target, seen.running)) services.push_back(std::move(service));
  ways.stop_again = stopping(std::move(services));
  ways.runs = {
      {"images", to_json(wanted)}, {"project", seen.project},
      {"gone", ways.up["gone"]},   {"value", ways.up["value"]},
      {"files", ways.up["files"]}, {"as_saved", saved.is_object() && get(offering.saved, "config").is_object()}};
  return ways;
}

Step look_at_what_runs(const driver::Offering& offering, const std::map<std::string, Json>& on) {
  Json args = on.empty() ? Json::object() : by_host(on);
  for (const char* key :
       {"path", "project", "env_file", "tag", "files", "services", "steady_ms", "startup_ms", "config", "others"})
    if (!get(offering.subject, key).is_null()) args[key] = get(offering.subject, key);
  args["version"] = offering.to.str();
  Step look = step("runs-code", "runs", StepKind::kLook, Phase::kCheck, "the containers run " + offering.to.str(),
                   offering, std::move(args));
  look.patience = patience(offering);
  return look;
}

/// What is known of a release that is deployed, or runs: the images that were recorded of it; what ran before it and
/// must run again, for a container that ended with 0 may have been a job, or a server that was stopped.
Result<std::map<std::string, Json>> known_of(const driver::Offering& offering) {
  std::map<std::string, Json> on;
  for (const std::string& host : offering.hosts) {
    Json& own = on[host] = Json::object();
    if (const Json& saved = get(get(offering.saved, "on_hosts"), host); !saved.is_null()) {
      std::vector<Image> images = TRY(images_argument(saved, "images"));
      for (Image& image : images)
        if (image.fate == "down") image.fate.clear();
      if (!images.empty()) own["images"] = to_json(images);
    }
    if (!offering.seen.contains(host)) continue;
    for (const Image& image : TRY(seen_on(offering, host)).running)
      if (image.fate == "runs") own["must_run"].push_back(image.service);
  }
  return on;
}

}  // namespace

Result<std::vector<Step>> offer(const driver::Offering& offering) {
  TRY(place_from(offering.subject));
  if (offering.kind == RunKind::kCheckpoint) return for_checkpoint(offering);
  TRY_VOID(check_version(offering.to.str()));
  if (offering.kind == RunKind::kDeploy) {
    std::vector<Step> steps = TRY(for_checkpoint(offering));
    steps.push_back(look_at_what_runs(offering, TRY(known_of(offering))));
    steps.back().action.args["counts"] = true;
    return steps;
  }
  std::vector<Step> steps;
  std::map<std::string, Json> fetch, up, undo, runs, stop, stop_again;
  std::string set, before;
  bool missing = false;
  std::vector<Image> shown;
  for (const std::string& host : offering.hosts) {
    const Seen seen = TRY(seen_on(offering, host));
    if (seen.tool.empty())
      return Error{Code::kUnavailable, "there is neither docker-compose nor docker compose on " + host,
                   "install the one that the project is run with"};
    TRY_VOID(refuse_code_outside_images(offering, seen));
    Ways ways = TRY(ways_on(offering, seen));
    fetch[host] = std::move(ways.fetch);
    up[host] = std::move(ways.up);
    undo[host] = std::move(ways.undo);
    runs[host] = std::move(ways.runs);
    stop[host] = std::move(ways.stop);
    stop_again[host] = std::move(ways.stop_again);
    missing = missing || ways.missing;
    if (shown.empty()) shown = TRY(target_images(offering, seen));
  }
  for (Step& each : TRY(config_steps_for_switch(kName, offering))) {
    if (each.action.verb == kSaveConfig) {
      steps.push_back(std::move(each));
      continue;
    }
    set = get_string(each.action.args, "set");  // put back by `up` itself, so that its undo does both, too
    before = get_string(each.undo->args, "set");
  }
  if (runs_something(offering) && is_version(offering.from.str())) steps.push_back(TRY(pinning(offering)));
  steps.push_back(step("image-code", "fetch", StepKind::kEffect, Phase::kPrepare,
                       (missing ? "pull " : "the images are here: ") + described(shown), offering, by_host(fetch)));
  steps.back().timeout = Millis(1'800'000);
  if (!set.empty()) steps.back().action.args["set"] = set;
  Step switching =
      step("up-code", "up", StepKind::kEffect, Phase::kSwitch, "up -d: " + described(shown), offering, by_host(up));
  switching.undo = Action{kName, "up", by_host(undo)};
  switching.action.args["set"] = set;
  switching.undo->args["set"] = before;
  switching.patience = patience(offering);
  switching.timeout = Millis(300'000);
  const bool any_stops =
      std::any_of(stop.begin(), stop.end(), [](const auto& each) { return !get(each.second, "services").empty(); });
  if (get_bool(offering.subject, "stops") && any_stops) {
    // A database changes between the two: nobody may write to it, whichever way the run goes.
    steps.push_back(step("stop-code", "stop", StepKind::kEffect, Phase::kClose,
                         "the containers of " + offering.from.str() + " stop", offering, by_host(stop)));
    steps.back().undo = std::move(switching.undo);
    steps.back().timeout = Millis(120'000);
    switching.phase = Phase::kStart;
    switching.undo = Action{kName, "stop", by_host(stop_again)};
  }
  steps.push_back(std::move(switching));
  steps.push_back(look_at_what_runs(offering, runs));
  return steps;
}

}  // namespace backout::drivers::compose
