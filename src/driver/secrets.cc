#include "driver/secrets.h"

#include <cstdlib>

#include "base/text.h"
#include "os/file.h"

namespace backout::driver {
namespace {

constexpr size_t kLongest = 64U << 10;

Result<std::string> value_at(const std::string& name, const std::string& place) {
  const auto invalid = [&](const std::string& what) {
    return Error{Code::kInvalid, fmt::format("secret {}: {}", one_line(name), what),
                 "a secret is written as $NAME, of the environment, or as the absolute path of a file"};
  };
  std::string value;
  if (place.starts_with('$')) {
    const char* found = std::getenv(place.substr(1).c_str());
    if (found == nullptr) return invalid("the environment has no " + one_line(place.substr(1)));
    value = found;
  } else if (place.starts_with('/')) {
    auto content = os::read_file(place, kLongest);
    if (!content) return invalid(content.error().message);
    value = std::move(*content);
    if (value.ends_with('\n')) value.pop_back();
  } else {
    return invalid("its value stands where its place belongs");
  }
  if (value.find('\0') != std::string::npos) return invalid(one_line(place) + " holds a NUL byte");
  return value;
}

}  // namespace

Result<void> reveal(const std::map<std::string, std::string>& places, std::map<std::string, std::string>& into) {
  for (const auto& [name, place] : places) into[name] = TRY(value_at(name, place));
  return {};
}

Result<std::map<std::string, std::string>> secret_places(const Json& object) {
  std::map<std::string, std::string> places;
  if (object.is_null()) return places;
  if (!object.is_object()) return Error{Code::kInvalid, "secrets is not a mapping", ""};
  for (const auto& [name, place] : object.items()) {
    if (!place.is_string()) return Error{Code::kInvalid, "the place of secret " + one_line(name) + " is not text", ""};
    places[name] = place.get<std::string>();
  }
  return places;
}

}  // namespace backout::driver
