#include "cli/moments.h"

#include <fmt/format.h>

#include "base/text.h"

namespace backout::cli {

std::string day_of(WallTime at, WallTime now) {
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::chrono::year_month_day day(std::chrono::floor<std::chrono::days>(at));
  const std::chrono::year_month_day today(std::chrono::floor<std::chrono::days>(now));
  std::string text =
      fmt::format("{} {}", static_cast<unsigned>(day.day()), kMonths[static_cast<unsigned>(day.month()) - 1]);
  if (day.year() != today.year()) text += fmt::format(" {}", static_cast<int>(day.year()));
  return text;
}

std::string for_since(WallTime at, WallTime now) {
  return for_people(std::max(std::chrono::duration_cast<Millis>(now - at), Millis(0)));
}

}  // namespace backout::cli
