// What a stretch of a log says: known trouble, what the user denies, and kinds of error that are new.
#include "model/log_lines.h"

#include <array>

#include "base/text.h"

namespace backout {
namespace {

constexpr size_t kLongestLine = 4096, kToldKinds = 10, kKeptKinds = 2000;

/// What no release should write, in the words of the frameworks that write it.
struct Known {
  std::string what;
  Pattern pattern;
};
const std::vector<Known>& known_trouble() {
  static const std::vector<Known> all = [] {
    std::vector<Known> list;
    const auto add = [&](const char* what, std::string_view expression) {
      list.push_back({what, Pattern::compile(expression).value()});
    };
    add("HTTP 500",
        R"re("(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) \S+ HTTP/[\d.]+" 5\d\d\b|^(GET|HEAD|POST|PUT|PATCH|DELETE) \S+ 5\d\d )re"
        R"re(|Completed 5\d\d |Internal Server Error|"status(Code)?": ?5\d\d\b)re");
    add("database cannot be reached",
        R"(could not connect to server|connection to server (at|on) .* failed|[Tt]oo many (connections|clients))"
        R"(|remaining connection slots|server closed the connection unexpectedly|password authentication failed)"
        R"(|Can't connect to (local )?MySQL|MySQL server has gone away|PG::ConnectionBad|Mysql2::Error::ConnectionError)"
        R"(|ActiveRecord::ConnectionNotEstablished|unable to open database file|OperationalError|database is locked)"
        R"(|ECONNREFUSED.*:(5432|5433|3306|6379|27017)\b|SequelizeConnection\w*Error)");
    add("template not found",
        R"(TemplateDoesNotExist|TemplateNotFound|ActionView::MissingTemplate|[Mm]issing template|[Tt]emplate .{0,120}not found)"
        R"(|Failed to lookup view)");
    add("static file missing",
        R"re("(GET|HEAD) /(static|assets|packs|_next/static)/\S* HTTP/[\d.]+" 404\b|No route matches \[GET\] "/(assets|packs)/)re"
        R"re(|open\(\) "\S*/(static|assets|packs)/\S*" failed|Missing staticfiles manifest entry)re");
    add("crash", R"(^Traceback \(most recent call last\)|^panic: |^goroutine \d+ \[|\bFATAL\b|\bPANIC\b|^Uncaught )"
                 R"(|UnhandledPromiseRejection|Segmentation fault|segfault|core dumped|Worker failed to boot)");
    return list;
  }();
  return all;
}

bool any_found(const std::vector<Pattern>& patterns, std::string_view line) {
  return std::any_of(patterns.begin(), patterns.end(), [&](const Pattern& each) { return each.found_in(line); });
}

class Reading {
 public:
  explicit Reading(const LogRules& rules) : rules_(rules) {}

  void line(std::string_view line) {
    line = line.substr(0, kLongestLine);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (trimmed(line).empty()) return;
    ++found_.lines;
    std::string kind = masked(line);
    const bool request = kind.find(" request answered ") != std::string::npos;
    if (request) ++found_.requests;
    const std::string id = kind.empty() ? "" : id_of_kind(kind);
    if (!id.empty() && seen_.insert(id).second && found_.kinds.size() < kKeptKinds) found_.kinds.push_back(id);
    if (any_found(rules_.allow, line)) {
      ++found_.excused;
      return;
    }
    const Gravity gravity = request ? Gravity::kPlain : gravity_of(line);
    if (gravity == Gravity::kError) ++found_.errors;
    if (any_found(rules_.deny, line)) return count(found_.bad, "a line that is denied", kind);
    for (const Known& known : known_trouble())
      if (known.pattern.found_in(line)) return count(found_.bad, known.what, kind);
    if (kind.empty() || request || (rules_.known && rules_.known->contains(id))) return;
    if (gravity == Gravity::kError && rules_.known)
      return count(found_.bad, "a kind of error never seen before", kind, true);
    tell(kind, id);
  }

  LogFindings take() && { return std::move(found_); }

 private:
  /// By what it is; of new kinds, by the kind too.
  static void count(std::vector<Found>& list, const std::string& what, const std::string& kind, bool by_kind = false) {
    for (Found& each : list)
      if (each.what == what && (!by_kind || each.kind == kind)) {
        ++each.count;
        if (each.kind.empty()) each.kind = kind;
        return;
      }
    list.push_back({what, kind, 1});
  }
  void tell(const std::string& kind, const std::string& id) {
    for (Found& each : found_.new_kinds)
      if (each.kind == kind) {
        ++each.count;
        return;
      }
    if (told_.insert(id).second) ++found_.new_kinds_count;
    if (found_.new_kinds.size() < kToldKinds) found_.new_kinds.push_back({"new", kind, 1});
  }

  const LogRules& rules_;
  LogFindings found_;
  std::set<std::string> seen_, told_;
};

}  // namespace

LogFindings findings_in(std::string_view text, const LogRules& rules) {
  Reading reading(rules);
  for (size_t start = 0; start < text.size();) {
    const size_t end = std::min(text.find('\n', start), text.size());
    reading.line(text.substr(start, end - start));
    start = end + 1;
  }
  return std::move(reading).take();
}

}  // namespace backout
