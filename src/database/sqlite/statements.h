// StatementCutter: SQL text that comes in pieces, cut into statements. Keeps one statement in memory, not the text.
#pragma once
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace backout::database {

class StatementCutter {
 public:
  using Run = std::function<Result<void>(const std::string& statement)>;
  /// `longest`: bytes of one statement; more is kCorrupt.
  StatementCutter(Run run, size_t longest) : run_(std::move(run)), longest_(longest) {}

  /// Runs every statement that is complete. Errors are those of `run`.
  Result<void> take(std::string_view text);
  /// At the end: kCorrupt when something that is neither white space nor comment has no end.
  Result<void> finish() const;

 private:
  enum class In { kPlain, kSingle, kDouble, kBacktick, kBracket, kLine, kBlock };
  Result<void> end_statement();
  void skip_or_keep(char c);

  Run run_;
  size_t longest_;
  std::string statement_;  // without comments
  In in_ = In::kPlain;
  char before_ = 0;  // the character before, where two make a mark
};

}  // namespace backout::database
