// For tests only: real programs on ports of their own, and scopes and looks in short.
#pragma once
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>

#include <fstream>
#include <functional>
#include <memory>
#include <sstream>
#include <thread>

#include "os/child.h"
#include "os/http.h"
#include "os/test_directory.h"
#include "os/test_port.h"
#include "watch/source.h"

namespace backout::watch {

using os::free_port;

inline bool soon(const std::function<bool()>& condition, Millis limit = Millis(20'000)) {
  const BootTime deadline = system_clock().boot() + limit;
  while (!condition()) {
    if (system_clock().boot() >= deadline) return false;
    std::this_thread::sleep_for(Millis(50));
  }
  return true;
}

/// A program that says nothing on its standard streams, ended with the test.
class Program {
 public:
  /// `command` for sh -c; it must `exec`. Its words go to the file `log`.
  Program(const std::string& command, const std::string& log) {
    auto child = os::spawn_child({.argv = {"/bin/sh", "-c", command + " >" + log + " 2>&1"}});
    EXPECT_TRUE(child.has_value());
    if (child) child_ = std::make_unique<os::Child>(std::move(*child));
  }
  ~Program() { end(); }
  void end() {
    if (!child_) return;
    child_->signal_group(SIGKILL);
    child_->wait(Millis(5000));
    child_.reset();
  }

 private:
  std::unique_ptr<os::Child> child_;
};

inline bool answers(const std::string& url) {
  const auto answer = os::http({.url = url, .timeout = Millis(1000)});
  return answer && answer->status == 200;
}

inline void write_text(const std::string& file, const std::string& text) { std::ofstream(file) << text; }
inline void append_text(const std::string& file, const std::string& text) {
  std::ofstream(file, std::ios::app) << text;
}

/// Looks again and again, as a watch does: each time from the position that came before, as JSON text in between.
class Looking {
 public:
  Looking(const std::string& kind, const Json& subject, WallTime cutover)
      : host_(host::make_local_host(host::HostName("local"))), kind_(kind), subject_(subject) {
    scope_ = {.current = "v2", .before = "v1", .cutover = cutover};
    again();
  }
  /// As another process would: a source that knows nothing but the position.
  void again() {
    source_.reset();
    auto source = make_source(kind_, subject_, *host_);
    EXPECT_TRUE(source) << (source ? "" : source.error().message);
    if (source) source_ = std::move(*source);
  }
  Seen look(WallTime now) {
    scope_.now = now;
    auto seen = source_->look(scope_, position_, {});
    EXPECT_TRUE(seen) << (seen ? "" : seen.error().message);
    if (!seen) return {};
    position_ = Json::parse(seen->position.dump());
    for (const Observation& each : seen->observations) {
      EXPECT_EQ(to_millis(each.second) % 1000, 0);
      votes += each.outcomes.front().good + each.outcomes.front().bad;
      bad += each.outcomes.front().bad;
    }
    EXPECT_TRUE(seen->blind.empty() || seen->observations.empty()) << "blind, and votes";
    EXPECT_LE(seen->blind.size(), 300U);
    for (const Occurrence& each : seen->occurrences) EXPECT_LE(each.what.size(), 300U);
    return std::move(*seen);
  }
  Seen look() { return look(system_clock().wall()); }
  const Json& position() const { return position_; }
  void set_position(Json position) { position_ = std::move(position); }

  int64_t votes = 0, bad = 0;  // of all looks

 private:
  std::unique_ptr<host::Host> host_;
  const std::string kind_;
  const Json subject_;
  std::unique_ptr<Source> source_;
  Scope scope_;
  Json position_;
};

}  // namespace backout::watch
