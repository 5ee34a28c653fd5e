#include "driver/secrets.h"

#include "base/text.h"
#include "os/secret.h"

namespace backout::driver {

Result<void> reveal(const std::map<std::string, std::string>& places, std::map<std::string, std::string>& into) {
  for (const auto& [name, place] : places) into[name] = TRY(os::secret_at(name, place));
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
