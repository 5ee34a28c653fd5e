#include "database/sqlite/statements.h"

#include <sqlite3.h>

#include "base/text.h"

namespace backout::database {

Result<void> StatementCutter::end_statement() {
  // A trigger has statements of its own inside: SQLite knows where it ends.
  if (sqlite3_complete(statement_.c_str()) == 0) return {};
  TRY_VOID(run_(statement_));
  statement_.clear();
  return {};
}

void StatementCutter::skip_or_keep(char c) {
  const bool space = c == ' ' || c == '\t' || c == '\r' || c == '\n';
  if (!space || !statement_.empty()) statement_ += c;
}

Result<void> StatementCutter::take(std::string_view text) {
  for (const char c : text) {
    const char before = std::exchange(before_, c);
    switch (in_) {
      case In::kLine:
        if (c == '\n') {
          in_ = In::kPlain;
          skip_or_keep(c);
        }
        continue;
      case In::kBlock:
        if (before == '*' && c == '/') {
          in_ = In::kPlain;
          before_ = 0;
          skip_or_keep(' ');
        }
        continue;
      case In::kSingle:
        if (c == '\'') in_ = In::kPlain;
        break;
      case In::kDouble:
        if (c == '"') in_ = In::kPlain;
        break;
      case In::kBacktick:
        if (c == '`') in_ = In::kPlain;
        break;
      case In::kBracket:
        if (c == ']') in_ = In::kPlain;
        break;
      case In::kPlain:
        if ((before == '-' && c == '-') || (before == '/' && c == '*')) {
          if (!statement_.empty()) statement_.pop_back();
          in_ = c == '-' ? In::kLine : In::kBlock;
          before_ = 0;
          continue;
        }
        if (c == '\'') in_ = In::kSingle;
        if (c == '"') in_ = In::kDouble;
        if (c == '`') in_ = In::kBacktick;
        if (c == '[') in_ = In::kBracket;
        break;
    }
    skip_or_keep(c);
    if (statement_.size() > longest_)
      return Error{Code::kCorrupt, "a statement in it is longer than " + bytes_for_people(longest_), ""};
    if (in_ == In::kPlain && c == ';') TRY_VOID(end_statement());
  }
  return {};
}

Result<void> StatementCutter::finish() const {
  if (in_ == In::kBlock) return Error{Code::kCorrupt, "it is cut off: its last comment has no end", ""};
  if (trimmed(statement_).empty()) return {};
  return Error{Code::kCorrupt,
               "it is cut off, or something else comes after its end: '" + shortened(one_line(statement_), 60) +
                   "' is no whole statement",
               ""};
}

}  // namespace backout::database
