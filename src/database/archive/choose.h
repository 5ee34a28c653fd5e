// choose: which of a team's backups a database is restored from: the newest that is proved and was taken early enough.
// Every newer one that is passed over is told, with the reason. Pure.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "database/archive/examine.h"

namespace backout::archive {

struct Skipped {
  std::string name, why;
};

struct Chosen {
  std::optional<size_t> index;   // into the list that was given; nothing: none is fit
  std::vector<Skipped> skipped;  // newer ones, newest first
};

/// `newest_first`; `before`: it must certainly have been taken before this moment. `test` is asked for one after the
/// other until one passes, so that older ones are not restored for nothing; it returns why not, empty when fit.
Chosen choose(const std::vector<Found>& newest_first, std::optional<WallTime> before,
              const std::function<std::string(const Found&)>& test);

}  // namespace backout::archive
