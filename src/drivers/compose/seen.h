// Seen: what observe() saw of a project on a host, read back for an offer. Pure.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "driver/driver.h"
#include "drivers/compose/project.h"

namespace backout::drivers::compose {

struct Seen {
  std::string host, project, tool, tag;
  Json files = Json::array(), beside = Json::array();  // beside: files that Compose would take, if they were there
  Json environment = Json::array();                    // what services name under env_file
  Json tracked = Json::array();                        // files of git that services have mounted: {service, file}
  std::vector<std::string> databases;                  // services with the site's database in them
  std::vector<std::string> others;                     // services that are no part of a release
  std::vector<Image> running;
  std::map<std::string, std::string> tags, digests;
  std::vector<std::string> present;
  bool has(const std::string& id) const { return std::find(present.begin(), present.end(), id) != present.end(); }
};

/// kUnavailable when the host could not be seen.
Result<Seen> seen_on(const driver::Offering& offering, const std::string& host);

/// With the files of the release as config: the project's, its env file, and those that were named.
driver::Offering with_files(const driver::Offering& offering, const Seen& seen);

/// kRefused: what git tracks and a container has mounted from the host is of the release, and in none of its images.
Result<void> refuse_code_outside_images(const driver::Offering& offering, const Seen& seen);

}  // namespace backout::drivers::compose
