// AnyHost: for tests only. A fixture whose tests run twice, on this machine and on another one over a real sshd.
#pragma once
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>
#include <memory>
#include <optional>
#include <thread>

#include "base/text.h"
#include "host/host.h"
#include "host/shim.h"
#include "host/testing_sshd.h"
#include "os/proc.h"

namespace backout::host {

enum class Place { kLocal, kSsh };
inline std::string name_of_place(const ::testing::TestParamInfo<Place>& place) {
  return place.param == Place::kLocal ? "local" : "ssh";
}

class AnyHost : public ::testing::TestWithParam<Place> {
 protected:
  static void TearDownTestSuite() { server_.reset(); }
  void SetUp() override {
    if (GetParam() == Place::kSsh && !server_) server_ = SshServer::start();
    if (GetParam() == Place::kSsh && !server_) GTEST_SKIP() << "there is no /usr/sbin/sshd";
    host_ = another_host();
    ASSERT_TRUE(host_->claim(guard_));
  }
  std::unique_ptr<Host> another_host() const {
    if (GetParam() == Place::kSsh) return server_->host(root_ / "target");
    return make_local_host(HostName("local"), root_ / "target");
  }

  Result<CommandResult> act(const std::string& id, const Command& command, std::stop_token stop = {}) {
    return host_->attempt(guard_, AttemptId(id), command, listener_, std::move(stop));
  }
  CommandResult done(const std::string& id, const Command& command) {
    auto result = act(id, command);
    EXPECT_TRUE(result) << (result ? "" : result.error().message);
    return result ? *result : CommandResult{};
  }
  AttemptState look(const std::string& id) {
    auto state = host_->inspect(guard_, AttemptId(id));
    EXPECT_TRUE(state) << (state ? "" : state.error().message);
    return state ? *state : AttemptState{};
  }
  std::string directory_of(const std::string& id) const {
    return root_ / ("target/sites/shop%2Fproduction/attempts/" + id);
  }

  template <class Condition>
  static bool soon(const Condition& condition, Millis limit = Millis(10'000)) {
    const BootTime deadline = system_clock().boot() + limit;
    for (;;) {
      if (condition()) return true;
      if (system_clock().boot() >= deadline) return false;
      system_clock().wait(Millis(5), {});
    }
  }
  static bool lives(pid_t pid) {
    const auto facts = os::facts_of(pid);
    return facts && facts->lives();
  }
  pid_t number_in(const std::string& path) const {
    std::ifstream file(path);
    pid_t number = 0;
    file >> number;
    return number;
  }

  const os::TestDirectory root_;
  std::unique_ptr<Host> host_;
  Guard guard_{"shop/production", "journal-a", 7};
  std::function<void(std::string_view)> listener_;
  static inline std::unique_ptr<SshServer> server_;
};

}  // namespace backout::host
