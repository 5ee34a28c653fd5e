#include "base/pattern.h"

#include <re2/re2.h>

#include "base/text.h"

namespace backout {

Pattern::Pattern(std::unique_ptr<re2::RE2> compiled) : compiled_(std::move(compiled)) {}
Pattern::Pattern(Pattern&&) noexcept = default;
Pattern& Pattern::operator=(Pattern&&) noexcept = default;
Pattern::~Pattern() = default;

Result<Pattern> Pattern::compile(std::string_view expression) {
  re2::RE2::Options options(re2::RE2::Latin1);
  options.set_log_errors(false);
  options.set_max_mem(8 << 20);
  auto compiled = std::make_unique<re2::RE2>(re2::StringPiece(expression.data(), expression.size()), options);
  if (!compiled->ok())
    return Error{Code::kInvalid,
                 fmt::format("'{}' is no regular expression: {}", shortened(one_line(expression), 60),
                             one_line(compiled->error())),
                 "the syntax is that of RE2: no look-around, no back-references"};
  return Pattern(std::move(compiled));
}

bool Pattern::found_in(std::string_view text) const {
  return re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), *compiled_);
}

std::vector<std::string_view> Pattern::groups_in(std::string_view text) const {
  std::vector<re2::StringPiece> found(static_cast<size_t>(compiled_->NumberOfCapturingGroups()) + 1);
  if (!compiled_->Match(re2::StringPiece(text.data(), text.size()), 0, text.size(), re2::RE2::UNANCHORED, found.data(),
                        static_cast<int>(found.size())))
    return {};
  std::vector<std::string_view> groups;
  groups.reserve(found.size());
  for (const re2::StringPiece& each : found)
    groups.push_back(each.data() == nullptr ? std::string_view() : std::string_view(each.data(), each.size()));
  return groups;
}

}  // namespace backout
