#include "base/json.h"

namespace backout {

Result<Json> parse_json(std::string_view text) {
  try {
    return Json::parse(text);
  } catch (const Json::exception& e) {
    return Error{Code::kCorrupt, std::string("not valid JSON: ") + e.what(), ""};
  }
}

std::string canonical(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }

const Json& get(const Json& object, std::string_view key) {
  static const Json nothing;
  if (!object.is_object()) return nothing;
  const auto found = object.find(key);
  return found == object.end() ? nothing : *found;
}

std::string get_string(const Json& object, std::string_view key, std::string_view otherwise) {
  const Json& member = get(object, key);
  return member.is_string() ? member.get<std::string>() : std::string(otherwise);
}
int64_t get_int(const Json& object, std::string_view key, int64_t otherwise) {
  const Json& member = get(object, key);
  return member.is_number() ? member.get<int64_t>() : otherwise;
}
bool get_bool(const Json& object, std::string_view key, bool otherwise) {
  const Json& member = get(object, key);
  return member.is_boolean() ? member.get<bool>() : otherwise;
}

}  // namespace backout
