#include "database/sqlite/fingerprint.h"

#include <fmt/format.h>

#include <bit>
#include <cstring>

namespace backout::database {
namespace {

__extension__ typedef unsigned __int128 Wide;

// Digits of pi, so that nobody has to wonder where they come from.
constexpr uint64_t kPi[] = {0x243f6a8885a308d3, 0x13198a2e03707344, 0xa4093822299f31d0, 0x082efa98ec4e6c89};

uint64_t fold(uint64_t a, uint64_t b) {
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

uint64_t word_at(const char* p) {
  uint64_t word = 0;
  std::memcpy(&word, p, sizeof word);
  return word;
}

}  // namespace

void Fingerprint::add(const Fingerprint& other) {
  const uint64_t before = low;
  low += other.low;
  high += other.high + (low < before ? 1 : 0);
}

std::string Fingerprint::hex() const { return fmt::format("{:016x}{:016x}", high, low); }

Fingerprint fingerprint_of(std::string_view bytes, uint64_t seed) {
  static_assert(std::endian::native == std::endian::little, "stored fingerprints are of little-endian words");
  uint64_t a = seed ^ kPi[0], b = bytes.size() ^ kPi[1];
  const char* at = bytes.data();
  size_t left = bytes.size();
  for (; left >= 16; at += 16, left -= 16) {
    const uint64_t x = word_at(at), y = word_at(at + 8);
    a = fold(x ^ kPi[2], y ^ a) + std::rotl(a, 23);
    b = fold(y ^ kPi[3], x ^ b) + std::rotl(b, 41);
  }
  if (left > 0) {
    char tail[16] = {};
    std::memcpy(tail, at, left);
    const uint64_t x = word_at(tail), y = word_at(tail + 8);
    a = fold(x ^ kPi[2], y ^ a) + std::rotl(a, 23);
    b = fold(y ^ kPi[3], x ^ b) + std::rotl(b, 41);
  }
  return {fold(a ^ kPi[3], b + kPi[0]) ^ b, fold(b ^ kPi[2], a + kPi[1]) ^ a};
}

}  // namespace backout::database
