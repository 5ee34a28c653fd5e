// Script: SQL text as pg_dump writes it, run statement by statement over a connection of ours.
//
// Not by psql: here no backslash command can run, whatever the text says. It reaches the database that it is loaded
// into and nothing else of the server: \connect, roles, databases, tablespaces, server settings and COPY to or from
// files and programs are refused before they are sent.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "database/postgresql/connection.h"

namespace backout::postgresql {

/// Cuts text into statements. Not a parser: it knows quotes, dollar quotes, comments, parentheses and BEGIN ATOMIC.
class StatementEnd {
 public:
  /// Feeds one character; true: it ends a statement.
  bool takes(char c);
  /// A backslash stands outside of quotes and comments: a command of psql.
  bool at_backslash() const { return backslash_; }
  bool inside_something() const { return state_ != State::kPlain || depth_ > 0; }
  void begin_anew() { *this = StatementEnd(); }

 private:
  enum class State { kPlain, kQuote, kEscapeQuote, kIdentifier, kDollarTag, kDollar, kLine, kBlock };
  void word_ended();
  bool plain(char c);

  State state_ = State::kPlain;
  int depth_ = 0, comments_ = 0, atomic_ = 0;
  bool backslash_ = false, escaped_ = false;
  char last_ = ' ';
  std::string word_, first_words_, tag_, tail_;
};

class ScriptRunner {
 public:
  explicit ScriptRunner(Connection& connection)
      : connection_(connection), in_transaction_(PQtransactionStatus(connection.raw()) != PQTRANS_IDLE) {}
  Result<void> take(std::string_view text);
  /// kCorrupt: it is cut off within a statement, within rows or within a transaction that it began.
  Result<void> finish();
  /// Statements that failed without harm: a role that is not here, a setting of a newer server.
  const std::vector<std::string>& complaints() const { return complaints_; }
  int64_t rows() const { return rows_; }

 private:
  Result<void> take_line(std::string_view line);
  Result<void> run();
  Result<void> meta_command(std::string_view line);

  Connection& connection_;
  bool in_transaction_ = false;  // of whoever runs it
  std::string line_, statement_;
  StatementEnd end_;
  std::optional<CopyIn> copying_;
  std::vector<std::string> complaints_;
  int64_t rows_ = 0, lines_ = 0;
};

/// Words by which a failed statement of a dump is known to do no harm to the rows.
bool is_harmless(std::string_view message);

}  // namespace backout::postgresql
