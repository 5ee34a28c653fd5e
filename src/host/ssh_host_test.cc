// What only another machine can show: connections that are lost, refused, or carried by another program.
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>
#include <thread>

#include "host/host.h"
#include "host/testing_sshd.h"

namespace backout::host {
namespace {

const Guard kGuard{"shop/production", "journal-a", 7};

class SshHost : public ::testing::Test {
 protected:
  static void TearDownTestSuite() { server_.reset(); }
  void SetUp() override {
    if (!server_) server_ = SshServer::start();
    if (!server_) GTEST_SKIP() << "there is no /usr/sbin/sshd";
    host_ = server_->host(root_ / "target");
  }
  template <class Condition>
  static bool soon(const Condition& condition, Millis limit = Millis(20'000)) {
    const BootTime deadline = system_clock().boot() + limit;
    for (;;) {
      if (condition()) return true;
      if (system_clock().boot() >= deadline) return false;
      system_clock().wait(Millis(5), {});
    }
  }

  const os::TestDirectory root_;
  std::unique_ptr<Host> host_;
  static inline std::unique_ptr<SshServer> server_;
};

TEST_F(SshHost, ALostConnectionLeavesTheCommandRunningAndItsStatusToBeFound) {
  ASSERT_TRUE(host_->claim(kGuard));
  std::optional<Result<CommandResult>> result;
  std::jthread thread([&] {
    result = host_->attempt(kGuard, AttemptId("a1"),
                            shell("touch \"$1\"; until [ -e \"$2\" ]; do sleep 0.01; done; echo done; exit 3",
                                  {root_ / "up", root_ / "go"}),
                            {}, {});
  });
  ASSERT_TRUE(soon([&] { return os::exists(root_ / "up"); }));
  server_->cut_connection();
  thread.join();
  ASSERT_FALSE(*result);
  EXPECT_EQ(result->error().code, Code::kUnavailable);
  EXPECT_NE(result->error().message.find("lost sight"), std::string::npos) << result->error().message;
  EXPECT_EQ(host_->inspect(kGuard, AttemptId("a1"))->kind, AttemptState::Kind::kRunning);
  std::ofstream(root_ / "go") << "x";
  EXPECT_TRUE(soon([&] { return host_->inspect(kGuard, AttemptId("a1"))->kind == AttemptState::Kind::kFinished; }));
  const auto state = *host_->inspect(kGuard, AttemptId("a1"));
  EXPECT_EQ(state.result.exit_status, 3);
  EXPECT_EQ(state.result.out, "done\n");
}

TEST_F(SshHost, AnUnreachableHostIsUnavailableAndSaysWhatToTry) {
  const auto nowhere = make_ssh_host(HostName("web-9"), "127.0.0.1", root_ / "target",
                                     {"-F", "/dev/null", "-o", "Port=1", "-o", "ControlPath=none"});
  const auto run = nowhere->run(shell("true"));
  ASSERT_FALSE(run);
  EXPECT_EQ(run.error().code, Code::kUnavailable);
  EXPECT_NE(run.error().message.find("refused"), std::string::npos) << run.error().message;
  EXPECT_EQ(run.error().next, "try: ssh 127.0.0.1 true");
  EXPECT_EQ(nowhere->claim(kGuard).error().code, Code::kUnavailable);
  EXPECT_EQ(nowhere->read("/etc/hostname").error().code, Code::kUnavailable);
  EXPECT_EQ(nowhere->attempt(kGuard, AttemptId("a1"), shell("true"), {}, {}).error().code, Code::kUnavailable);
}

TEST_F(SshHost, AnUnknownHostKeyIsUnavailableAndNeverAccepted) {
  auto options = server_->options();
  options.insert(options.begin(), {"-o", "UserKnownHostsFile=/dev/null", "-o", "ControlPath=none"});
  const auto stranger = make_ssh_host(HostName("web-1"), "target", root_ / "target", options);
  const auto run = stranger->run(shell("true"));
  ASSERT_FALSE(run);
  EXPECT_EQ(run.error().code, Code::kUnavailable);
}

TEST_F(SshHost, StatusesOfTheCommandAreNotTakenForThoseOfSsh) {
  ASSERT_TRUE(host_->claim(kGuard));
  EXPECT_EQ(host_->attempt(kGuard, AttemptId("a1"), shell("exit 255"), {}, {})->exit_status, 255);
  EXPECT_EQ(host_->run(shell("exit 255"))->exit_status, 255);
}

TEST_F(SshHost, AConnectionIsSharedAndOutlivesItsFirstUse) {
  ASSERT_TRUE(host_->run(shell("true")));
  const std::string first = host_->run(shell("echo $SSH_CONNECTION"))->out;
  EXPECT_EQ(host_->run(shell("echo $SSH_CONNECTION"))->out, first) << "the same ports: one connection";
  EXPECT_EQ(server_->host(root_ / "target")->run(shell("echo $SSH_CONNECTION"))->out, first);
}

TEST_F(SshHost, EnvironmentVariableTakesThePlaceOfSsh) {
  setenv("BACKOUT_SSH", ("ssh -F " + server_->directory() + "/client -o ControlPath=none").c_str(), 1);
  const auto host = make_ssh_host(HostName("web-1"), "target", root_ / "target");
  unsetenv("BACKOUT_SSH");
  const auto run = host->run(shell("echo here"));
  ASSERT_TRUE(run) << run.error().message;
  EXPECT_EQ(run->out, "here\n");
}

TEST_F(SshHost, RunsOfSomethingThatHangsAreEndedThereToo) {
  Command command = shell("echo $$ >\"$1\"; sleep 60; sleep 60", {root_ / "pid"});
  command.timeout = Millis(1000);
  EXPECT_TRUE(host_->run(command)->timed_out);
  std::ifstream file(root_ / "pid");
  pid_t pid = 0;
  file >> pid;
  ASSERT_GT(pid, 0);
  EXPECT_TRUE(soon([&] { return ::kill(pid, 0) != 0; }, Millis(6000)));
}

}  // namespace
}  // namespace backout::host
