#include "run/resolve.h"

#include <gtest/gtest.h>

namespace backout::run {
namespace {

Json resolved_args(Json args, const std::map<std::string, Json>& evidence = {}) {
  const auto action = resolved({"fake", "set", std::move(args)}, "web-1", "RUN-0007", "/var/runs", evidence);
  EXPECT_TRUE(action) << action.error().message;
  return action ? action->args : Json();
}

TEST(Resolved, PutsHostRunAndPlaceIntoEveryTextAtAnyDepth) {
  EXPECT_EQ(resolved_args({{"a", "{host}:{run}"}, {"b", {{"c", {"{runs}/{run}/x", 7, nullptr, true}}}}}),
            (Json{{"a", "web-1:RUN-0007"}, {"b", {{"c", {"/var/runs/RUN-0007/x", 7, nullptr, true}}}}}));
}

TEST(Resolved, LeavesNamesOfMembersAndOtherBracesAlone) {
  EXPECT_EQ(resolved_args({{"{host}", "{hosts} {Host} {{host}}"}}), (Json{{"{host}", "{hosts} {Host} {web-1}"}}));
}

TEST(Resolved, PutsTheEvidenceOfAStepInAndLetsTheOwnMembersWin) {
  const std::map<std::string, Json> evidence = {{"swap", {{"file", "/kept/db"}, {"rows", 3}}}};
  EXPECT_EQ(resolved_args({{"part", {{"evidence_of", "swap"}, {"rows", 4}, {"on", "{host}"}}}}, evidence),
            (Json{{"part", {{"file", "/kept/db"}, {"rows", 4}, {"on", "web-1"}}}}));
}

TEST(Resolved, NeverExpandsWhatACommandPrinted) {
  const Json hostile = {{"file", "/kept/{host}/{run}/{runs}"}, {"deeper", {{"evidence_of", "other"}, {"x", "{host}"}}}};
  EXPECT_EQ(resolved_args({{"part", {{"evidence_of", "swap"}}}}, {{"swap", hostile}, {"other", {{"y", 1}}}}),
            (Json{{"part", hostile}}));
}

TEST(Resolved, NamesTheStepWhoseEvidenceIsMissing) {
  const auto action = resolved({"fake", "set", {{"evidence_of", "swap"}}}, "web-1", "RUN-0007", "/var/runs",
                               {{"other", Json::object()}});
  ASSERT_FALSE(action);
  EXPECT_EQ(action.error().code, Code::kInternal);
  EXPECT_NE(action.error().message.find("'swap'"), std::string::npos);
}

TEST(Resolved, KeepsDriverAndVerbAsPlanned) {
  const auto action = resolved({"{host}", "{run}", Json::object()}, "web-1", "RUN-0007", "/var/runs", {});
  ASSERT_TRUE(action);
  EXPECT_EQ(action->driver, "{host}");
  EXPECT_EQ(action->verb, "{run}");
}

TEST(WithHost, ExpandsTheHostAndNothingThatOnlyARunKnows) {
  EXPECT_EQ(with_host({{"a", "{host} {run} {runs}"}, {"evidence_of", "swap"}}, "web-2"),
            (Json{{"a", "web-2 {run} {runs}"}, {"evidence_of", "swap"}}));
}

}  // namespace
}  // namespace backout::run
