// What the verbs of the compose driver are given, read and checked. Pure.
#pragma once
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "drivers/compose/project.h"

namespace backout::drivers::compose {

inline constexpr const char* kName = "compose";

/// A site's project, as its subject says; the rest of an action lies beside these keys.
struct Place {
  std::string path, project, env_file, tag;
  std::vector<std::string> files, services;
  Millis startup{60'000}, steady{2000};
};
Result<Place> place_from(const Json& args);
/// The keys of it that actions carry.
Json place_of_subject(const Json& subject);

/// What `up` makes so.
struct Up {
  Place place;
  std::string tool, value, set;
  std::vector<Image> images;
  std::map<std::string, std::string> tags;  // ref -> id, given before
  std::vector<std::string> gone;
};
Result<Up> up_from(const Json& args);

/// A list of words such as names of services.
Result<std::vector<std::string>> words_argument(const Json& args, std::string_view key);

/// Lines "SERVICE REF ID DIGEST" for the scripts.
std::string lines_of(const std::vector<Image>& images);

}  // namespace backout::drivers::compose
