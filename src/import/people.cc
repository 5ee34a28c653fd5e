#include "import/people.h"

#include <algorithm>

#include "base/text.h"
#include "import/area.h"
#include "import/block.h"
#include "import/rules.h"

namespace backout::import {
namespace {

bool is_phone(std::string_view text) {
  const auto digits = std::count_if(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  return digits >= 5 && text.find_first_not_of("0123456789 +-()./x") == std::string_view::npos;
}

/// What a word about a person is, by its form.
std::string key_of(const std::string& value) {
  if (value.find('@') != std::string::npos && value.find('.', value.find('@')) != std::string::npos &&
      value.find(' ') == std::string::npos)
    return "email";
  if (value.starts_with('@') || value.starts_with('#')) return "slack";
  return is_phone(value) ? "phone" : "name";
}

bool has(std::string_view text, std::string_view word) { return text.find(word) != std::string_view::npos; }

}  // namespace

std::optional<PersonDraft> person_of(const Item& item) {
  PersonDraft person{.line = item.line};
  const auto put = [&](std::string key, const std::string& value) {
    const bool twice =
        std::any_of(person.keys.begin(), person.keys.end(), [&](const auto& one) { return one.first == key; });
    if (!value.empty() && value != "-" && !twice) person.keys.emplace_back(std::move(key), value);
  };
  if (item.kind == Kind::kRow) {
    for (size_t at = 0; at < item.cells.size(); ++at) {
      const std::string head = at < item.head.size() ? lowered(item.head[at]) : "";
      const std::string cell = one_line(without_markup(item.cells[at]));
      if (at == 0 || has(head, "role") || has(head, "rolle")) {
        if (person.role.empty()) person.role = role_of_words(cell);
        if (at == 0 && !has(head, "role") && has(head, "name")) put("name", cell);
      } else if (has(head, "order")) {
        person.order = cell.size() < 4 && cell.find_first_not_of("0123456789") == std::string::npos && !cell.empty()
                           ? std::stoi(cell)
                           : 0;
      } else if (has(head, "responsib")) {
        put("does", cell);
      } else if (has(head, "slack") || has(head, "chat")) {
        put("slack", cell);
      } else {
        const std::string key = key_of(cell);
        put(key == "name" && has(head, "phone") ? "phone" : key == "name" && has(head, "mail") ? "email" : key, cell);
      }
    }
  } else {
    const std::string plain = one_line(without_markup(item.text));
    const size_t colon = plain.find(": ");
    if (colon == std::string::npos || colon > 40) return std::nullopt;
    person.role = role_of_words(plain.substr(0, colon));
    std::string rest = replaced(replaced(plain.substr(colon + 2), " – ", "|"), " - ", "|");
    for (const std::string& part : split(replaced(rest, ", ", "|"), '|')) {
      const std::string value(trimmed(part));
      put(key_of(value), value);
    }
    const bool reachable =
        std::any_of(person.keys.begin(), person.keys.end(), [](const auto& one) { return one.first != "name"; });
    if (!reachable) return std::nullopt;
  }
  if (person.role.empty() || person.role == "escalation" || person.keys.empty()) return std::nullopt;
  return person;
}

std::pair<std::string, std::string> escalation_of(const Item& item, const std::vector<PersonDraft>& people) {
  const std::string small = lowered(without_markup(item.text));
  for (const PersonDraft& person : people)
    if (has(small, replaced(person.role, "-", " "))) {
      const bool later = has(small, "after") || has(small, "nach ") || has(small, "then");
      return {later ? within_of(small) : "", person.role};
    }
  return {};
}

}  // namespace backout::import
