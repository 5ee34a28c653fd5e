#include "app/signals/gradual.h"

#include <gtest/gtest.h>

namespace backout::app {
namespace {

constexpr Millis kHold{30'000};

Evidence votes_of(const char* signal, int64_t votes, const char* measure = "outcomes") {
  Evidence evidence;
  evidence.signal = signal;
  evidence.measure = measure;
  evidence.state = EvidenceState::kQuiet;
  evidence.votes = votes;
  return evidence;
}

TEST(Gradual, OneRequestIsTooLittleToGiveAReleaseMore) {
  const std::map<std::string, int64_t> log = {{"log", kEnoughVotes}};
  EXPECT_EQ(too_little("v2", kHold, {votes_of("log", kEnoughVotes)}, log), "");
  EXPECT_EQ(too_little("v2", kHold, {votes_of("log", 1)}, log),
            "log: 1 of 20 votes that it takes were seen of v2 in 30 s, and no data is never good: is `hold` too short "
            "for its share?");
  EXPECT_NE(too_little("v2", kHold, {}, log).find("log: nothing was seen of v2 in 30 s"), std::string::npos);
  EXPECT_EQ(too_little("v2", kHold, {votes_of("log", 40, "speeds")}, log), "") << "a signal of speeds alone";
  EXPECT_EQ(too_little("v2", kHold, {}, {}), "") << "no signal of the site counts requests";
}

TEST(Gradual, NoSignalMakesUpForAnotherThatSawNothing) {
  const std::map<std::string, int64_t> two = {{"web-log", kEnoughVotes}, {"api-log", kEnoughVotes}};
  const std::string why = too_little("v2", kHold, {votes_of("web-log", 5000), votes_of("api-log", 0)}, two);
  EXPECT_NE(why.find("api-log: nothing was seen of v2"), std::string::npos) << why;
  EXPECT_EQ(too_little("v2", kHold, {votes_of("web-log", 5000), votes_of("api-log", 20)}, two), "");
}

TEST(Gradual, ASignalThatAsksByItselfIsNotAskedForMoreThanItsPaceGives) {
  SignalConfig probe{.kind = "probe"};
  EXPECT_EQ(enough_votes(probe, kHold), 15);
  probe.args["every_ms"] = 10'000;
  EXPECT_EQ(enough_votes(probe, kHold), 1);
  probe.args["every_ms"] = 60'000;
  EXPECT_EQ(enough_votes(probe, kHold), 1) << "none is never enough";
  EXPECT_EQ(enough_votes(SignalConfig{.kind = "access_log"}, kHold), kEnoughVotes);
}

TEST(Gradual, BlindnessThatLastedIsKeptWhenItIsOver) {
  const auto amiss = [](const std::vector<std::pair<int, const char*>>& heard) {
    Blindness blindness;
    for (const auto& [at, why] : heard) blindness.heard(why, BootTime(1'000 * at));
    return blindness.amiss();
  };
  EXPECT_EQ(amiss({{1, ""}, {2, ""}}), "");
  EXPECT_EQ(amiss({{1, ""}, {2, "gone"}, {3, ""}}), "") << "a moment";
  EXPECT_EQ(amiss({{1, ""}, {2, "gone"}, {3, "gone"}, {25, "gone"}, {29, ""}, {30, ""}}), "for 27 s: gone");
  EXPECT_EQ(amiss({{1, "gone"}, {3, ""}, {4, "gone"}, {6, ""}}), "for 4.0 s: gone") << "moments add up";
  EXPECT_EQ(amiss({{1, ""}, {30, "gone"}}), "at the end: gone");
}

}  // namespace
}  // namespace backout::app
