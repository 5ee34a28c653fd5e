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

/// A command that needs two files which lie in the clone and are in no commit. It says what it was given, and with a
/// file $LIVE.die it is killed with all that runs it.
struct BringingTeam : Team {
  BringingTeam()
      : Team(
            "ls -l .vault_pass vars/secret | cut -c1-10 >$LIVE.modes; cat .vault_pass vars/secret >$LIVE.given; "
            "rm -f .vault_pass; [ ! -e $LIVE.die ] || { echo left >vars/secret; rm $LIVE.die; kill -9 0; }; "
            "[ ! -e $LIVE.fail ] || exit 1; cp app.txt $LIVE") {
    must(as_other("cd " + clone +
                  "; mkdir vars; echo hunter2 >.vault_pass; chmod 750 .vault_pass; echo too >vars/secret; "
                  "chmod 600 vars/secret; printf '.vault_pass\nvars/\n' >>.git/info/exclude"));
  }
  Action bringing(const Action& action, const Json& names = {".vault_pass", "vars/secret"}) const {
    Action made = action;
    made.args["bring"] = names;
    return made;
  }
  Action deploy() const { return bringing(step("deploy-code").action); }
  std::string copies() const {
    return answer("cd " + clone + "/.git/backout-deploy && find . -name .vault_pass -o -name secret -o -name brought");
  }
  std::string refused(const Json& names) const {
    const auto ran = conformance::apply(*driver, bringing(step("worktree-code").action, names), *local.host);
    return ran ? std::string(trimmed(ran->err)) : ran.error().message;
  }
};

TEST(DeployCommand, what_git_does_not_have_is_brought_along_and_taken_away_again) {
  const BringingTeam team;
  team.apply(team.deploy());
  EXPECT_EQ(team.serves(), "one");
  EXPECT_EQ(answer("cat " + team.live + ".given"), "hunter2\ntoo");
  EXPECT_EQ(answer("cat " + team.live + ".modes"), "-rwxr-x---\n-rw-------");
  EXPECT_EQ(team.copies(), "");
  EXPECT_EQ(answer("cat " + team.clone + "/.vault_pass"), "hunter2") << "what the command does to its copy is its own";

  must(as_other("touch " + team.live + ".fail"));
  const auto failed = conformance::apply(*team.driver, team.deploy(), *team.local.host);
  ASSERT_TRUE(failed.has_value());
  EXPECT_EQ(failed->exit_status, 1);
  EXPECT_EQ(team.copies(), "") << "nor does a command that failed leave one";
  EXPECT_EQ((failed->out + failed->err).find("hunter2"), std::string::npos);
}

TEST(DeployCommand, what_a_kill_leaves_of_it_is_gone_with_the_next_command_of_a_run) {
  const BringingTeam team;
  for (const char* next : {"deploy-code", "undo", "clean-code", "worktree-code"}) {
    must(as_other("touch " + team.live + ".die"));
    (void)conformance::apply(*team.driver, team.deploy(), *team.local.host);
    EXPECT_NE(team.copies(), "") << "else this proves nothing";
    team.apply(team.bringing(next == std::string("undo") ? *team.step("deploy-code").undo : team.step(next).action));
    EXPECT_EQ(team.copies(), "") << next;
  }
}

TEST(DeployCommand, what_cannot_be_brought_is_refused_while_the_site_still_runs) {
  const BringingTeam team;
  must(as_other("cd " + team.clone + "; ln -s /etc/passwd out; ln -s vars/secret in; mkdir dir; ln -s .. dir/up"));
  EXPECT_EQ(team.refused({".vault_pass", "in"}), "");
  EXPECT_EQ(team.refused({"gone"}), "code.deploy.bring: gone is not in " + team.clone);
  EXPECT_EQ(team.refused({"out"}), "code.deploy.bring: out leads out of " + team.clone);
  EXPECT_EQ(team.refused({"dir/up/../../was/app.txt"}),
            "'bring': 'dir/up/../../was/app.txt' is not a file of the clone");
  EXPECT_EQ(team.refused({"dir/up/.git/HEAD"}), "code.deploy.bring: dir/up/.git/HEAD leads into git's own directory");
  EXPECT_EQ(team.refused({"vars"}), "code.deploy.bring: vars is not a file");
  EXPECT_EQ(team.refused({"app.txt"}),
            "code.deploy.bring: app.txt is in the commit of v1, too: take it out of the list");
  for (const char* name : {"../key", "/etc/key", ".git/config", "a\nb", ""})
    EXPECT_NE(team.refused({name}).find("is not a file of the clone"), std::string::npos) << name;
  driver::Offering offering;
  offering.kind = RunKind::kRollback;
  offering.to = Version("v1");
  offering.subject = team.subject();
  offering.subject["bring"] = {".vault_pass", "gone"};
  std::string words;
  for (const Finding& each : team.driver->ready(offering, *team.local.host, driver::Depth::kQuick, {}).findings)
    words += std::string(name_of(each.severity)) + " " + each.id + ": " + each.what + "; ";
  EXPECT_NE(words.find("red code.bring: code.deploy.bring: gone is not in"), std::string::npos) << words;
  EXPECT_EQ(words.find(".vault_pass"), std::string::npos) << words;
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
