#include "import/commands.h"

#include <algorithm>
#include <map>

#include "base/text.h"

namespace backout::import {
namespace {

constexpr size_t kLongestQuote = 60;  // lines that a quoted string may go on for
constexpr size_t kLongestLoop = 200;

bool is_sql(const std::string& language) { return language == "sql" || language == "psql" || language == "postgresql"; }

std::string_view comment_mark(const std::string& language) {
  if (is_sql(language)) return "--";
  if (language == "cmd" || language == "bat" || language == "batch") return "REM";
  return "#";
}

/// "user@web-1:~$ ls", "PS C:\> ls", "$ ls": how long what stands in front is.
size_t prompt_of(std::string_view line) {
  if (line.starts_with("$ ") || line.starts_with("% ")) return 2;
  const size_t mark = line.substr(0, 60).find_first_of("$#>");
  if (mark == std::string_view::npos || mark + 1 >= line.size() || line[mark + 1] != ' ') return 0;
  const std::string_view before = line.substr(0, mark);
  if (before.starts_with("PS ") || (before.find('@') != std::string_view::npos && before.find(' ') > before.find(':')))
    return mark + 2;
  return 0;
}

/// The word that ends a here-document begun on that line, or nothing.
std::string heredoc_of(std::string_view line) {
  const size_t at = line.find("<<");
  if (at == std::string_view::npos || line.substr(at).starts_with("<<<")) return "";
  std::string word;
  for (const char c : line.substr(at + 2)) {
    if (c == '-' || c == '\'' || c == '"' || c == '~' || (c == ' ' && word.empty())) continue;
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '_') break;
    word += c;
  }
  return word;
}

/// Is a quote open at the end of the line?
bool leaves_quote_open(std::string_view line, char& quote) {
  for (size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quote == 0 && c == '\\') {
      ++i;
    } else if (quote == '"' && c == '\\') {
      ++i;
    } else if (quote != 0) {
      if (c == quote) quote = 0;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '#' && (i == 0 || line[i - 1] == ' ')) {
      break;
    }
  }
  return quote != 0;
}

bool goes_on(std::string_view line, const std::string& language) {
  line = trimmed(line);
  if (language == "powershell" || language == "ps1" || language == "pwsh") return line.ends_with('`');
  if (language == "cmd" || language == "bat" || language == "batch") return line.ends_with('^');
  return line.ends_with('\\') || line.ends_with("&&") || line.ends_with("||") || line.ends_with(" |");
}

/// The word that closes what the line opens, if it does not close it itself.
std::string_view closer_of(std::string_view line) {
  line = trimmed(line);
  const std::string_view first = line.substr(0, line.find_first_of(" \t;("));
  static const std::map<std::string_view, std::string_view> closers = {
      {"for", "done"}, {"while", "done"}, {"until", "done"}, {"if", "fi"}, {"case", "esac"}};
  if (const auto closer = closers.find(first); closer != closers.end()) {
    const bool closed = line.ends_with(closer->second) ||
                        line.find(std::string("; ") + std::string(closer->second)) != std::string_view::npos;
    return closed ? "" : closer->second;
  }
  if (line.ends_with("() {") || line.ends_with("(){") || (first == "function" && line.ends_with('{'))) return "}";
  return "";
}

enum class Session { kNone, kSql, kPython };
/// Does the command wait for input that the following lines of the block may be?
Session session_of(std::string_view command) {
  const std::vector<std::string> words = shell_words(command);
  const auto has = [&](std::string_view word) { return std::find(words.begin(), words.end(), word) != words.end(); };
  if (has("<") || has("|") || has("-c") || has("-f") || has("-e") || has("--command") || has("--file"))
    return Session::kNone;
  if (has("psql") || has("mysql") || has("sqlite3")) return Session::kSql;
  if (has("shell") || has("shell_plus") || has("console") || (words.size() == 1 && words[0].starts_with("python")))
    return Session::kPython;
  return Session::kNone;
}

bool ends_sql_session(std::string_view line) {
  line = trimmed(line);
  return line == "\\q" || line == "exit" || line == "quit" || line == "exit;" || line == "quit;" || line == ".quit";
}
bool is_sql_line(std::string_view line) {
  std::string small(trimmed(line).substr(0, 12));
  std::transform(small.begin(), small.end(), small.begin(), [](unsigned char c) { return std::tolower(c); });
  for (const char* word : {"select", "update", "insert", "delete", "drop", "alter", "create", "begin", "commit",
                           "rollback", "truncate", "grant", "\\", "vacuum", "analyze", "with ", "--", "set "})
    if (small.starts_with(word)) return true;
  return false;
}

class Block {
 public:
  Block(const std::vector<Line>& lines, const std::string& language) : lines_(lines), language_(language) {
    for (const Line& line : lines)
      if (prompt_of(trimmed(line.text)) != 0) prompts_ = true;
  }

  std::vector<Item> items() {
    while (at_ < lines_.size()) one();
    loose_comments();
    return std::move(items_);
  }

 private:
  std::string_view text(size_t at) const { return trimmed(lines_[at].text); }

  void one() {
    const std::string_view line = text(at_);
    if (line.empty()) {
      ++at_;
    } else if (line.starts_with(comment_mark(language_)) && prompt_of(line) == 0) {
      comments_.push_back(lines_[at_++]);
    } else if (line.starts_with("::") || line.starts_with("//")) {
      comments_.push_back(lines_[at_++]);
    } else if (prompts_ && prompt_of(line) == 0 && !line.starts_with(">>>")) {
      output();
    } else {
      command();
    }
  }

  /// What a command printed: stands with it.
  void output() {
    if (items_.empty()) {
      Item item{.kind = Kind::kSnippet, .line = lines_[at_].number, .last = lines_[at_].number};
      item.text = text(at_);
      items_.push_back(std::move(item));
    } else {
      items_.back().expected += std::string(items_.back().expected.empty() ? "" : "\n") + std::string(text(at_));
    }
    ++at_;
  }

  void command() {
    take_comments();
    const size_t first = at_;
    std::string_view begins = text(at_);
    if (const size_t prompt = prompt_of(begins)) begins.remove_prefix(prompt);
    std::string words(begins);
    const auto take = [&] {
      ++at_;
      words += "\n";
      words += std::string_view(lines_[at_].text).substr(0, lines_[at_].text.find_last_not_of(" \t") + 1);
    };
    const std::string heredoc = heredoc_of(begins);
    const std::string_view closer = closer_of(begins);
    char quote = 0;
    if (begins.starts_with(">>>")) {
      while (at_ + 1 < lines_.size() && (text(at_ + 1).starts_with(">>>") || text(at_ + 1).starts_with("..."))) take();
    } else if (!heredoc.empty() && has_line(heredoc)) {
      while (!is_closed_by(at_ + 1, heredoc)) take();
      take();
    } else if (!closer.empty() && !is_sql(language_) && has_line(closer)) {
      while (!is_closed_by(at_ + 1, closer)) take();
      take();
    } else if (leaves_quote_open(begins, quote) && quote_closes(quote) && !is_sql(language_)) {
      quote = 0;
      while (leaves_quote_open(text(at_), quote) && at_ + 1 < lines_.size()) take();
    } else {
      while ((goes_on(text(at_), language_) || (is_sql(language_) && !text(at_).ends_with(';'))) &&
             at_ + 1 < lines_.size() && !text(at_ + 1).empty() && !text(at_ + 1).starts_with(comment_mark(language_)))
        take();
      session(words);
    }
    ++at_;
    Item item{.kind = Kind::kCommand, .line = lines_[first].number, .last = lines_[at_ - 1].number};
    item.text = std::move(words);
    item.language = language_;
    item.comment = std::move(comment_);
    comment_.clear();
    items_.push_back(std::move(item));
  }

  bool is_closed_by(size_t at, std::string_view word) const {
    const std::string_view line = text(at);
    return line.starts_with(word) &&
           (line.size() == word.size() || std::string_view(" ;|>)").find(line[word.size()]) != std::string_view::npos);
  }
  bool has_line(std::string_view word) const {
    for (size_t at = at_ + 1; at < std::min(lines_.size(), at_ + kLongestLoop); ++at)
      if (is_closed_by(at, word)) return true;
    return false;
  }

  bool quote_closes(char quote) const {
    for (size_t at = at_ + 1; at < std::min(lines_.size(), at_ + kLongestQuote); ++at) {
      if (text(at).empty()) return false;
      if (lines_[at].text.find(quote) != std::string::npos) return true;
    }
    return false;
  }

  /// What is typed into the program that was just begun.
  void session(std::string& words) {
    const Session kind = is_sql(language_) ? Session::kNone : session_of(words);
    const auto take = [&] { words += "\n" + lines_[++at_].text; };
    if (kind == Session::kPython) {
      while (at_ + 1 < lines_.size() && (text(at_ + 1).starts_with(">>>") || text(at_ + 1).starts_with("... "))) take();
    } else if (kind == Session::kSql) {
      size_t end = at_ + 1;
      while (end < std::min(lines_.size(), at_ + kLongestLoop) && !ends_sql_session(text(end))) ++end;
      const bool ends = end < lines_.size() && ends_sql_session(text(end));
      if (ends)
        while (at_ < end) take();
      else
        while (at_ + 1 < lines_.size() && is_sql_line(text(at_ + 1))) take();
    }
  }

  void take_comments() {
    loose_expectations();
    for (const Line& comment : comments_)
      comment_ += std::string(comment_.empty() ? "" : "\n") + std::string(trimmed(comment.text));
    comments_.clear();
  }

  /// Comments right below a command that speak of its result.
  void loose_expectations() {
    while (!comments_.empty() && !items_.empty() && items_.back().kind == Kind::kCommand &&
           comments_.front().number == items_.back().last + 1 + taken_ &&
           (is_expectation(comments_.front().text) || (taken_ > 0 && lists_))) {
      if (taken_ == 0) lists_ = trimmed(comments_.front().text).ends_with(':');
      items_.back().expected +=
          std::string(items_.back().expected.empty() ? "" : "\n") + std::string(trimmed(comments_.front().text));
      comments_.erase(comments_.begin());
      ++taken_;
    }
    taken_ = 0;
  }

  /// Comments at the end that no command follows: what a person is to do.
  void loose_comments() {
    loose_expectations();
    for (const Line& comment : comments_) {
      Item item{.kind = Kind::kComment, .line = comment.number, .last = comment.number};
      item.text = trimmed(comment.text);
      item.language = language_;
      if (!item.text.starts_with("#!")) items_.push_back(std::move(item));
    }
  }

  const std::vector<Line>& lines_;
  const std::string language_;
  size_t at_ = 0;
  bool prompts_ = false, lists_ = false;
  int taken_ = 0;
  std::vector<Line> comments_;
  std::string comment_;
  std::vector<Item> items_;
};

}  // namespace

std::vector<Item> commands_of(const std::vector<Line>& lines, const std::string& language) {
  return Block(lines, language).items();
}

}  // namespace backout::import
