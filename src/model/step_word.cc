#include "model/step_word.h"

#include "base/hash.h"

namespace backout {
namespace {

constexpr size_t kLongest = 60;

}  // namespace

std::string step_word(std::string_view name) {
  std::string word;
  for (char c : name) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.';
    if (plain) word += c;
    if (!plain && !word.empty() && word.back() != '-') word += '-';
  }
  while (!word.empty() && word.back() == '-') word.pop_back();
  if (word.empty()) return "n" + sha256_hex(name).substr(0, 8);
  if (word.size() > kLongest) word = word.substr(0, kLongest - 9) + "-" + sha256_hex(name).substr(0, 8);
  return word;
}

}  // namespace backout
