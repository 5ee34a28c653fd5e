// Known: words of a site for completion: read from backout.yaml and a journal that is there. Makes nothing, asks no
// host.
#pragma once
#include <set>
#include <string>

#include "app/site/workspace.h"

namespace backout::app {

struct KnownWords {
  std::set<std::string> versions, runs;
};
/// kNotFound without a journal.
Result<KnownWords> known_words(const Where& where);
/// The keys that `init --answer` takes.
std::vector<std::string> answer_names();

}  // namespace backout::app
