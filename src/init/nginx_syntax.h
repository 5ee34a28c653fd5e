// nginx's configuration language, as far as blocks and words go. Pure; what is not closed ends with the text.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace backout::init {

struct Directive {
  std::string name;
  std::vector<std::string> words;  // behind the name, quotes taken off
  std::vector<Directive> block;
  int line = 0;
};
std::vector<Directive> parse_nginx(std::string_view text);

}  // namespace backout::init
