// Facts: what a look script printed, one "key value" per line, and how such a script is run. A key may come several
// times.
#pragma once
#include <map>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "host/host.h"

namespace backout::drivers {

class Facts {
 public:
  /// Lines without a key are skipped; values are one-line and sanitised. Pure.
  static Facts parse(std::string_view output);
  /// The first value of a key, or empty.
  std::string text(std::string_view key) const;
  const std::vector<std::string>& all(std::string_view key) const;
  bool has(std::string_view key) const { return !all(key).empty(); }
  /// The first value as a number; `otherwise` when it is none.
  int64_t number(std::string_view key, int64_t otherwise = 0) const;

 private:
  std::map<std::string, std::vector<std::string>, std::less<>> values_;
};

/// Runs a script that only looks. Errors: kUnavailable when the host does not answer, else why the script failed. A
/// script says "end" last, so that a cut answer is told from a whole one.
Result<Facts> look(host::Host& host, std::string_view script, std::vector<std::string> arguments,
                   const std::string& user, std::stop_token stop, Millis timeout = Millis(60'000));

}  // namespace backout::drivers
