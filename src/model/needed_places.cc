#include "model/needed_places.h"

namespace backout {

std::vector<NeededPlace> needed_places(const Site& site) {
  std::vector<NeededPlace> places;
  const auto add = [&](const char* what, const std::string& path, bool whole = false) {
    if (path.starts_with('/')) places.push_back({what, path, whole});
  };
  if (site.code && !site.code->path.empty()) {
    add("the site's code", site.code->path);
    if (site.code->layout == "releases") {
      add("the release that runs", site.code->path + "/current");
      add("the site's releases", site.code->path + "/releases");
    } else {
      add("the checkout's own git directory", site.code->path + "/.git", true);
    }
    add("the repository of its code", site.code->git);
    add("the program that runs", site.code->binary);
    for (const std::string& file : site.code->config) add("a file that goes back with a release", file);
    for (const std::string& kept : site.code->keep_builds) add("builds that are kept", kept, true);
  }
  if (site.database) {
    add("the database", get_string(site.database->args, "file"));
    if (site.database->backups) add("its backups", site.database->backups->dir, true);
  }
  add("the journal", site.state, true);
  for (const HostConfig& host : site.hosts) add("what backout keeps at the target", host.root, true);
  if (site.door) add("the door", get_string(site.door->args, "include"));
  add("this configuration", site.directory);
  return places;
}

std::vector<NeededPlace> places_of_statics(const Site& site, size_t index) {
  std::vector<NeededPlace> places = needed_places(site);
  if (!site.code) return places;
  const std::string& path = site.code->path;
  if (site.code->layout == "releases") {
    places.push_back({"the release that runs", path + "/current", true});
    places.push_back({"the site's releases", path + "/releases", true});
  } else if (!path.empty()) {
    places.push_back({"the site's code", path, true});
  }
  for (size_t i = 0; i < index && i < site.code->statics.size(); ++i)
    places.push_back({"static files of another entry", site.code->statics[i].to, true});
  return places;
}

}  // namespace backout
