#include "drivers/traffic/door_block.h"

#include <fmt/format.h>

#include "base/text.h"

namespace backout::drivers {
namespace {

constexpr std::string_view kOpenMark = "# backout door: open\n";
constexpr std::string_view kClosedMark = "# backout door: closed\n";
constexpr std::string_view kDoNotEdit =
    "# Written by backout, which replaces this file as a whole. Include it inside a server { } block.\n";

// How the request travels: the rewrite of the server sends every path to the first location, except the page's own,
// which an internal redirect asks for (a server's rewrite runs again after one) and which nobody else may ask for. The
// first location answers 503; error_page turns the request into a GET of the page, so that a POST is not answered 405.
// A page that cannot be read becomes the sentence, and there it ends: no error_page of the site itself takes over.
constexpr std::string_view kClosed = R"(
rewrite ^(?!/\.backout/door/page$) /.backout/door/closed last;
location = /.backout/door/closed {{
    internal;
{headers}    recursive_error_pages on;
    error_page 503 {answer};
    return 503;
}}
)";
constexpr std::string_view kPage = R"(location = /.backout/door/page {{
    internal;
{headers}    types {{ }}
    default_type "text/html; charset=utf-8";
    recursive_error_pages off;
    error_page 403 404 500 =503 @backout_door_words;
    alias "{page}";
}}
)";
constexpr std::string_view kWords = R"(location @backout_door_words {{
{headers}    recursive_error_pages off;
    default_type "text/plain; charset=utf-8";
    return 503 "Down for a short repair. Please try again in a minute.\n";
}}
)";
constexpr std::string_view kHeaders = R"(    add_header X-Backout-Door closed always;
    add_header Retry-After 30 always;
    add_header Cache-Control no-store always;
)";

}  // namespace

std::string open_block() { return std::string(kOpenMark) + std::string(kDoNotEdit); }

Result<std::string> closed_block(std::string_view page) {
  if (!page.empty() && !page.starts_with('/'))
    return Error{Code::kInvalid, "door: 'page' must be an absolute path", ""};
  for (const char c : page)
    if (c == '"' || c == '\\' || c == '$' || static_cast<unsigned char>(c) < 0x20)
      return Error{Code::kInvalid, "door: 'page' has a character that nginx would read as its own: " + one_line(page),
                   "rename the file"};
  std::string block = std::string(kClosedMark) + std::string(kDoNotEdit);
  const std::string_view answer = page.empty() ? "@backout_door_words" : "/.backout/door/page";
  block += fmt::format(kClosed, fmt::arg("headers", kHeaders), fmt::arg("answer", answer));
  if (!page.empty()) block += fmt::format(kPage, fmt::arg("headers", kHeaders), fmt::arg("page", page));
  block += fmt::format(kWords, fmt::arg("headers", kHeaders));
  return block;
}

bool is_closed_block(std::string_view content) { return content.starts_with(kClosedMark); }

}  // namespace backout::drivers
