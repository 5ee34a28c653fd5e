#include "watch/access_log/format.h"

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

}  // namespace

bool Format::parse_plain(std::string_view line, Fields& fields) const {
  const char* const begin = line.data();
  const char* const end = begin + line.size();
  if (!line.starts_with(start_)) return false;
  const char* at = begin + start_.size();
  for (const Move& move : moves_) {
    const char* stop = end;
    if (!move.until.empty()) {
      const std::string& until = move.until;
      const char* from = at;
      for (;; from = stop + 1) {
        stop = find_byte(begin, from, end, until[0]);
        if (static_cast<size_t>(end - stop) < until.size()) return false;
        if (until.size() > 1 && std::memcmp(stop, until.data(), until.size()) != 0) continue;
        if (!move.quoted || stop == at || stop[-1] != '\\' || !is_escaped(at, stop)) break;
      }
    }
    if (move.column != Column::kNone) fields[move.column] = {at, static_cast<size_t>(stop - at)};
    at = move.keep ? stop : stop + move.until.size();
  }
  return true;
}

}  // namespace backout::watch
