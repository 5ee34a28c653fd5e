#include "import/sentence.h"

#include <algorithm>

#include "import/area.h"
#include "import/placeholder.h"

namespace backout::import {

bool says(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view word) { return text.find(word) != std::string_view::npos; });
}

bool is_stop_condition(std::string_view plain) {
  const std::string small = lowered(plain.substr(0, 80));
  const size_t begins = small.find_first_of("abcdefghijklmnopqrstuvwxyz");
  if (begins == std::string::npos) return false;
  const std::string_view words = std::string_view(small).substr(begins);
  if (words.starts_with("do not ") || words.starts_with("don't "))
    return says(words.substr(0, 30), {"continue", "proceed"}) && says(words, {" if ", " unless ", " until "});
  if (!words.starts_with("stop") && !words.starts_with("abort") && !words.starts_with("halt")) return false;
  const size_t end = words.find_first_not_of("abcdefghijklmnopqrstuvwxyz");
  if (end == std::string_view::npos || end > 5) return false;
  return says(words.substr(end, 16), {" if", " when", " unless"}) ||
         (says(words.substr(end, 5), {":", "—", "–", "-"}) && says(words, {" if ", " when ", " unless "}));
}

bool is_condition(std::string_view intro) {
  const std::string small = lowered(intro);
  return says(small, {"only restore if", "skip if", "when to use", "only if", "only use", "what this means", "use when",
                      "use this when", "use only", "not to use", "works for"});
}

std::optional<AskedAddress> address_in(std::string_view text) {
  const size_t open = text.find('`');
  size_t begins = open == std::string_view::npos ? 0 : open + 1;
  for (const std::string_view method : {"GET ", "HEAD "})
    if (text.substr(begins).starts_with(method)) begins += method.size();
  const std::string_view from = text.substr(std::min(begins, text.size()));
  const bool url = from.starts_with("http://") || from.starts_with("https://");
  if (!url && !(from.starts_with('/') && from.size() > 1 && from[1] != ' ' && from[1] != '/')) return std::nullopt;
  AskedAddress asked{std::string(from.substr(0, from.find_first_of(" `\t)\"'"))), 200};
  if (asked.address.size() > 300 || !placeholders_in(asked.address).empty()) return std::nullopt;
  const std::string_view rest = from.substr(asked.address.size());
  for (size_t at = 0; at + 3 <= rest.size() && at < 200; ++at) {
    const auto digit = [&](size_t i) { return i < rest.size() && rest[i] >= '0' && rest[i] <= '9'; };
    if (digit(at) && digit(at + 1) && digit(at + 2) && !digit(at + 3) && (at == 0 || !digit(at - 1)) &&
        rest[at] <= '5' && rest[at] != '0') {
      asked.status = (rest[at] - '0') * 100 + (rest[at + 1] - '0') * 10 + (rest[at + 2] - '0');
      return asked;
    }
  }
  const std::string small = lowered(rest.substr(0, 80));
  return says(small, {"ok", "return", "respond", "load", "work", "accessible"}) ? std::optional(asked) : std::nullopt;
}

}  // namespace backout::import
