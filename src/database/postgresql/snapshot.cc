#include "database/postgresql/snapshot.h"

#include <charconv>

#include "base/text.h"

namespace backout::postgresql {
namespace {

/// The number in front of `after`, which goes too; false: there is none.
bool take_number(std::string_view& text, uint64_t& number, char after) {
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc() || end == text.data()) return false;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  if (text.empty()) return after == ',';
  if (text.front() != after) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

Result<Snapshot> Snapshot::parse(std::string_view text) {
  Snapshot snapshot;
  std::string_view left = text;
  bool ok = take_number(left, snapshot.first_running_, ':') && take_number(left, snapshot.next_, ':');
  while (ok && !left.empty()) {
    uint64_t one = 0;
    ok = take_number(left, one, ',');
    snapshot.running_.insert(one);
  }
  if (ok && snapshot.first_running_ > 0 && snapshot.first_running_ <= snapshot.next_) return snapshot;
  return Error{Code::kCorrupt, "'" + one_line(text.substr(0, 80)) + "' is no snapshot", ""};
}

}  // namespace backout::postgresql
