#include "model/observation.h"

#include <gtest/gtest.h>

#include "model/evidence.h"

namespace backout {
namespace {

TEST(Observation, GoesToJsonAndBack) {
  const Observation observation{
      wall_from_millis(1'700'000'000'000), Arm::kOld, "v1", {{1, 90, 2}, {3, 4, 1}}, {{1, 80, 12}}, 107, 5};
  const auto back = observation_from_json(to_json(observation));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(to_json(*back), to_json(observation));
  EXPECT_EQ(back->outcomes[1].bad, 1);
}

TEST(Observation, VotesThatCannotBeAreRefused) {
  for (const char* votes : {"[[0,1,1]]", "[[1,-1,0]]", "[[1,2]]", "[7]", "[[\"1\",2,3]]"})
    EXPECT_FALSE(observation_from_json({{"arm", "new"}, {"outcomes", Json::parse(votes)}})) << votes;
  EXPECT_FALSE(observation_from_json({{"arm", "other"}}));
}

TEST(Occurrence, GoesToJsonAndBack) {
  const Occurrence occurrence{"alert", wall_from_millis(5), "High5xx", "v2", 3, 2, true, true, {{"fingerprint", "b3"}}};
  const auto back = occurrence_from_json(to_json(occurrence));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(to_json(*back), to_json(occurrence));
  EXPECT_FALSE(occurrence_from_json(Json::object()));
}

TEST(Evidence, GoesToJsonAndBack) {
  Evidence evidence;
  evidence.signal = "shop.log";
  evidence.measure = "outcomes";
  evidence.state = EvidenceState::kAlarm;
  evidence.votes = 96;
  evidence.bad = 10;
  evidence.decibels = 91.2;
  evidence.first_bad = wall_from_millis(7);
  evidence.more_votes = 140;
  evidence.more_time = Millis(12'000);
  const auto back = evidence_from_json(to_json(evidence));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(to_json(*back), to_json(evidence));
  EXPECT_FALSE(evidence_from_json({{"state", "fine"}}));
}

}  // namespace
}  // namespace backout
