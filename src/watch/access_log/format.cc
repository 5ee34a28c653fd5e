#include "watch/access_log/format.h"

#include <algorithm>

#include "watch/access_log/scan.h"

namespace backout::watch {
namespace {

/// Whether the quote at `at` is one of the text: an odd number of backslashes stands before it.
bool is_escaped(const char* start, const char* at) {
  size_t backslashes = 0;
  while (at - static_cast<ptrdiff_t>(backslashes) > start && at[-1 - static_cast<ptrdiff_t>(backslashes)] == '\\')
    ++backslashes;
  return backslashes % 2 == 1;
}

constexpr ptrdiff_t kRoom = 64;  // bytes that are left: more than any guess looks at

/// "0.123"
bool is_seconds(const char* at) {
  const auto digit = [&](int i) { return static_cast<unsigned char>(at[i] - '0') <= 9; };
  return at[1] == '.' && digit(0) && digit(2) && digit(3) && digit(4);
}

}  // namespace

Format::Move::Move(Column its, std::string behind)
    : column(its), quoted(behind.starts_with('"')), first(behind.empty() ? '\n' : behind[0]), until(std::move(behind)) {
  const size_t length = std::min(until.size(), sizeof word);
  std::memcpy(&word, until.data(), length);
  std::memset(&mask, 0xff, length);
  if (column != Column::kNone || quoted || until.empty() || until.size() >= sizeof word) return;
  const std::string dash = "-" + until;
  std::memcpy(&dash_word, dash.data(), dash.size());
  std::memset(&dash_mask, 0xff, dash.size());
}

/// Whether `until` stands there.
inline bool Format::Move::ends_at(const char* at, const char* end) const {
  const auto left = static_cast<size_t>(end - at);
  if (left >= sizeof word && until.size() <= sizeof word) return (word_at(at) & mask) == word;
  return left >= until.size() && std::memcmp(at, until.data(), until.size()) == 0;
}

template <class Find>
[[gnu::always_inline]] inline const char* Format::walk(const Format& format, const char* const begin,
                                                       const char* const end, Fields& fields) {
  const char* at = begin;
  if (!format.start_.empty()) {
    if (!std::string_view(at, static_cast<size_t>(end - at)).starts_with(format.start_)) return nullptr;
    at += format.start_.size();
  }
  for (const Move& move : format.moves_) {
    const bool roomy = end - at >= kRoom;
    if (roomy && move.dash_mask != 0 && (word_at(at) & move.dash_mask) == move.dash_word) {
      at += 1 + move.until.size();
      continue;
    }
    const size_t width = roomy && move.seconds && is_seconds(at) ? 5 : roomy ? move.width : 0;
    const char* stop = at + width;
    if (width == 0 || !move.ends_at(stop, end)) {
      for (const char* from = at;; from = stop + 1) {
        stop = move.quoted ? Find::either(from, end, move.first, '\n') : find_near(from, end, move.first, '\n');
        if (stop == end || *stop == '\n') {
          if (!move.until.empty()) return nullptr;
          break;
        }
        if (!move.ends_at(stop, end)) continue;
        if (!move.quoted || stop == at || stop[-1] != '\\' || !is_escaped(at, stop)) break;
      }
    }
    if (move.column != Column::kNone) {
      const char* const field_end = move.until.empty() && stop > at && stop[-1] == '\r' ? stop - 1 : stop;
      fields[move.column] = {at, static_cast<size_t>(field_end - at)};
    }
    at = move.keep ? stop : stop + move.until.size();
  }
  const char* const line_end = find_near(at, end, '\n', '\n');
  return line_end == end ? end : line_end + 1;
}

const char* Format::take_base(const Format& format, const char* begin, const char* end, Fields& fields) {
  return walk<BaseFind>(format, begin, end, fields);
}

#if defined(BACKOUT_SCAN_SSE2)
__attribute__((target("avx2"))) const char* Format::take_avx2(const Format& format, const char* begin, const char* end,
                                                              Fields& fields) {
  return walk<Avx2Find>(format, begin, end, fields);
}
Format::Take Format::best_take() { return __builtin_cpu_supports("avx2") ? take_avx2 : take_base; }
#else
const char* Format::take_avx2(const Format& format, const char* begin, const char* end, Fields& fields) {
  return take_base(format, begin, end, fields);
}
Format::Take Format::best_take() { return take_base; }
#endif

}  // namespace backout::watch
