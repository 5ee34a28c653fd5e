// Scanning: the first place of a byte in a short piece of text, without a call. 16 bytes at a time where the machine
// has SSE2 or NEON as its base, else 8.
#pragma once
#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

#if defined(__SSE2__) && !defined(BACKOUT_PLAIN_SCAN)
#define BACKOUT_SCAN_SSE2 1
#include <immintrin.h>
#endif

namespace backout::watch {

#if defined(BACKOUT_SCAN_SSE2)
inline constexpr ptrdiff_t kStride = 16;
inline constexpr int kBitsPerByte = 1;
/// A bit for each of the 16 bytes at `at` that is `a` or `b`; the lowest bit is the first.
inline uint64_t matches_at(const char* at, char a, char b) {
  const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
  const __m128i found = _mm_or_si128(_mm_cmpeq_epi8(block, _mm_set1_epi8(a)), _mm_cmpeq_epi8(block, _mm_set1_epi8(b)));
  return static_cast<uint64_t>(static_cast<unsigned>(_mm_movemask_epi8(found)));
}
#else
inline constexpr ptrdiff_t kStride = 8;
inline constexpr int kBitsPerByte = 8;
/// The highest bit of each of the 8 bytes at `at` that is `a` or `b`, first byte lowest.
inline uint64_t matches_at(const char* at, char a, char b) {
  uint64_t block;
  std::memcpy(&block, at, sizeof block);
  if constexpr (std::endian::native == std::endian::big) block = __builtin_bswap64(block);
  constexpr uint64_t kLow = 0x7f7f7f7f7f7f7f7fU, kOnes = 0x0101010101010101U;
  const uint64_t differs_a = block ^ (kOnes * static_cast<unsigned char>(a));
  const uint64_t differs_b = block ^ (kOnes * static_cast<unsigned char>(b));
  return ~(((differs_a & kLow) + kLow) | differs_a | kLow) | ~(((differs_b & kLow) + kLow) | differs_b | kLow);
}
#endif

/// The first `a` or `b` in [from, end), or `end`. Reads nothing outside [from, end). 64 bytes are looked at together:
/// most fields are shorter, so that their length costs no branch that is guessed wrong.
inline const char* find_either(const char* from, const char* end, char a, char b) {
#if defined(BACKOUT_SCAN_SSE2)
  for (; end - from >= 64; from += 64) {
    const uint64_t found = matches_at(from, a, b) | matches_at(from + 16, a, b) << 16 |
                           matches_at(from + 32, a, b) << 32 | matches_at(from + 48, a, b) << 48;
    if (found != 0) return from + std::countr_zero(found);
  }
#endif
  for (; end - from >= kStride; from += kStride) {
    const uint64_t found = matches_at(from, a, b);
    if (found != 0) return from + std::countr_zero(found) / kBitsPerByte;
  }
  while (from < end && *from != a && *from != b) ++from;
  return from;
}
/// The same for what is nearly always shorter than 16 bytes.
inline const char* find_near(const char* from, const char* end, char a, char b) {
  if (end - from >= kStride) {
    const uint64_t found = matches_at(from, a, b);
    if (found != 0) return from + std::countr_zero(found) / kBitsPerByte;
    from += kStride;
  }
  return find_either(from, end, a, b);
}
inline const char* find_byte(const char* from, const char* end, char byte) {
  return find_either(from, end, byte, byte);
}

/// find_either() for whoever is made for one kind of machine: see Format::take_line().
struct BaseFind {
  static const char* either(const char* from, const char* end, char a, char b) { return find_either(from, end, a, b); }
};
#if defined(BACKOUT_SCAN_SSE2)
struct Avx2Find {
  __attribute__((target("avx2"))) static inline const char* either(const char* from, const char* end, char a, char b) {
    const __m256i both_a = _mm256_set1_epi8(a), both_b = _mm256_set1_epi8(b);
    for (; end - from >= 64; from += 64) {
      const __m256i low = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
      const __m256i high = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from + 32));
      const auto in_low = static_cast<uint32_t>(
          _mm256_movemask_epi8(_mm256_or_si256(_mm256_cmpeq_epi8(low, both_a), _mm256_cmpeq_epi8(low, both_b))));
      const auto in_high = static_cast<uint32_t>(
          _mm256_movemask_epi8(_mm256_or_si256(_mm256_cmpeq_epi8(high, both_a), _mm256_cmpeq_epi8(high, both_b))));
      const uint64_t found = in_low | static_cast<uint64_t>(in_high) << 32;
      if (found != 0) return from + std::countr_zero(found);
    }
    return find_either(from, end, a, b);
  }
};
#endif

/// Whether two texts of `length` bytes are the same; for short ones.
inline bool same_bytes(const char* a, const char* b, size_t length) {
  uint64_t x, y;
  if (length >= sizeof x) {
    const size_t last = length - sizeof x;  // the last bytes are compared together with some that were already
    for (size_t i = 0;; i = i + sizeof x < last ? i + sizeof x : last) {
      std::memcpy(&x, a + i, sizeof x);
      std::memcpy(&y, b + i, sizeof y);
      if (x != y) return false;
      if (i == last) return true;
    }
  }
  for (; length > 0; ++a, ++b, --length)
    if (*a != *b) return false;
  return true;
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
  uint64_t state = seed ^ kA ^ left * kB;
  for (; left > 64; at += 32, left -= 32)
    state = folded(word_at(at) ^ kA ^ state, word_at(at + 8) ^ kB) ^
            folded(word_at(at + 16) ^ kB ^ state, word_at(at + 24) ^ kA);
  // Both ends, which may overlap: three lengths are told apart, and none of them by a loop.
  const char* const end = at + left;
  if (left > 32)
    state = folded(word_at(at + 16) ^ kA ^ state, word_at(end - 32) ^ kB) ^
            folded(word_at(at + 24) ^ kB ^ state, word_at(end - 24) ^ kA);
  if (left > 16) state = folded(word_at(at + 8) ^ kB ^ state, word_at(end - 16) ^ kA);
  uint64_t first = 0, second = 0;
  if (left >= 8) {
    first = word_at(at);
    second = word_at(end - 8);
  } else if (left > 0) {
    std::memcpy(&first, at, left);
  }
  return folded(folded(first ^ kA ^ state, second ^ kB), kA ^ state);
}

}  // namespace backout::watch
