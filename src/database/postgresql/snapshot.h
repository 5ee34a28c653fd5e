// Snapshot: which transactions the reader of a snapshot sees, from the text of pg_current_snapshot(). Pure.
#pragma once
#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "base/result.h"

namespace backout::postgresql {

class Snapshot {
 public:
  /// "749:752:750,751"; kCorrupt otherwise.
  static Result<Snapshot> parse(std::string_view text);

  /// Whether a transaction that was committed is seen. Of subtransactions it knows nothing: ask for the one around
  /// them.
  bool sees(uint64_t transaction) const {
    return transaction < first_running_ || (transaction < next_ && !running_.contains(transaction));
  }
  /// The 64-bit number of a 32-bit one that is nearer to this snapshot than 2^31 transactions.
  uint64_t whole(uint32_t transaction) const {
    return next_ + static_cast<uint64_t>(
                       static_cast<int64_t>(static_cast<int32_t>(transaction - static_cast<uint32_t>(next_))));
  }

 private:
  uint64_t first_running_ = 0, next_ = 0;
  std::set<uint64_t> running_;
};

}  // namespace backout::postgresql
