// Logs that are rotated again and again while they are written: what is read is what was written, once.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <mutex>
#include <random>
#include <thread>

#include "base/text.h"
#include "host/testing_sshd.h"
#include "os/process.h"
#include "os/test_directory.h"
#include "watch/access_log/access_log.h"

namespace backout::watch {
namespace {

constexpr int kRotations = 60;

/// A server that writes a line with a client of its own for each request, every 20th a failure, until it is stopped.
class Writer {
 public:
  explicit Writer(std::string path)
      : path_(std::move(path)), thread_([this](const std::stop_token& stop) { run(stop); }) {}
  void reopen() { reopen_ = true; }
  void wait_for_lines() const {
    while (lines_ < 40) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  void stop() {
    thread_.request_stop();
    thread_.join();
  }
  int64_t lines() const { return lines_; }
  int64_t failed() const { return failed_; }
  std::mutex pause;  // held while a log is copied and truncated: what comes in between is lost to everybody

 private:
  void run(const std::stop_token& stop) {
    std::mt19937_64 random(1);
    int file = -1;
    while (!stop.stop_requested()) {
      if (file < 0 || reopen_.exchange(false)) {
        if (file >= 0) ::close(file);
        file = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
      }
      const std::lock_guard guard(pause);
      for (int i = 0; i < 20; ++i) {
        const int64_t n = lines_++;
        const bool bad = n % 20 == 7;
        failed_ += bad;
        const std::string line = fmt::format("10.{}.{}.{} {} \"GET /x/{} HTTP/1.1\" {} 0.010\n", n >> 16, n >> 8 & 255,
                                             n & 255, to_millis(system_clock().wall()), n, bad ? 500 : 200);
        const size_t cut = n % 50 == 3 ? line.size() / 2 : line.size();  // half a line is there for a moment
        EXPECT_EQ(::write(file, line.data(), cut), static_cast<ssize_t>(cut));
        if (cut < line.size()) {
          std::this_thread::sleep_for(std::chrono::microseconds(200));
          EXPECT_EQ(::write(file, line.data() + cut, line.size() - cut), static_cast<ssize_t>(line.size() - cut));
        }
      }
      std::this_thread::sleep_for(std::chrono::microseconds(random() % 1500));
    }
    ::close(file);
  }
  const std::string path_;
  std::atomic<bool> reopen_{false};
  std::atomic<int64_t> lines_{0}, failed_{0};
  std::jthread thread_;
};

struct Sum {
  int64_t requests = 0, failed = 0, good_votes = 0, bad_votes = 0;
  void add(const std::vector<Observation>& observations) {
    for (const Observation& each : observations) {
      requests += each.requests;
      failed += each.failed;
      for (const Votes& votes : each.outcomes) {
        good_votes += votes.good;
        bad_votes += votes.bad;
      }
    }
  }
};

class AccessLogRotation : public ::testing::Test {
 protected:
  Json subject() const {
    return {
        {"access_log", path}, {"format", "$remote_addr $msec \"$request\" $status $request_time"}, {"time", "msec"}};
  }
  /// Times are written as milliseconds in a field that nginx has as seconds.
  static Json with_millis(Json subject) {
    subject["format"] = "%h %{msec}t \"%r\" %>s %{s}T";
    subject.erase("time");
    return subject;
  }
  Scope scope(int64_t later_ms = 0) const {
    return {.current = "v2", .cutover = begun, .now = system_clock().wall() + Millis(later_ms)};
  }
  void look(host::Host& host, int64_t later_ms = 0) {
    auto source = make_access_log(with_millis(subject()), host);
    ASSERT_TRUE(source) << source.error().message;
    auto seen = (*source)->look(scope(later_ms), position, {});
    ASSERT_TRUE(seen) << seen.error().message;
    EXPECT_EQ(seen->blind, "");
    for (const std::string& each : seen->remarks) remarks += each + "\n";
    sum.add(seen->observations);
    figures = seen->figures;
    position = *parse_json(seen->position.dump());
  }
  void shift(int keep = 200) const {
    for (int i = keep; i >= 1; --i) {
      std::error_code ignored;
      std::filesystem::rename(fmt::format("{}.{}", path, i), fmt::format("{}.{}", path, i + 1), ignored);
    }
  }
  void expect_all(const Writer& writer) const {
    EXPECT_EQ(sum.requests, writer.lines());
    EXPECT_EQ(sum.failed, writer.failed());
    EXPECT_EQ(sum.bad_votes, writer.failed());
    EXPECT_EQ(sum.good_votes + sum.bad_votes, writer.lines());
    EXPECT_EQ(figures["requests"], writer.lines());
  }

  const os::TestDirectory directory;
  const std::string path = directory / "access.log";
  const WallTime begun = system_clock().wall() - Millis(1000);
  const std::unique_ptr<host::Host> local = host::make_local_host(host::HostName("local"));
  Json position, figures;
  std::string remarks;
  Sum sum;
};

TEST_F(AccessLogRotation, RenamedSixtyTimesWhileWrittenNothingIsLostOrCountedTwice) {
  Writer writer(path);
  writer.wait_for_lines();
  look(*local);
  std::jthread rotator([&] {
    std::mt19937_64 random(2);
    for (int i = 0; i < kRotations; ++i) {
      std::this_thread::sleep_for(std::chrono::microseconds(random() % 20'000));
      shift();
      ASSERT_EQ(::rename(path.c_str(), (path + ".1").c_str()), 0);
      if (i % 3 == 0) std::this_thread::sleep_for(std::chrono::microseconds(random() % 5'000));  // written to meanwhile
      writer.reopen();
      while (!std::filesystem::exists(path)) std::this_thread::sleep_for(std::chrono::microseconds(100));
      if (i % 10 == 9) {  // compressed at once, as logrotate does without delaycompress
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
        os::run_process({.argv = {"gzip", path + ".3"}}).has_value();
      }
    }
  });
  std::mt19937_64 random(3);
  std::atomic<bool> done{false};
  std::jthread watcher([&] {
    rotator.join();
    done = true;
  });
  while (!done) {
    look(*local);
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 30'000));
  }
  writer.stop();
  look(*local);
  look(*local, 5'000);
  expect_all(writer);
  EXPECT_EQ(remarks, "");
}

TEST_F(AccessLogRotation, CopiedAndTruncatedSixtyTimesNothingIsLostOrCountedTwice) {
  Writer writer(path);
  writer.wait_for_lines();
  look(*local);
  std::atomic<bool> done{false};
  std::jthread rotator([&] {
    std::mt19937_64 random(4);
    for (int i = 0; i < kRotations; ++i) {
      std::this_thread::sleep_for(std::chrono::microseconds(random() % 20'000));
      shift();
      const std::lock_guard guard(writer.pause);
      std::filesystem::copy_file(path, path + ".1");
      std::this_thread::sleep_for(std::chrono::microseconds(random() % 3'000));
      ASSERT_EQ(::truncate(path.c_str(), 0), 0);
    }
    done = true;
  });
  std::mt19937_64 random(5);
  while (!done) {
    look(*local);
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 30'000));
  }
  writer.stop();
  look(*local);
  look(*local, 5'000);
  expect_all(writer);
  EXPECT_EQ(remarks, "");
}

TEST_F(AccessLogRotation, KilledAtAnyMomentAnotherProcessGoesOnWhereItWas) {
  Writer writer(path);
  writer.wait_for_lines();
  const std::string state = directory / "state.json";
  const auto watch = [&] {  // never returns: each look, and what it told, is kept at once or not at all
    Json kept = os::exists(state) ? *parse_json(*os::read_file(state)) : Json::object();
    for (;;) {
      position = get(kept, "position");
      sum = {get_int(kept, "requests"), get_int(kept, "failed"), get_int(kept, "good"), get_int(kept, "bad")};
      look(*local);
      kept = {{"position", position},
              {"requests", sum.requests},
              {"failed", sum.failed},
              {"good", sum.good_votes},
              {"bad", sum.bad_votes}};
      if (!os::write_file_atomic(state, kept.dump())) ::_exit(1);
    }
  };
  std::mt19937_64 random(6);
  int looks = 0;
  for (int i = 0; i < 40; ++i) {
    const pid_t child = ::fork();
    if (child == 0) watch();
    std::this_thread::sleep_for(std::chrono::microseconds(2'000 + random() % 40'000));
    ASSERT_EQ(::kill(child, SIGKILL), 0);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status));
    looks += os::exists(state);
    if (i % 4 != 3) continue;
    shift();
    ASSERT_EQ(::rename(path.c_str(), (path + ".1").c_str()), 0);
    writer.reopen();
    while (!std::filesystem::exists(path)) std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
  EXPECT_GT(looks, 0);
  writer.stop();
  const Json kept = *parse_json(*os::read_file(state));
  position = kept["position"];
  sum = {get_int(kept, "requests"), get_int(kept, "failed"), get_int(kept, "good"), get_int(kept, "bad")};
  look(*local);
  look(*local, 5'000);
  expect_all(writer);
}

TEST_F(AccessLogRotation, OverSshTheSame) {
  const auto server = host::SshServer::start();
  if (server == nullptr) GTEST_SKIP() << "there is no sshd";
  const auto remote = server->host(server->directory() + "/root");
  Writer writer(path);
  writer.wait_for_lines();
  for (int i = 0; i < 9; ++i) {
    look(*remote);
    shift();
    if (i % 3 == 2) {
      const std::lock_guard guard(writer.pause);
      std::filesystem::copy_file(path, path + ".1");
      ASSERT_EQ(::truncate(path.c_str(), 0), 0);
    } else {
      ASSERT_EQ(::rename(path.c_str(), (path + ".1").c_str()), 0);
      writer.reopen();
      while (!std::filesystem::exists(path)) std::this_thread::sleep_for(std::chrono::microseconds(100));
    }
  }
  writer.stop();
  look(*remote);
  look(*remote, 5'000);
  expect_all(writer);
  EXPECT_EQ(remarks.find("not to be found"), std::string::npos) << remarks;
  // What cannot be read says so, from there too.
  std::filesystem::remove(path);
  std::filesystem::create_directory(path);
  auto source = make_access_log(with_millis(subject()), *remote);
  const auto seen = (*source)->look(scope(), nullptr, {});
  ASSERT_TRUE(seen);
  EXPECT_NE(seen->blind.find("is a directory"), std::string::npos) << seen->blind;
}

}  // namespace
}  // namespace backout::watch
