// Death: kill -9 after every append and around every command. The next process carries on to a whole site.
#include "support/fake_site.h"

namespace backout::run {
namespace {

using namespace fakes;
using ::testing::IsEmpty;

/// Nothing that must not be done twice was done twice, and everything that was begun has an end.
void expect_whole(FakeSite& site, const std::string& where) {
  SCOPED_TRACE(where);
  site.check_promises();
  EXPECT_THAT(site.unknown(), IsEmpty());
  for (const Step& step : site.plan.contract.steps)
    for (const std::string& host : hosts_of(step))
      for (const char* purpose : {"apply", "undo"}) {
        if (step.action.verb == "set" && std::string(purpose) == "apply") continue;
        EXPECT_LE(site.machines.at(host).times_done(step.id.str(), purpose), 1)
            << step.id.str() << "@" << host << " " << purpose;
      }
}

void expect_nothing_left(FakeSite& site, int exit) {
  const int begun = site.begun();
  const size_t events = site.events().size();
  const auto world = site.world();
  EXPECT_EQ(site.live().exit(), exit);
  EXPECT_EQ(site.begun(), begun);
  EXPECT_EQ(site.events().size(), events);
  EXPECT_EQ(site.world(), world);
}

void expect_carried_on(FakeSite& site, const std::string& where) {
  const Lived resumed = site.live();
  EXPECT_EQ(resumed.exit(), 0) << where << ": " << resumed.why();
  EXPECT_TRUE(is_new(site)) << where;
  expect_whole(site, where);
  expect_nothing_left(site, 0);
}

/// Turned back when nobody can have been let in; refused, and then carried on, otherwise. A closed door with an opening
/// that was begun: refused while its command runs, else what is seen counts.
void expect_turned_back(FakeSite& site, const std::string& where) {
  const bool tried = site.local.has_begun("open"), closed = site.local.at("door") == "closed";
  const Lived aborted = site.live(Wish::kTurnBack);
  if (tried && (!closed || !aborted.end)) {
    ASSERT_FALSE(aborted.end) << where;
    EXPECT_EQ(aborted.end.error().code, Code::kRefused) << where;
    return expect_carried_on(site, where);
  }
  EXPECT_EQ(aborted.exit(), 0) << where << ": " << aborted.why();
  EXPECT_EQ(aborted.result(), "aborted") << where;
  EXPECT_TRUE(is_old(site)) << where;
  expect_whole(site, where);
  expect_nothing_left(site, 0);
}

int appends_of_a_whole_run(int jobs) {
  FakeSite site;
  site.jobs = jobs;
  site.plan_is(shop_rollback());
  EXPECT_EQ(site.live().exit(), 0);
  return site.last_appends;
}

/// One at a time: after each append. Four at once the order differs from run to run: a sample.
struct AfterEachAppend : ::testing::TestWithParam<int> {
  static int step() { return GetParam() == 1 ? 1 : 3; }
};

TEST_P(AfterEachAppend, ResumeBringsTheWholeSiteOver) {
  const int all = appends_of_a_whole_run(GetParam());
  ASSERT_GT(all, 30);
  for (int n = 0; n <= all; n += step()) {
    FakeSite site;
    site.jobs = GetParam();
    site.plan_is(shop_rollback());
    EXPECT_TRUE(site.live(Wish::kCarryOn, n).died);
    expect_carried_on(site, "death after append " + std::to_string(n));
  }
}

TEST_P(AfterEachAppend, AbortPutsTheWholeSiteBackUntilTheDoorOpens) {
  const int all = appends_of_a_whole_run(GetParam());
  for (int n = 1; n < all; n += step()) {
    FakeSite site;
    site.jobs = GetParam();
    site.plan_is(shop_rollback());
    EXPECT_TRUE(site.live(Wish::kCarryOn, n).died);
    expect_turned_back(site, "death after append " + std::to_string(n));
  }
}

INSTANTIATE_TEST_SUITE_P(Jobs, AfterEachAppend, ::testing::Values(1, 4));

struct AroundEachCommand : ::testing::TestWithParam<Fault> {
  /// Dies at the Nth command of the site. False when there are fewer.
  static bool die_at(FakeSite& site, int n, Fault how) {
    auto seen = std::make_shared<std::atomic<int>>(0);
    site.faults([=](const Try&) { return ++*seen == n ? how : Fault::kNone; });
    const bool died = site.live().died;
    site.no_faults();
    return died;
  }
};

TEST_P(AroundEachCommand, ResumeBringsTheWholeSiteOver) {
  int n = 1;
  for (bool died = true; died; ++n) {
    FakeSite site;
    site.plan_is(shop_rollback());
    died = die_at(site, n, GetParam());
    if (died) expect_carried_on(site, "command " + std::to_string(n));
  }
  EXPECT_EQ(n, 15) << "13 commands, and one that there is not";
}

TEST_P(AroundEachCommand, AbortPutsTheWholeSiteBackUntilTheDoorOpens) {
  for (int n = 1;; ++n) {
    FakeSite site;
    site.plan_is(shop_rollback());
    if (!die_at(site, n, GetParam())) break;
    expect_turned_back(site, "command " + std::to_string(n));
  }
}

TEST_P(AroundEachCommand, ADeathWhilePuttingBackIsCarriedOnToo) {
  int deaths = 0;
  for (int n = 1; n <= 40; ++n) {
    FakeSite site;
    site.plan_is(shop_rollback());
    auto seen = std::make_shared<std::atomic<int>>(0);
    site.faults([&, seen](const Try& each) {
      if (each.is("start") && each.machine == "web-2") return Fault::kFail;
      return each.purpose == "undo" && ++*seen == n ? GetParam() : Fault::kNone;
    });
    const Lived first = site.live();
    if (!first.died) break;
    ++deaths;
    site.no_faults();
    const Lived resumed = site.live();
    EXPECT_EQ(resumed.exit(), 1) << "undo " << n << ": " << resumed.why();
    EXPECT_TRUE(is_old(site)) << "undo " << n;
    expect_whole(site, "undo " + std::to_string(n));
    expect_nothing_left(site, 1);
  }
  EXPECT_EQ(deaths, 9);
}

INSTANTIATE_TEST_SUITE_P(Moments, AroundEachCommand,
                         ::testing::Values(Fault::kDieBefore, Fault::kDieRunning, Fault::kDieAfter, Fault::kDieVanished,
                                           Fault::kDieVanishedDone));

TEST(Deaths, WhilePuttingBackAfterEachAppendAreCarriedOn) {
  for (int n = 1;; ++n) {
    FakeSite site;
    site.plan_is(shop_rollback());
    const auto start_fails = [](const Try& each) { return each.is("start") ? Fault::kFail : Fault::kNone; };
    site.faults(start_fails);
    if (!site.live(Wish::kCarryOn, n).died) break;
    const bool turned = site.state().turned;
    if (!turned) continue;
    const Lived resumed = site.live();
    EXPECT_EQ(resumed.exit(), 1) << n << ": " << resumed.why();
    EXPECT_TRUE(is_old(site)) << n;
    expect_whole(site, "death after append " + std::to_string(n));
  }
}

TEST(Deaths, OfEachProcessAfterOneMoreAppendStillEndWhole) {
  for (const int each : {2, 3, 5}) {
    FakeSite site;
    site.plan_is(shop_rollback());
    int lives = 0;
    while (site.live(Wish::kCarryOn, each).died && lives < 100) ++lives;
    EXPECT_GT(lives, 3);
    expect_carried_on(site, "a death every " + std::to_string(each));
  }
}

TEST(Deaths, OfTheWholeMachineLoseCommandsAndAreCarriedOn) {
  FakeSite site;
  site.jobs = 4;
  site.plan_is(shop_rollback());
  site.faults([](const Try& each) { return each.is("switch") ? Fault::kDieRunning : Fault::kNone; });
  EXPECT_TRUE(site.live().died);
  site.no_faults();
  for (auto& [name, machine] : site.machines) machine.reboot();
  expect_carried_on(site, "power cut");
}

TEST(Deaths, WithACommandThatHasNoProbeAskAPersonAndNobodyElse) {
  FakeSite site;
  std::vector<Step> steps = shop_rollback();
  steps.push_back(fake_step("tell", Phase::kSwitch, "append", "told", "x"));
  site.plan_is(std::move(steps));
  site.faults([](const Try& each) { return each.is("tell") ? Fault::kDieVanishedDone : Fault::kNone; });
  EXPECT_TRUE(site.live().died);
  site.no_faults();
  EXPECT_EQ(site.live().exit(), 4);
  EXPECT_THAT(site.unknown(), ::testing::ElementsAre("tell@local apply"));
  EXPECT_EQ(site.local.at("told"), "x");
  site.asker.answer({true});
  EXPECT_EQ(site.live().exit(), 0);
  EXPECT_EQ(site.local.at("told"), "xx");
}

}  // namespace
}  // namespace backout::run
