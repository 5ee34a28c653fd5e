#include "drivers/compose/arguments.h"

#include <algorithm>

#include "base/text.h"
#include "drivers/code/version.h"
#include "drivers/command/arguments.h"

namespace backout::drivers::compose {
namespace {

constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

Error bad(std::string_view key, std::string_view what) {
  return {Code::kInvalid, fmt::format("'{}' {}", key, what), "mend code.compose in backout.yaml, then: backout lint"};
}

bool is_word(std::string_view text) {
  return !text.empty() && text.size() <= 128 && text.front() != '-' && text.front() != '.' &&
         text.find_first_not_of(std::string(kLetters) + "0123456789._-") == std::string_view::npos;
}

bool is_variable(std::string_view text) {
  return (std::string(kLetters) + "_").find(text.front()) != std::string::npos &&
         text.find_first_not_of(std::string(kLetters) + "_0123456789") == std::string_view::npos;
}

}  // namespace

Result<std::vector<std::string>> words_argument(const Json& args, std::string_view key) {
  std::vector<std::string> words;
  const Json& list = get(args, key);
  if (list.is_null()) return words;
  if (!list.is_array()) return bad(key, "is no list");
  for (const Json& each : list) {
    if (!each.is_string() || !is_word(each.get<std::string>())) return bad(key, "has something that is no name");
    words.push_back(each.get<std::string>());
  }
  return words;
}

Result<Place> place_from(const Json& args) {
  Place place;
  place.path = TRY(path_argument(args, "path"));
  place.env_file = TRY(path_argument(args, "env_file"));
  place.project = TRY(optional_text_argument(args, "project"));
  if (!place.project.empty() && !is_word(place.project)) return bad("project", "is no name of a project");
  place.tag = TRY(optional_text_argument(args, "tag"));
  if (!place.tag.empty() && !is_variable(place.tag)) return bad("tag", "is no name of a variable");
  place.files = TRY(path_list_argument(args, "files"));
  place.services = TRY(words_argument(args, "services"));
  place.startup = Millis(get_int(args, "startup_ms", place.startup.count()));
  place.steady = Millis(get_int(args, "steady_ms", place.steady.count()));
  if (place.startup.count() < 0 || place.steady.count() < 0) return bad("startup", "is negative");
  return place;
}

Json place_of_subject(const Json& subject) {
  Json place = Json::object();
  for (const char* key : {"path", "project", "env_file", "tag", "files", "services", "startup_ms", "steady_ms"})
    if (!get(subject, key).is_null()) place[key] = get(subject, key);
  return place;
}

Result<Up> up_from(const Json& args) {
  Up up;
  up.place = TRY(place_from(args));
  if (up.place.project.empty()) return bad("project", "is missing");
  if (up.place.files.empty()) return bad("files", "is empty");
  up.tool = TRY(text_argument(args, "tool"));
  if (up.tool != "docker-compose" && up.tool != "docker compose") return bad("tool", "is neither of the two");
  up.value = TRY(optional_text_argument(args, "value"));
  if (!up.value.empty()) TRY_VOID(check_version(up.value));
  if (!get_string(args, "set").empty()) {
    up.set = TRY(path_argument(args, "set"));
    if (!up.set.starts_with(up.place.path + "/.backout/checkpoints/")) return bad("set", "lies elsewhere");
  }
  up.images = TRY(images_argument(args, "images"));
  if (up.images.empty()) return bad("images", "is empty");
  for (const Image& tag : TRY(images_argument(args, "tags"))) up.tags[tag.ref] = tag.image;
  up.gone = TRY(words_argument(args, "gone"));
  up.held = TRY(path_list_argument(args, "held"));
  up.again = TRY(words_argument(args, "again"));
  return up;
}

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
  pin.files = TRY(path_list_argument(args, "files"));
  pin.place = get(args, "place");
  for (const Json& each : get(args, "spared")) {
    if (!each.is_string()) return Error{Code::kInvalid, "'spared' is no list of versions", ""};
    TRY_VOID(check_version(each.get<std::string>()));
    pin.spared.push_back(each.get<std::string>());
  }
  return pin;
}

Result<Stop> stop_from(const Json& args) {
  Stop what;
  what.project = TRY(text_argument(args, "project"));
  TRY(words_argument({{"project", Json::array({what.project})}}, "project"));
  what.services = TRY(words_argument(args, "services"));
  if (!get(args, "services").is_array()) return Error{Code::kInvalid, "'services' is missing", ""};
  return what;
}

Result<std::vector<Image>> fetched_from(const Json& args) {
  std::vector<Image> images = TRY(images_argument(args, "images"));
  if (images.empty()) return Error{Code::kInvalid, "'images' is empty", ""};
  return images;
}

bool is_accounted_for(const std::string& file, const Json& named, const Json& subject) {
  const auto is = [&](const Json& each) { return each.is_string() && each.get<std::string>() == file; };
  if (named.is_array() && std::any_of(named.begin(), named.end(), is)) return true;
  const Json& data = get(subject, "data");
  return data.is_array() && std::any_of(data.begin(), data.end(), [&](const Json& each) {
           return is(each) || (each.is_string() && file.starts_with(each.get<std::string>() + "/"));
         });
}

std::string lines_of(const std::vector<Image>& images) {
  const auto or_none = [](const std::string& text) { return text.empty() ? std::string("-") : text; };
  std::vector<std::string> lines;
  for (const Image& image : images)
    lines.push_back(fmt::format("{} {} {} {}", image.service, image.ref, or_none(image.image), or_none(image.digest)));
  return join(lines, "\n");
}

}  // namespace backout::drivers::compose
