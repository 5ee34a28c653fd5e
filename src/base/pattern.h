// Pattern: one regular expression, in RE2's syntax: matching takes time linear in the text, whatever a person wrote.
// The only place that knows RE2. Immutable and thread-safe.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace re2 {
class RE2;
}

namespace backout {

class Pattern {
 public:
  /// kInvalid with what is wrong. Text is taken as bytes, so that it need not be UTF-8.
  static Result<Pattern> compile(std::string_view expression);
  Pattern(Pattern&&) noexcept;
  Pattern& operator=(Pattern&&) noexcept;
  ~Pattern();

  bool found_in(std::string_view text) const;
  /// The groups of the first match, the whole first; empty when there is none. Groups that took no part are empty.
  std::vector<std::string_view> groups_in(std::string_view text) const;

 private:
  explicit Pattern(std::unique_ptr<re2::RE2> compiled);
  std::unique_ptr<re2::RE2> compiled_;
};

}  // namespace backout
