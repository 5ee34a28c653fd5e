#include "journal/fold_judgement.h"

#include <gtest/gtest.h>

namespace backout::journal {
namespace {

const SiteId kShop("shop/production");

class Judgement : public ::testing::Test {
 protected:
  void happens(EventType type, const Json& body, const RunId& run = {}) {
    Event event;
    event.site = kShop;
    event.seq = ++seq_;
    event.type = type;
    event.at = wall_from_millis(1'000 * seq_);
    event.run = run;
    event.body = body;
    ASSERT_TRUE(fold(event, tables_));
  }
  Json judgement() { return (*tables_.get(Model::kJudgement, kShop, ""))->value; }

  MemoryTables tables_;
  int64_t seq_ = 0;
};

TEST_F(Judgement, FactsReportsAndVerdictAreOfOneRelease) {
  happens(EventType::kReleaseCurrent, {{"release", "R-1"}, {"version", "v1"}});
  happens(EventType::kFactStated, {{"fact", "hotfix"}, {"value", "20m"}, {"by", "sam"}});
  happens(EventType::kFactStated, {{"fact", "hotfix"}, {"value", "5m"}, {"by", "kim"}});
  happens(EventType::kProblemReported, {{"text", "checkout hangs"}, {"severe", true}, {"by", "sam"}});
  happens(EventType::kVerdictGiven, {{"asked", "decide"}, {"verdict", {{"verdict", "monitor"}}}});
  EXPECT_EQ(get_string(judgement()["facts"]["hotfix"], "value"), "5m");
  EXPECT_EQ(judgement()["reports"].size(), 1u);
  EXPECT_EQ(get_string(judgement()["verdict"], "verdict"), "monitor");

  happens(EventType::kReleaseCurrent, {{"release", "R-1"}, {"version", "v1"}});
  EXPECT_EQ(judgement()["facts"].size(), 1u) << "the same one";
  happens(EventType::kReleaseCurrent, {{"release", "R-2"}, {"version", "v2"}});
  EXPECT_TRUE(judgement()["facts"].empty());
  EXPECT_TRUE(judgement()["reports"].empty());
  EXPECT_FALSE(judgement().contains("verdict"));
  EXPECT_EQ(judgement()["left"], Json({{"release", "R-1"}, {"verdict", "monitor"}}));
}

TEST_F(Judgement, AutomaticRollbacksAreKeptBeyondTheRelease) {
  happens(EventType::kReleaseCurrent, {{"release", "R-1"}});
  happens(EventType::kRunStarted, {{"kind", "rollback"}, {"automatic", true}}, RunId("RUN-1"));
  happens(EventType::kReleaseCurrent, {{"release", "R-2"}});
  happens(EventType::kRunStarted, {{"kind", "rollback"}}, RunId("RUN-2"));
  EXPECT_EQ(judgement()["automatic"], Json::array({2'000}));
}

TEST_F(Judgement, WhatPeopleSayIsBounded) {
  for (size_t i = 0; i < 2 * kKeptReports; ++i) happens(EventType::kProblemReported, {{"text", std::to_string(i)}});
  for (size_t i = 0; i < 2 * kKeptFacts; ++i) happens(EventType::kFactStated, {{"fact", std::to_string(i)}});
  EXPECT_EQ(judgement()["reports"].size(), kKeptReports);
  EXPECT_EQ(get_string(judgement()["reports"].back(), "text"), std::to_string(2 * kKeptReports - 1));
  EXPECT_EQ(judgement()["facts"].size(), kKeptFacts);
}

}  // namespace
}  // namespace backout::journal
