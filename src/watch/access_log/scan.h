// Scanning: the first place of a byte in a short piece of text, without a call. 16 bytes at a time where the machine
// has SSE2 or NEON as its base, else 8.
#pragma once
#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace backout::watch {

#if defined(__SSE2__)
inline constexpr ptrdiff_t kStride = 16;
/// A bit for each of the 16 bytes at `at` that is `byte`; the lowest bit is the first.
inline uint64_t matches_at(const char* at, char byte) {
  const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
  return static_cast<uint64_t>(static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(block, _mm_set1_epi8(byte)))));
}
inline constexpr int kBitsPerByte = 1;
#else
inline constexpr ptrdiff_t kStride = 8;
/// The highest bit of each of the 8 bytes at `at` that is `byte`, first byte lowest.
inline uint64_t matches_at(const char* at, char byte) {
  uint64_t block;
  std::memcpy(&block, at, sizeof block);
  if constexpr (std::endian::native == std::endian::big) block = __builtin_bswap64(block);
  constexpr uint64_t kLow = 0x7f7f7f7f7f7f7f7fU;
  const uint64_t differs = block ^ (0x0101010101010101U * static_cast<unsigned char>(byte));
  return ~(((differs & kLow) + kLow) | differs | kLow);
}
inline constexpr int kBitsPerByte = 8;
#endif

/// The first `byte` in [from, end), or `end`. Reads nothing outside [begin, end).
inline const char* find_byte(const char* begin, const char* from, const char* end, char byte) {
  while (end - from >= kStride) {
    const uint64_t found = matches_at(from, byte);
    if (found != 0) return from + std::countr_zero(found) / kBitsPerByte;
    from += kStride;
  }
  if (from >= end) return end;
  if (end - begin >= kStride) {  // the last bytes once more, those already seen shifted out
    const auto seen = kStride - (end - from);
    const uint64_t found = matches_at(end - kStride, byte) >> (seen * kBitsPerByte);
    return found != 0 ? from + std::countr_zero(found) / kBitsPerByte : end;
  }
  while (from < end && *from != byte) ++from;
  return from;
}

/// A keyed hash, uniform in all 64 bits. Who does not know the seed cannot choose texts that collide.
inline uint64_t folded(uint64_t a, uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}
inline uint64_t word_at(const char* at) {
  uint64_t word;
  std::memcpy(&word, at, sizeof word);
  return word;
}
inline uint64_t hash_of(std::string_view text, uint64_t seed) {
  constexpr uint64_t kA = 0x9e3779b97f4a7c15U, kB = 0xd1b54a32d192ed03U;
  const char* at = text.data();
  size_t left = text.size();
  uint64_t state = folded(seed ^ kA, kB ^ left);
  while (left > 16) {
    state = folded(word_at(at) ^ kA ^ state, word_at(at + 8) ^ kB);
    at += 16;
    left -= 16;
  }
  uint64_t first = 0, second = 0;
  if (left >= 8) {
    first = word_at(at);
    second = word_at(at + left - 8);
  } else if (text.size() >= 8) {
    first = word_at(text.data() + text.size() - 8);
  } else {
    std::memcpy(&first, at, left);
  }
  return folded(folded(first ^ kA ^ state, second ^ kB), kA ^ state);
}

}  // namespace backout::watch
