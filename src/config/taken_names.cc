#include "config/taken_names.h"

#include <fmt/format.h>

#include "model/step_word.h"

namespace backout::config {

void TakenNames::take(const std::string& name, const Place& place, std::string_view next) {
  if (name.empty()) return;
  const std::string word = step_word(name);
  const auto [first, is_new] = by_word_.emplace(word, Taken{name, place});
  if (is_new) return;
  const std::string where = findings_.in_words(first->second.place);
  if (first->second.name == name)
    findings_.error(place, fmt::format("{}: '{}' is here twice; the first is in {}", list_, name, where), next);
  else
    findings_.error(
        place,
        fmt::format("{}: '{}' and '{}' in {} would be one step, '{}': they differ in neither a letter nor a "
                    "digit",
                    list_, name, first->second.name, where, word),
        next);
}

}  // namespace backout::config
