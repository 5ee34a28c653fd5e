#include "watch/access_log/ballot.h"

#include <algorithm>
#include <array>
#include <map>

namespace backout::watch {
namespace {

constexpr char kDigits[] = "0123456789abcdef";

void put_hex(std::string& text, uint64_t value, int digits) {
  for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4) text += kDigits[value >> shift & 15U];
}

/// Takes `digits` hexadecimal digits off the front; false when there are none.
bool take_hex(std::string_view& text, size_t digits, uint64_t& value) {
  if (text.size() < digits) return false;
  value = 0;
  for (size_t i = 0; i < digits; ++i) {
    const char c = text[i];
    const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    if (digit < 0) return false;
    value = value << 4 | static_cast<uint64_t>(digit);
  }
  text.remove_prefix(digits);
  return true;
}

/// Votes by how many requests they were of: few are of many.
class Sorted {
 public:
  /// Of 0 requests: nobody's. Without a branch, as half of the entries are free, in no order.
  void add(unsigned requests, unsigned bad) {
    if (requests < few_.size())
      ++few_[requests][bad];
    else
      ++many_[static_cast<int>(requests)][bad];
  }
  void add_alone(const Votes& votes) {
    few_[1][0] += votes.good;
    few_[1][1] += votes.bad;
  }
  std::vector<Votes> all() const {
    std::vector<Votes> list;
    for (size_t i = 1; i < few_.size(); ++i)
      if (few_[i][0] + few_[i][1] > 0) list.push_back({static_cast<int>(i), few_[i][0], few_[i][1]});
    for (const auto& [requests, each] : many_) list.push_back({requests, each[0], each[1]});
    return list;
  }

 private:
  using Pair = std::array<int64_t, 2>;  // good, bad
  std::array<Pair, 32> few_{};
  std::map<int, Pair> many_;
};

}  // namespace

bool Ballot::grow() {
  if (used_ >= kMost) return false;
  std::vector<Entry> old(entries_.empty() ? 64 : entries_.size() * 2);
  old.swap(entries_);
  const size_t mask = entries_.size() - 1;
  for (const Entry& entry : old) {
    if (entry.key == 0) continue;
    size_t at = entry.home & mask;
    while (entries_[at].key != 0) at = (at + 1) & mask;
    entries_[at] = entry;
  }
  return true;
}

void Ballot::count(std::vector<Votes>& outcomes, std::vector<Votes>& speeds) const {
  Sorted by_outcome, by_speed;
  by_outcome.add_alone(alone_);
  by_speed.add_alone(alone_slow_);
  for (const Entry& entry : entries_) {
    by_outcome.add(entry.requests, entry.failed);
    by_speed.add(entry.measured, entry.slow);
  }
  outcomes = by_outcome.all();
  speeds = by_speed.all();
}

void Ballot::clear() {
  if (used_ > 0) std::fill(entries_.begin(), entries_.end(), Entry{});
  used_ = 0;
  alone_ = alone_slow_ = {};
  dropped_ = 0;
}

std::string Ballot::to_text() const {
  std::string text;
  text.reserve(80 + used_ * 24);
  for (const int64_t each : {alone_.good, alone_.bad, alone_slow_.good, alone_slow_.bad, dropped_})
    put_hex(text, static_cast<uint64_t>(each), 12);
  for (const Entry& entry : entries_) {
    if (entry.key == 0) continue;
    put_hex(text, entry.key, 8);
    put_hex(text, entry.home, 8);
    put_hex(text, entry.requests, 4);
    put_hex(text, static_cast<uint64_t>(entry.measured) << 2 | entry.failed << 1 | entry.slow, 4);
  }
  return text;
}

Ballot Ballot::from_text(std::string_view text) {
  Ballot ballot;
  std::array<uint64_t, 5> numbers{};
  for (uint64_t& each : numbers)
    if (!take_hex(text, 12, each)) return {};
  ballot.alone_ = {1, static_cast<int64_t>(numbers[0]), static_cast<int64_t>(numbers[1])};
  ballot.alone_slow_ = {1, static_cast<int64_t>(numbers[2]), static_cast<int64_t>(numbers[3])};
  ballot.dropped_ = static_cast<int64_t>(numbers[4]);
  if (text.size() / 24 > 2 * kMost) return {};
  uint64_t key = 0, home = 0, requests = 0, rest = 0;
  while (!text.empty()) {
    if (!take_hex(text, 8, key) || !take_hex(text, 8, home) || !take_hex(text, 4, requests) || !take_hex(text, 4, rest))
      return {};
    if (key == 0) return {};
    if ((ballot.used_ + 1) * 4 > ballot.entries_.size() * 3 && !ballot.grow()) return {};
    Entry entry{.key = static_cast<uint32_t>(key), .home = static_cast<uint32_t>(home)};
    entry.requests = static_cast<uint16_t>(std::max<uint64_t>(requests, 1));
    entry.measured = static_cast<uint16_t>(rest >> 2) & 0x3fffU;
    entry.failed = rest >> 1 & 1U;
    entry.slow = rest & 1U;
    const size_t mask = ballot.entries_.size() - 1;
    size_t at = entry.home & mask;
    while (ballot.entries_[at].key != 0) at = (at + 1) & mask;
    ballot.entries_[at] = entry;
    ++ballot.used_;
  }
  return ballot;
}

}  // namespace backout::watch
