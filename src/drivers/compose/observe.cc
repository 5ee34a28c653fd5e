// What is there now, for a plan.
#include <algorithm>
#include <set>

#include "base/text.h"
#include "drivers/code/facts.h"
#include "drivers/code/version.h"
#include "drivers/compose/looks.h"
#include "drivers/compose/sights.h"

namespace backout::drivers::compose {
namespace {

/// "web app:v2 199aa71e1021, worker ...": what a plan holds on to.
std::string current_of(const std::vector<Image>& images) {
  std::vector<std::string> words;
  for (const Image& image : images)
    words.push_back(fmt::format("{} {} {}", image.service, image.ref, short_id(image.image)));
  return join(words, ", ");
}

}  // namespace

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
  if (place.files.empty() && static_cast<int64_t>(files.size()) - main_files > 1)
    return Error{Code::kConflict, "there are several override files in " + place.path,
                 "say which are taken: code.compose.files"};
  if (place.files.empty() && main_files == 0) files.clear();
  if (files.empty() || (!place.files.empty() && files.size() < place.files.size()))
    return Error{Code::kNotFound, "there is no compose file in " + place.path + " on " + host.name().str(),
                 "mend code.path or code.compose.files"};
  const std::vector<Container> containers = TRY(containers_from(facts.all("container")));
  std::set<std::string> others;  // services that are no part of a release: the container of what deploys by itself
  for (const Container& container : containers)
    for (const Json& name : get(subject, "others"))
      if (name.is_string() && "/" + name.get<std::string>() == container.name) others.insert(container.service);
  std::vector<Image> images = images_of(containers, place.services);
  std::erase_if(images, [&](const Image& each) { return others.contains(each.service); });
  note_digests(images, facts.all("digests"));
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
  Json databases = Json::array(), beside = Json::array();
  if (const std::string server = get_string(subject, "database"); !server.empty())
    for (const Container& container : containers)
      if (!container.oneoff && holds_database(container, facts.text("project"), server))
        databases.push_back(container.service);
  Json mounts = Json::array(), tracked = Json::array();
  const auto of_release = [&](const std::string& service) {
    return std::find(databases.begin(), databases.end(), Json(service)) == databases.end() &&
           std::any_of(images.begin(), images.end(), [&](const Image& each) { return each.service == service; });
  };
  for (const auto& [key, list] : {std::pair("mount", &mounts), std::pair("tracked", &tracked)})
    for (const std::string& line : facts.all(key))
      if (const size_t space = line.find(' '); space != std::string::npos && of_release(line.substr(0, space)))
        list->push_back({{"service", line.substr(0, space)}, {"file", line.substr(space + 1)}});
  if (place.files.empty())
    for (const char* name : {"compose.override.yml", "compose.override.yaml", "docker-compose.override.yml",
                             "docker-compose.override.yaml"})
      if (const std::string over = place.path + "/" + name; std::find(files.begin(), files.end(), over) == files.end())
        beside.push_back(over);
  const std::string made_by = containers.empty() ? "" : containers.front().tool;
  return Json{{"project", facts.text("project")},
              {"tool", tool_for(facts.has("standalone"), facts.has("plugin"), made_by)},
              {"files", files},
              {"beside", std::move(beside)},
              {"environment", facts.all("environment")},
              {"others", others},
              {"databases", std::move(databases)},
              {"mounts", std::move(mounts)},
              {"tracked", std::move(tracked)},
              {"tag", tag},
              {"versions", std::move(versions)},
              {"current", current_of(images)},
              {"images", to_json(images)},
              {"tags", std::move(tags)},
              {"present", std::move(present)}};
}

}  // namespace backout::drivers::compose
