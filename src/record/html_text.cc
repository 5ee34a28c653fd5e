#include "record/html_text.h"

#include "base/text.h"

namespace backout::record {
namespace {

/// U+061C, U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069, and line separators U+2028, U+2029, as UTF-8.
bool turns_direction(std::string_view text, size_t at, size_t& length) {
  const auto byte = [&](size_t offset) {
    return at + offset < text.size() ? static_cast<unsigned char>(text[at + offset]) : 0U;
  };
  if (byte(0) == 0xD8 && byte(1) == 0x9C) return length = 2, true;
  if (byte(0) != 0xE2) return false;
  length = 3;
  if (byte(1) == 0x80) return byte(2) == 0x8E || byte(2) == 0x8F || (byte(2) >= 0xA8 && byte(2) <= 0xAE);
  return byte(1) == 0x81 && byte(2) >= 0xA6 && byte(2) <= 0xA9;
}

std::string escaped_clean(std::string_view clean) {
  std::string out;
  for (size_t i = 0; i < clean.size(); ++i) {
    size_t length = 0;
    if (turns_direction(clean, i, length)) {
      out += "\xEF\xBF\xBD";
      i += length - 1;
      continue;
    }
    switch (clean[i]) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += clean[i];
    }
  }
  return out;
}

}  // namespace

std::string html(std::string_view text) { return escaped_clean(one_line(text)); }
std::string html_lines(std::string_view text) { return escaped_clean(sanitised(text)); }

}  // namespace backout::record
