#include "decide/detector/told.h"

#include <algorithm>

#include "decide/detector/stored.h"

namespace backout::decide {
namespace {

constexpr auto kLate = std::chrono::minutes(2);  // no source holds a second back for longer

}  // namespace

bool Told::admit(WallTime second, WallTime now) {
  if (last_ == WallTime() || second > last_) {
    last_ = second;
    return true;
  }
  const bool long_past = last_ - second > kLate;
  const bool clocks_agree = second >= now - kLate && second <= now + kLate;
  if (long_past && (clocks_agree || (behind_ != WallTime() && second > behind_))) {
    ++jumps_;
    last_ = second;
    return true;
  }
  if (long_past) behind_now_ = std::max(behind_now_, second);
  ++left_out_;
  return false;
}

void Told::end_look() {
  behind_ = behind_now_;
  behind_now_ = WallTime();
}

Json Told::to_json() const {
  Json value = Json::object();
  store_time(value, "last_ms", last_);
  store_time(value, "behind_ms", behind_);
  if (left_out_ > 0) value["left_out"] = left_out_;
  if (jumps_ > 0) value["jumps"] = jumps_;
  return value;
}

void Told::restore(const Json& value) {
  *this = Told();
  last_ = stored_time(value, "last_ms");
  behind_ = stored_time(value, "behind_ms");
  left_out_ = stored_count(value, "left_out");
  jumps_ = stored_count(value, "jumps");
}

}  // namespace backout::decide
