// Ballot: who voted in one second, and how: one entry for each client and route group. Bounded: of a second with more
// voters than kMost the rest is counted as requests, not as votes.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "model/observation.h"

namespace backout::watch {

class Ballot {
 public:
  static constexpr size_t kMost = 1U << 16;

  /// One request of `voter`, a hash of client and route. `measured`: its duration is known, and was `slow` or not.
  void add(uint64_t voter, bool failed, bool measured, bool slow) {
    if ((used_ + 1) * 4 > entries_.size() * 3 && !grow()) {
      ++dropped_;
      return;
    }
    const auto key = static_cast<uint32_t>(voter >> 32) | 1U;
    const size_t mask = entries_.size() - 1;
    for (size_t at = voter & mask;; at = (at + 1) & mask) {
      Entry& entry = entries_[at];
      if (entry.key != key && entry.key != 0) continue;
      if (entry.key == 0) {
        entry.key = key;
        entry.home = static_cast<uint32_t>(voter);
        ++used_;
      } else if (entry.home != static_cast<uint32_t>(voter)) {
        continue;
      }
      if (entry.requests < UINT16_MAX) ++entry.requests;
      if (measured && entry.measured < UINT16_MAX >> 2) ++entry.measured;
      entry.failed = entry.failed || failed;
      entry.slow = entry.slow || slow;
      return;
    }
  }
  /// A request of somebody who cannot be told apart: a vote of its own.
  void add_alone(bool failed, bool measured, bool slow) {
    ++(failed ? alone_.bad : alone_.good);
    if (measured) ++(slow ? alone_slow_.bad : alone_slow_.good);
  }

  void count(std::vector<Votes>& outcomes, std::vector<Votes>& speeds) const;
  int64_t dropped() const { return dropped_; }
  /// Empty again; keeps its room.
  void clear();

  /// Text for a position, and back; what is no such text gives an empty ballot.
  std::string to_text() const;
  static Ballot from_text(std::string_view text);

 private:
  struct Entry {
    uint32_t key = 0, home = 0;  // 0: free. Together the voter but for a bit
    uint16_t requests = 0;
    uint16_t measured : 14 = 0;
    uint16_t failed : 1 = 0;
    uint16_t slow : 1 = 0;
  };
  bool grow();

  std::vector<Entry> entries_;  // a power of two, open addressing
  size_t used_ = 0;
  Votes alone_, alone_slow_;
  int64_t dropped_ = 0;
};

}  // namespace backout::watch
