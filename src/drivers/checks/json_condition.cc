#include "drivers/checks/json_condition.h"

#include <fmt/format.h>

#include <charconv>

#include "base/text.h"

namespace backout::drivers {
namespace {

std::optional<double> number(std::string_view text) {
  double value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || failure != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool equal(const std::string& seen, std::string_view wanted, bool seen_is_number) {
  const auto a = seen_is_number ? number(seen) : std::nullopt;
  const auto b = number(wanted);
  return a && b ? *a == *b : seen == wanted;
}

struct Condition {
  std::string_view sign, value;
};
Condition condition_of(std::string_view text) {
  for (const std::string_view sign : {">=", "<=", "!=", "=", ">", "<"})
    if (text.starts_with(sign)) return {sign, trimmed(text.substr(sign.size()))};
  return {"=", text};
}

}  // namespace

std::string plain(const Json& value) { return value.is_string() ? value.get<std::string>() : canonical(value); }

const Json* at_path(const Json& document, std::string_view path) {
  const Json* here = &document;
  for (const std::string& step : split(path, '.')) {
    if (here->is_array()) {
      size_t index = 0;
      const auto [end, failure] = std::from_chars(step.data(), step.data() + step.size(), index);
      if (failure != std::errc() || end != step.data() + step.size() || index >= here->size()) return nullptr;
      here = &(*here)[index];
    } else {
      if (!here->is_object()) return nullptr;
      const auto found = here->find(step);
      if (found == here->end()) return nullptr;
      here = &*found;
    }
  }
  return here;
}

std::optional<std::string> unmet(const Json& document, std::string_view path, const Json& condition) {
  const std::string written = plain(condition);
  const Json* seen = at_path(document, path);
  if (written == "absent") return seen == nullptr ? std::nullopt : std::optional(fmt::format("{} is there", path));
  if (seen == nullptr) return fmt::format("there is no {}", path);
  if (written == "exists") return std::nullopt;

  const auto [sign, wanted] = condition_of(written);
  const std::string text = plain(*seen);
  const std::string shown = shortened(one_line(text), 80);
  const auto fault = [&] {
    return fmt::format("{} is {}, expected {}{}", path, shown, sign == "=" ? "" : sign, one_line(wanted));
  };
  if (sign == "=" || sign == "!=") {
    const bool same = equal(text, wanted, seen->is_number());
    return same == (sign == "=") ? std::nullopt : std::optional(fault());
  }
  const auto a = number(text), b = number(wanted);
  if (!a || !b) return fmt::format("{} is {}: not a number, expected {}{}", path, shown, sign, one_line(wanted));
  const bool met = sign == ">" ? *a > *b : sign == ">=" ? *a >= *b : sign == "<" ? *a < *b : *a <= *b;
  return met ? std::nullopt : std::optional(fault());
}

}  // namespace backout::drivers
