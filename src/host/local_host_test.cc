// What only this machine can show: the controller itself killed, kill points, a disk that is full.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "base/text.h"
#include "host/host.h"
#include "host/testing_disk.h"
#include "host/testing_program.h"
#include "os/descriptor.h"
#include "os/file.h"
#include "os/proc.h"
#include "os/process.h"
#include "os/test_directory.h"

namespace backout::host {
namespace {

const Guard kGuard{"shop/production", "journal-a", 7};

template <class Condition>
bool soon(const Condition& condition, Millis limit = Millis(10'000)) {
  const BootTime deadline = system_clock().boot() + limit;
  for (;;) {
    if (condition()) return true;
    if (system_clock().boot() >= deadline) return false;
    system_clock().wait(Millis(5), {});
  }
}

AttemptState::Kind kind_of(Host& host, const std::string& id) { return host.inspect(kGuard, AttemptId(id))->kind; }

/// A controller in a process of its own that makes one attempt.
pid_t controller(const std::string& root, const Guard& guard, const std::string& id, const Command& command) {
  const pid_t pid = fork();
  if (pid != 0) return pid;
  const auto host = make_local_host(HostName("local"), root);
  const auto result = host->attempt(guard, AttemptId(id), command, {}, {});
  _exit(result && result->ok() ? 0 : 1);
}

int ending_of(pid_t pid) {
  int status = 0;
  waitpid(pid, &status, 0);
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

TEST(LocalHost, TheCommandOutlivesAKilledControllerAndItsStatusIsFound) {
  const os::TestDirectory root;
  const auto host = make_local_host(HostName("local"), root / "target");
  ASSERT_TRUE(host->claim(kGuard));
  const pid_t pid = controller(root / "target", kGuard, "a1",
                               shell("sleep 1; echo done >\"$1\"; echo said; exit 3", {root / "file"}));
  ASSERT_TRUE(soon([&] { return kind_of(*host, "a1") == AttemptState::Kind::kRunning; }));
  kill(pid, SIGKILL);
  EXPECT_EQ(ending_of(pid), -SIGKILL);
  EXPECT_EQ(kind_of(*host, "a1"), AttemptState::Kind::kRunning);
  EXPECT_TRUE(soon([&] { return kind_of(*host, "a1") == AttemptState::Kind::kFinished; }));
  const auto state = *host->inspect(kGuard, AttemptId("a1"));
  EXPECT_EQ(state.result.exit_status, 3);
  EXPECT_EQ(state.result.out, "said\n");
  EXPECT_GE(state.result.took, Millis(990));
  EXPECT_EQ(*os::read_file(root / "file"), "done\n");
}

TEST(LocalHost, AControllerKilledAtAnyMomentLeavesAnAttemptThatRanOnceOrNeverWill) {
  const os::TestDirectory root;
  const auto host = make_local_host(HostName("local"), root / "target");
  Guard guard = kGuard;
  ASSERT_TRUE(host->claim(guard));
  int ran = 0;
  std::vector<std::string> never;
  for (int i = 0; i < 30; ++i) {
    const std::string id = "a" + std::to_string(i), file = root / id;
    const pid_t pid = controller(root / "target", guard, id, shell("echo x >>\"$1\"", {file}));
    usleep(static_cast<useconds_t>(i) * 1000);
    kill(pid, SIGKILL);
    ending_of(pid);
    ++guard.token;  // as a resume does
    ASSERT_TRUE(host->claim(guard));
    auto kind = AttemptState::Kind::kRunning;
    ASSERT_TRUE(soon([&] {
      kind = host->inspect(guard, AttemptId(id))->kind;
      return kind != AttemptState::Kind::kRunning;
    }));
    ASSERT_NE(kind, AttemptState::Kind::kLost) << "attempt " << i;
    if (kind == AttemptState::Kind::kNeverStarted) {
      never.push_back(id);
    } else {
      EXPECT_EQ(*os::read_file(file), "x\n");
      ++ran;
    }
  }
  EXPECT_GT(ran, 0);
  system_clock().wait(Millis(200), {});
  for (const std::string& id : never) EXPECT_FALSE(os::exists(root / id)) << "it was said never to have started";
}

#ifdef BACKOUT_FAULTS
TEST(LocalHost, PassesItsThreeKillPointsEvenWithTheQuickestCommand) {
  const os::TestDirectory root;
  const auto host = make_local_host(HostName("local"), root / "target");
  ASSERT_TRUE(host->claim(kGuard));
  for (const std::string moment : {"before", "during", "after"}) {
    const pid_t pid = fork();
    if (pid == 0) {
      setenv("BACKOUT_KILL", ("command:2:" + moment).c_str(), 1);
      const auto killed = make_local_host(HostName("local"), root / "target");
      for (const std::string part : {"first", "second"})
        (void)killed->attempt(kGuard, AttemptId(moment + part), {.argv = {"true"}}, {}, {});
      _exit(0);
    }
    EXPECT_EQ(ending_of(pid), -SIGKILL) << moment;
    const auto wanted = moment == "before" ? AttemptState::Kind::kNeverStarted : AttemptState::Kind::kFinished;
    EXPECT_TRUE(soon([&] { return kind_of(*host, moment + "second") == wanted; })) << moment;
  }
}
#endif

TEST(LocalHost, AFullDiskRefusesNewAttemptsAndRunsNothing) {
  const os::TestDirectory root;
  const SmallDisk disk(root / "disk");
  if (!disk.mounted()) GTEST_SKIP() << "no permission to mount";
  const auto host = make_local_host(HostName("local"), root / "disk/target");
  ASSERT_TRUE(host->claim(kGuard));
  disk.fill();
  const auto result = host->attempt(kGuard, AttemptId("a1"), shell("touch \"$1\"", {root / "ran"}), {}, {});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::kNoSpace) << result.error().message;
  EXPECT_FALSE(os::exists(root / "ran"));
  EXPECT_EQ(host->claim({"shop/production", "journal-a", 8}).error().code, Code::kNoSpace);
  ASSERT_TRUE(os::remove_file(root / "disk/filler"));
  EXPECT_EQ(kind_of(*host, "a1"), AttemptState::Kind::kNeverStarted);
  EXPECT_TRUE(host->attempt(kGuard, AttemptId("a1"), {.argv = {"true"}}, {}, {})->ok());
}

TEST(LocalHost, ADiskThatFillsUpMeanwhileStillGetsTheStatus) {
  const os::TestDirectory root;
  const SmallDisk disk(root / "disk");
  if (!disk.mounted()) GTEST_SKIP() << "no permission to mount";
  const auto host = make_local_host(HostName("local"), root / "disk/target");
  ASSERT_TRUE(host->claim(kGuard));
  const auto result = host->attempt(
      kGuard, AttemptId("a1"),
      shell(
          "until ! cat /dev/zero >>\"$1\"; do :; done; echo x >\"$1.more\" && exit 9; head -c 50000 /dev/zero; exit 3",
          {root / "disk/filler"}),
      {}, {});
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->exit_status, 3);
  EXPECT_TRUE(result->truncated);
  EXPECT_EQ(kind_of(*host, "a1"), AttemptState::Kind::kFinished);
}

TEST(LocalHost, RecordIsDurableBeforeTheCommandBeginsAndTheStatusBeforeItIsSeen) {
  const os::TestDirectory root;
  const auto host = make_local_host(HostName("local"), root / "target");
  ASSERT_TRUE(host->claim(kGuard));
  const std::string directory = root / "target/sites/shop%2Fproduction/attempts";
  // Each sync notes what it is given, whether the command has run, and whether a status is to be seen.
  const FakeProgram sync(root, "sync",
                         "for f; do printf '%s ' \"${f##*/}\" >>" + (root / "log") + "; done\n[ -e " + (root / "ran") +
                             " ] && printf 'ran ' >>" + (root / "log") + "\n[ -e " + directory +
                             "/a1/status ] && printf 'seen ' >>" + (root / "log") + "\necho >>" + (root / "log") +
                             "\nexec /usr/bin/sync \"$@\"\n");
  ASSERT_TRUE(host->attempt(kGuard, AttemptId("a1"), shell("touch \"$1\"", {root / "ran"}), {}, {})->ok());
  const std::string wanted = "started a1 \nstatus.new ran \na1 ran seen \n";
  EXPECT_TRUE(soon([&] { return *os::read_file(root / "log") == wanted; })) << *os::read_file(root / "log");
}

TEST(LocalHost, AnOldSyncThatKnowsNoFilesIsEnough) {
  const os::TestDirectory root;
  const FakeProgram sync(root, "sync", "[ $# -eq 0 ] || exit 1\necho whole >>" + (root / "log") + "\n");
  const auto host = make_local_host(HostName("local"), root / "target");
  ASSERT_TRUE(host->claim(kGuard));
  EXPECT_TRUE(host->attempt(kGuard, AttemptId("a1"), {.argv = {"true"}}, {}, {})->ok());
  EXPECT_TRUE(os::exists(root / "log"));
}

TEST(LocalHost, NothingBeginsWhileSomebodyElseHoldsTheSite) {
  const os::TestDirectory root;
  const auto host = make_local_host(HostName("local"), root / "target");
  ASSERT_TRUE(host->claim(kGuard));
  os::Descriptor lock(open((root / "target/sites/shop%2Fproduction/lock").c_str(), O_RDWR | O_CLOEXEC));
  ASSERT_EQ(flock(lock.get(), LOCK_EX), 0);
  std::optional<Result<CommandResult>> result;
  std::jthread thread(
      [&] { result = host->attempt(kGuard, AttemptId("a1"), shell("touch \"$1\"", {root / "ran"}), {}, {}); });
  EXPECT_FALSE(soon([&] { return os::exists(root / "target/sites/shop%2Fproduction/attempts/a1"); }, Millis(400)));
  ASSERT_TRUE(
      os::write_file_atomic(root / "target/sites/shop%2Fproduction/token", "8\n"));  // somebody took over meanwhile
  lock.close();
  thread.join();
  ASSERT_FALSE(*result);
  EXPECT_EQ(result->error().code, Code::kRefused);
  EXPECT_FALSE(os::exists(root / "ran"));
}

TEST(LocalHost, RootComesFromTheEnvironment) {
  const os::TestDirectory root;
  setenv("BACKOUT_TARGET", (root / "elsewhere").c_str(), 1);
  const auto host = make_local_host(HostName("local"));
  unsetenv("BACKOUT_TARGET");
  ASSERT_TRUE(host->claim(kGuard));
  EXPECT_TRUE(os::exists(root / "elsewhere/sites/shop%2Fproduction/owner"));
  EXPECT_EQ(make_local_host(HostName("x"), "relative")->claim(kGuard).error().code, Code::kInvalid);
}

}  // namespace
}  // namespace backout::host
