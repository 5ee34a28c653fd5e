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
  std::vector<std::string> held, again;  // files of the release; services that read them when they start
};
Result<Up> up_from(const Json& args);

/// What `pin` protects, `stop` stops, and `fetch` looks for.
struct Pin {
  std::string project, version, tag;
  int64_t keep = 5;
  std::vector<Image> images;
  std::vector<std::string> spared, files;
  Json place;  // of a checkpoint: place_of_subject(), to ask whether the files are those that the containers were made
               // from
};
Result<Pin> pin_from(const Json& args);

struct Stop {
  std::string project;
  std::vector<std::string> services;
};
Result<Stop> stop_from(const Json& args);
Result<std::vector<Image>> fetched_from(const Json& args);

/// Is a mounted file of the host known as what it is: one of `named`, or below code.compose.data of the subject?
bool is_accounted_for(const std::string& file, const Json& named, const Json& subject);

/// A list of words such as names of services.
Result<std::vector<std::string>> words_argument(const Json& args, std::string_view key);

/// Lines "SERVICE REF ID DIGEST" for the scripts.
std::string lines_of(const std::vector<Image>& images);

}  // namespace backout::drivers::compose
