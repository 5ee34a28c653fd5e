#include "drivers/compose/seen.h"

#include <fmt/format.h>

#include <algorithm>

#include "drivers/compose/arguments.h"

namespace backout::drivers::compose {

Result<Seen> seen_on(const driver::Offering& offering, const std::string& host) {
  const auto found = offering.seen.find(host);
  if (found == offering.seen.end())
    return Error{Code::kUnavailable, "the project on " + host + " could not be seen", "look there: backout doctor"};
  const Json& json = found->second;
  Seen seen;
  seen.host = host;
  seen.project = get_string(json, "project");
  seen.tool = get_string(json, "tool");
  seen.tag = get_string(json, "tag");
  seen.files = get(json, "files");
  seen.beside = get(json, "beside");
  seen.tracked = get(json, "tracked");
  seen.environment = get(json, "environment");
  seen.others = TRY(words_argument(json, "others"));
  seen.databases = TRY(words_argument(json, "databases"));
  seen.running = TRY(images_argument(json, "images"));
  for (const auto& [ref, id] : get(json, "tags").items())
    if (id.is_string()) seen.tags[ref] = id.get<std::string>();
  for (const Json& id : get(json, "present"))
    if (id.is_string()) seen.present.push_back(id.get<std::string>());
  return seen;
}

driver::Offering with_files(const driver::Offering& offering, const Seen& seen) {
  driver::Offering with = offering;
  Json files = seen.files.is_array() ? seen.files : Json::array();
  const auto add = [&](const Json& each) {
    if (std::find(files.begin(), files.end(), each) == files.end()) files.push_back(each);
  };
  add(get(offering.subject, "env_file"));
  for (const Json* list : {&seen.beside, &seen.environment})
    for (const Json& each : list->is_array() ? *list : Json::array()) add(each);
  for (const Json& each : get(offering.subject, "config")) add(each);
  with.subject["config"] = std::move(files);
  return with;
}

Result<void> refuse_code_outside_images(const driver::Offering& offering, const Seen& seen) {
  const Json named = with_files(offering, seen).subject["config"];
  for (const Json& each : seen.tracked.is_array() ? seen.tracked : Json::array())
    if (const std::string file = get_string(each, "file"); !is_accounted_for(file, named, offering.subject))
      return Error{Code::kRefused,
                   fmt::format("{} has {} mounted from the host: git has it as code, and no image brings it back",
                               get_string(each, "service"), file),
                   "put it into the image; or name it: files in code.config, what is no part of a release in "
                   "code.compose.data; or, for code that runs from a checkout, layout: in-place"};
  return {};
}

}  // namespace backout::drivers::compose
