// A claim by our own hand: the same as by the shim, and safe beside it.
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "host/testing_disk.h"
#include "host/testing_own_site.h"
#include "host/testing_program.h"

// Every fsync of this process passes here, so that a test can look, or end the process, at that moment.
namespace {
std::function<void(const std::string&path)> on_sync, on_synced;
std::string path_of(int descriptor) {
  std::error_code ignored;
  return std::filesystem::read_symlink(fmt::format("/proc/self/fd/{}", descriptor), ignored).string();
}
}  // namespace
extern "C" int fsync(int descriptor) {
  if (on_sync) on_sync(path_of(descriptor));
  const long result = syscall(SYS_fsync, descriptor);
  if (on_synced) on_synced(path_of(descriptor));
  return static_cast<int>(result);
}

namespace backout::host {
namespace {

class OwnClaim : public OwnSiteTest {
 protected:
  void TearDown() override { on_sync = on_synced = nullptr; }
};

TEST_F(OwnClaim, ClaimLeavesWhatTheShimLeaves) {
  const auto picture = [&] {
    std::string all;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(target_ + "/sites")) {
      struct stat info {};
      stat(entry.path().c_str(), &info);
      const auto text = entry.is_regular_file() ? *os::read_file(entry.path()) : "";
      all += fmt::format("{} {:o} {}\n", entry.path().string(), info.st_mode, text);
    }
    return all;
  };
  const mode_t before = umask(027);
  ASSERT_TRUE(own(with(7)).claim());
  const std::string ours = picture();
  ASSERT_TRUE(os::remove_tree(target_ + "/sites"));
  ASSERT_TRUE(by_shim(with(7)));
  umask(before);
  EXPECT_EQ(ours, picture());
  EXPECT_EQ(text_of("owner"), "journal-a\n");
  EXPECT_EQ(text_of("token"), "7\n");
}

TEST_F(OwnClaim, RefusesInTheWordsOfTheShim) {
  ASSERT_TRUE(own(with(7)).claim());
  const auto both = [&](const Guard& guard) {
    const std::string ours = told(own(guard).claim()), theirs = told(by_shim(guard));
    EXPECT_EQ(ours, theirs);
    EXPECT_EQ(told(own(guard).forget({})), theirs);
    return ours;
  };
  EXPECT_NE(both({"shop/production", "journal-b", 99})
                .find("refused: local: shop/production is run from another journal (journal-a)"),
            std::string::npos);
  EXPECT_NE(both(with(6)).find("token 7, ours is 6"), std::string::npos);
  EXPECT_EQ(both(with(7)), "done");
  for (const std::string token : {"garbage", "7x", "-7", " 7", "7 \n"}) {
    put("token", token);
    EXPECT_NE(both(with(8)).find("denied: local: " + site_ + "/token is not a number"), std::string::npos) << token;
    EXPECT_EQ(text_of("token"), token);
  }
  put("token", "99999999999999999999\n");
  EXPECT_NE(both(with(8)).find("refused: "), std::string::npos);
  put("token", "007");
  EXPECT_NE(both(with(6)).find("refused: "), std::string::npos);
  EXPECT_EQ(both(with(8)), "done");
  put("token", "");
  EXPECT_NE(both(with(-1)).find("token 0, ours is -1"), std::string::npos);
  EXPECT_EQ(both(with(3)), "done");
  put("owner", "");
  EXPECT_EQ(both(with(3)), "done");
  EXPECT_EQ(text_of("owner"), "journal-a\n");
}

TEST_F(OwnClaim, StartsNothing) {
  // A program of the shim that fails where it is called: nothing of it may be asked.
  ASSERT_TRUE(own(with(7)).claim());
  make_attempt("a1", whole_);
  std::vector<std::unique_ptr<FakeProgram>> traps;
  for (const std::string program : {"flock", "setsid", "mkfifo", "sync", "mv", "rm", "mkdir"})
    traps.push_back(std::make_unique<FakeProgram>(root_, program, "echo x >>" + (root_ / "log") + "\nexit 1\n"));
  const auto host = make_local_host(HostName("local"), target_);
  EXPECT_EQ(told(host->claim(with(8))), "done");
  EXPECT_EQ(told(host->claim({"shop/another", "journal-a", 8})), "done");
  EXPECT_EQ(told(host->forget(with(9), {})), "done");
  EXPECT_FALSE(os::exists(root_ / "log"));
  EXPECT_EQ(attempts().size(), 0U);
  make_attempt("a2", "");
  EXPECT_NE(told(host->forget(with(9), {})), "done") << "these traps catch the shim";
  EXPECT_TRUE(os::exists(root_ / "log"));
  while (!traps.empty()) traps.pop_back();
}

TEST_F(OwnClaim, AToolThatCommandsWillNeedIsMissedAtOnce) {
  const std::string bin = root_ / "bin", path = getenv("PATH");
  ASSERT_TRUE(os::make_directories(bin));
  for (const std::string program : {"flock", "mkfifo", "sync", "mkdir", "cat"})
    ASSERT_TRUE(os::replace_symlink(bin + "/" + program, "/usr/bin/" + program));
  ASSERT_TRUE(os::make_directories(bin + "/setsid"));  // a directory is no program
  const OwnSite site = own(with(7));
  setenv("PATH", bin.c_str(), 1);
  const std::string ours = told(site.claim()), theirs = told(by_shim(with(7)));
  setenv("PATH", path.c_str(), 1);
  EXPECT_EQ(ours, theirs);
  EXPECT_NE(ours.find("unsupported: local: there is no setsid on it"), std::string::npos) << ours;
  EXPECT_FALSE(os::exists(site_));
}

TEST_F(OwnClaim, AStateDirectoryThatCannotBeWrittenRefusesAsTheShim) {
  const SmallDisk disk(target_);
  if (!disk.mounted()) GTEST_SKIP() << "no permission to mount";
  ASSERT_TRUE(own(with(7)).claim());
  const Guard elsewhere{"shop/staging", "journal-a", 7};
  disk.make_read_only();
  EXPECT_EQ(told(own(with(8)).claim()), told(by_shim(with(8))));
  EXPECT_EQ(told(own(with(8)).claim()), "denied: local: cannot open " + site_ + "/lock; nothing was done []");
  EXPECT_EQ(told(own(elsewhere).claim()), told(by_shim(elsewhere)));
  EXPECT_EQ(own(elsewhere).claim().error().code, Code::kDenied);
  EXPECT_EQ(text_of("token"), "7\n");
}

TEST_F(OwnClaim, AFullDiskRefusesAsTheShimAndTheOldTokenStays) {
  const SmallDisk disk(target_);
  if (!disk.mounted()) GTEST_SKIP() << "no permission to mount";
  ASSERT_TRUE(own(with(7)).claim());
  disk.fill();
  EXPECT_EQ(told(own(with(8)).claim()), told(by_shim(with(8))));
  EXPECT_EQ(told(own(with(8)).claim()), "no_space: local: cannot write " + site_ +
                                            "/token: the disk is full; nothing was "
                                            "done [make room there and try again]");
  EXPECT_EQ(own({"shop/staging", "journal-a", 7}).claim().error().code, Code::kNoSpace);
  EXPECT_EQ(text_of("token"), "7\n");
  EXPECT_TRUE(own(with(7)).claim()) << "which has nothing to write";
  ASSERT_TRUE(os::remove_file(target_ + "/filler"));
  EXPECT_TRUE(own(with(8)).claim());
}

TEST_F(OwnClaim, ATokenIsDurableBeforeItIsSeenAndBeforeTheClaimEnds) {
  ASSERT_TRUE(own(with(7)).claim());
  const OwnSite site = own(with(8));
  std::string log;
  on_sync = [&](const std::string& path) {
    log += fmt::format("{} {} {} ", path.substr(path.find("shop%")), trimmed(text_of("token")),
                       somebody_holds_the_lock() ? "held" : "free");
  };
  ASSERT_TRUE(site.claim());
  EXPECT_EQ(log, "shop%2Fproduction/token.new 7 held shop%2Fproduction 8 held ");
}

TEST_F(OwnClaim, SoIsOneThatTheShimStores) {
  ASSERT_TRUE(by_shim(with(7)));
  const FakeProgram sync(root_, "sync",
                         "for f; do printf '%s %s ' \"${f##*/}\" \"$(cat " + site_ + "/token)\" >>" + (root_ / "log") +
                             "; done\nexec /usr/bin/sync \"$@\"\n");
  ASSERT_TRUE(by_shim(with(8)));
  EXPECT_EQ(*os::read_file(root_ / "log"), "token.new 7 shop%2Fproduction 8 ");
}

TEST_F(OwnClaim, ANewSitesDirectoriesAreDurableBeforeItsOwner) {
  const OwnSite site = own(with(7));
  std::string log;
  on_sync = [&](const std::string& path) { log += path.substr(path.find("/target")) + " "; };
  ASSERT_TRUE(site.claim());
  const std::string s = "/target/sites/shop%2Fproduction", chain = s + "/attempts " + s + " /target/sites /target ";
  EXPECT_EQ(log, chain + chain + s + "/owner.new " + s + " " + s + "/token.new " + s + " ");
}

TEST_F(OwnClaim, KilledAtAnyMomentItLeavesAStateThatBothGoOnFrom) {
  for (const bool first : {true, false}) {
    for (int moment = 1;; ++moment) {
      (void)os::remove_tree(target_ + "/sites");
      EXPECT_TRUE(first || own(with(7)).claim());
      const OwnSite site = own(with(8));
      const pid_t pid = fork();
      if (pid == 0) {
        int passed = 0;
        on_sync = on_synced = [&](const std::string&) {
          if (++passed == moment) ::kill(getpid(), SIGKILL);
        };
        _exit(site.claim() ? 0 : 1);
      }
      int status = 0;
      waitpid(pid, &status, 0);
      if (!WIFSIGNALED(status)) {
        EXPECT_EQ(status, 0);
        EXPECT_EQ(moment, first ? 25 : 5) << "each sync is two moments";
        break;
      }
      const std::string token = text_of("token"), owner = text_of("owner");
      EXPECT_TRUE(token == "8\n" || token == (first ? "none" : "7\n")) << moment << ": " << token;
      EXPECT_TRUE(owner == "journal-a\n" || (first && owner == "none")) << moment << ": " << owner;
      EXPECT_EQ(told(by_shim(with(9))), "done") << moment;
      EXPECT_EQ(told(own(with(10)).claim()), "done") << moment;
      EXPECT_EQ(told(by_shim(with(9))), told(own(with(9)).claim())) << moment;
      EXPECT_EQ(text_of("token"), "10\n");
    }
  }
}

TEST_F(OwnClaim, ATokenLeftHalfIsWrittenOver) {
  ASSERT_TRUE(own(with(7)).claim());
  for (const std::string half : {"", "999999", "9\n9\n"}) {
    put("token", "7\n");
    put("token.new", half);
    ASSERT_TRUE(own(with(7)).claim());
    EXPECT_EQ(text_of("token"), "7\n") << "what was not given its name was never said";
    ASSERT_TRUE(own(with(8)).claim());
    EXPECT_EQ(text_of("token"), "8\n");
    EXPECT_EQ(text_of("token.new"), "none");
  }
}

// --- the lock -------------------------------------------------------------------------------------------------------

TEST_F(OwnClaim, ALockThatIsHeldIsWaitedForAndThenBusy) {
  ASSERT_TRUE(own(with(7)).claim());
  os::Descriptor lock(open((site_ + "/lock").c_str(), O_RDWR | O_CLOEXEC));
  ASSERT_EQ(flock(lock.get(), LOCK_EX), 0);
  const BootTime before = system_clock().boot();
  const auto claimed = own(with(8), Millis(50)).claim();
  EXPECT_GE(system_clock().boot() - before, Millis(50));
  EXPECT_EQ(told(claimed),
            fmt::format("busy: local: process {} holds {}/lock; nothing was done [try again in a minute]", ::getpid(),
                        site_));
  EXPECT_EQ(own(with(8), Millis(50)).forget({}).error().code, Code::kBusy);
  EXPECT_EQ(text_of("token"), "7\n");
  std::jthread thread([&] {
    system_clock().wait(Millis(50), {});
    lock.close();
  });
  EXPECT_EQ(told(own(with(8)).claim()), "done");
}

TEST_F(OwnClaim, AChildThatAnotherThreadStartsDoesNotKeepTheLock) {
  ASSERT_TRUE(own(with(7)).claim());
  const OwnSite site = own(with(8));
  pid_t child = 0;
  on_sync = [&](const std::string& path) {  // under the lock
    if (!path.ends_with("token.new")) return;
    child = fork();  // it never becomes its program
    if (child == 0) {
      pause();
      _exit(0);
    }
  };
  ASSERT_TRUE(site.claim());
  ASSERT_GT(child, 0);
  EXPECT_FALSE(somebody_holds_the_lock());
  ::kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
}

/// An older controller's start, by its own hand or by the shim alone, and a newer one's claim.
class ClaimAndStart : public OwnClaim, public testing::WithParamInterface<bool> {
 protected:
  Result<CommandResult> older_start(const Command& command) const {
    return GetParam() ? make_local_host(HostName("local"), target_)->attempt(with(7), AttemptId("a1"), command, {}, {})
                      : attempt_by_shim(with(7), "a1", command);
  }
};
INSTANTIATE_TEST_SUITE_P(HereAndAway, ClaimAndStart, testing::Bool(),
                         [](const auto& made) { return made.param ? "by_own_hand" : "by_the_shim"; });

TEST_P(ClaimAndStart, AnOlderStartThatWaitsForTheClaimIsRefused) {
  ASSERT_TRUE(own(with(7)).claim());
  const OwnSite newer = own(with(8));
  std::optional<Result<CommandResult>> started;
  std::atomic<bool> over = false;
  std::jthread thread;
  bool waited = false;
  on_sync = [&](const std::string& path) {  // the claim holds the lock, and its token is not there yet
    if (!path.ends_with("token.new")) return;
    thread = std::jthread([&] {
      started = older_start(shell("touch \"$1\"", {root_ / "ran"}));
      over = true;
    });
    waited = GetParam() ? !comes([&] { return over.load(); }, Millis(300))
                        : comes([&] { return somebody_waits_for_the_lock(); });
    EXPECT_EQ(text_of("token"), "7\n");
  };
  ASSERT_TRUE(newer.claim());
  ASSERT_TRUE(waited);
  thread.join();
  ASSERT_TRUE(started);
  EXPECT_NE(told(*started).find("token 8, ours is 7"), std::string::npos) << told(*started);
  EXPECT_FALSE(os::exists(root_ / "ran"));
  EXPECT_EQ(attempts().size(), 0U);
}

TEST_P(ClaimAndStart, AClaimWaitsForAStartThatHoldsTheLockAndThenFindsItsRecord) {
  ASSERT_TRUE(own(with(7)).claim());
  const FakeProgram slow(root_, "sync",
                         "echo x >" + (root_ / "begun") + "\nuntil [ -e " + (root_ / "go") + " ] || [ ! -d " +
                             root_.path() + " ]; do sleep 0.01; done\nexec /bin/sync \"$@\"\n");
  std::optional<Result<CommandResult>> started;
  std::jthread starting([&] { started = older_start(shell("true")); });
  ASSERT_TRUE(comes([&] { return os::exists(root_ / "begun"); }));
  EXPECT_EQ(own(with(8), Millis(100)).claim().error().code, Code::kBusy);
  std::atomic<bool> claimed = false;
  std::jthread claiming([&] {
    EXPECT_EQ(told(own(with(8)).claim()), "done");
    EXPECT_TRUE(os::exists(site_ + "/attempts/a1/started")) << "the claim came before the record";
    claimed = true;
  });
  EXPECT_FALSE(comes([&] { return claimed.load(); }, Millis(200)));
  EXPECT_EQ(text_of("token"), "7\n");
  put("../../../go", "");
  claiming.join();
  starting.join();
  EXPECT_EQ(told(*started), "done");
  EXPECT_EQ(text_of("token"), "8\n");
}

/// With what the shim syncs of an attempt that was begun for it (LocalHost.RecordIsDurable...), all that is on the
/// disk.
TEST_F(OwnClaim, WhatIsMadeForTheShimIsDurable) {
  ASSERT_TRUE(own(with(7)).claim());
  std::vector<std::string> synced;
  on_sync = [&](const std::string& path) { synced.push_back(path.substr(path.find("/sites"))); };
  ASSERT_TRUE(own(with(7)).begin(AttemptId("a1")));
  on_sync = nullptr;
  EXPECT_EQ(synced, (std::vector<std::string>{"/sites/shop%2Fproduction/attempts/a1/status.new",
                                              "/sites/shop%2Fproduction/attempts"}));
}

}  // namespace
}  // namespace backout::host
