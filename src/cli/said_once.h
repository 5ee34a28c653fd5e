// SaidOnce: why something is awaited, told once. It is looked at several times a second, and the words count on:
// "attempt 7/200: worker runs for 1.2 s only".
#pragma once
#include <cstddef>
#include <set>
#include <string>
#include <string_view>

namespace backout::cli {

class SaidOnce {
 public:
  /// Was nothing like it said before? Numbers and their units are not compared. After eight reasons nothing is news.
  bool is_news(std::string_view text);

 private:
  static constexpr size_t kReasons = 8;
  std::set<std::string> said_;
};

}  // namespace backout::cli
