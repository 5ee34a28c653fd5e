#include "drivers/checks/answer.h"

#include <fmt/format.h>

#include "base/text.h"
#include "drivers/checks/error_page.h"
#include "drivers/checks/json_condition.h"

namespace backout::drivers {
namespace {

const std::string* header_of(const os::HttpResponse& answer, const std::string& name) {
  const auto found = answer.headers.find(name);
  return found == answer.headers.end() ? nullptr : &found->second;
}

std::string_view before_parameters(std::string_view value) { return trimmed(value.substr(0, value.find(';'))); }

}  // namespace

std::string shown_body(const std::string& body) {
  const std::string shown = shortened(one_line(trimmed(body.substr(0, 2000))), 160);
  return shown.empty() ? "an empty body" : "'" + shown + "'";
}

std::optional<std::string> reported_version(const os::HttpResponse& answer, const std::string& version_header) {
  if (!version_header.empty()) {
    const std::string* value = header_of(answer, version_header);
    return value == nullptr ? std::nullopt : std::optional(std::string(trimmed(*value)));
  }
  const std::string_view body = trimmed(answer.body);
  if (const auto document = parse_json(body); document && document->is_object())
    return document->contains("version") ? std::optional(plain((*document)["version"])) : std::nullopt;
  if (body.empty() || body.size() > 200 || body.find('\n') != std::string_view::npos) return std::nullopt;
  return std::string(body);
}

std::optional<std::string> mismatch(const os::HttpResponse& answer, const AnswerExpected& expected) {
  if (answer.status != expected.status)
    return fmt::format("expected status {}, got {} with {}", expected.status, answer.status, shown_body(answer.body));
  if (expected.status < 400 && expected.status_alone())
    if (const auto words = error_it_reports(answer))
      return fmt::format("status {}, but the answer calls itself an error: '{}'; if it is right, say what it contains",
                         answer.status, *words);
  if (!expected.version.empty()) {
    const auto version = reported_version(answer, expected.version_header);
    if (!version)
      return fmt::format("expected version {}, but none is reported: {}", expected.version, shown_body(answer.body));
    if (*version != expected.version)
      return fmt::format("expected version {}, got {}", expected.version, shortened(one_line(*version), 80));
  }
  if (!expected.contains.empty() && answer.body.find(expected.contains) == std::string::npos)
    return fmt::format("expected '{}' in the body, got {}", one_line(expected.contains), shown_body(answer.body));
  for (const auto& [name, value] : expected.headers) {
    const std::string* seen = header_of(answer, name);
    if (seen == nullptr) return fmt::format("expected a header {}, there is none", name);
    if (!value.empty() && trimmed(*seen) != value && before_parameters(*seen) != value)
      return fmt::format("expected header {}: {}, got {}", name, one_line(value), shortened(one_line(*seen), 80));
  }
  if (!expected.conditions.empty()) {
    const auto document = parse_json(answer.body);
    if (!document) return fmt::format("expected JSON, got {}", shown_body(answer.body));
    for (const auto& [path, condition] : expected.conditions.items())
      if (auto why = unmet(*document, path, condition)) return why;
  }
  if (expected.within.count() > 0 && answer.took > expected.within)
    return fmt::format("the answer is right but took {} ms, allowed are {} ms", answer.took.count(),
                       expected.within.count());
  return std::nullopt;
}

}  // namespace backout::drivers
