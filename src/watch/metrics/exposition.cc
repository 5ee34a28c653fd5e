#include "watch/metrics/exposition.h"

#include <charconv>
#include <cmath>
#include <limits>

#include "base/text.h"

namespace backout::watch {
namespace {

constexpr size_t kLongestLine = 64U << 10, kMostLabels = 64;

bool starts_metric_name(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':'; }
bool in_metric_name(char c) { return starts_metric_name(c) || (c >= '0' && c <= '9'); }

size_t name_size(std::string_view text) {
  if (text.empty() || !starts_metric_name(text[0])) return 0;
  size_t size = 1;
  while (size < text.size() && in_metric_name(text[size])) ++size;
  return size;
}

void skip_blank(std::string_view& text) {
  while (!text.empty() && (text[0] == ' ' || text[0] == '\t')) text.remove_prefix(1);
}

/// The value behind an opening quote, and what follows the closing one. False: it is not closed.
bool take_quoted(std::string_view& text, std::string& value) {
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '"') {
      text.remove_prefix(at + 1);
      return true;
    }
    if (text[at] != '\\') {
      value += text[at];
    } else if (++at < text.size()) {
      if (text[at] != 'n' && text[at] != '\\' && text[at] != '"') value += '\\';
      value += text[at] == 'n' ? '\n' : text[at];
    }
  }
  return false;
}

/// {a="b",c="d"}: from behind the opening brace to behind the closing one.
bool take_labels(std::string_view& text, Labels& labels) {
  for (;;) {
    skip_blank(text);
    if (text.starts_with('}')) {
      text.remove_prefix(1);
      return true;
    }
    const size_t size = name_size(text);
    if (size == 0 || labels.size() == kMostLabels) return false;
    const std::string label(text.substr(0, size));
    text.remove_prefix(size);
    skip_blank(text);
    if (!text.starts_with('=')) return false;
    text.remove_prefix(1);
    skip_blank(text);
    if (!text.starts_with('"')) return false;
    text.remove_prefix(1);
    std::string value;
    if (!take_quoted(text, value)) return false;
    if (!value.empty()) labels[label] = std::move(value);  // an empty label is none
    skip_blank(text);
    if (text.starts_with(','))
      text.remove_prefix(1);
    else if (!text.starts_with('}'))
      return false;
  }
}

}  // namespace

std::optional<double> sample_value(std::string_view text) {
  if (text == "NaN" || text == "nan") return std::numeric_limits<double>::quiet_NaN();
  double sign = 1;
  if (text.starts_with('+') || text.starts_with('-')) {
    if (text[0] == '-') sign = -1;
    text.remove_prefix(1);
  }
  if (text == "Inf" || text == "inf" || text == "Infinity") return sign * std::numeric_limits<double>::infinity();
  if (text.empty() || text[0] < '.' || text[0] > '9') return std::nullopt;
  double value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end != text.data() + text.size()) return std::nullopt;
  if (failure == std::errc::result_out_of_range) return sign * std::numeric_limits<double>::infinity();
  if (failure != std::errc()) return std::nullopt;
  return sign * value;
}

Exposition read_exposition(std::string_view text, const std::function<bool(std::string_view)>& wanted,
                           const std::function<void(std::string, Labels, double)>& sample) {
  Exposition read;
  const auto odd = [&](std::string_view line) {
    if (read.not_understood++ == 0) read.first_not_understood = shortened(one_line(line.substr(0, 80)), 77);
  };
  for (size_t start = 0; start < text.size();) {
    const size_t end = std::min(text.find('\n', start), text.size());
    std::string_view line = text.substr(start, end - start);
    start = end + 1;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line == "# EOF") {
      read.ended = true;
      continue;
    }
    std::string_view rest = line;
    skip_blank(rest);
    if (rest.empty() || rest[0] == '#') continue;
    const size_t size = name_size(rest);
    const std::string_view name = rest.substr(0, size);
    rest.remove_prefix(size);
    if (size == 0 || line.size() > kLongestLine) {
      odd(line);
      continue;
    }
    if (!wanted(name)) {  // of what is not wanted no more than the name is read
      ++read.samples;
      continue;
    }
    Labels labels;
    skip_blank(rest);
    const bool braced = rest.starts_with('{');
    if (braced) rest.remove_prefix(1);
    if (braced && !take_labels(rest, labels)) {
      odd(line);
      continue;
    }
    skip_blank(rest);
    const std::string_view number = rest.substr(0, rest.find_first_of(" \t"));
    if (const auto value = sample_value(number)) {
      ++read.samples;
      sample(std::string(name), std::move(labels), *value);
    } else {
      odd(line);
    }
  }
  return read;
}

}  // namespace backout::watch
