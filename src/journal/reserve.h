// Reserve: space held back beside the journal, so that a full disk cannot stop an outcome from being written.
//
// A file of bytes that nobody reads, really on the disk: the last resort, when the room in the journal's own files
// (room.h) does not do. It is given up in pieces, because whatever else writes on that disk may be faster than we are;
// it is made again at a later open once there is space for it. Several processes may share it.
#pragma once
#include <cstdint>
#include <string>

#include "base/result.h"

namespace backout::journal {

class Reserve {
 public:
  static constexpr uint64_t kDefaultBytes = 4ULL << 20U;
  static constexpr uint64_t kPieceBytes = 256ULL << 10U;  // of many appends

  Reserve(std::string file, uint64_t size) : file_(std::move(file)), size_(size) {}
  /// Makes it when it is not whole and the disk has at least twice its size free. Not having one is no error: bytes()
  /// says.
  void make() const;
  /// Bytes really held now.
  uint64_t bytes() const;
  /// Frees kPieceBytes of them, or the rest, durably. Fine when there are none.
  Result<void> give_piece() const;

 private:
  std::string file_;
  uint64_t size_;
};

}  // namespace backout::journal
