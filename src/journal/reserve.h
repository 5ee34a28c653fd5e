// Reserve: space held back beside the journal, so that a full disk cannot stop an outcome from being written.
//
// A file of bytes that nobody reads, really on the disk. When the disk is full it is given up, and the journal has that
// much room; it is made again at a later open once there is space for it. Several processes may share it.
#pragma once
#include <cstdint>
#include <string>

#include "base/result.h"

namespace backout::journal {

class Reserve {
 public:
  static constexpr uint64_t kDefaultBytes = 4ULL << 20U;

  Reserve(std::string file, uint64_t size) : file_(std::move(file)), size_(size) {}
  /// Makes it when it is not whole and the disk has at least twice its size free. Not having one is no error: bytes()
  /// says.
  void make() const;
  /// Bytes really held now.
  uint64_t bytes() const;
  /// Frees them all, durably. Fine when there are none.
  Result<void> give_up() const;

 private:
  std::string file_;
  uint64_t size_;
};

}  // namespace backout::journal
