// A corpus, and some thousand mutations of it from a printed seed, through the targets of tests/fuzz. By hand for
// longer: BACKOUT_FUZZ_SECONDS=60, each target for so long.
#pragma once
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace backout::fuzz {

inline constexpr uint64_t kSeed = 20261122;
inline constexpr int kRounds = 4000;

/// Bytes changed, cut out, doubled, and pieces of other inputs put in.
inline std::string mutated(std::string text, const std::vector<std::string>& corpus, std::mt19937_64& random) {
  static const std::vector<std::string> kPieces = {"\"",
                                                   "{",
                                                   "}",
                                                   "[",
                                                   "]",
                                                   ",",
                                                   "\\",
                                                   "\n",
                                                   " ",
                                                   "NaN",
                                                   "+Inf",
                                                   "1e999",
                                                   "-1",
                                                   "0001-01-01",
                                                   "\xff\xfe",
                                                   std::string(1, '\0'),
                                                   "\x1b[31m",
                                                   "ERROR ",
                                                   "{}",
                                                   "[]",
                                                   "null",
                                                   "true",
                                                   "\"1\"",
                                                   "1.5",
                                                   "\\u0000",
                                                   "\\ud800",
                                                   "4294967297",
                                                   "9223372036854775808",
                                                   "-9223372036854775809",
                                                   "99999999999999999999999999"};
  const auto below = [&](size_t limit) { return limit == 0 ? 0 : static_cast<size_t>(random() % limit); };
  for (size_t times = 1 + below(6); times > 0; --times) {
    const size_t at = below(text.size() + 1), size = below(std::min<size_t>(text.size() - at, 40) + 1);
    switch (below(6)) {
      case 0: text.erase(at, size); break;
      case 1: text.insert(at, text.substr(at, size)); break;
      case 2: text.insert(at, kPieces[below(kPieces.size())]); break;
      case 3:
        if (at < text.size()) text[at] = static_cast<char>(random());
        break;
      case 4:
        if (below(8) == 0) text.resize(at);  // cut off
        break;
      default: {
        const std::string& other = corpus[below(corpus.size())];
        text.replace(at, size, other.substr(below(other.size()), below(100)));
      }
    }
  }
  return text.substr(0, 1U << 16);
}

inline void run(const char* name, void (*target)(std::string_view), const std::vector<std::string>& corpus) {
  const char* seconds = std::getenv("BACKOUT_FUZZ_SECONDS");
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds == nullptr ? 0 : std::atoi(seconds));
  const uint64_t seed = seconds == nullptr ? kSeed : std::random_device()();
  std::mt19937_64 random(seed);
  for (const std::string& each : corpus) target(each);
  int round = 0;
  for (; round < kRounds || std::chrono::steady_clock::now() < end; ++round)
    target(mutated(corpus[random() % corpus.size()], corpus, random));
  std::printf("%s: seed %lu, %d mutations\n", name, static_cast<unsigned long>(seed), round);  // NOLINT
  target(std::string(1U << 20, 'x'));
  target(std::string(1U << 18, '['));
  target(std::string(1U << 18, '"'));
  std::string deep;
  for (int level = 0; level < 100'000; ++level) deep += "{\"a\":[";
  target(deep);
  for (int level = 0; level < 100'000; ++level) deep += "]}";
  target(deep);
  for (const std::string& each : corpus)  // cut off anywhere
    for (size_t size = 0; size < each.size() && size < 4096; ++size) target(each.substr(0, size));
}

}  // namespace backout::fuzz
