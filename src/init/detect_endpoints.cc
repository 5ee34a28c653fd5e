// Paths by which a site says that it is well, or which version it is: found where routes are written down.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "init/detect.h"
#include "init/words.h"

namespace backout::init {
namespace {

constexpr std::string_view kNames[] = {
    "version", "health", "healthz", "healthcheck", "health_check", "health-check", "status",  "up",       "ready",
    "readyz",  "livez",  "ping",    "api/health",  "api/version",  "api/healthz",  "_health", "_version", "-/healthy"};
/// What a line must hold, so that a quoted word in it is a route.
constexpr std::string_view kRouting[] = {
    "path(",   "url(",  "route(",     ".get(",  "get ",      "handlefunc(", "handle(", "get(", "==",    "strcmp(",
    "strncmp", "case ", "startswith", "match ", "add_route", "\"get /",     "mount(",  "in (", "root ", "use("};

bool is_source(std::string_view path) {
  static constexpr std::string_view kEndings[] = {".py", ".js", ".mjs", ".cjs", ".ts",  ".rb",
                                                  ".go", ".c",  ".cc",  ".cpp", ".php", ".ru"};
  return std::any_of(std::begin(kEndings), std::end(kEndings),
                     [&](std::string_view ending) { return path.ends_with(ending); }) &&
         path.find("test") == std::string_view::npos && path.find("migrations/") == std::string_view::npos;
}

/// "^health/$", "GET /health " -> "health", with a slash at the end kept apart.
std::pair<std::string, bool> route_of(std::string word) {
  if (word.starts_with("GET ")) word.erase(0, 4);
  while (word.ends_with(' ')) word.pop_back();
  if (word.starts_with('^')) word.erase(0, 1);
  if (word.ends_with('$')) word.pop_back();
  if (word.starts_with('/')) word.erase(0, 1);
  if (word.ends_with('?')) word.pop_back();
  const bool slash = word.ends_with('/');
  if (slash) word.pop_back();
  return {word, slash};
}

/// What a handler on the same line answers with, when that is a plain word: `res.send("ok")`.
std::string answer_on(std::string_view line, size_t after) {
  for (const std::string_view sign :
       {".send(", ".end(", "HttpResponse(", "Fprint(w, ", "Fprintln(w, ", "return ", "plain: "}) {
    const size_t at = line.find(sign, after);
    if (at == std::string_view::npos || at + sign.size() >= line.size()) continue;
    if (line[at + sign.size()] != '"' && line[at + sign.size()] != '\'') continue;
    std::string word = quoted_after(line, at + sign.size());
    if (!word.empty() &&
        word.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ ") == std::string::npos)
      return word;
  }
  return "";
}

}  // namespace

void detect_endpoints(const Facts& facts, Draft& draft) {
  std::vector<CheckDraft> found;
  for (const auto& [path, text] : facts.project) {
    if (!is_source(path)) continue;
    int number = 0;
    for (const std::string_view line : lines_of(text)) {
      ++number;
      if (line.size() > 400) continue;
      std::string words(line);
      std::transform(words.begin(), words.end(), words.begin(), [](unsigned char c) { return std::tolower(c); });
      const bool routes = std::any_of(std::begin(kRouting), std::end(kRouting),
                                      [&](std::string_view sign) { return words.find(sign) != std::string::npos; });
      for (size_t at = 0; (at = line.find_first_of("'\"`", at)) != std::string_view::npos;) {
        const size_t end = line.find(line[at], at + 1);
        if (end == std::string_view::npos) break;
        const bool is_path = at + 1 < line.size() && line[at + 1] == '/';  // a whole path can hardly be anything else
        const auto [route, slash] = route_of(std::string(line.substr(at + 1, end - at - 1)));
        at = end + 1;
        const auto name = std::find(std::begin(kNames), std::end(kNames), std::string_view(route));
        if (name == std::end(kNames) || (!routes && !is_path)) continue;
        CheckDraft check{.path = "/" + route + (slash ? "/" : ""), .where = fmt::format("{}, line {}", path, number)};
        check.reports_version = route.ends_with("version");
        if (!check.reports_version) check.contains = answer_on(line, at);
        if (std::none_of(found.begin(), found.end(), [&](const CheckDraft& other) { return other.path == check.path; }))
          found.push_back(std::move(check));
      }
    }
  }
  const auto rank = [](const CheckDraft& check) {
    const auto at = std::find(std::begin(kNames), std::end(kNames), route_of(check.path).first);
    return at - std::begin(kNames);
  };
  std::stable_sort(found.begin(), found.end(),
                   [&](const CheckDraft& a, const CheckDraft& b) { return rank(a) < rank(b); });
  if (found.size() > 3) found.resize(3);
  draft.checks.insert(draft.checks.begin(), found.begin(), found.end());
  for (const char* name : {"VERSION", "version.txt", "REVISION"})
    if (const std::string* text = project_text(facts, name);
        text != nullptr && !trimmed(*text).empty() &&
        (trimmed(*text) == facts.current ||
         std::find(facts.git.tags.begin(), facts.git.tags.end(), std::string(trimmed(*text))) != facts.git.tags.end()))
      draft.version_file = name;
}

}  // namespace backout::init
