// Which answers are failures: "5xx", "499", "500-504". Without a list: 500 and above.
#pragma once
#include <bitset>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace backout::watch {

class StatusRules {
 public:
  StatusRules() {
    for (size_t status = 500; status < 600; ++status) failed_.set(status);
  }
  /// kInvalid with how to write it.
  static Result<StatusRules> parse(const std::vector<std::string>& list);
  /// `status` 0..999.
  bool failed(int status) const { return failed_[static_cast<size_t>(status)]; }

 private:
  std::bitset<1000> failed_;
};

/// 0..999, or -1: no status. "-" and "000" are 0: an answer that was never sent.
inline int read_status(std::string_view text) {
  if (text.size() != 3) return text == "-" || text == "0" ? 0 : -1;
  const unsigned a = static_cast<unsigned char>(text[0]) - '0', b = static_cast<unsigned char>(text[1]) - '0',
                 c = static_cast<unsigned char>(text[2]) - '0';
  return a > 9 || b > 9 || c > 9 ? -1 : static_cast<int>(a * 100 + b * 10 + c);
}

}  // namespace backout::watch
