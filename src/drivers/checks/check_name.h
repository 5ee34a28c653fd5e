// A check's name as part of a step id. Pure.
#pragma once
#include <string>
#include <string_view>

namespace backout::drivers {

/// Lowercase; anything but [a-z0-9.] becomes one '-'; "check" when nothing is left.
inline std::string word_of(std::string_view name) {
  std::string word;
  for (char c : name) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.';
    if (plain) word += c;
    if (!plain && !word.empty() && !word.ends_with('-')) word += '-';
  }
  while (word.ends_with('-')) word.pop_back();
  return word.empty() ? "check" : word;
}

}  // namespace backout::drivers
