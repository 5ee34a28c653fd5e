// tests/fuzz/access_log_fuzz.cc, run in every test: a corpus, and some thousand mutations of it from a printed seed.
#include <gtest/gtest.h>

#include <random>

#include "fuzz/access_log_reader.h"

namespace backout::watch {
namespace {

constexpr const char* kLogCorpus[] = {
    "combined\n10.0.0.1 - - [10/Oct/2025:11:55:36 +0000] \"GET /a/7?b HTTP/1.1\" 200 5 \"-\" \"x \\\" y\"\n"
    "10.0.0.2 - ann [10/Oct/2025:11:55:37 +0000] \"POST /b HTTP/2.0\" 502 5 \"-\" \"-\"\n",
    "$remote_addr [$time_local] \"$request\" $status $request_time \"$x_release\"\n"
    "10.0.0.1 [10/Oct/2025:11:55:36 +0000] \"GET / HTTP/1.1\" 200 0.001 \"v2\"\n"
    "10.0.0.1 [10/Oct/2025:11:55:36 +0000] \"GET / HTTP/1.1\" 200 0.001, 0.2 : - \"v1\"\n",
    "log_format main '$msec ' '$host$request_uri ${status}';\n1760097336.123 x/y 200\n",
    "%h %{X-Forwarded-For}i %l %u %t \"%r\" %>s %{ms}T %{X-Release}o\n"
    "10.0.0.1 a, b - - [10/Oct/2025:11:55:36 +0000] \"GET / HTTP/1.1\" 200 12 v2\n",
    "json\n{\"ts\":1760097336.1,\"status\":200,\"request\":{\"uri\":\"/"
    "a\\u0041\",\"remote_ip\":\"10.0.0.1\"},\"duration\":1e-3}\n"
    "{\"time\":\"2025-10-10T11:55:36Z\",\"status\":\"500\",\"a\":[{},[\"]\"]],\"path\":\"/x\"}\n",
};
constexpr const char* kStateCorpus[] = {
    R"({"seed":"00000000000000ff","cutover_ms":1760097000000,"told_before":1760097300,"latest":1760097336,"lines":5,)"
    R"("routes":[{"name":"other"},{"name":"GET /a","latency":[[3,200],[9,10]],"requests":4,"failed":1}],)"
    R"("open":[{"second":1760097336,"release":"v2","arm":"new","requests":2,"failed":1,"ballot":")"
    R"(000000000000000000000000000000000000000000000000000000000000000000010000000200010004"}],"clients":"~###","bad_clients":"~"})"};
constexpr const char* kPieces[] = {"\"", "\\",   "\n",  "$", "%{",    "}",       "[",
                                   "]",  "\xff", " - ", "{", "\\u00", "$status", "9999999999999999"};

std::string mutated(std::string text, std::mt19937_64& random) {
  for (uint64_t i = random() % 6; i-- > 0;) {
    const size_t at = text.empty() ? 0 : random() % text.size();
    switch (random() % 6) {
      case 0: text.insert(at, kPieces[random() % std::size(kPieces)]); break;
      case 1: text.erase(at, random() % 20); break;
      case 2:
        if (!text.empty()) text[at] = static_cast<char>(random());
        break;
      case 3: text.insert(at, text.substr(at, random() % 60)); break;
      case 4: text.insert(at, std::string(random() % 300, static_cast<char>(random()))); break;
      default: text.resize(at); break;
    }
  }
  return text;
}

TEST(AccessLogFuzz, FormatsAndLinesThatWereChangedAtRandom) {
  const uint64_t seed = std::random_device()();
  std::mt19937_64 random(seed);
  RecordProperty("seed", std::to_string(seed));
  std::cout << "seed " << seed << '\n';
  for (const char* each : kLogCorpus) {
    fuzz_access_log(each);
    for (int i = 0; i < 600; ++i) fuzz_access_log(mutated(each, random));
  }
  for (const char* each : kStateCorpus) {
    fuzz_access_log_state(each);
    for (int i = 0; i < 1000; ++i) fuzz_access_log_state(mutated(each, random));
  }
}

}  // namespace
}  // namespace backout::watch
