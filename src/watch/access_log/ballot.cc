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

std::vector<Votes> votes_of(const std::map<int, Votes>& by_requests) {
  std::vector<Votes> votes;
  for (const auto& [requests, each] : by_requests) votes.push_back({requests, each.good, each.bad});
  return votes;
}

void count_vote(std::map<int, Votes>& by_requests, int requests, bool bad) {
  Votes& votes = by_requests[requests];
  ++(bad ? votes.bad : votes.good);
}

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

std::vector<Votes> Ballot::outcomes() const {
  std::map<int, Votes> by_requests;
  if (alone_.good + alone_.bad > 0) by_requests[1] = alone_;
  for (const Entry& entry : entries_)
    if (entry.key != 0) count_vote(by_requests, entry.requests, entry.failed);
  return votes_of(by_requests);
}

std::vector<Votes> Ballot::speeds() const {
  std::map<int, Votes> by_requests;
  if (alone_slow_.good + alone_slow_.bad > 0) by_requests[1] = alone_slow_;
  for (const Entry& entry : entries_)
    if (entry.key != 0 && entry.measured > 0) count_vote(by_requests, entry.measured, entry.slow);
  return votes_of(by_requests);
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
