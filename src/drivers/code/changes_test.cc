// Changes by hand in a checkout, and files that a build writes.
#include "drivers/code/changes.h"

#include "drivers/code/checkout_for_tests.h"

namespace backout::drivers {
namespace {

using conformance::answer;
using conformance::must;

TEST(Changes, at_commit_sees_what_changed_since_the_build) {
  CheckoutSite site;
  for (const char* id : {"keep-dirty", "checkout"}) site.apply(site.step(id).action);
  Action build = site.step("build-code").action;
  build.args["build"] = {{{"argv", {"sh", "-c", "echo generated >same.txt"}}, {"timeout_ms", 20'000}}};
  site.apply(build);
  const Action at = site.step("at-commit").action;
  EXPECT_EQ(site.look(at).kind, SightKind::kDoesNotHold) << "nobody knows that the build writes it";
  EXPECT_NE(site.look(at).why.find("what runs is not v1: 1 tracked file changed: same.txt"), std::string::npos)
      << site.look(at).why;
  Action configured = at, recorded = at, noted = at, other = at;
  configured.args["ignore"] = {"sam*.txt"};
  recorded.args["known"] = {"same.txt"};
  noted.args["noted"] = {{"changed", {"same.txt"}}};
  other.args["known"] = {"app.txt"};
  EXPECT_EQ(site.look(configured).kind, SightKind::kHolds) << site.look(configured).why;
  EXPECT_EQ(site.look(recorded).kind, SightKind::kHolds) << site.look(recorded).why;
  EXPECT_EQ(site.look(noted).kind, SightKind::kHolds) << site.look(noted).why;
  EXPECT_EQ(site.look(other).kind, SightKind::kDoesNotHold);
  must(site.in("echo evil >>app.txt"));
  EXPECT_EQ(site.look(recorded).kind, SightKind::kDoesNotHold);
  EXPECT_NE(site.look(recorded).why.find("since it was built: app.txt"), std::string::npos) << site.look(recorded).why;
  must(site.in("git checkout -q app.txt; echo loose >newcomer.txt"));
  EXPECT_EQ(site.look(recorded).kind, SightKind::kHolds);
}

TEST(Changes, at_commit_sees_a_a_wrong_commit_and_changed_files) {
  CheckoutSite site;
  Action at = site.step("at-commit").action;
  at.args["built"] = false;
  EXPECT_EQ(site.look(at).kind, SightKind::kDoesNotHold);
  site.apply(site.step("keep-dirty").action);
  site.apply(site.step("checkout").action);
  EXPECT_EQ(site.look(at).kind, SightKind::kHolds);
  must(site.in("echo x >>app.txt"));
  EXPECT_EQ(site.look(at).kind, SightKind::kDoesNotHold);
  EXPECT_NE(site.look(at).why.find("app.txt"), std::string::npos);
  at.args["config"] = {site.path + "/app.txt"};
  EXPECT_EQ(site.look(at).kind, SightKind::kHolds) << "a configuration file goes with the release by itself";
}

TEST(Changes, changes_by_hand_are_named_by_the_plan_and_at_the_end_and_when_their_release_comes_again) {
  CheckoutSite site;
  const auto told = site.driver->takes_away(site.offering(), *site.local.host, {});
  ASSERT_TRUE(told.has_value()) << told.error().message;
  const std::string words = join(*told, "\n");
  EXPECT_NE(words.find("files are changed by hand in " + site.path), std::string::npos) << words;
  EXPECT_NE(words.find("- app.txt"), std::string::npos) << words;
  EXPECT_NE(words.find("refs/backout/dirty-RUN"), std::string::npos) << words;

  const Action keep = site.step("keep-dirty").action, checkout = site.step("checkout").action;
  site.apply(keep);
  const Json left = get(site.look(keep).evidence, "left_behind");
  ASSERT_EQ(left.size(), 1U) << site.look(keep).evidence;
  const std::string sentence = left[0].get<std::string>();
  EXPECT_NE(sentence.find("app.txt"), std::string::npos) << sentence;
  const std::string type = "git -C " + site.path + " checkout refs/backout/dirty-RUN-0001 -- ";
  EXPECT_NE(sentence.find(type), std::string::npos) << sentence;
  site.apply(checkout);
  EXPECT_FALSE(site.look(checkout).evidence.contains("left_behind")) << "v1 had no changes";

  driver::Offering forward = site.offering("v2");
  forward.from = Version("v1");
  const auto again = site.driver->takes_away(forward, *site.local.host, {});
  ASSERT_TRUE(again.has_value());
  EXPECT_NE(join(*again, "\n").find("v2 had changes by hand"), std::string::npos) << join(*again, "\n");
  EXPECT_NE(join(*again, "\n").find(type), std::string::npos) << join(*again, "\n");
  must(site.in("git checkout -q refs/backout/dirty-RUN-0001 -- app.txt"));
  EXPECT_EQ(answer("tail -n 1 " + site.path + "/app.txt"), "by hand") << "what is said gets it back";
}

TEST(Changes, undone_it_is_as_found_though_its_build_writes_other_files_by_now) {
  CheckoutSite site;
  const Step checkout = site.step("checkout"), build = site.step("build-code");
  site.apply(site.step("keep-dirty").action);
  site.apply(checkout.action);
  site.apply(build.action);
  site.apply(*build.undo);
  Action back = *checkout.undo;
  back.args["ref"] = "refs/backout/dirty-RUN-0001";
  back.args["build"] = {{{"argv", {"sh", "-c", "echo of today | tee app.txt >same.txt"}}, {"timeout_ms", 20'000}}};
  site.apply(back);
  EXPECT_EQ(site.look(back).kind, SightKind::kHolds) << site.look(back).why;
  must(site.in("rm ignored/built"));
  EXPECT_TRUE(site.is_as_found());
}

}  // namespace
}  // namespace backout::drivers
