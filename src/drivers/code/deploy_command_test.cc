// The deploy command's driver: a clean work tree, the command in it, and what is known when it was cut off.
#include "drivers/code/deploy_command.h"

#include "base/text.h"
#include "conformance/conformance.h"
#include "conformance/world.h"

namespace backout::drivers {
namespace {

using conformance::answer;
using conformance::as_other;
using conformance::must;

/// A clone, and a "production" that the command writes: one file.
struct Team {
  conformance::ScratchDirectory directory;
  const conformance::Repository& repository = conformance::Repository::shared();
  conformance::LocalHost local;
  std::unique_ptr<driver::Driver> driver = make_deploy_command_driver();
  std::string clone = directory / "clone", live = directory / "live", script;

  explicit Team(std::string command = "sleep 0.05; cp app.txt $LIVE.new; sleep 0.05; mv $LIVE.new $LIVE")
      : script(std::move(command)) {
    if (!conformance::other_user().empty()) must("chown " + conformance::other_user() + " " + directory.path());
    must(as_other("cd " + directory.path() + "; git clone -q " + repository.path() + " was"));
    restart();
  }
  void restart() const {
    must("cd " + directory.path() + "; rm -rf clone; cp -a was clone");
    must(as_other("echo two >" + live));
  }
  Json subject() const {
    return {{"path", clone},
            {"git", repository.path()},
            {"user", conformance::other_user()},
            {"recap", "none"},
            {"run", {{"argv", {"sh", "-c", script}}, {"env", {{"LIVE", live}}}, {"timeout_ms", 20'000}}}};
  }
  Step step(const std::string& id) const {
    driver::Offering offering;
    offering.from = Version("v2");
    offering.to = Version("v1");
    offering.subject = subject();
    offering.hosts = {"local"};
    for (Step& each : conformance::offers_well(*driver, offering))
      if (each.id.str() == id) {
        each.action.args["run_id"] = "RUN-0001";
        if (each.undo) each.undo->args["run_id"] = "RUN-0001";
        return each;
      }
    ADD_FAILURE() << id << " is not offered";
    return {};
  }
  void apply(const Action& action) const { conformance::apply_well(*driver, action, *local.host); }
  Sight look(const Action& action) const { return driver->verify(action, *local.host, {}); }
  std::string work() const { return clone + "/.git/backout-deploy/RUN-0001-v1"; }
  std::string serves() const { return std::string(trimmed(conformance::detail::slurp(live))); }
  bool work_is_v1() const {
    return answer(as_other("git -C " + work() + " rev-parse -q --verify HEAD 2>/dev/null")) ==
               repository.commit("v1") &&
           answer(as_other("GIT_OPTIONAL_LOCKS=0 git -C " + work() + " status --porcelain")).empty() &&
           answer("cat " + work() + "/app.txt") == "one";
  }
  static std::vector<Action> bad(const Action& good) {
    std::vector<Action> bad(4, good);
    bad[0].args["version"] = "../v1";
    bad[1].args["path"] = "clone";
    bad[2].args["commit"] = "v1";
    bad[3].args["run_id"] = "../../x";
    return bad;
  }
};

TEST(DeployCommand, says_beforehand_what_the_clean_work_tree_lacks_and_what_an_undo_does) {
  const Team team;
  driver::Offering offering;
  offering.kind = RunKind::kRollback;
  offering.from = Version("v2");
  offering.to = Version("v1");
  offering.subject = team.subject();
  offering.hosts = {"local"};
  const auto warned = [&] {
    std::string words;
    for (const Finding& each : team.driver->ready(offering, *team.local.host, driver::Depth::kQuick, {}).findings)
      if (each.id == "code.beside") words += each.what;
    return words;
  };
  EXPECT_EQ(warned(), "");
  must(as_other("cd " + team.clone +
                "; echo .vault_pass >>.git/info/exclude; echo secret >.vault_pass; mkdir node_modules; "
                "echo x >node_modules/y; echo z >run.log"));
  EXPECT_TRUE(warned().ends_with(": .vault_pass")) << warned();
  const auto said = team.driver->takes_away(offering, *team.local.host, {});
  ASSERT_TRUE(said);
  EXPECT_NE(join(*said, "; ").find("put back, your command brings v2 to all"), std::string::npos);
}

TEST(DeployCommand, an_undo_tells_what_it_brought_to_hosts_that_ran_something_else) {
  const Team team(
      "printf 'PLAY RECAP ***\\nweb-1 : ok=1 changed=1 unreachable=0 failed=0\\nweb-2 : ok=1 changed=1 unreachable=0 "
      "failed=0\\n'");
  Action undo = *team.step("deploy-code").undo;
  EXPECT_EQ(undo.args["version"], "v2");
  EXPECT_TRUE(get_bool(undo.args, "everywhere"));
  undo.args["recap"] = "ansible";
  const auto left = [&](const Json& before) {
    undo.args["before"] = before;
    const Sight seen = team.look(undo);
    EXPECT_EQ(seen.kind, SightKind::kHolds) << seen.why;
    const Json& words = get(seen.evidence, "not_as_found");
    return words.empty() ? std::string() : words[0].get<std::string>();
  };
  team.apply(undo);
  EXPECT_EQ(left({{"web-1", "v2"}, {"web-2", "v2"}}), "");
  EXPECT_EQ(left({{"web-1", "v2"}, {"web-2", "v1"}}),
            "the deploy command brought v2 to web-1, web-2: web-2 ran v1 when the plan was made");
  EXPECT_EQ(left({{"web-1", "v2"}, {"web-2", ""}}),
            "the deploy command brought v2 to web-1, web-2: what web-2 ran before was not seen");
  undo.args["recap_hosts"] = {"web-1"};
  EXPECT_EQ(left({{"web-1", "v2"}}), "") << "the only one that it is said to deploy to";
  undo.args["recap"] = "none";
  undo.args.erase("recap_hosts");
  EXPECT_EQ(left(Json::object()),
            "the deploy command brought v2 to all that it deploys to: what ran there before was not looked at");
  EXPECT_EQ(left({{"local", "v2"}}), "");
  EXPECT_FALSE(team.look(team.step("deploy-code").action).evidence.contains("not_as_found"));
}

TEST(DeployCommand, conforms_when_making_the_work_tree) {
  const Team team;
  const Action action = team.step("worktree-code").action;
  conformance::conforms(*team.driver, {.action = action,
                                       .reset = [&] { team.restart(); },
                                       .done = [&] { return team.work_is_v1(); },
                                       .always = [&] { return team.serves() == "two"; },
                                       .bad = Team::bad(action),
                                       .kills = 4});
}

TEST(DeployCommand, conforms_when_cleaning_up) {
  const Team team;
  const Action worktree = team.step("worktree-code").action, action = team.step("clean-code").action;
  conformance::conforms(*team.driver, {.action = action,
                                       .reset =
                                           [&] {
                                             team.restart();
                                             team.apply(worktree);
                                           },
                                       .done = [&] { return !std::filesystem::exists(team.work()); },
                                       .bad = Team::bad(action),
                                       .kills = 4});
}

TEST(DeployCommand, conforms_when_deploying) {
  const Team team;
  const Action action = team.step("deploy-code").action;
  conformance::conforms(*team.driver, {.action = action,
                                       .reset = [&] { team.restart(); },
                                       .done = [&] { return team.serves() == "one"; },
                                       .always =
                                           [&] {
                                             const std::string served = team.serves();  // read once: it may change
                                             return served == "one" || served == "two";
                                           },
                                       .bad = Team::bad(action),
                                       .repeatable = false,
                                       .may_not_tell = true,
                                       .kills = 6});
}

TEST(DeployCommand, its_undo_is_the_same_command_at_the_version_that_was_there) {
  const Team team;
  const Step step = team.step("deploy-code");
  team.apply(step.action);
  EXPECT_EQ(team.serves(), "one");
  EXPECT_EQ(team.look(step.action).kind, SightKind::kHolds);
  ASSERT_TRUE(step.undo);
  EXPECT_EQ(team.look(*step.undo).kind, SightKind::kDoesNotHold);
  team.apply(*step.undo);
  EXPECT_EQ(team.serves(), "two");
  EXPECT_EQ(team.look(*step.undo).kind, SightKind::kHolds);
}

TEST(DeployCommand, what_was_deployed_over_since_does_not_hold) {
  const Team team;
  const Step step = team.step("deploy-code");
  team.apply(step.action);
  team.apply(*step.undo);
  const Sight undone = team.look(step.action);
  EXPECT_EQ(undone.kind, SightKind::kDoesNotHold) << undone.why;
  EXPECT_EQ(undone.why, "since then RUN-0001 deployed v2");
  team.apply(step.action);
  EXPECT_EQ(team.look(step.action).kind, SightKind::kHolds) << "and once more, by a retry";
  EXPECT_EQ(team.look(*step.undo).kind, SightKind::kDoesNotHold);

  Action later = *step.undo;
  later.args["run_id"] = "RUN-0002";
  team.apply(later);
  EXPECT_EQ(team.look(step.action).why, "since then RUN-0002 deployed v2");
  team.apply(step.action);
  EXPECT_EQ(team.look(later).kind, SightKind::kDoesNotHold);
}

TEST(DeployCommand, one_that_failed_does_not_hold_whatever_it_did_before) {
  const Team team("cp app.txt $LIVE; exit 7");
  const Action action = team.step("deploy-code").action;
  const auto ran = conformance::apply(*team.driver, action, *team.local.host);
  ASSERT_TRUE(ran.has_value());
  EXPECT_EQ(ran->exit_status, 7);
  EXPECT_EQ(team.look(action).kind, SightKind::kDoesNotHold);
}

/// A command that leaves this recap and ends with `status`.
Sight look_at_recap(const std::string& recap, int status, const Json& hosts = Json::array(),
                    std::string* said = nullptr) {
  const Team team("printf 'PLAY RECAP ***\\n" + recap + "'; exit " + std::to_string(status));
  Action action = team.step("deploy-code").action;
  action.args["recap"] = "ansible";
  if (!hosts.empty()) action.args["recap_hosts"] = hosts;
  const auto ran = conformance::apply(*team.driver, action, *team.local.host);
  EXPECT_TRUE(ran.has_value() && ran->exit_status == status);
  if (said != nullptr && ran) *said = std::string(trimmed(ran->err));
  return team.look(action);
}

TEST(DeployCommand, a_failed_host_is_told_from_those_that_went_through_whatever_the_exit_status) {
  constexpr const char* kOne =
      "web-1 : ok=2 changed=1 unreachable=0 failed=0\\nweb-2 : ok=1 changed=0 unreachable=0 failed=1\\n";
  for (const int status : {0, 2}) {
    std::string said;
    const Sight sight = look_at_recap(kOne, status, Json::array(), &said);
    EXPECT_EQ(said, status == 0 ? "" : "the recap says web-2: failed=1; without fault: web-1");
    EXPECT_EQ(sight.kind, SightKind::kDoesNotHold);
    EXPECT_NE(sight.why.find("the recap says web-2: failed=1; without fault: web-1"), std::string::npos) << sight.why;
    EXPECT_EQ(sight.evidence["hosts"]["failed"], (Json{"web-2"}));
    EXPECT_EQ(sight.evidence["hosts"]["without_fault"], (Json{"web-1"}));
  }
}

TEST(DeployCommand, a_host_that_the_recap_leaves_out_is_no_success) {
  constexpr const char* kBoth =
      "web-1 : ok=2 changed=1 unreachable=0 failed=0\\nweb-2 : ok=2 changed=1 unreachable=0 failed=0\\n";
  EXPECT_EQ(look_at_recap(kBoth, 0, {"web-1", "web-2"}).kind, SightKind::kHolds);
  const Sight sight = look_at_recap(kBoth, 0, {"web-1", "web-2", "web-3"});
  EXPECT_EQ(sight.kind, SightKind::kDoesNotHold);
  EXPECT_NE(sight.why.find("web-3 is not in it"), std::string::npos) << sight.why;
  std::string said;
  const Sight failed = look_at_recap(kBoth, 2, Json::array(), &said);
  EXPECT_EQ(said, "though its recap names no fault: web-1, web-2");
  EXPECT_EQ(failed.kind, SightKind::kDoesNotHold) << "after the play";
  EXPECT_NE(failed.why.find("though its recap names no fault"), std::string::npos) << failed.why;
}

}  // namespace
}  // namespace backout::drivers
