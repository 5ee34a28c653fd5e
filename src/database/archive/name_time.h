// NameTime: the moment that a file name speaks of ("shop-2026-11-20_0300.sql.gz"). Pure.
#pragma once
#include <optional>
#include <string_view>

#include "base/clock.h"

namespace backout::archive {

struct NameTime {
  WallTime from{}, to{};  // it names a moment in here; time zones are left open where the name does not end in Z
};
/// Nothing when the name has no date that exists. The last date in it counts.
std::optional<NameTime> time_in(std::string_view name);

/// When an archive was taken, from its name and from when it was last written.
struct Taken {
  WallTime at{};      // the best guess, for people and for the order
  WallTime latest{};  // certainly not after this one
  std::string doubt;  // why the two do not agree; empty when they do
};
Taken taken(std::string_view name, WallTime written_at);

}  // namespace backout::archive
