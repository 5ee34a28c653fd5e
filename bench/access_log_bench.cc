// access_log and access_log_rss: a combined log of 600 MB (with the time taken and the release behind it) read to votes
// on one core, beside GoAccess, an awk that only counts answers, and a loop that only looks for the ends of lines; and
// the memory that 3 million distinct clients take. Prints a JSON list of rows. Each is a fresh process; paired runs, in
// turn, medians. The logs are made anew from a fixed seed in $TMPDIR (else /tmp) and removed afterwards.
#include <fcntl.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <functional>
#include <iostream>

#include "base/text.h"
#include "os/file.h"
#include "watch/access_log/access_log.h"

namespace {

using backout::Json;

constexpr size_t kLogBytes = 600'000'000;
constexpr int64_t kBegin = 1'760'090'400, kSeconds = 3600;  // 2025-10-10T10:00:00Z; the cutover is in the middle
constexpr int kPairs = 5;
constexpr const char* kFormat =
    "$remote_addr - $remote_user [$time_local] \"$request\" $status $body_bytes_sent \"$http_referer\" "
    "\"$http_user_agent\" $request_time \"$sent_http_x_release\"";
constexpr const char* kAgents[] = {
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.6 "
    "Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0", "okhttp/4.12.0", "curl/8.5.0"};

[[noreturn]] void give_up(const std::string& why) {
  std::cerr << "access_log_bench: " << why << '\n';
  std::exit(1);
}

class Random {  // splitmix64
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15U;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
  }
  uint64_t below(uint64_t bound) { return next() % bound; }

 private:
  uint64_t state_;
};

std::string target(Random& random) {
  switch (random.below(8)) {
    case 0: return fmt::format("/api/orders/{}?expand=items", random.below(40'000));
    case 1: return fmt::format("/api/users/{:08x}-1b2c-4d3e-8f90-{:012x}", random.below(200), random.below(200));
    case 2: return fmt::format("/products/{}", random.below(20'000));
    case 3: return "/api/cart/items";
    case 4: return fmt::format("/static/app.{:08x}.js", random.below(50));
    case 5: return fmt::format("/search?q=thing+{}", random.below(2'000));
    case 6: return "/";
    default: return fmt::format("/images/{}/{}.webp", random.below(500), random.below(100));
  }
}

struct Made {
  int64_t lines = 0, failed = 0, bytes = 0;
};

/// A log of `bytes`, or of `lines` when bytes is 0. `clients`: how many there are; 0: each line has its own.
Made make_log(const std::string& path, size_t bytes, int64_t lines, uint64_t clients) {
  Random random(20'251'010);
  FILE* const file = std::fopen(path.c_str(), "wb");
  if (file == nullptr) give_up("cannot write " + path);
  Made made;
  fmt::memory_buffer text;
  const auto share = [&] {
    return bytes > 0 ? (static_cast<double>(made.bytes) + static_cast<double>(text.size())) / static_cast<double>(bytes)
                     : static_cast<double>(made.lines) / static_cast<double>(lines);
  };
  while (share() < 1) {
    const auto second = static_cast<int64_t>(share() * kSeconds);
    const bool is_new = second >= kSeconds / 2;
    const uint64_t client = clients == 0 ? static_cast<uint64_t>(made.lines) : random.below(clients);
    const bool failed = random.below(1000) < (is_new ? 30 : 5);
    const int status = failed ? 502 : random.below(20) == 0 ? 304 : 200;
    fmt::format_to(
        std::back_inserter(text),
        "{}.{}.{}.{} - - [10/Oct/2025:{:02}:{:02}:{:02} +0000] \"{} {} HTTP/1.1\" {} {} \"{}\" \"{}\" 0.{:03} "
        "\"{}\"\n",
        11 + (client >> 24), client >> 16 & 255, client >> 8 & 255, client & 255, 10 + second / 3600, second / 60 % 60,
        second % 60, random.below(5) == 0 ? "POST" : "GET", target(random), status, random.below(90'000),
        random.below(3) == 0 ? "-" : "https://shop.example.com/checkout", kAgents[random.below(5)],
        random.below(is_new ? 400 : 250), is_new ? "v42" : "v41");
    ++made.lines;
    made.failed += failed;
    if (text.size() >= 1U << 20) {
      made.bytes += static_cast<int64_t>(text.size());
      std::fwrite(text.data(), 1, text.size(), file);
      text.clear();
    }
  }
  made.bytes += static_cast<int64_t>(text.size());
  std::fwrite(text.data(), 1, text.size(), file);
  if (std::fclose(file) != 0) give_up("cannot write " + path);
  return made;
}

/// What the child processes do; each prints what it counted.
int read_votes(const char* path) {
  const auto host = backout::host::make_local_host(backout::host::HostName("local"));
  auto source = backout::watch::make_access_log(
      {{"access_log", path}, {"format", kFormat}, {"release", "sent_http_x_release"}}, *host);
  if (!source) give_up(source.error().message);
  const backout::watch::Scope scope{.current = "v42",
                                    .before = "v41",
                                    .cutover = backout::wall_from_millis((kBegin + kSeconds / 2) * 1000),
                                    .now = backout::wall_from_millis((kBegin + kSeconds + 60) * 1000)};
  Json position;
  int64_t requests = 0, failed = 0, votes = 0, slow = 0;
  for (int64_t behind = 1; behind > 0;) {
    auto seen = (*source)->look(scope, position, {});
    if (!seen || !seen->blind.empty()) give_up(seen ? seen->blind : seen.error().message);
    for (const backout::Observation& each : seen->observations) {
      requests += each.requests;
      failed += each.failed;
      for (const backout::Votes& vote : each.outcomes) votes += vote.good + vote.bad;
      for (const backout::Votes& vote : each.speeds) slow += vote.bad;
    }
    position = std::move(seen->position);
    behind = seen->figures["behind_bytes"].get<int64_t>();
    if (behind == 0)
      std::cout << requests << ' ' << failed << ' ' << votes << ' ' << slow << ' ' << seen->figures["clients"] << '\n';
  }
  return 0;
}

int count_line_ends(const char* path) {
  const int file = ::open(path, O_RDONLY);
  std::string buffer(256U << 10, '\0');
  int64_t lines = 0;
  for (off_t at = 0;;) {
    const ssize_t got = ::pread(file, buffer.data(), buffer.size(), at);
    if (got <= 0) break;
    at += got;
    const char* from = buffer.data();
    const char* const end = from + got;
    while (const void* found = std::memchr(from, '\n', static_cast<size_t>(end - from))) {
      ++lines;
      from = static_cast<const char*>(found) + 1;
    }
  }
  std::cout << lines << '\n';
  return 0;
}

struct Cost {
  double seconds = 0, mebibytes = 0;
  std::string out;
};

/// argv as a process of its own on the last core.
Cost run(const std::vector<std::string>& argv, const std::string& output) {
  const auto began = std::chrono::steady_clock::now();
  const pid_t pid = ::fork();
  if (pid == 0) {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(static_cast<size_t>(::sysconf(_SC_NPROCESSORS_ONLN) - 1), &one);
    ::sched_setaffinity(0, sizeof one, &one);
    ::dup2(::open("/dev/null", O_RDONLY), 0);
    ::dup2(::open(output.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), 1);
    ::setenv("TERM", "dumb", 1);
    std::vector<char*> words;
    for (const std::string& word : argv) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    ::execvp(words[0], words.data());
    ::_exit(127);
  }
  int status = 0;
  rusage usage{};
  if (::wait4(pid, &status, 0, &usage) != pid || status != 0) give_up(argv[0] + " failed");
  return {std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count(),
          static_cast<double>(usage.ru_maxrss) / 1024, backout::os::read_file(output).value_or(std::string())};
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

struct Peer {
  std::string name, about;
  std::vector<std::string> argv;
  int pairs;
};

void measure(const std::string& directory, Json& rows) {
  const std::string log = directory + "/access.log", out = directory + "/out.json";
  const Made made = make_log(log, kLogBytes, 0, 20'000);
  const std::vector<std::string> ours = {"/proc/self/exe", "--votes", log};
  const Peer peers[] = {
      {"goaccess",
       "all of its report, as JSON",
       {"goaccess", log, "--no-global-config", "--no-progress", "--date-format=%d/%b/%Y", "--time-format=%H:%M:%S",
        "--log-format=%h %^[%d:%t %^] \"%r\" %s %b \"%R\" \"%u\" %T \"%^\"", "-o", "json"},
       std::max(1, kPairs / 5)},
      {"awk",
       "counts answers by status, nothing else",
       {"awk", "{c[$9]++} END {for (s in c) print s, c[s]}", log},
       kPairs},
      {"memchr", "floor: finds the ends of lines, nothing else", {"/proc/self/exe", "--lines", log}, kPairs}};
  run({"/proc/self/exe", "--lines", log}, out);  // into the cache
  for (const Peer& peer : peers) {
    std::vector<double> own, theirs, ratios;
    for (int i = 0; i < peer.pairs; ++i) {
      const Cost cost = run(ours, out);
      if (!cost.out.starts_with(fmt::format("{} {} ", made.lines, made.failed)))
        give_up(
            fmt::format("{} lines and {} failures were written, and read were {}", made.lines, made.failed, cost.out));
      const Cost other = run(peer.argv, out);
      own.push_back(static_cast<double>(made.lines) / cost.seconds);
      theirs.push_back(static_cast<double>(made.lines) / other.seconds);
      ratios.push_back(other.seconds / cost.seconds);
    }
    rows.push_back({{"name", "access_log"},
                    {"value", median(own)},
                    {"unit", "lines/s"},
                    {"peer", peer.name},
                    {"peer_value", median(theirs)},
                    {"ratio", median(ratios)},
                    {"about", peer.about}});
  }
}

void measure_memory(const std::string& directory, Json& rows) {
  const std::string log = directory + "/access.log";
  make_log(log, 0, 3'000'000, 0);
  const Cost cost = run({"/proc/self/exe", "--votes", log}, directory + "/out.json");
  rows.push_back({{"name", "access_log_rss"},
                  {"value", cost.mebibytes},
                  {"unit", "MiB"},
                  {"peer", nullptr},
                  {"peer_value", nullptr},
                  {"ratio", nullptr},
                  {"about", "3 million distinct clients; told: " +
                                cost.out.substr(cost.out.rfind(' ') + 1, cost.out.size() - cost.out.rfind(' ') - 2)}});
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 3 && std::string_view(argv[1]) == "--votes") return read_votes(argv[2]);
  if (argc == 3 && std::string_view(argv[1]) == "--lines") return count_line_ends(argv[2]);
  const auto asked = [&](std::string_view name) {
    return argc == 1 || std::any_of(argv + 1, argv + argc, [&](const char* each) { return each == name; });
  };
  const char* place = std::getenv("TMPDIR");
  std::string directory = std::string(place != nullptr ? place : "/tmp") + "/backout-access-log-XXXXXX";
  if (::mkdtemp(directory.data()) == nullptr) give_up("no directory at " + directory);
  Json rows = Json::array();
  if (asked("access_log")) measure(directory, rows);
  if (asked("access_log_rss")) measure_memory(directory, rows);
  if (auto removed = backout::os::remove_tree(directory); !removed) give_up(removed.error().message);
  std::cout << rows.dump() << '\n';
  return 0;
}
