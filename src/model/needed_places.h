// NeededPlaces: where the things lie without which nothing can be rolled back. Nothing may move them out of the way.
#pragma once
#include <string>
#include <vector>

#include "model/site.h"

namespace backout {

struct NeededPlace {
  std::string what;    // "the site's code"
  std::string path;    // absolute
  bool whole = false;  // nothing inside it may be moved either
};

std::vector<NeededPlace> needed_places(const Site& site);

/// What code.static[index].to may neither hold nor lie in, in addition: what runs, each release, the `to` of those
/// before it.
std::vector<NeededPlace> places_of_statics(const Site& site, size_t index);

}  // namespace backout
