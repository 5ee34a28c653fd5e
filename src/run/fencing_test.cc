// Two controllers: the one whose token is old, or whose lease is gone, touches nothing.
#include <cstdlib>
#include <thread>

#include "os/test_directory.h"
#include "run/lease_keeper.h"
#include "support/fake_site.h"

namespace backout::run {
namespace {

using namespace fakes;
using ::testing::HasSubstr;

struct Fencing : ::testing::Test, FakeSite {
  Fencing() { plan_is(shop_rollback()); }
  void TearDown() override { check_promises(); }
  void another_takes_over() {
    const auto lease = journal->acquire(site_id, "another controller", Millis(30'000));
    EXPECT_TRUE(lease);
  }
};

TEST_F(Fencing, ATargetWithANewerTokenRefusesBeforeAnythingBegins) {
  web2.taken_over(99);
  const Lived lived = live();
  ASSERT_FALSE(lived.end);
  EXPECT_EQ(lived.end.error().code, Code::kRefused);
  EXPECT_THAT(lived.end.error().message, HasSubstr("on web-2"));
  EXPECT_EQ(begun(), 0);
  ASSERT_EQ(events().size(), 2U) << "it was begun, and it is over";
  EXPECT_EQ(events().back().type, EventType::kRunEnded);
}

TEST_F(Fencing, ATargetOfAnotherJournalRefusesBeforeAnythingBegins) {
  web1.taken_over(0, "another-journal");
  const Lived lived = live();
  ASSERT_FALSE(lived.end);
  EXPECT_EQ(lived.end.error().code, Code::kRefused);
  EXPECT_EQ(begun(), 0);
  EXPECT_EQ(events().back().type, EventType::kRunEnded) << "nothing to resume";
}

TEST_F(Fencing, ATargetThatCannotBeReachedAtTheStartBeginsNothing) {
  web1.unreachable(2);
  for (const Wish wish : {Wish::kCarryOn, Wish::kTurnBack}) {
    const Lived lived = live(wish);
    ASSERT_FALSE(lived.end);
    EXPECT_EQ(lived.end.error().code, Code::kUnavailable);
    EXPECT_EQ(begun(), 0);
  }
  EXPECT_EQ(live().exit(), 0) << "when it is back, the run goes on";
}

TEST_F(Fencing, ATargetThatRefusesInTheMiddleStopsTheRunWithThreeAndNothingMoreIsWritten) {
  for (const char* step : {"save", "close", "swap", "start", "open"}) {
    FakeSite site;
    site.plan_is(shop_rollback());
    size_t then = 0;
    site.faults([&](const Try& each) {
      if (!each.is(step)) return Fault::kNone;
      then = site.events().size();
      return Fault::kRefuse;
    });
    const Lived lived = site.live();
    EXPECT_EQ(lived.exit(), 3) << step;
    EXPECT_FALSE(lived.end->ended);
    EXPECT_EQ(site.events().size(), then) << "the run belongs to somebody else now: " << step;
    EXPECT_EQ(site.local.times_done(step), 0) << step;
    site.check_promises();
  }
}

TEST_F(Fencing, ATargetThatRefusesWhilePuttingBackStopsWithThree) {
  faults([](const Try& each) {
    if (each.is("look") || each.is("switch")) return Fault::kFail;
    return each.is("swap", "undo") ? Fault::kRefuse : Fault::kNone;
  });
  EXPECT_EQ(live().exit(), 3);
}

TEST_F(Fencing, ALeaseLostInTheMiddleStopsTheRunWithThreeAndNothingMoreIsWrittenOrBegun) {
  for (const char* step : {"save", "build", "close", "swap", "start", "open"}) {
    FakeSite site;
    site.plan_is(shop_rollback());
    bool taken = false;
    int begun = 0;
    size_t written = 0;
    for (auto& [name, machine] : site.machines)
      machine.on_command = [&](const Try& each, const host::Command&) {
        if (!each.is(step) || taken) return;
        taken = true;
        EXPECT_TRUE(site.journal->acquire(site.site_id, "another controller", Millis(30'000)));
        written = site.events().size();
        begun = site.begun();
      };
    const Lived lived = site.live();
    EXPECT_EQ(lived.exit(), 3) << step << ": " << lived.why();
    EXPECT_EQ(site.events().size(), written) << step;
    EXPECT_EQ(site.begun(), begun) << step;
    site.check_promises();
  }
}

TEST_F(Fencing, ALeaseLostWhilePuttingBackStopsWithThree) {
  faults([&](const Try& each) { return each.is("switch") ? Fault::kFail : Fault::kNone; });
  bool taken = false;
  local.on_command = [&](const Try& each, const host::Command&) {
    if (each.is("swap", "undo") && !taken) taken = true, another_takes_over();
  };
  EXPECT_EQ(live().exit(), 3);
  EXPECT_TRUE(taken);
  EXPECT_EQ(live().exit(), 1) << "the one who took over ends it";
  EXPECT_TRUE(is_old(*this));
}

TEST_F(Fencing, ALeaseLostAfterTheLastStepDoesNotEndTheRun) {
  bool taken = false;
  at_end = [&](const RunState&, const RunEnd&) {
    if (!taken) taken = true, another_takes_over();
    return std::vector<journal::NewEvent>();
  };
  EXPECT_EQ(live().exit(), 3);
  EXPECT_FALSE(state().ended);
  EXPECT_EQ(live().exit(), 0);
}

TEST_F(Fencing, TheOneWhoTakesOverFinishesWhatTheFrozenOneBegan) {
  // The first controller freezes while `switch` runs on web-1; the second ends the run. Then the first wakes up.
  Lived second;
  bool frozen = false;
  int begun_by_second = 0;
  size_t written_by_second = 0;
  web1.on_command = [&](const Try& each, const host::Command&) {
    if (!each.is("switch") || std::exchange(frozen, true)) return;
    second = live(Wish::kTurnBack);
    begun_by_second = begun();
    written_by_second = events().size();
  };
  const Lived first = live();
  EXPECT_TRUE(frozen);
  EXPECT_EQ(second.exit(), 0) << second.why();
  EXPECT_EQ(first.exit(), 3) << first.why();
  EXPECT_EQ(begun(), begun_by_second);
  EXPECT_EQ(events().size(), written_by_second);
}

TEST(LeaseKeeper, KeepsASecondProcessAwayAndGivesTheSiteBack) {
  const os::TestDirectory directory;
  const auto journal = journal::Journal::open(directory.path(), "dana", system_clock());
  ASSERT_TRUE(journal);
  const SiteId site("shop/production");
  {
    const auto first = LeaseKeeper::take(**journal, site, "rollback to v1", {});
    ASSERT_TRUE(first);
    const auto second = LeaseKeeper::take(**journal, site, "deploy", {});
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Code::kBusy);
    EXPECT_THAT(second.error().message, HasSubstr("rollback to v1"));
    EXPECT_FALSE((*first)->lost());
  }
  const auto third = LeaseKeeper::take(**journal, site, "deploy", {});
  ASSERT_TRUE(third);
  EXPECT_EQ((*third)->token(), 2);
}

#ifdef BACKOUT_FAULTS
TEST(LeaseKeeper, AsksToStopWhenSomebodyElseTookTheSite) {
  ::setenv("BACKOUT_LEASE_TTL_MS", "100", 1);
  const os::TestDirectory directory;
  journal::Options options;
  options.reserve_bytes = 0;
  options.may_live = [](const journal::ProcessIdentity&) { return false; };
  const auto journal = journal::StoredJournal::open(directory.path(), "dana", system_clock(), std::move(options));
  ASSERT_TRUE(journal);
  const SiteId site("shop/production");
  std::stop_source stop;
  const auto first = LeaseKeeper::take(**journal, site, "rollback", stop);
  ASSERT_TRUE(first);
  const auto second = (*journal)->acquire(site, "resume", Millis(30'000));
  ASSERT_TRUE(second);
  for (int i = 0; i < 500 && !stop.stop_requested(); ++i) std::this_thread::sleep_for(Millis(10));
  EXPECT_TRUE(stop.stop_requested());
  EXPECT_TRUE((*first)->lost());
  ::unsetenv("BACKOUT_LEASE_TTL_MS");
}
#endif

}  // namespace
}  // namespace backout::run
