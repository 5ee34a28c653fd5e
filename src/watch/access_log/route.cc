#include "watch/access_log/route.h"

#include <algorithm>

#include "base/text.h"
#include "watch/access_log/scan.h"

namespace backout::watch {
namespace {

constexpr size_t kLongestRoute = 120, kLongestPath = 2048, kMostSegments = 8;
constexpr size_t kRecent = 8192;  // 128 kB
constexpr std::string_view kId = "{id}";

// What each byte is, so that one look at each tells what a run of them is.
enum : uint8_t { kDigit = 1, kHexLetter = 2, kLower = 4, kUpper = 8, kPlain = 16 };
constexpr std::array<uint8_t, 256> kKinds = [] {
  std::array<uint8_t, 256> kinds{};
  for (size_t c = '!'; c < 0x7f; ++c) kinds[c] = kPlain;
  for (size_t c = '0'; c <= '9'; ++c) kinds[c] = kPlain | kDigit;
  for (size_t c = 'a'; c <= 'z'; ++c) kinds[c] = kPlain | kLower | (c <= 'f' ? kHexLetter : 0);
  for (size_t c = 'A'; c <= 'Z'; ++c) kinds[c] = kPlain | kUpper | (c <= 'F' ? kHexLetter : 0);
  return kinds;
}();
uint8_t kind_of(char c) { return kKinds[static_cast<unsigned char>(c)]; }

bool is_uuid(std::string_view text) {
  if (text.size() != 36 || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-') return false;
  bool all = true;  // without a branch for each
  for (const char c : text) all &= (kind_of(c) & (kDigit | kHexLetter)) != 0 || c == '-';
  return all;
}

/// Whether a run of letters and digits names one thing rather than a kind of thing.
bool is_id(size_t size, size_t digits, size_t hex_letters, unsigned kinds) {
  if (digits == 0) return false;
  if (digits == size || (size >= 8 && digits + hex_letters == size)) return true;
  return size >= 16 && (digits >= 3 || (kinds & (kLower | kUpper)) == (kLower | kUpper));
}

std::string_view next_segment(std::string_view& path) {
  const size_t end = std::min(path.find('/'), path.size());
  const std::string_view segment = path.substr(0, end);
  path.remove_prefix(std::min(end + 1, path.size()));
  return segment;
}

bool is_method(std::string_view text) {
  if (text.empty() || text.size() > 16) return false;
  for (const char c : text)
    if ((kind_of(c) & kUpper) == 0 && c != '-' && c != '_') return false;
  return true;
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

void FoldedRoute::put_segment(std::string_view segment) {
  if (is_uuid(segment)) return put(kId);
  size_t after_id = SIZE_MAX;  // the end of an "{id}" that this segment has got
  for (size_t i = 0; i < segment.size();) {
    size_t end = i, digits = 0, hex_letters = 0;
    unsigned kinds = 0;
    for (uint8_t kind; end < segment.size() && ((kind = kind_of(segment[end])) & (kDigit | kLower | kUpper)) != 0;
         ++end) {
      digits += kind & kDigit;
      hex_letters += (kind & kHexLetter) >> 1;
      kinds |= kind;
    }
    if (end == i) {
      put((kind_of(segment[i]) & kPlain) != 0 ? segment[i] : '?');
      ++i;
    } else if (!is_id(end - i, digits, hex_letters, kinds)) {
      put(segment.substr(i, end - i));
      i = end;
    } else {
      if (size_ == after_id + 1)
        --size_;  // "{id}-{id}" is one
      else
        put(kId);
      after_id = size_;
      i = end;
    }
  }
}

FoldedRoute::FoldedRoute(std::string_view method, std::string_view path) {
  put(is_method(method) ? method : "?");
  put(' ');
  if (!path.starts_with('/')) {
    put(path == "*" ? "*" : "(none)");
    return;
  }
  path.remove_prefix(1);
  for (size_t count = 0;; ++count) {
    put('/');
    if (path.empty()) break;
    if (count == kMostSegments) {
      put("...");
      break;
    }
    const size_t end = path.find('/');
    put_segment(path.substr(0, end));
    if (end == std::string_view::npos || size_ == text_.size()) break;
    path.remove_prefix(end + 1);
  }
}

Routes::Routes(std::vector<RoutePattern> patterns, std::vector<RoutePattern> ignored, uint64_t seed)
    : patterns_(std::move(patterns)), ignored_(std::move(ignored)), seed_(seed), names_{"other"}, recent_(kRecent) {
  for (const auto* list : {&patterns_, &ignored_})
    for (const RoutePattern& each : *list)
      numbers_matter_ = numbers_matter_ || each.text().find_first_of("0123456789") != std::string::npos;
}

/// kOther when there is none.
Routes::Id Routes::find(std::string_view name) const {
  for (size_t at = hash_of(name, seed_) % ids_.size(); ids_[at] != kOther; at = (at + 1) % ids_.size())
    if (names_[ids_[at]] == name) return ids_[at];
  return kOther;
}

Routes::Id Routes::found_or_new(std::string_view name) {
  if (const Id id = find(name); id != kOther || names_.size() >= kMost || name == names_[kOther]) return id;
  names_.emplace_back(name);
  const Id id = static_cast<Id>(names_.size() - 1);
  size_t at = hash_of(name, seed_) % ids_.size();
  while (ids_[at] != kOther) at = (at + 1) % ids_.size();
  return ids_[at] = id;
}

Routes::Id Routes::known(const std::string& name) { return found_or_new(name); }

Routes::Id Routes::slow(std::string_view method, std::string_view path, int status, bool& keep) {
  for (const RoutePattern& each : ignored_)
    if (each.fits(method, path)) return kIgnored;
  for (const RoutePattern& each : patterns_)
    if (each.fits(method, path)) return found_or_new(each.text());
  const FoldedRoute folded(method, path);
  if (status != 404 && status != 405 && status != 400) return found_or_new(folded.text());
  const Id id = find(folded.text());
  keep = id != kOther;  // answered otherwise the next time, it may be a route after all
  return id;
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

/// What requests are remembered by: method and path, but for a number or a UUID that the last segment begins with.
/// Whichever it is, the route is the same, so that it has to be found but once.
uint64_t Routes::key_of(std::string_view request) const {
  size_t last = request.size();
  while (request[last - 1] != '/') --last;  // there is one
  size_t end = last;
  if (!numbers_matter_) {
    while (end < request.size() && (kind_of(request[end]) & kDigit) != 0) ++end;
    if (end < request.size() && (kind_of(request[end]) & (kLower | kUpper)) != 0) end = last;
    if (request.size() - last == 36 && is_uuid(request.substr(last))) end = request.size();
  }
  const uint64_t front = hash_of(request.substr(0, last), seed_ + (end > last));
  return (end == request.size() ? front : hash_of(request.substr(end), front)) | 1U;
}

Routes::Id Routes::of_request(std::string_view request, int status) {
  const char* const begin = request.data();
  const char* end = begin + request.size();
  if (request.size() > 9 && end[-9] == ' ' && same_bytes(end - 8, "HTTP/", 5)) end -= 9;
  // Plain requests, nearly all: what lies before the query is the key.
  const char* const space = find_byte(begin, end, ' ');
  const char* const stop = find_either(space, end, '?', '#');
  if (end - space > 1 && space[1] == '/' && stop - begin < static_cast<ptrdiff_t>(kLongestPath) &&
      end != begin + request.size()) {
    const std::string_view key(begin, static_cast<size_t>(stop - begin));
    return remembered(key_of(key), {begin, static_cast<size_t>(space - begin)},
                      {space + 1, static_cast<size_t>(stop - space - 1)}, status);
  }
  if (space == end) return of("", "", status);  // "-", rubbish, a TLS handshake on a plain port
  const char* const target_end = find_byte(space + 1, end, ' ');
  return of({begin, static_cast<size_t>(space - begin)}, {space + 1, static_cast<size_t>(target_end - space - 1)},
            status);
}

}  // namespace backout::watch
