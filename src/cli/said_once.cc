#include "cli/said_once.h"

#include <algorithm>

namespace backout::cli {
namespace {

std::string without_figures(std::string_view text) {
  std::string bare;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] < '0' || text[i] > '9') {
      bare += text[i];
      continue;
    }
    i = std::min(text.find_first_not_of("0123456789.:/", i), text.size());
    for (const std::string_view unit : {" ms", " s", " min", " h"})
      if (text.substr(i).starts_with(unit)) i += unit.size();
    if (bare.ends_with("# ")) bare.resize(bare.size() - 2);  // "1 min 2 s" is one figure
    bare += '#';
    if (i < text.size()) --i;
  }
  return bare;
}

}  // namespace

bool SaidOnce::is_news(std::string_view text) {
  return said_.size() < kReasons && said_.insert(without_figures(text)).second;
}

}  // namespace backout::cli
