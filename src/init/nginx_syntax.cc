#include "init/nginx_syntax.h"

namespace backout::init {
namespace {

constexpr int kDeepestBlock = 40;  // no real configuration comes near, and a hostile one must not use up the stack

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  std::vector<Directive> block(int depth) {
    std::vector<Directive> found;
    Directive now;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '#') {
        while (at_ < text_.size() && text_[at_] != '\n') ++at_;
      } else if (c == '\n' || c == ' ' || c == '\t' || c == '\r') {
        step();
      } else if (c == ';' || c == '{' || c == '}') {
        step();
        if (c == '{') {
          if (depth >= kDeepestBlock) {
            at_ = text_.size();
            return found;
          }
          now.block = block(depth + 1);
        }
        if (!now.name.empty()) found.push_back(std::move(now));
        now = {};
        if (c == '}') return found;
      } else {
        const int line = line_;
        std::string word = this->word();
        if (now.name.empty()) {
          now.name = std::move(word);
          now.line = line;
        } else {
          now.words.push_back(std::move(word));
        }
      }
    }
    return found;
  }

 private:
  void step() {
    if (text_[at_++] == '\n') ++line_;
  }

  std::string word() {
    std::string word;
    const char quote = text_[at_] == '"' || text_[at_] == '\'' ? text_[at_] : '\0';
    if (quote != 0) step();
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (quote != 0 ? c == quote
                     : c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == ';' || c == '{' || c == '}') {
        if (quote != 0) step();
        return word;
      }
      if (quote == 0 && c == '$' && at_ + 1 < text_.size() && text_[at_ + 1] == '{') {  // ${name}
        while (at_ < text_.size() && text_[at_] != '}') {
          word += text_[at_];
          step();
        }
        continue;
      }
      if (c == '\\' && at_ + 1 < text_.size()) step();
      word += text_[at_];
      step();
    }
    return word;
  }

  std::string_view text_;
  size_t at_ = 0;
  int line_ = 1;
};

}  // namespace

std::vector<Directive> parse_nginx(std::string_view text) {
  Parser parser(text);
  return parser.block(0);
}

}  // namespace backout::init
