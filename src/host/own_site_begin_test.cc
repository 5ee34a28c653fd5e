// An attempt begun by our own hand, with the locks lent to the shim: whoever dies, hangs or has no room meanwhile.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "host/testing_disk.h"
#include "host/testing_own_site.h"
#include "host/testing_program.h"
#include "os/proc.h"

namespace backout::host {
namespace {

using OwnBegin = OwnSiteTest;

/// The locks that a controller lends are the shim's own: its death between the shim's start and the record lets nobody
/// in.
TEST_F(OwnBegin, AControllerThatDiesWhileTheShimBeginsLeavesItTheLocks) {
  ASSERT_TRUE(own(with(7)).claim());
  const FakeProgram slow(root_, "sync",
                         "echo x >" + (root_ / "begun") + "\nuntil [ -e " + (root_ / "go") + " ] || [ ! -d " +
                             root_.path() + " ]; do sleep 0.01; done\nexec /bin/sync \"$@\"\n");
  const pid_t controller = fork();
  if (controller == 0) {
    (void)make_local_host(HostName("local"), target_)
        ->attempt(with(7), AttemptId("a1"), shell("touch \"$1\"", {root_ / "ran"}), {}, {});
    _exit(0);
  }
  ASSERT_GT(controller, 0);
  ASSERT_TRUE(comes([&] { return os::exists(root_ / "begun"); }));
  ::kill(controller, SIGKILL);
  waitpid(controller, nullptr, 0);
  EXPECT_EQ(own(with(8), Millis(200)).claim().error().code, Code::kBusy) << "it was let in before the record";
  std::ofstream(root_ / "go") << "x";
  EXPECT_EQ(told(own(with(8)).claim()), "done");
  EXPECT_TRUE(os::exists(site_ + "/attempts/a1/started"));
  EXPECT_TRUE(comes([&] { return os::exists(root_ / "ran"); })) << "what is on record as started does start";
  EXPECT_TRUE(comes([&] { return os::exists(site_ + "/attempts/a1/status"); }));
}

TEST_F(OwnBegin, TheShimAloneMakesAllOfItDurable) {
  ASSERT_TRUE(own(with(7)).claim());
  const FakeProgram sync(root_, "sync",
                         "for f; do printf '%s ' \"${f##*/}\" >>" + (root_ / "log") + "; done\n[ -e " +
                             (root_ / "ran") + " ] && printf 'ran ' >>" + (root_ / "log") + "\necho >>" +
                             (root_ / "log") + "\nexec /usr/bin/sync \"$@\"\n");
  ASSERT_TRUE(attempt_by_shim(with(7), "a1", shell("touch \"$1\"", {root_ / "ran"})));
  const std::string wanted = "status.new started a1 attempts \nstatus.new ran \na1 ran \n";
  EXPECT_TRUE(comes([&] { return *os::read_file(root_ / "log") == wanted; })) << *os::read_file(root_ / "log");
}

TEST_F(OwnBegin, AnAttemptWithoutRoomIsNotBegunAndLeavesNothing) {
  const SmallDisk disk(target_);
  if (!disk.mounted()) GTEST_SKIP() << "no permission to mount";
  const auto host = make_local_host(HostName("local"), target_);
  ASSERT_TRUE(host->claim(with(7)));
  disk.fill();
  const auto full = host->attempt(with(7), AttemptId("a1"), shell("touch \"$1\"", {root_ / "ran"}), {}, {});
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, Code::kNoSpace) << told(full);
  EXPECT_EQ(attempts().size(), 0U);
  EXPECT_FALSE(os::exists(root_ / "ran"));
}

TEST_F(OwnBegin, AStoppedProcessThatHoldsTheSiteIsNamed) {
  ASSERT_TRUE(own(with(7)).claim());
  const pid_t holder = fork();
  if (holder == 0) {
    const os::Descriptor lock(open((site_ + "/lock").c_str(), O_RDWR | O_CLOEXEC));
    flock(lock.get(), LOCK_EX);
    raise(SIGSTOP);
    _exit(0);
  }
  ASSERT_GT(holder, 0);
  int status = 0;
  ASSERT_EQ(waitpid(holder, &status, WUNTRACED), holder);
  EXPECT_EQ(told(own(with(8), Millis(50)).claim()),
            fmt::format("busy: local: process {0} holds {1}/lock and is stopped; nothing was done [let it go on (kill "
                        "-CONT {0}) or end it (kill -KILL {0}), then try again]",
                        holder, site_));
  ::kill(holder, SIGKILL);
  waitpid(holder, nullptr, 0);
  EXPECT_EQ(told(own(with(8)).claim()), "done");
}

/// The order lies before the shim when it starts: with the locks in hand it does not wait for a controller that hangs.
TEST_F(OwnBegin, AControllerThatIsStoppedOnceTheShimHasStartedKeepsNobodyOut) {
  ASSERT_TRUE(own(with(7)).claim());
  const pid_t controller = fork();
  if (controller == 0) {
    Command command = shell("touch \"$1\"; exec sleep 60", {root_ / "ran"});
    command.stdin_text = std::string(4'000'000, 'x');  // read for a while
    (void)make_local_host(HostName("local"), target_)->attempt(with(7), AttemptId("a1"), command, {}, {});
    _exit(0);
  }
  ASSERT_GT(controller, 0);
  const BootTime deadline = system_clock().boot() + Millis(10'000);
  const auto has_lent_the_locks = [&] {  // and closed its own
    std::error_code gone;
    const std::string descriptors = fmt::format("/proc/{}/fd", controller);
    for (const auto& entry : std::filesystem::directory_iterator(descriptors, gone))
      if (std::filesystem::read_symlink(entry.path(), gone).string().ends_with("/lock")) return false;
    for (const pid_t child : os::children_of(controller))
      if (os::title_of(child) == "/bin/sh") return true;
    return false;
  };
  while (!has_lent_the_locks() && system_clock().boot() < deadline) {
  }
  ::kill(controller, SIGSTOP);
  const auto claimed = own(with(8)).claim();
  ::kill(controller, SIGKILL);
  waitpid(controller, nullptr, 0);
  EXPECT_EQ(told(claimed), "done");
  const auto host = make_local_host(HostName("local"), target_);
  EXPECT_TRUE(host->kill(with(8), AttemptId("a1"), Millis(100)));
}

TEST_F(OwnBegin, AnAttemptThatWasMadeBeforeIsNotMadeAgain) {
  const auto host = make_local_host(HostName("local"), target_);
  ASSERT_TRUE(host->attempt(with(7), AttemptId("a1"), shell("true"), {}, {}));
  const auto again = host->attempt(with(7), AttemptId("a1"), shell("touch \"$1\"", {root_ / "ran"}), {}, {});
  ASSERT_FALSE(again);
  EXPECT_NE(told(again).find("attempt a1 was made before; nothing was done"), std::string::npos) << told(again);
  EXPECT_FALSE(os::exists(root_ / "ran"));
}

}  // namespace
}  // namespace backout::host
