#include "database/postgresql/script.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "base/text.h"

namespace backout::postgresql {
namespace {

constexpr size_t kLongestStatement = 256U << 20;
constexpr size_t kMostComplaints = 100;

bool letter_of_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '$'; }

std::string upper(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return std::toupper(c); });
  return out;
}

/// The statement's words in capitals, without comments before them: at most `most`.
std::vector<std::string> words_of(std::string_view statement, size_t most) {
  std::vector<std::string> words;
  for (size_t i = 0; i < statement.size() && words.size() < most;) {
    if (statement.substr(i).starts_with("--")) {
      i = std::min(statement.find('\n', i), statement.size());
    } else if (statement.substr(i).starts_with("/*")) {
      i = std::min(statement.find("*/", i), statement.size() - 2) + 2;
    } else if (letter_of_word(statement[i])) {
      size_t end = i;
      while (end < statement.size() && letter_of_word(statement[end])) ++end;
      words.push_back(upper(statement.substr(i, end - i)));
      i = end;
    } else {
      ++i;
    }
  }
  return words;
}

/// What it wants beyond its database; empty: nothing.
std::string reaches_out(const std::vector<std::string>& words) {
  static constexpr std::array<std::string_view, 8> kShared = {"ROLE",   "USER",       "GROUP",        "DATABASE",
                                                              "SYSTEM", "TABLESPACE", "SUBSCRIPTION", "SERVER"};
  static constexpr std::array<std::string_view, 3> kDoing = {"CREATE", "ALTER", "DROP"};
  if (words.size() < 2) return "";
  if (std::find(kDoing.begin(), kDoing.end(), words[0]) != kDoing.end() &&
      std::find(kShared.begin(), kShared.end(), words[1]) != kShared.end())
    return words[0] + " " + words[1];
  return words[0] == "LOAD" ? "LOAD" : "";
}

bool is_copy_in(const std::string& statement) {
  const std::string text = upper(statement);
  return text.find("FROM STDIN") != std::string::npos;
}

}  // namespace

bool is_harmless(std::string_view message) {
  const auto has = [&](std::string_view words) { return message.find(words) != std::string_view::npos; };
  return (has("role \"") && has("does not exist")) || has("must be owner of extension") ||
         has("must be member of role") || has("unrecognized configuration parameter") ||
         has("schema \"public\" already exists") || has("must be owner of schema public") ||
         has("must be able to SET ROLE");
}

void StatementEnd::word_ended() {
  if (word_.empty()) return;
  const std::string word = upper(word_);
  word_.clear();
  if (std::count(first_words_.begin(), first_words_.end(), ' ') < 4) first_words_ += word + " ";
  const bool routine = first_words_.starts_with("CREATE FUNCTION ") || first_words_.starts_with("CREATE PROCEDURE ") ||
                       first_words_.starts_with("CREATE OR REPLACE FUNCTION ") ||
                       first_words_.starts_with("CREATE OR REPLACE PROCEDURE ");
  if (routine && word == "BEGIN")
    ++atomic_;
  else if (atomic_ > 0 && word == "CASE")
    ++atomic_;
  else if (atomic_ > 0 && word == "END")
    --atomic_;
}

bool StatementEnd::plain(char c) {
  if (letter_of_word(c) && c != '$') {
    word_ += c;
    return false;
  }
  const bool escape = c == '\'' && upper(word_) == "E";
  const bool inside_word = !word_.empty();
  word_ended();
  switch (c) {
    case '\'': state_ = escape ? State::kEscapeQuote : State::kQuote; break;
    case '"': state_ = State::kIdentifier; break;
    case '$':
      if (!inside_word) state_ = State::kDollarTag, tag_ = "$";
      break;
    case '-':
      if (last_ == '-') state_ = State::kLine;
      break;
    case '*':
      if (last_ == '/') state_ = State::kBlock, comments_ = 1;
      break;
    case '(': ++depth_; break;
    case ')': depth_ = std::max(depth_ - 1, 0); break;
    case '\\': backslash_ = true; break;
    case ';': return depth_ == 0 && atomic_ == 0;
    default: break;
  }
  return false;
}

bool StatementEnd::takes(char c) {
  bool ends = false;
  switch (state_) {
    case State::kPlain: ends = plain(c); break;
    case State::kQuote:
      if (c == '\'') state_ = State::kPlain;  // a doubled one begins the next at once
      break;
    case State::kEscapeQuote:
      if (escaped_)
        escaped_ = false;
      else if (c == '\\')
        escaped_ = true;
      else if (c == '\'')
        state_ = State::kPlain, word_ = "E";  // if doubled, it goes on as it began
      break;
    case State::kIdentifier:
      if (c == '"') state_ = State::kPlain;
      break;
    case State::kDollarTag:
      if (c == '$') {
        tag_ += c;
        state_ = State::kDollar;
        tail_.clear();
      } else if (letter_of_word(c)) {
        tag_ += c;
      } else {
        state_ = State::kPlain;  // a parameter, or nothing
        ends = plain(c);
      }
      break;
    case State::kDollar:
      tail_ += c;
      if (tail_.size() > tag_.size()) tail_.erase(0, tail_.size() - tag_.size());
      if (tail_ == tag_) state_ = State::kPlain;
      break;
    case State::kLine:
      if (c == '\n') state_ = State::kPlain;
      break;
    case State::kBlock:
      if (c == '*' && last_ == '/') ++comments_;
      if (c == '/' && last_ == '*' && --comments_ == 0) state_ = State::kPlain;
      break;
  }
  last_ = c;
  return ends;
}

Result<void> ScriptRunner::take(std::string_view text) {
  while (!text.empty()) {
    const size_t end = text.find('\n');
    line_ += text.substr(0, end == std::string_view::npos ? text.size() : end + 1);
    if (line_.size() > kLongestStatement) return Error{Code::kCorrupt, "a line of it does not end", ""};
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
    const std::string line = std::exchange(line_, {});
    TRY_VOID(take_line(line));
  }
  return {};
}

Result<void> ScriptRunner::meta_command(std::string_view line) {
  const std::string_view command = trimmed(line);
  if (command.starts_with("\\restrict ") || command.starts_with("\\unrestrict ")) return {};
  if (command.starts_with("\\connect") || command.starts_with("\\c "))
    return Error{
        Code::kUnsupported,
        fmt::format("line {}: it changes to another database ('{}')", lines_, shortened(one_line(command), 60)),
        "make the backup without --create, of the database alone"};
  return Error{Code::kUnsupported,
               fmt::format("line {}: '{}' is a command of psql, which no dump of a database needs", lines_,
                           shortened(one_line(command), 60)),
               ""};
}

Result<void> ScriptRunner::take_line(std::string_view line) {
  ++lines_;
  if (copying_) {
    if (trimmed(line) != "\\.") return copying_->put(line);
    rows_ += TRY(copying_->finish().with_context(fmt::format("line {}", lines_)));
    copying_.reset();
    return {};
  }
  for (const char c : line) {
    statement_ += c;
    const bool ends = end_.takes(c);
    if (end_.at_backslash()) {
      const bool between = words_of(statement_, 1).empty();  // only comments before it
      statement_.clear();
      end_.begin_anew();
      return meta_command(between ? std::string(trimmed(line)) : "in a statement: " + std::string(trimmed(line)));
    }
    if (!ends) continue;
    TRY_VOID(run());
  }
  if (statement_.size() > kLongestStatement) return Error{Code::kCorrupt, "a statement of it does not end", ""};
  return {};
}

Result<void> ScriptRunner::run() {
  const std::string statement = std::exchange(statement_, {});
  end_.begin_anew();
  const auto words = words_of(statement, 4);
  if (words.empty()) return {};
  const std::string where = fmt::format("line {}", lines_);
  if (const std::string out = reaches_out(words); !out.empty())
    return Error{Code::kUnsupported, where + ": " + out + " reaches beyond the database",
                 "make the backup of the database alone: pg_dump, not pg_dumpall, and without --create"};
  if (words.front() == "COPY") {
    if (!is_copy_in(statement))
      return Error{Code::kUnsupported, where + ": a COPY that is not of rows in the text", ""};
    copying_ = TRY(connection_.copy_in(statement).with_context(where));
    return {};
  }
  const auto done = connection_.exec(statement);
  if (done) return {};
  const Error& error = done.error();
  if (is_harmless(error.message)) {
    if (complaints_.size() < kMostComplaints) complaints_.push_back(where + ": " + error.message);
    return {};
  }
  if (error.code == Code::kNoSpace || error.code == Code::kUnavailable || error.code == Code::kDenied)
    return Error(error).with_context(where);
  return Error{Code::kCorrupt, where + ": " + error.message, ""};
}

Result<void> ScriptRunner::finish() {
  if (!line_.empty()) TRY_VOID(take_line(std::exchange(line_, {})));
  if (copying_) {
    (void)copying_->finish();
    return Error{Code::kCorrupt, "it is cut off among the rows of a table", ""};
  }
  if (end_.inside_something() || !words_of(statement_, 1).empty())
    return Error{Code::kCorrupt, "it is cut off within a statement", ""};
  if (!in_transaction_ && PQtransactionStatus(connection_.raw()) != PQTRANS_IDLE)
    return Error{Code::kCorrupt, "it is cut off: its transaction has no COMMIT", ""};
  return {};
}

}  // namespace backout::postgresql
