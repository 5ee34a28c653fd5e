// Fingerprint: 128 bits over bytes, fast enough to run over whole databases while users wait.
//
// Finds accidents (a flipped bit, a lost row, a torn page), not forgers: what must withstand those has a SHA-256 beside
// it. Values are stored in manifests, so the function never changes without a new manifest format.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace backout::database {

struct Fingerprint {
  uint64_t high = 0, low = 0;
  bool operator==(const Fingerprint&) const = default;
  /// Adds another one: the sum does not depend on the order.
  void add(const Fingerprint& other);
  std::string hex() const;
};

Fingerprint fingerprint_of(std::string_view bytes, uint64_t seed = 0);

}  // namespace backout::database
