#include "record/decided.h"

#include <gmock/gmock.h>

namespace backout::record {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Event event(int64_t seq, EventType type, Json body) {
  Event made;
  made.seq = seq;
  made.type = type;
  made.at = wall_from_millis(1'700'000'000'000 + 1'000 * seq);
  made.body = std::move(body);
  return made;
}
Json verdict(const char* word, const char* from) {
  return {{"verdict",
           {{"verdict", word},
            {"from", from},
            {"reason", "10 % of requests fail\n# not a heading"},
            {"confidence_db", 91.25},
            {"needed_db", 82.6},
            {"matched_rules", {{{"where", "obcms.yaml:12"}, {"cites", "OBC:67"}}}},
            {"vetoes", {{{"what", "the migration destroys a column"}}}}}}};
}

TEST(DecidedBefore, TellsWhatWasSaidOfTheReleaseThatIsLeft) {
  const Event start = event(9, EventType::kRunStarted, {});
  const auto said =
      decided_before({event(1, EventType::kReleaseCurrent, {{"version", "v1"}}),
                      event(2, EventType::kProblemReported, {{"by", "kim"}, {"text", "of the one before"}}),
                      event(3, EventType::kReleaseCurrent, {{"version", "v2"}}),
                      event(4, EventType::kVerdictGiven, verdict("monitor", "v2")),
                      event(5, EventType::kProblemReported, {{"by", "kim"}, {"text", "checkout hangs"}}),
                      event(6, EventType::kFactStated, {{"by", "kim"}, {"fact", "hotfix"}, {"value", "20m"}}),
                      event(7, EventType::kVerdictGiven, verdict("roll-back", "v2")),
                      event(8, EventType::kVerdictGiven, verdict("roll-back", "v7")), start,
                      event(10, EventType::kProblemReported, {{"by", "kim"}, {"text", "later"}})},
                     start, Version("v2"));
  EXPECT_THAT(said, ElementsAre(HasSubstr("kim reported: checkout hangs"), HasSubstr("kim said: hotfix is 20m"),
                                AllOf(HasSubstr("verdict roll-back: 10 % of requests fail"),
                                      HasSubstr("91.2 of 82.6 dB"), HasSubstr("by obcms.yaml:12 (OBC:67)"),
                                      HasSubstr("against it: the migration destroys a column"))));
}

TEST(DecidedBefore, SaysNothingWhereNobodyDecided) {
  const Event start = event(2, EventType::kRunStarted, {});
  EXPECT_TRUE(
      decided_before({event(1, EventType::kReleaseCurrent, {{"version", "v2"}}), start}, start, Version("v2")).empty());
}

}  // namespace
}  // namespace backout::record
