#include "base/json.h"

#include <cmath>
#include <cstdint>

namespace backout {

namespace {

// Nothing that is read has more; copying and printing a value take a frame of the stack for each level.
constexpr int kDeepest = 512;

bool is_too_deep(std::string_view text) {
  int depth = 0;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      if (c == '"') quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kDeepest) return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

}  // namespace

Result<Json> parse_json(std::string_view text) {
  if (is_too_deep(text))
    return Error{Code::kCorrupt, "not valid JSON for us: more than " + std::to_string(kDeepest) + " levels deep", ""};
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
  constexpr double kTooLarge = 9.2e18;
  if (member.is_number_unsigned() && member.get<uint64_t>() > static_cast<uint64_t>(INT64_MAX)) return otherwise;
  if (member.is_number_float() && !(std::abs(member.get<double>()) < kTooLarge)) return otherwise;
  return member.is_number() ? member.get<int64_t>() : otherwise;
}
bool get_bool(const Json& object, std::string_view key, bool otherwise) {
  const Json& member = get(object, key);
  return member.is_boolean() ? member.get<bool>() : otherwise;
}

}  // namespace backout
