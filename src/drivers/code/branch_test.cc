// The branch driver against a real repository: every way of bringing a branch back, killed at any moment.
#include "drivers/code/branch.h"

#include "conformance/conformance.h"
#include "conformance/world.h"

namespace backout::drivers {
namespace {

using conformance::answer;
using conformance::as_other;
using conformance::holds;
using conformance::must;

/// A remote with main at v2, and the clone that works for it; both put back by restart().
struct Remote {
  conformance::ScratchDirectory directory;
  const conformance::Repository& repository = conformance::Repository::shared();
  conformance::LocalHost local;
  std::unique_ptr<driver::Driver> driver = make_branch_driver();
  std::string how, remote = directory / "remote.git", clone = directory / "clone";

  explicit Remote(std::string way) : how(std::move(way)) {
    if (!conformance::other_user().empty()) must("chown " + conformance::other_user() + " " + directory.path());
    must(as_other("cd " + directory.path() + "; git clone -q --bare " + repository.path() +
                  " was.git; git clone -q was.git was; git -C was remote set-url origin " + remote));
    restart();
  }
  void restart() const {
    must("cd " + directory.path() + "; rm -rf remote.git clone; cp -a was.git remote.git; cp -a was clone");
  }
  Json subject() const {
    return {{"name", "main"}, {"remote", remote}, {"how", how}, {"path", clone}, {"user", conformance::other_user()}};
  }
  driver::Offering offering() const {
    driver::Offering made;
    made.from = Version("v2");
    made.to = Version("v1");
    made.subject = subject();
    made.hosts = {"local"};
    const auto seen = driver->observe(subject(), *local.host, {});
    EXPECT_TRUE(seen.has_value()) << (seen ? "" : seen.error().message);
    made.seen["local"] = seen.value_or(Json::object());
    return made;
  }
  Step step(const std::string& id) const {
    for (Step& each : conformance::offers_well(*driver, offering()))
      if (each.id.str() == id) {
        each.action.args["run"] = "RUN-0001";  // as the executor makes it concrete
        if (each.undo) each.undo->args["run"] = "RUN-0001";
        return each;
      }
    ADD_FAILURE() << id << " is not offered";
    return {};
  }
  void apply(const Action& action) const { conformance::apply_well(*driver, action, *local.host); }
  std::string at(const std::string& revision, const std::string& where) const {
    return answer(as_other("git -C " + where + " rev-parse -q --verify '" + revision + "'"));
  }
  std::string there() const { return how == "branch" ? "rollback/v1-RUN-0001" : "main"; }
  bool is_ancestor(const std::string& older, const std::string& newer) const {
    return holds(as_other("git -C " + remote + " merge-base --is-ancestor " + older + " " + newer));
  }
  bool has_code_of(const std::string& revision, const std::string& version, const std::string& where) const {
    const std::string tree = at(revision + "^{tree}", where);
    return !tree.empty() && tree == at("refs/tags/" + version + "^{tree}", where);
  }
  std::vector<Action> bad(const Action& good) const {
    std::vector<Action> bad(5, good);
    bad[0].args["how"] = "force";
    bad[1].args["name"] = "../main";
    bad[2].args["version"] = "../v1";
    bad[3].args["head"] = "main";
    bad[4].args["remote"] = "--upload-pack=touch /tmp/x";
    return bad;
  }
};

class EveryWay : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Branch, EveryWay, ::testing::Values("revert", "reset", "branch"),
                         [](const auto& way) { return std::string(way.param); });

TEST_P(EveryWay, conforms_when_fetching) {
  const Remote site(GetParam());
  const Action action = site.step("fetch-branch").action;
  conformance::conforms(
      *site.driver,
      {.action = action,
       .reset = [&] { site.restart(); },
       .done = [&] { return site.at("refs/backout/heads/main", site.clone) == site.repository.commit("v2"); },
       .bad = site.bad(action),
       .kills = 2});
}

TEST_P(EveryWay, conforms_when_making) {
  const Remote site(GetParam());
  const Action fetch = site.step("fetch-branch").action, action = site.step("make-branch").action;
  conformance::conforms(*site.driver,
                        {.action = action,
                         .reset =
                             [&] {
                               site.restart();
                               site.apply(fetch);
                             },
                         .done = [&] { return site.has_code_of("refs/backout/made-RUN-0001", "v1", site.clone); },
                         .always = [&] { return !std::filesystem::exists(site.clone + "/.git/index.lock"); },
                         .bad = site.bad(action),
                         .kills = 4});
  EXPECT_EQ(site.at("refs/heads/main", site.remote), site.repository.commit("v2")) << "nothing is pushed by it";
}

TEST_P(EveryWay, conforms_when_pushing_and_back) {
  const Remote site(GetParam());
  const Action fetch = site.step("fetch-branch").action, make = site.step("make-branch").action;
  const Step push = site.step("push-branch");
  const std::string v2 = site.repository.commit("v2");
  conformance::conforms(
      *site.driver,
      {.action = push.action,
       .undo = push.undo,
       .reset =
           [&] {
             site.restart();
             site.apply(fetch);
             site.apply(make);
           },
       .done = [&] { return site.has_code_of("refs/heads/" + site.there(), "v1", site.remote); },
       .as_before =
           [&] {
             return site.has_code_of("refs/heads/main", "v2", site.remote) && site.is_ancestor(v2, "refs/heads/main") &&
                    (site.how != "branch" || site.at("refs/heads/" + site.there(), site.remote).empty());
           },
       .always =
           [&] {  // nothing of the history is dropped by a revert or a branch beside; the branch is never gone
             return site.how == "reset" ? !site.at("refs/heads/main", site.remote).empty()
                                        : site.is_ancestor(v2, "refs/heads/main");
           },
       .bad = site.bad(push.action),
       .kills = 4});
}

TEST_P(EveryWay, a_commit_without_a_name_is_gone_back_to) {
  const Remote site(GetParam());
  if (site.how == "branch") return;
  driver::Offering offering = site.offering();
  offering.to = Version(site.repository.commit("v1"));
  for (Step& step : conformance::offers_well(*site.driver, offering)) {
    if (step.kind != StepKind::kEffect) continue;
    step.action.args["run"] = "RUN-0001";
    site.apply(step.action);
    const Sight sight = site.driver->verify(step.action, *site.local.host, {});
    EXPECT_EQ(sight.kind, SightKind::kHolds) << step.id.str() << ": " << sight.why;
  }
  EXPECT_TRUE(site.has_code_of("refs/heads/main", "v1", site.remote));
}

TEST_P(EveryWay, what_others_push_in_between_is_not_written_over) {
  const Remote site(GetParam());
  if (site.how == "branch") return;  // it has a name of its own
  site.apply(site.step("fetch-branch").action);
  site.apply(site.step("make-branch").action);
  const Action push = site.step("push-branch").action;
  must(as_other("cd " + site.directory.path() +
                "; git clone -q remote.git theirs; cd theirs; echo theirs >theirs.txt; git add .; "
                "git -c user.name=t -c user.email=t@t commit -q -m theirs; git push -q origin HEAD:main"));
  const std::string theirs = site.at("refs/heads/main", site.remote);
  ASSERT_NE(theirs, site.repository.commit("v2"));
  const auto pushed = conformance::apply(*site.driver, push, *site.local.host);
  ASSERT_TRUE(pushed.has_value());
  EXPECT_FALSE(pushed->ok());
  EXPECT_EQ(site.at("refs/heads/main", site.remote), theirs);
  EXPECT_EQ(site.driver->verify(push, *site.local.host, {}).kind, SightKind::kDoesNotHold);
}

/// A push that comes after our look and before ours: only the lease can see it. Here it comes with our `git push`.
TEST_P(EveryWay, what_others_push_in_the_last_instant_is_not_written_over) {
  const Remote site(GetParam());
  if (site.how == "branch") return;
  site.apply(site.step("fetch-branch").action);
  site.apply(site.step("make-branch").action);
  const Action push = site.step("push-branch").action;
  must(
      as_other("cd " + site.directory.path() +
               "; git clone -q remote.git theirs; cd theirs; echo theirs >theirs.txt; git add .; "
               "git -c user.name=t -c user.email=t@t commit -q -m theirs; git push -q origin HEAD:refs/for/later; "
               "mkdir ../bin; printf '%s\n' '#!/bin/sh' 'PATH=${PATH#*:}' "
               "'for word; do [ \"$word\" != push ] || git -C " +
               site.remote +
               " update-ref refs/heads/main refs/for/later; done' 'exec git \"$@\"' >../bin/git; chmod +x ../bin/git"));
  const std::string theirs = site.at("refs/for/later", site.remote);
  auto command = site.driver->command(push, *site.local.host);
  ASSERT_TRUE(command.has_value());
  command->env["PATH"] = site.directory / "bin" + ":" + std::getenv("PATH");
  ASSERT_TRUE(site.local.host->claim(conformance::guard_for_tests()).has_value());
  const auto pushed =
      site.local.host->attempt(conformance::guard_for_tests(), conformance::new_attempt(), *command, {}, {});
  ASSERT_TRUE(pushed.has_value());
  EXPECT_FALSE(pushed->ok());
  EXPECT_EQ(site.at("refs/heads/main", site.remote), theirs) << "it was written over";
  EXPECT_NE(theirs, site.repository.commit("v2"));
}

}  // namespace
}  // namespace backout::drivers
