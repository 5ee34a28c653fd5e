#include "drivers/code/version.h"

#include "base/text.h"

namespace backout::drivers {

bool is_version(std::string_view text) {
  static constexpr std::string_view kAllowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+-";
  if (text.empty() || text.size() > 128) return false;
  if (text.front() == '-' || text.front() == '.' || text.back() == '.') return false;
  if (text.find_first_not_of(kAllowed) != std::string_view::npos) return false;
  if (text.find("..") != std::string_view::npos) return false;
  for (const std::string_view suffix : {".lock", ".backout-tmp", ".backout-trash"})
    if (text.ends_with(suffix)) return false;
  return true;
}

Result<void> check_version(std::string_view text) {
  if (is_version(text)) return {};
  return Error{Code::kInvalid, fmt::format("'{}' cannot be a version", shortened(one_line(text), 140)),
               "use letters, digits and . _ + - (at most 128, not beginning with - or .)"};
}

Result<std::string> version_argument(const Json& args, std::string_view key) {
  const Json& member = get(args, key);
  if (!member.is_string()) return Error{Code::kInvalid, fmt::format("'{}' is missing", key), ""};
  std::string version = member.get<std::string>();
  TRY_VOID(check_version(version));
  return version;
}

bool is_commit(std::string_view text) {
  return (text.size() == 40 || text.size() == 64) &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

Result<void> check_git_source(std::string_view source) {
  const auto invalid = [](std::string_view what, std::string_view next) {
    return Error{Code::kInvalid, fmt::format("code.source.git {}", what), std::string(next)};
  };
  if (source.empty()) return invalid("is empty", "");
  if (source.front() == '-') return invalid("begins with '-'", "");
  for (const unsigned char c : source)
    if (c < 0x20 || c == 0x7F) return invalid("has control characters in it", "");
  const size_t scheme = source.find("://");
  if (scheme == std::string_view::npos) return {};
  const std::string_view authority = source.substr(scheme + 3, source.find('/', scheme + 3) - scheme - 3);
  const size_t at = authority.rfind('@');
  if (at != std::string_view::npos && authority.substr(0, at).find(':') != std::string_view::npos)
    return invalid("holds a password, which everybody on the host could read in the process list",
                   "use a deploy key or a git credential helper of the user that fetches");
  return {};
}

}  // namespace backout::drivers
