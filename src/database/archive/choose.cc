#include "database/archive/choose.h"

namespace backout::archive {

Chosen choose(const std::vector<Found>& newest_first, std::optional<WallTime> before,
              const std::function<std::string(const Found&)>& test) {
  Chosen chosen;
  for (size_t i = 0; i < newest_first.size(); ++i) {
    const Found& found = newest_first[i];
    std::string why = found.fault;
    if (why.empty() && before && found.when.latest >= *before) {
      const bool only_copied = !found.when.doubt.empty() && found.when.at < *before;
      why = "taken after " + to_iso(*before) + ", when the release came that is left";
      if (only_copied)
        why = found.when.doubt + "; if it was only copied then, give it its time back (touch -d) and plan again";
    }
    if (why.empty()) why = test(found);
    if (why.empty()) {
      chosen.index = i;
      break;
    }
    chosen.skipped.push_back({found.name, std::move(why)});
  }
  return chosen;
}

}  // namespace backout::archive
