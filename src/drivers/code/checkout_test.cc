#include "drivers/code/checkout.h"

#include "drivers/code/checkout_for_tests.h"

namespace backout::drivers {
namespace {

using conformance::answer;
using conformance::as_other;
using conformance::holds;
using conformance::must;

using Site = CheckoutSite;

TEST(CheckoutDriver, offers_the_way_to_a_tag) {
  Site site;
  std::vector<std::string> names;
  for (const Step& step : conformance::offers_well(*site.driver, site.offering())) names.push_back(step.id.str());
  EXPECT_EQ(names, (std::vector<std::string>{"fetch-tag", "keep-dirty", "checkout", "build-code", "at-commit"}));
  driver::Offering checkpoint = site.offering();
  checkpoint.kind = RunKind::kCheckpoint;
  const auto steps = conformance::offers_well(*site.driver, checkpoint);
  ASSERT_EQ(steps.size(), 1U);
  EXPECT_EQ(site.look(steps[0].action).evidence["version"], "v2");
  EXPECT_EQ(site.look(steps[0].action).evidence["commit"], site.repository.commit("v2"));
}

TEST(CheckoutDriver, looks_at_a_deploy_without_the_target_being_there) {
  Site site;
  driver::Offering deploy = site.offering();
  deploy.kind = RunKind::kDeploy;
  deploy.seen.clear();
  deploy.to = Version("v2");
  EXPECT_EQ(site.look(site.driver->offer(deploy)->at(1).action).kind, SightKind::kDoesNotHold) << "changed by hand";
  deploy.subject["changed_before"] = {"app.txt", "same.txt", "staged.txt"};
  for (const auto& [version, kind] : {std::pair("v2", SightKind::kHolds), std::pair("v1", SightKind::kDoesNotHold),
                                      std::pair("v77", SightKind::kDoesNotHold)}) {
    deploy.to = Version(version);
    const auto steps = conformance::offers_well(*site.driver, deploy);
    ASSERT_EQ(steps.size(), 2U);
    EXPECT_EQ(steps[1].id.str(), "at-commit");
    EXPECT_EQ(steps[1].phase, Phase::kCheck);
    EXPECT_EQ(site.look(steps[1].action).kind, kind) << version << ": " << site.look(steps[1].action).why;
  }
}

TEST(CheckoutDriver, observes_the_checkout) {
  Site site;
  const Json seen = site.offering().seen["local"];
  EXPECT_EQ(seen["current"], "v2");
  EXPECT_EQ(seen["branch"], "main");
  EXPECT_EQ(seen["head"], site.repository.commit("v2"));
  EXPECT_EQ(seen["dirty"], 6);
  EXPECT_EQ(seen["lock"], false);
}

TEST(CheckoutDriver, fetching_a_tag_conforms) {
  Site site;
  const Step fetch = site.step("fetch-tag");
  conformance::DriverCase c;
  c.action = fetch.action;
  c.reset = [&] {
    must("rm -rf " + site.path);
    must(as_other("cd " + site.directory.path() + "; git init -q shop; cd shop; git remote add origin " +
                  site.repository.path() +
                  "; git fetch -q --no-tags --depth 1 origin main; git checkout -q FETCH_HEAD"));
  };
  c.done = [&] { return holds(site.in("git archive v1 >/dev/null 2>&1")); };
  c.bad = {fetch.action, fetch.action};
  c.bad[0].args["version"] = "--all";
  c.bad[1].args["git"] = "--upload-pack=x";
  conformance::conforms(*site.driver, c);
}

TEST(CheckoutDriver, keeping_changes_conforms_and_touches_neither_work_tree_nor_index) {
  Site site;
  const Step keep = site.step("keep-dirty");
  const std::string kept = keep.action.args["ref"];
  conformance::DriverCase c;
  c.action = keep.action;
  c.reset = [&] { site.restart(); };
  c.done = [&] {
    return holds(site.in("[ \"$(git show " + kept + ":loose.txt)\" = loose ] && [ \"$(git show " + kept +
                         ":old.txt)\" = 'ignored and in the way' ] && git show " + kept +
                         ":app.txt | grep -q 'by hand' && ! git cat-file -e " + kept +
                         ":same.txt && ! git cat-file -e " + kept + ":ignored/cache") +
                 " 2>/dev/null");
  };
  c.bad = {keep.action};
  c.bad[0].args["ref"] = "refs/heads/main";
  conformance::conforms(*site.driver, c);
  site.apply(keep.action);
  EXPECT_TRUE(site.is_as_found());

  must(site.in("echo more >>app.txt"));
  EXPECT_EQ(site.look(keep.action).kind, SightKind::kDoesNotHold) << "a change that is not kept";
  site.restart();
  site.apply(keep.action);
  must(site.in("echo row >>live.db; echo new >another.txt"));
  EXPECT_EQ(site.look(keep.action).kind, SightKind::kHolds)
      << "untracked files that a checkout leaves alone may change";
}

TEST(CheckoutDriver, copies_of_configuration_never_get_into_a_commit) {
  Site site;
  must(site.in("mkdir -p .backout/checkpoints/C-1; echo SECRET=1 >.backout/checkpoints/C-1/1"));
  const Step keep = site.step("keep-dirty");
  site.apply(keep.action);
  EXPECT_FALSE(holds(site.in("git ls-tree -r " + std::string(keep.action.args["ref"]) + " | grep -q backout")));
  EXPECT_EQ(site.look(keep.action).kind, SightKind::kHolds);
}

TEST(CheckoutDriver, checkout_conforms_and_is_undone_with_every_change) {
  Site site;
  const Step keep = site.step("keep-dirty"), checkout = site.step("checkout");
  conformance::DriverCase c;
  c.action = checkout.action;
  c.undo = checkout.undo;
  c.reset = [&] {
    site.restart();
    site.apply(keep.action);
  };
  c.done = [&] { return site.is_v1(); };
  c.as_before = [&] { return site.is_as_found(); };
  c.kills = 8;
  conformance::conforms(*site.driver, c);
}

TEST(CheckoutDriver, undo_leaves_untracked_files_alone_that_lived_on_meanwhile) {
  Site site;
  site.apply(site.step("keep-dirty").action);
  const Step checkout = site.step("checkout");
  site.apply(checkout.action);
  must(site.in("echo 'an order' >>live.db"));
  site.apply(*checkout.undo);
  EXPECT_EQ(answer("tail -n 1 " + site.path + "/live.db"), "an order");
  EXPECT_EQ(answer("cat " + site.path + "/old.txt"), "ignored and in the way");
}

TEST(CheckoutDriver, a_lock_that_a_killed_git_left_is_cleared_and_a_living_one_is_not) {
  Site site;
  site.apply(site.step("keep-dirty").action);
  const Step checkout = site.step("checkout");
  must(
      site.in("touch .git/index.lock .git/HEAD.lock .git/refs/heads/backout-x.lock; mkdir -p .git/refs/heads/backout; "
              "touch .git/refs/heads/backout/rollback-v1.lock"));
  EXPECT_EQ(site.look(checkout.action).kind, SightKind::kDoesNotHold);
  site.apply(checkout.action);
  EXPECT_TRUE(site.is_v1());

  site.restart();
  site.apply(site.step("keep-dirty").action);
  // Another git, at work for as long as its editor is open.
  must(
      site.in("{ GIT_EDITOR='sleep 3; false' git -c user.name=a -c user.email=a@b commit -q -a >/dev/null 2>&1 & } ; "
              "sleep 0.3; test -e .git/index.lock"));
  const auto began = std::chrono::steady_clock::now();
  site.apply(checkout.action);
  EXPECT_GT(std::chrono::steady_clock::now() - began, std::chrono::seconds(1)) << "it waited for the other git";
  EXPECT_TRUE(site.is_v1());
}

TEST(CheckoutDriver, build_conforms_and_a_checkout_forgets_it) {
  Site site;
  const Step keep = site.step("keep-dirty"), checkout = site.step("checkout"), build = site.step("build-code");
  conformance::DriverCase c;
  c.action = build.action;
  c.reset = [&] {
    site.restart();
    site.apply(keep.action);
    site.apply(checkout.action);
  };
  c.done = [&] { return holds(site.in("[ \"$(cat ignored/built)\" = one ] && grep -q ^complete .git/backout-build")); };
  c.undo = build.undo;
  c.as_before = [&] { return holds(site.in("! grep -q ^complete .git/backout-build")); };
  conformance::conforms(*site.driver, c);

  site.apply(build.action);
  EXPECT_TRUE(c.done());
  site.apply(checkout.action);
  EXPECT_EQ(site.look(build.action).kind, SightKind::kDoesNotHold)
      << "a marker of another time must not speak for this one";
  site.apply(build.action);
  site.apply(*build.undo);
  site.apply(*checkout.undo);
  EXPECT_EQ(answer("cat " + site.path + "/ignored/built"), "two\nby hand") << "what was there is built again";
  EXPECT_EQ(site.look(*checkout.undo).kind, SightKind::kHolds);
}

TEST(CheckoutDriver, commits_on_the_branch_of_an_earlier_rollback_stay_reachable) {
  Site site;
  must(
      site.in("git branch backout/rollback-v1 v1; HOME=/nonexistent git -c user.name=a -c user.email=a@b commit-tree "
              "v1^{tree} -p v1 -m hotfix >.git/hot; git update-ref refs/heads/backout/rollback-v1 $(cat .git/hot)"));
  site.apply(site.step("keep-dirty").action);
  site.apply(site.step("checkout").action);
  EXPECT_TRUE(holds(site.in("git rev-parse -q --verify refs/backout/branch-v1-$(cat .git/hot) >/dev/null")));
}

TEST(CheckoutDriver, a_file_that_a_killed_checkout_wrote_is_not_taken_for_what_was_there) {
  Site site;
  site.apply(site.step("keep-dirty").action);
  const Step checkout = site.step("checkout");
  must(site.in("echo only-in-v1 >old.txt"));  // git writes files first, its index last
  EXPECT_EQ(site.look(*checkout.undo).kind, SightKind::kDoesNotHold);
  site.apply(*checkout.undo);
  EXPECT_TRUE(site.is_as_found());
}

TEST(CheckoutDriver, a_detached_head_is_put_back_detached) {
  Site site;
  must(site.in("git checkout -q --detach"));
  site.apply(site.step("keep-dirty").action);
  const Step checkout = site.step("checkout");
  site.apply(checkout.action);
  EXPECT_TRUE(site.is_v1());
  site.apply(*checkout.undo);
  EXPECT_FALSE(holds(site.in("git symbolic-ref -q HEAD")));
  EXPECT_EQ(site.look(*checkout.undo).kind, SightKind::kHolds);
}

TEST(CheckoutDriver, a_branch_that_moved_meanwhile_is_not_moved_back) {
  Site site;
  site.apply(site.step("keep-dirty").action);
  const Step checkout = site.step("checkout");
  site.apply(checkout.action);
  must(site.in("git update-ref refs/heads/main v1"));
  const auto result = conformance::apply(*site.driver, *checkout.undo, *site.local.host);
  ASSERT_TRUE(result.has_value());
  EXPECT_FALSE(result->ok());
  EXPECT_NE(result->err.find("has moved"), std::string::npos) << result->err;
}

TEST(CheckoutDriver, what_is_no_checkout_is_an_error_not_a_guess) {
  Site site;
  Json subject = site.subject();
  for (const std::string& path : {site.directory.path(), site.path + "/data", site.directory / "nowhere"}) {
    subject["path"] = path;
    EXPECT_FALSE(site.driver->observe(subject, *site.local.host, {}).has_value()) << path;
  }
  driver::Offering offering = site.offering();
  offering.to = Version("-f");
  EXPECT_EQ(site.driver->offer(offering).error().code, Code::kInvalid);
}

}  // namespace
}  // namespace backout::drivers
