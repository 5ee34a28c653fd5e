// Stored: numbers and times as the detectors keep them in JSON. Doubles come back bit for bit.
#pragma once
#include <algorithm>
#include <cmath>
#include <string_view>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"

namespace backout::decide {

inline Error not_stored(std::string_view what) {
  return Error{Code::kCorrupt, "the state of a detector cannot be read: " + std::string(what), ""};
}
/// 0 when it is absent; kCorrupt when it is no finite number.
inline Result<double> stored_number(const Json& object, std::string_view key) {
  const Json& value = get(object, key);
  if (value.is_null()) return 0.0;
  if (!value.is_number() || !std::isfinite(value.get<double>())) return not_stored(key);
  return value.get<double>();
}
/// Counts are kept below what any sum of them could overflow.
inline constexpr int64_t kMostCounted = 1'000'000'000'000'000;
inline bool is_count(const Json& value) {
  return value.is_number_integer() && value.get<int64_t>() >= 0 && value.get<int64_t>() <= kMostCounted;
}
inline int64_t stored_count(const Json& object, std::string_view key) {
  return std::clamp<int64_t>(get_int(object, key), 0, kMostCounted);
}
/// A time between 1970 and 9999; what is not one is the epoch.
inline bool is_time(WallTime time) { return to_millis(time) > 0 && to_millis(time) < 253'402'300'800'000; }
inline WallTime stored_time(const Json& object, std::string_view key) {
  const WallTime time = wall_from_millis(get_int(object, key));
  return is_time(time) ? time : WallTime();
}
/// The epoch is not stored.
inline void store_time(Json& object, const char* key, WallTime time) {
  if (time != WallTime()) object[key] = to_millis(time);
}

}  // namespace backout::decide
