// What the journal knows of a release after it was recorded: how it bakes, why it went, what is said about it.
#include "journal/testing.h"

namespace backout::journal {
namespace {

using ::testing::ElementsAre;

struct ReleaseModels : ::testing::Test {
  TestDirectory directory;
  FakeClock clock;
  std::unique_ptr<Journal> journal = opened(directory.path(), clock);

  void SetUp() override {
    for (const char* id : {"R-1", "R-2"}) {
      Release value;
      value.id = ReleaseId(id);
      value.version = Version(id == std::string("R-1") ? "v1" : "v2");
      happens(EventType::kReleaseRecorded, to_json(value));
    }
    happens(EventType::kReleaseCurrent, {{"release", "R-1"}});
    state("R-1", "known-good");
    happens(EventType::kReleaseCurrent, {{"release", "R-2"}});
  }
  void happens(EventType type, Json body, const std::string& run = "") {
    clock.wall_now += Millis(1000);
    ASSERT_OK(journal->append(kShop, 0, {event(type, std::move(body), run)}));
  }
  void state(const std::string& release, const std::string& name, const std::string& run = "") {
    happens(EventType::kReleaseState, {{"release", release}, {"state", name}, {"why", "because"}}, run);
  }
  void rolls_back(const std::string& run) {
    happens(
        EventType::kRunStarted,
        {{"kind", "rollback"}, {"incident", "INC-1"}, {"from", "v2"}, {"to", "v1"}, {"reason", "500s"}, {"by", "d"}},
        run);
    happens(EventType::kReleaseCurrent, {{"release", "R-1"}}, run);
    state("R-2", "bad", run);
    happens(EventType::kRunEnded, {{"result", "done"}, {"exit", 0}}, run);
  }
  Release release(const std::string& id) {
    const auto all = journal->releases(kShop).value();
    for (const Release& each : all)
      if (each.id.str() == id) return each;
    return {};
  }
};

TEST_F(ReleaseModels, ARollbackBlocksWhatItLeftUntilItsCauseIsSaid) {
  EXPECT_FALSE(release("R-2").blocked());
  rolls_back("RUN-1");
  EXPECT_TRUE(release("R-2").blocked());
  EXPECT_EQ(release("R-2").rolled_back->incident, IncidentId("INC-1"));
  EXPECT_FALSE(release("R-1").blocked());
  state("R-2", "known-good");
  EXPECT_TRUE(release("R-2").blocked()) << "a word of praise is no cause";
  happens(EventType::kReleaseResolved, {{"release", "R-2"}, {"cause", "a column"}, {"by", "dana"}});
  EXPECT_FALSE(release("R-2").blocked());
  EXPECT_EQ(release("R-2").resolved->cause, "a column");
  EXPECT_EQ(release("R-2").resolved->at, clock.wall_now);
  state("R-2", "bad");
  EXPECT_TRUE(release("R-2").blocked()) << "bad again needs a cause again";
}

TEST_F(ReleaseModels, TheRollbackKeepsTheFirstBadSignAndLearnsTheCause) {
  happens(EventType::kReleaseLooked, {{"release", "R-2"}, {"result", "failed"}, {"failed", "health: 500"}});
  happens(EventType::kReleaseLooked, {{"release", "R-2"}, {"result", "failed"}, {"failed", "later"}});
  rolls_back("RUN-1");
  happens(EventType::kIncidentOpened, {{"incident", "INC-2"}, {"why", "v1 never passed CI"}}, "RUN-1");
  const auto rollbacks = journal->rollbacks(kShop).value();
  ASSERT_EQ(rollbacks.size(), 1U);
  EXPECT_EQ(rollbacks[0].sign->what, "health: 500");
  EXPECT_EQ(rollbacks[0].reason, "500s");
  EXPECT_EQ(rollbacks[0].run.state, "done");
  EXPECT_FALSE(rollbacks[0].left->resolved);
  ASSERT_EQ(rollbacks[0].also.size(), 1U);
  EXPECT_EQ(rollbacks[0].also[0].incident, IncidentId("INC-2"));
  EXPECT_FALSE(release("R-2").sign) << "it says nothing about the next time that v2 serves";
  happens(EventType::kReleaseResolved, {{"release", "R-2"}, {"cause", "a column"}, {"by", "dana"}});
  EXPECT_EQ(journal->rollbacks(kShop, 1).value()[0].left->resolved->cause, "a column");
}

TEST_F(ReleaseModels, AFailedStepOfItsDeployIsABadSign) {
  happens(EventType::kRunStarted, {{"kind", "deploy"}, {"from", "v2"}, {"to", "v3"}}, "RUN-9");
  Release third;
  third.id = ReleaseId("R-3");
  third.version = Version("v3");
  happens(EventType::kReleaseRecorded, to_json(third), "RUN-9");
  happens(EventType::kStepEnded,
          {{"step", "health"}, {"host", "h"}, {"purpose", "apply"}, {"outcome", {{"kind", "failed"}, {"why", "502"}}}},
          "RUN-9");
  happens(EventType::kReleaseCurrent, {{"release", "R-3"}}, "RUN-9");
  EXPECT_EQ(release("R-3").sign->what, "health: 502");
}

TEST_F(ReleaseModels, BakeTimeGrowsWithLooksAndBeginsAnewAfterAFailedOne) {
  const auto look = [&](const char* result, int64_t baked) {
    happens(EventType::kReleaseLooked,
            {{"release", "R-2"}, {"result", result}, {"failed", "x"}, {"baked_ms", baked}, {"bake_ms", 5000}});
  };
  look("held", 0);
  look("held", 1000);
  EXPECT_EQ(release("R-2").bake.done, Millis(1000));
  EXPECT_EQ(release("R-2").bake.looks, 2);
  look("unseen", 1000);
  EXPECT_EQ(release("R-2").bake.done, Millis(1000));
  EXPECT_EQ(to_millis(release("R-2").bake.last), 0) << "the time until the next look does not count";
  look("failed", 1000);
  EXPECT_EQ(release("R-2").bake.done, Millis(0));
  EXPECT_EQ(release("R-2").bake.failed_at, clock.wall_now);
}

TEST_F(ReleaseModels, WhatServesKnowsWhenAKnownGoodReleaseServedLast) {
  EXPECT_EQ(journal->serving(kShop)->current->version, Version("v2"));
  EXPECT_EQ(journal->serving(kShop)->good_until, journal->serving(kShop)->since);
  state("R-2", "known-good");
  state("R-2", "bad");
  EXPECT_EQ(journal->serving(kShop)->good_until, clock.wall_now);
  EXPECT_FALSE(journal->serving(kBlog)->current);
}

TEST_F(ReleaseModels, ReleasesComeOneByOneUntilEnoughIsKnown) {
  for (int i = 3; i < 40; ++i) {
    Release value;
    value.id = ReleaseId(fmt::format("R-{}", i));
    value.version = Version(fmt::format("v{}", i));
    happens(EventType::kReleaseRecorded, to_json(value));
  }
  std::vector<std::string> seen;
  ASSERT_OK(journal->each_release(kShop, [&](const Release& each) {
    seen.push_back(each.id.str());
    return seen.size() < 2;
  }));
  EXPECT_THAT(seen, ElementsAre("R-39", "R-38"));
  seen.clear();
  ASSERT_OK(journal->each_release(kShop, [&](const Release& each) {
    seen.push_back(each.id.str());
    return true;
  }));
  EXPECT_EQ(seen.size(), 39U);
  EXPECT_EQ(seen.back(), "R-1");
}

TEST_F(ReleaseModels, AJournalWhoseReadModelsAreOfAnotherVersionGetsThemAnewWhenItIsOpened) {
  rolls_back("RUN-1");
  journal.reset();
  tamper(directory.path(), "DELETE FROM meta WHERE key = 'models'; DELETE FROM models WHERE model = 'rollback'");
  journal = opened(directory.path(), clock);
  EXPECT_EQ(journal->rollbacks(kShop).value().size(), 1U);
  EXPECT_TRUE(journal->verify()->faults.empty());
}

}  // namespace
}  // namespace backout::journal
