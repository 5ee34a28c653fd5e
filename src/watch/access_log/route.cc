#include "watch/access_log/route.h"

#include <algorithm>

#include "base/text.h"
#include "watch/access_log/scan.h"

namespace backout::watch {
namespace {

constexpr size_t kLongestRoute = 120, kLongestPath = 2048, kMostSegments = 8;
constexpr size_t kRecent = 8192;  // 128 kB
constexpr std::string_view kId = "{id}";

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c | 0x20) >= 'a' && (c | 0x20) <= 'z'; }
bool is_hex(char c) { return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f'); }

bool is_uuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (size_t i = 0; i < text.size(); ++i)
    if (i == 8 || i == 13 || i == 18 || i == 23 ? text[i] != '-' : !is_hex(text[i])) return false;
  return true;
}

/// A run of letters and digits that names one thing rather than a kind of thing.
bool is_id(std::string_view piece) {
  const auto digits = static_cast<size_t>(std::count_if(piece.begin(), piece.end(), is_digit));
  if (digits == piece.size()) return digits > 0;
  if (digits >= 1 && piece.size() >= 8 && std::all_of(piece.begin(), piece.end(), is_hex)) return true;
  const bool mixed = std::any_of(piece.begin(), piece.end(), [](char c) { return c >= 'A' && c <= 'Z'; }) &&
                     std::any_of(piece.begin(), piece.end(), [](char c) { return c >= 'a' && c <= 'z'; });
  return piece.size() >= 16 && (digits >= 3 || (digits >= 1 && mixed));
}

void fold_segment(std::string_view segment, std::string& into) {
  if (is_uuid(segment)) {
    into += kId;
    return;
  }
  const size_t start = into.size();
  for (size_t i = 0; i < segment.size();) {
    size_t end = i;
    while (end < segment.size() && (is_digit(segment[end]) || is_letter(segment[end]))) ++end;
    if (end == i) {
      const char c = segment[i++];
      into += c > ' ' && c < 0x7f ? c : '?';
      continue;
    }
    const std::string_view piece = segment.substr(i, end - i);
    if (!is_id(piece)) {
      into += piece;
    } else if (into.size() < start + kId.size() + 1 ||
               !std::string_view(into).substr(0, into.size() - 1).ends_with(kId)) {
      into += kId;
    } else {
      into.pop_back();  // "{id}-{id}" is one
    }
    i = end;
  }
}

std::string_view next_segment(std::string_view& path) {
  const size_t end = std::min(path.find('/'), path.size());
  const std::string_view segment = path.substr(0, end);
  path.remove_prefix(std::min(end + 1, path.size()));
  return segment;
}

bool is_method(std::string_view text) {
  return !text.empty() && text.size() <= 16 &&
         std::all_of(text.begin(), text.end(), [](char c) { return (c >= 'A' && c <= 'Z') || c == '-' || c == '_'; });
}

}  // namespace

std::string_view path_of(std::string_view target) {
  target = target.substr(0, target.find_first_of("?#"));
  if (!target.starts_with('/'))
    if (const size_t scheme = target.find("://"); scheme != std::string_view::npos && scheme < 8) {
      const size_t slash = target.find('/', scheme + 3);
      target = slash == std::string_view::npos ? "/" : target.substr(slash);
    }
  return target.substr(0, kLongestPath);
}

Result<RoutePattern> RoutePattern::parse(std::string_view text) {
  const Error wrong{Code::kInvalid, fmt::format("access log: '{}' is no route", shortened(one_line(text), 80)),
                    "write it as /orders/:id, POST /orders/* or /static/**"};
  RoutePattern pattern;
  pattern.text_ = std::string(trimmed(text));
  std::string_view rest = pattern.text_;
  if (pattern.text_.size() > kLongestRoute || one_line(rest) != rest) return wrong;
  if (const size_t space = rest.find(' '); space != std::string_view::npos) {
    pattern.method_ = std::string(rest.substr(0, space));
    if (!is_method(pattern.method_)) return wrong;
    rest = trimmed(rest.substr(space));
  }
  if (!rest.starts_with('/')) return wrong;
  rest.remove_prefix(1);
  while (!rest.empty()) {
    const std::string_view segment = next_segment(rest);
    if (segment == "**") {
      if (!rest.empty()) return wrong;
      pattern.rest_ = true;
    } else {
      const bool any =
          segment == "*" || segment.starts_with(':') || (segment.starts_with('{') && segment.ends_with('}'));
      pattern.segments_.emplace_back(any ? "" : segment);
    }
  }
  return pattern;
}

bool RoutePattern::fits(std::string_view method, std::string_view path) const {
  if ((!method_.empty() && method != method_) || !path.starts_with('/')) return false;
  path.remove_prefix(1);
  if (path.ends_with('/')) path.remove_suffix(1);
  for (const std::string& segment : segments_) {
    if (path.empty()) return false;
    const std::string_view one = next_segment(path);
    if (segment.empty() ? one.empty() : one != segment) return false;
  }
  return rest_ || path.empty();
}

std::string folded_route(std::string_view method, std::string_view path) {
  std::string route(is_method(method) ? method : "?");
  route += ' ';
  if (!path.starts_with('/')) return route + (path == "*" ? "*" : "(none)");
  path.remove_prefix(1);
  for (size_t count = 0;; ++count) {
    route += '/';
    if (path.empty()) break;
    if (count == kMostSegments) {
      route += "...";
      break;
    }
    const bool more = path.find('/') != std::string_view::npos;
    fold_segment(next_segment(path), route);
    if (!more || route.size() > kLongestRoute) break;
  }
  return shortened(route, kLongestRoute);
}

Routes::Routes(std::vector<RoutePattern> patterns, std::vector<RoutePattern> ignored, uint64_t seed)
    : patterns_(std::move(patterns)),
      ignored_(std::move(ignored)),
      seed_(seed),
      names_{"other"},
      ids_{{"other", kOther}},
      recent_(kRecent) {}

Routes::Id Routes::known(const std::string& name) {
  if (const auto at = ids_.find(name); at != ids_.end()) return at->second;
  if (names_.size() >= kMost) return kOther;
  names_.push_back(name);
  return ids_[name] = static_cast<Id>(names_.size() - 1);
}

Routes::Id Routes::slow(std::string_view method, std::string_view path, int status, bool& keep) {
  for (const RoutePattern& each : ignored_)
    if (each.fits(method, path)) return kIgnored;
  for (const RoutePattern& each : patterns_)
    if (each.fits(method, path)) return known(each.text());
  const std::string name = folded_route(method, path);
  if (const auto at = ids_.find(name); at != ids_.end()) return at->second;
  if (status == 404 || status == 405 || status == 400 || names_.size() >= kMost) {
    keep = names_.size() >= kMost;  // answered otherwise the next time, it may be a route after all
    return kOther;
  }
  return known(name);
}

Routes::Id Routes::remembered(uint64_t hash, std::string_view method, std::string_view path, int status) {
  Recent& recent = recent_[(hash >> 1) % kRecent];
  if (recent.hash == hash) return recent.id;
  bool keep = true;
  const Id id = slow(method, path, status, keep);
  if (keep) recent = {hash, id};
  return id;
}

Routes::Id Routes::of(std::string_view method, std::string_view target, int status) {
  const std::string_view path = path_of(target);
  return remembered(hash_of(path, hash_of(method, seed_)) | 1U, method, path, status);
}

Routes::Id Routes::of_request(std::string_view request, int status) {
  const char* const begin = request.data();
  const char* const end = begin + request.size();
  const char* const space = find_byte(begin, begin, end, ' ');
  if (space == end) return of("", "", status);  // "-", rubbish, a TLS handshake on a plain port
  const char* target_end = find_byte(begin, space + 1, end, ' ');
  const char* const query = find_byte(begin, space + 1, target_end, '?');
  // Plain paths, nearly all: what lies before the query is the key.
  if (space + 1 < query && space[1] == '/') {
    const std::string_view key(begin, static_cast<size_t>(query - begin));
    return remembered(hash_of(key, seed_) | 1U, {begin, static_cast<size_t>(space - begin)},
                      path_of({space + 1, static_cast<size_t>(query - space - 1)}), status);
  }
  return of({begin, static_cast<size_t>(space - begin)}, {space + 1, static_cast<size_t>(target_end - space - 1)},
            status);
}

}  // namespace backout::watch
