#include "drivers/code/releases.h"

#include <set>

#include "drivers/code/releases_for_tests.h"
#include "host/testing_sshd.h"

namespace backout::drivers {
namespace {

using conformance::answer;
using conformance::as_other;
using conformance::holds;
using conformance::must;

TEST(ReleasesDriver, fetch_conforms) {
  ReleasesSite site;
  const Step fetch = site.step("fetch-code");
  conformance::DriverCase c;
  c.action = fetch.action;
  c.reset = [&] { site.restart(); };
  c.done = [&] { return site.whole(); };
  c.always = [&] {  // a file of the middle: what is there under the final name is all there
    return !std::filesystem::exists(site.release("v1")) ||
           std::filesystem::exists(site.release("v1") + "/data/shared60");
  };
  c.bad = {fetch.action, fetch.action, fetch.action, fetch.action};
  c.bad[0].args["version"] = "../../../etc";
  c.bad[1].args["git"] = "--upload-pack=x";
  c.bad[2].args["path"] = "relative";
  c.bad[3].args["git"] = "https://u:p@h/x";
  c.kills = 5;
  conformance::conforms(*site.driver, c);
}

TEST(ReleasesDriver, build_conforms_and_starts_from_a_clean_tree_after_a_kill) {
  ReleasesSite site;
  const Step build = site.step("build-code");
  const Step fetch = site.step("fetch-code");
  conformance::DriverCase c;
  c.action = build.action;
  c.reset = [&] {
    site.restart();
    conformance::apply_well(*site.driver, fetch.action, *site.local.host);
  };
  c.done = [&] {
    return holds("cd " + site.release("v1") +
                 " && [ \"$(cat ignored/built)\" = one ] && [ \"$(cat ignored/mark)\" = \"it's \\\"m\\\"\" ] && [ -s "
                 ".backout-build ]");
  };
  conformance::conforms(*site.driver, c);

  c.reset();
  must(as_other("cd " + site.release("v1") +
                "; mkdir ignored; echo half >ignored/leftover; echo changed >app.txt; touch .git/index.lock"));
  conformance::apply_well(*site.driver, build.action, *site.local.host);
  EXPECT_FALSE(std::filesystem::exists(site.release("v1") + "/ignored/leftover"));
  EXPECT_TRUE(c.done());
}

TEST(ReleasesDriver, what_an_aborted_run_built_is_built_again_because_it_may_be_what_did_not_work) {
  ReleasesSite site;
  const Step build = site.step("build-code");
  ASSERT_TRUE(build.undo.has_value());
  site.apply("fetch-code");
  site.apply("build-code");
  EXPECT_EQ(ids(conformance::offers_well(*site.driver, site.offering()))[0], "present-code");
  EXPECT_EQ(site.driver->verify(*build.undo, *site.local.host, {}).kind, SightKind::kDoesNotHold);
  conformance::apply_well(*site.driver, *build.undo, *site.local.host);
  EXPECT_EQ(site.driver->verify(*build.undo, *site.local.host, {}).kind, SightKind::kHolds);
  EXPECT_EQ(ids(conformance::offers_well(*site.driver, site.offering()))[0], "build-code");
}

TEST(ReleasesDriver, a_build_runs_in_the_environment_that_we_were_started_in) {
  ReleasesSite site;
  site.apply("fetch-code");
  ::setenv("number", "of the user", 1);  // a variable of our script too
  ::setenv("GIT_SSH_COMMAND", "ssh -v", 1);
  Action build = site.step("build-code").action;
  build.args["build"] = {{{"argv", {"sh", "-c", "cat /proc/self/environ >.backout-seen"}}, {"env", {{"OWN", "1"}}}}};
  conformance::apply_well(*site.driver, build, *site.local.host);
  const std::vector<std::string> seen = split(*os::read_file(site.release("v1") + "/.backout-seen"), '\0');
  const auto has = [&](const std::string& entry) { return std::count(seen.begin(), seen.end(), entry); };
  EXPECT_EQ(has("number=of the user"), 1);
  EXPECT_EQ(has("GIT_SSH_COMMAND=ssh -v"), 1);
  EXPECT_EQ(has("OWN=1"), 1);
  const std::set<std::string> of_user = {"PWD", "HOME", "USER", "LOGNAME"};  // whom the build runs as
  for (const std::string& entry : seen) {
    const std::string name = entry.substr(0, entry.find('='));
    EXPECT_TRUE(name.empty() || name == "OWN" || of_user.contains(name) || ::getenv(name.c_str()) != nullptr) << entry;
  }
  ::unsetenv("number");
  ::unsetenv("GIT_SSH_COMMAND");
}

TEST(ReleasesDriver, switch_conforms_and_is_undone_to_exactly_the_link_that_was_there) {
  ReleasesSite site;
  site.apply("fetch-code");
  site.apply("build-code");
  must("ln -sfn ./releases/../releases/v2 " + site.path + "/current");  // as some tool wrote it
  const Step step = site.step("switch-code");
  conformance::DriverCase c;
  c.action = step.action;
  c.undo = step.undo;
  c.reset = [&] { must("ln -sfn ./releases/../releases/v2 " + site.path + "/current"); };
  c.done = [&] {
    return answer("readlink -f " + site.path + "/current") == answer("readlink -f " + site.release("v1"));
  };
  c.as_before = [&] { return answer("readlink " + site.path + "/current") == "./releases/../releases/v2"; };
  c.always = [&] { return std::filesystem::exists(site.path + "/current/app.txt"); };
  c.kills = 6;
  conformance::conforms(*site.driver, c);
}

TEST(ReleasesDriver, fetch_and_switch_conform_on_another_machine) {
  const auto server = host::SshServer::start();
  if (!server) GTEST_SKIP() << "no sshd here";
  ReleasesSite site;
  const auto web = server->host(server->directory() + "/target");
  driver::Offering offering = site.offering();
  offering.hosts = {"web-1"};
  offering.seen = {{"web-1", site.driver->observe(offering.subject, *web, {}).value()}};
  conformance::DriverCase c;
  c.hosts = {web.get()};
  c.kills = 2;
  for (const Step& step : conformance::offers_well(*site.driver, offering)) {
    c.action = step.action;
    c.undo = step.undo;
    if (step.id.str() == "fetch-code") {
      c.reset = [&] { site.restart(); };
      c.done = [&] { return site.whole(); };
      conformance::conforms(*site.driver, c);
      conformance::apply_well(*site.driver, step.action, *web);
    }
    if (step.id.str() == "switch-code") {
      c.reset = [&] { must("ln -sfn releases/v2 " + site.path + "/current"); };
      c.done = [&] { return answer("readlink " + site.path + "/current") == "releases/v1"; };
      conformance::conforms(*site.driver, c);
    }
  }
}

TEST(ReleasesDriver, the_first_switch_of_a_site_is_undone_to_no_link) {
  ReleasesSite site;
  site.apply("fetch-code");
  must("rm " + site.path + "/current");
  const Step step = site.step("switch-code");
  conformance::apply_well(*site.driver, step.action, *site.local.host);
  conformance::apply_well(*site.driver, *step.undo, *site.local.host);
  EXPECT_FALSE(holds("test -L " + site.path + "/current"));
  EXPECT_EQ(site.driver->verify(*step.undo, *site.local.host, {}).kind, SightKind::kHolds);
}

TEST(ReleasesDriver, a_directory_in_place_of_the_link_is_refused_and_left_alone) {
  ReleasesSite site;
  const Step step = site.step("switch-code");
  must("rm " + site.path + "/current; mkdir " + site.path + "/current; touch " + site.path + "/current/precious");
  const auto result = conformance::apply(*site.driver, step.action, *site.local.host);
  ASSERT_TRUE(result.has_value());
  EXPECT_FALSE(result->ok());
  EXPECT_TRUE(holds("test -e " + site.path + "/current/precious"));
  EXPECT_EQ(site.driver->verify(step.action, *site.local.host, {}).kind, SightKind::kDoesNotHold);
  EXPECT_EQ(site.driver->observe(site.subject(), *site.local.host, {}).error().code, Code::kConflict);
}

TEST(ReleasesDriver, switching_to_a_release_that_is_gone_changes_nothing) {
  ReleasesSite site;
  const auto result = conformance::apply(*site.driver, site.step("switch-code").action, *site.local.host);
  ASSERT_TRUE(result.has_value());
  EXPECT_FALSE(result->ok());
  EXPECT_EQ(answer("readlink " + site.path + "/current"), "releases/v2");
}

TEST(ReleasesDriver, looks_tell_a_half_and_a_tampered_release_from_a_whole_one) {
  ReleasesSite site;
  site.apply("fetch-code");
  EXPECT_EQ(ids(conformance::offers_well(*site.driver, site.offering()))[0], "build-code") << "ours and not built";
  site.apply("build-code");
  EXPECT_EQ(site.look("present-code").kind, SightKind::kHolds);
  EXPECT_EQ(site.look("current-code").kind, SightKind::kDoesNotHold);
  must("rm " + site.release("v1") + "/data/shared7");
  EXPECT_EQ(site.look("present-code").kind, SightKind::kDoesNotHold);
  EXPECT_NE(site.look("present-code").why.find("1 file of it missing"), std::string::npos)
      << site.look("present-code").why;
}

TEST(ReleasesDriver, a_release_that_a_deploy_tool_made_is_used_as_it_is) {
  ReleasesSite site;
  must(as_other("mkdir " + site.release("v1") + "; echo one >" + site.release("v1") + "/app.txt"));
  EXPECT_EQ(ids(conformance::offers_well(*site.driver, site.offering())),
            (std::vector<std::string>{"present-code", "switch-code", "current-code", "prune-code"}));
  EXPECT_EQ(site.look("present-code").kind, SightKind::kHolds);
  must("rm " + site.release("v1") + "/app.txt");
  EXPECT_EQ(site.look("present-code").kind, SightKind::kDoesNotHold) << "an empty directory";
}

TEST(ReleasesDriver, current_is_not_fooled) {
  ReleasesSite site;
  must(as_other("mkdir -p " + site.release("v1") + "/x " + site.path + "/elsewhere/v1"));
  const Action current = site.step("current-code").action;
  const auto at = [&](const std::string& target) {
    must("ln -sfn " + target + " " + site.path + "/current");
    return site.driver->verify(current, *site.local.host, {}).kind;
  };
  EXPECT_EQ(at("releases/v1"), SightKind::kHolds);
  EXPECT_EQ(at("releases/v1/x"), SightKind::kDoesNotHold);
  EXPECT_EQ(at("elsewhere/v1"), SightKind::kDoesNotHold);
  EXPECT_EQ(at("releases/v3"), SightKind::kDoesNotHold) << "dangling";
  must("rm " + site.path + "/current");
  EXPECT_EQ(site.driver->verify(current, *site.local.host, {}).kind, SightKind::kDoesNotHold);
}

TEST(ReleasesDriver, a_tag_that_is_gone_or_has_moved_is_seen_before_anything_happens) {
  ReleasesSite site;
  Action target = site.step("target-code").action;
  EXPECT_EQ(site.driver->verify(target, *site.local.host, {}).evidence["commit"], site.repository.commit("v1"));
  target.args["version"] = "v2";  // annotated: the commit, not the tag object
  EXPECT_EQ(site.driver->verify(target, *site.local.host, {}).evidence["commit"], site.repository.commit("v2"));
  target.args["version"] = "v9";
  EXPECT_EQ(site.driver->verify(target, *site.local.host, {}).kind, SightKind::kDoesNotHold);
  target.args["git"] = site.directory / "no-such.git";
  EXPECT_EQ(site.driver->verify(target, *site.local.host, {}).kind, SightKind::kCannotTell);

  driver::Offering moved = site.offering();
  moved.saved = {{"version", "v1"}, {"commit", site.repository.commit("v2")}};
  for (const Step& step : conformance::offers_well(*site.driver, moved)) {
    if (step.id.str() == "target-code") {
      EXPECT_EQ(site.driver->verify(step.action, *site.local.host, {}).kind, SightKind::kDoesNotHold);
    }
    if (step.id.str() != "fetch-code") continue;
    const auto result = conformance::apply(*site.driver, step.action, *site.local.host);
    ASSERT_TRUE(result.has_value());
    EXPECT_FALSE(result->ok());
    EXPECT_FALSE(std::filesystem::exists(site.release("v1")));
  }
}

TEST(ReleasesDriver, a_build_that_fails_leaves_no_release_that_looks_built) {
  ReleasesSite site;
  site.apply("fetch-code");
  Action build = site.step("build-code").action;
  build.args["build"] = {{{"argv", {"true"}}}, {{"argv", {"sh", "-c", "echo no wheel >&2; exit 4"}}}};
  const auto result = conformance::apply(*site.driver, build, *site.local.host);
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->exit_status, 4);
  EXPECT_NE(result->err.find("build command 2 of 2 failed"), std::string::npos);
  EXPECT_EQ(site.driver->verify(build, *site.local.host, {}).kind, SightKind::kDoesNotHold);
  EXPECT_EQ(ids(conformance::offers_well(*site.driver, site.offering()))[0], "build-code");
}

TEST(ReleasesDriver, prune_conforms_and_never_takes_what_may_be_needed) {
  ReleasesSite site;
  const auto fill = [&] {
    site.restart();
    for (const char* version : {"v0.1", "v0.2", "v0.3", "v0.4", "v1", "good"})
      must("mkdir " + site.release(version) + "; echo x >" + site.release(version) + "/f; sleep 0.01");
    must("mkdir " + site.release("v9.backout-trash") + " " + site.release("v9.backout-tmp") + " '" +
         site.release("not a version") + "'");
    must("touch -d 2001-01-01 " + site.release("good") + " " + site.release("v1") + " " + site.release("v2"));
  };
  fill();
  driver::Offering offering = site.offering();
  offering.subject["keep_versions"] = {"good", "../evil"};
  offering.subject["keep"] = 4;
  Action prune;
  for (const Step& step : conformance::offers_well(*site.driver, offering))
    if (step.id.str() == "prune-code") prune = step.action;
  conformance::DriverCase c;
  c.action = prune;
  c.reset = fill;
  c.done = [&] { return answer("ls " + site.path + "/releases | grep -v ' ' | grep -cv backout-trash") == "4"; };
  c.bad = {prune, prune};
  c.bad[0].args["keep"] = 0;
  c.bad[1].args["spared"] = {"a b"};
  conformance::conforms(*site.driver, c);

  fill();
  conformance::apply_well(*site.driver, prune, *site.local.host);
  EXPECT_EQ(answer("ls " + site.path + "/releases | tr '\\n' ','"), "good,not a version,v0.4,v1,v2,");
}

}  // namespace
}  // namespace backout::drivers
