#include "journal/lease.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "journal/testing.h"

namespace backout::journal {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;

constexpr Millis kTtl{30'000};

struct LeaseTest : ::testing::Test {
  TestDirectory directory;
  FakeClock clock;
  bool lives = true;
  std::unique_ptr<Journal> journal =
      opened(directory.path(), clock, {.may_live = [this](const ProcessIdentity&) { return lives; }});
  Lease held = journal->acquire(kShop, "rollback to v2.3.1", kTtl).value();
};

TEST_F(LeaseTest, ASecondOneIsToldWhoHoldsItSinceWhenAndWhatFor) {
  const auto second = journal->acquire(kShop, "deploy", kTtl);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::kBusy);
  EXPECT_THAT(second.error().message, MatchesRegex("shop/production is held by dana@.* pid [0-9]+ since 14:22:11, "
                                                   "doing: rollback to v2.3.1"));
  EXPECT_EQ(second.error().next, "wait, or look: backout status");
  EXPECT_EQ(journal->holder(kShop)->value().token, held.token);
  EXPECT_TRUE(journal->acquire(kBlog, "deploy", kTtl)) << "another site is free";
}

TEST_F(LeaseTest, AReleasedOneIsFreeAndTokensGrowForEver) {
  ASSERT_OK(journal->release(kShop, held.token));
  EXPECT_FALSE(journal->holder(kShop).value());
  EXPECT_EQ(journal->acquire(kShop, "deploy", kTtl)->token, held.token + 1);
  EXPECT_EQ(journal->release(kShop, held.token).error().code, Code::kConflict);
  EXPECT_EQ(journal->renew(kShop, held.token).error().code, Code::kConflict);
}

TEST_F(LeaseTest, OneWhoseProcessIsGoneIsTakenAtOnce) {
  lives = false;
  EXPECT_FALSE(journal->holder(kShop).value());
  EXPECT_EQ(journal->acquire(kShop, "resume", kTtl)->token, held.token + 1);
}

TEST_F(LeaseTest, OneOfAnEarlierBootIsTakenAtOnce) {
  clock.boot_name = "boot-2";
  clock.boot_now = BootTime(10);
  EXPECT_EQ(journal->acquire(kShop, "resume", kTtl)->token, held.token + 1);
}

TEST_F(LeaseTest, OneThatIsNotRenewedForItsTtlIsFrozenAndTaken) {
  clock.boot_now += kTtl - Millis(1);
  EXPECT_EQ(journal->acquire(kShop, "resume", kTtl).error().code, Code::kBusy);
  clock.boot_now += Millis(1);
  const auto taken = journal->acquire(kShop, "resume", kTtl);
  ASSERT_OK(taken);
  EXPECT_EQ(taken->token, held.token + 1);
  EXPECT_EQ(journal->renew(kShop, held.token).error().code, Code::kConflict) << "the frozen one wakes up";
}

TEST_F(LeaseTest, ARenewedOneIsKept) {
  for (int i = 0; i < 5; ++i) {
    clock.boot_now += kTtl - Millis(1);
    ASSERT_OK(journal->renew(kShop, held.token));
  }
  EXPECT_EQ(journal->acquire(kShop, "deploy", kTtl).error().code, Code::kBusy);
  EXPECT_EQ(journal->read(kShop, 0, RunId(), -1)->size(), 1U) << "renewals are no events";
}

TEST_F(LeaseTest, OneThatSleptButWasNotTakenGoesOn) {
  clock.boot_now += 10 * kTtl;
  ASSERT_OK(journal->renew(kShop, held.token));
  EXPECT_EQ(journal->acquire(kShop, "deploy", kTtl).error().code, Code::kBusy);
}

TEST_F(LeaseTest, WallClockJumpsChangeNothing) {
  for (const int64_t jump : {int64_t{86'400'000}, int64_t{-400 * 86'400'000LL}, int64_t{400 * 86'400'000LL}}) {
    clock.wall_now += Millis(jump);
    EXPECT_EQ(journal->acquire(kShop, "deploy", kTtl).error().code, Code::kBusy);
    ASSERT_OK(journal->renew(kShop, held.token));
  }
  clock.wall_now -= Millis(86'400'000);
  clock.boot_now += kTtl;
  EXPECT_TRUE(journal->acquire(kShop, "deploy", kTtl));
}

TEST_F(LeaseTest, RebuildKeepsTheLease) {
  ASSERT_OK(journal->rebuild());
  EXPECT_EQ(journal->acquire(kShop, "deploy", kTtl).error().code, Code::kBusy);
  EXPECT_EQ(journal->holder(kShop)->value().doing, "rollback to v2.3.1");
}

TEST(ProcessIdentity, KnowsALivingProcessAZombieAndOneThatIsGone) {
  int gate[2];
  ASSERT_EQ(::pipe(gate), 0);
  int told[2];
  ASSERT_EQ(::pipe(told), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(gate[1]);
    const ProcessIdentity self = this_process();
    const std::string text = std::to_string(self.started);
    if (::write(told[1], text.c_str(), text.size()) < 0) ::_exit(1);
    char byte = 0;
    ::_exit(::read(gate[0], &byte, 1) == 0 ? 0 : 1);  // until the gate is closed
  }
  char text[32] = {};
  ASSERT_GT(::read(told[0], text, sizeof text - 1), 0);
  ProcessIdentity identity{child, std::atoll(text), this_process().pid_space};
  EXPECT_TRUE(may_live(identity));
  ProcessIdentity other = identity;
  other.started += 1;
  EXPECT_FALSE(may_live(other)) << "the pid was given to another process";
  other = identity;
  other.pid_space = "pid:[1]";
  EXPECT_TRUE(may_live(other)) << "a container's process cannot be looked at";

  ::kill(child, SIGKILL);
  siginfo_t info{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT), 0);  // dead, not yet reaped
  EXPECT_FALSE(may_live(identity));
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_FALSE(may_live(identity));
  for (const int end : {gate[0], gate[1], told[0], told[1]}) ::close(end);
}

}  // namespace
}  // namespace backout::journal
