#include "drivers/code/saved_config.h"

#include "conformance/conformance.h"
#include "conformance/world.h"
#include "drivers/code/releases.h"

namespace backout::drivers {
namespace {

using conformance::answer;
using conformance::holds;
using conformance::must;

struct Site {
  conformance::ScratchDirectory directory;
  conformance::LocalHost local;
  std::unique_ptr<driver::Driver> driver = make_releases_driver();
  std::string path = directory / "shop";
  std::string env = directory / "etc/shop env", extra = directory / "etc/extra", link = directory / "etc/link";
  std::string set = path + "/.backout/checkpoints/RUN-0001", before = path + "/.backout/checkpoints/RUN-0002-before";

  void old_world() const {
    must("rm -rf " + path + " " + (directory / "etc") + "; mkdir -p " + path + "/releases/v1 " + (directory / "etc") +
         "; cd " + (directory / "etc") +
         "; printf 'A=1\\nB' >'shop env'; chmod 640 'shop env'; echo through >real; ln -s real link; touch " + path +
         "/releases/v1/f");
  }
  void new_world() const {
    must("cd " + (directory / "etc") +
         "; printf 'A=2' >'shop env'; chmod 600 'shop env'; echo new >extra; echo changed >real");
  }
  Action save(const std::string& to) const {
    return {"releases", "save-config", {{"path", path}, {"set", to}, {"files", {env, extra, link}}}};
  }
  Action restore(const std::string& from) const {
    return {"releases", "restore-config", {{"path", path}, {"set", from}}};
  }
  bool is_old() const {
    return holds("cd " + (directory / "etc") +
                 " && [ \"$(cat 'shop env')\" = \"$(printf 'A=1\\nB')\" ] && [ $(stat -c %a 'shop env') = 640 ] && [ ! "
                 "-e extra ] && [ \"$(cat real)\" = through ] && [ -L link ]");
  }
  bool is_new() const {
    return holds("cd " + (directory / "etc") +
                 " && [ \"$(cat 'shop env')\" = A=2 ] && [ $(stat -c %a 'shop env') = 600 ] && [ -e extra ] && [ "
                 "\"$(cat real)\" = changed ] && [ -L link ]");
  }
};

TEST(SavedConfig, each_host_has_its_own_path_and_files) {
  Site site;
  driver::Offering offering;
  offering.kind = RunKind::kRollback;
  offering.from = Version("v2");
  offering.to = Version("v1");
  offering.hosts = {"web-1", "local"};
  offering.subject = {{"path", "/srv/{host}/shop"}};
  offering.saved = {{"config",
                     {{"set", "/srv/local/shop/.backout/checkpoints/RUN-0001"},
                      {"files", {"/etc/local"}},
                      {"on", {{"web-1", {"/etc/web-1"}}, {"local", {"/etc/local"}}}}}}};
  const auto steps = config_steps_for_switch("releases", offering);
  ASSERT_TRUE(steps.has_value()) << steps.error().message;
  ASSERT_EQ(steps->size(), 2U);
  EXPECT_EQ(get_string(steps->at(1).action.args, "set"), "/srv/{host}/shop/.backout/checkpoints/RUN-0001");
  Action keep = steps->at(0).action;
  keep.args["path"] = "/srv/local/shop";
  keep.args["set"] = "/srv/local/shop/.backout/checkpoints/RUN-0002-before";
  const auto command = config_command(keep, *site.local.host);
  ASSERT_TRUE(command.has_value()) << command.error().message;
  EXPECT_EQ(command->argv.back(), "/etc/local") << "not what another host has";
  offering.saved["config"]["set"] = "/srv/local/shop/.backout/checkpoints/..";
  EXPECT_FALSE(config_steps_for_switch("releases", offering).has_value());
}

TEST(SavedConfig, saving_conforms) {
  Site site;
  site.old_world();
  conformance::DriverCase c;
  c.action = site.save(site.set);
  c.reset = [&] { must("rm -rf " + site.path + "/.backout"); };
  c.done = [&] {
    return holds("cmp -s '" + site.env + "' " + site.set + "/1 && cmp -s " + site.link + " " + site.set +
                 "/3 && [ $(wc -l <" + site.set + "/manifest) = 3 ]");
  };
  c.bad = {site.save("/etc"), site.save(site.path + "/.backout/checkpoints/a/../../../x"),
           site.save(site.path + "/.backout/checkpoints/")};
  conformance::conforms(*site.driver, c);
  conformance::apply_well(*site.driver, c.action, *site.local.host);
  EXPECT_EQ(answer("find " + site.path + "/.backout -type f ! -perm 600 -o -type d ! -perm 700"), "")
      << "secrets lie there";
}

TEST(SavedConfig, restoring_conforms_and_is_undone_to_what_was_there) {
  Site site;
  conformance::DriverCase c;
  c.action = site.restore(site.set);
  c.undo = site.restore(site.before);
  c.reset = [&] {
    site.old_world();
    conformance::apply_well(*site.driver, site.save(site.set), *site.local.host);
    site.new_world();
    conformance::apply_well(*site.driver, site.save(site.before), *site.local.host);
  };
  c.done = [&] { return site.is_old(); };
  c.as_before = [&] { return site.is_new(); };
  c.always = [&] {
    const std::string now = conformance::detail::slurp(site.env);
    return now == "A=1\nB" || now == "A=2";
  };
  conformance::conforms(*site.driver, c);
}

TEST(SavedConfig, a_damaged_copy_is_never_put_back) {
  Site site;
  site.old_world();
  conformance::apply_well(*site.driver, site.save(site.set), *site.local.host);
  site.new_world();
  must("printf x >>" + site.set + "/3");
  const auto result = conformance::apply(*site.driver, site.restore(site.set), *site.local.host);
  ASSERT_TRUE(result.has_value());
  EXPECT_FALSE(result->ok());
  EXPECT_TRUE(site.is_new());
  EXPECT_EQ(site.driver->verify(site.restore(site.set), *site.local.host, {}).kind, SightKind::kDoesNotHold);
  must("rm -r " + site.set);
  EXPECT_EQ(site.driver->verify(site.restore(site.set), *site.local.host, {}).kind, SightKind::kDoesNotHold);
}

TEST(SavedConfig, nothing_is_saved_through_a_symlink) {
  Site site;
  site.old_world();
  must("mkdir " + (site.directory / "trap") + "; ln -s " + (site.directory / "trap") + " " + site.path + "/.backout");
  const auto result = conformance::apply(*site.driver, site.save(site.set), *site.local.host);
  ASSERT_TRUE(result.has_value());
  EXPECT_FALSE(result->ok());
  EXPECT_EQ(answer("ls " + (site.directory / "trap")), "");
}

TEST(SavedConfig, goes_from_a_checkpoint_into_a_rollback_without_its_contents) {
  Site site;
  site.old_world();
  driver::Offering offering;
  offering.kind = RunKind::kCheckpoint;
  offering.from = Version("v2");
  offering.subject = {{"path", site.path}, {"config", {site.env, site.extra}}};
  offering.hosts = {"local"};
  offering.seen["local"] = site.driver->observe(offering.subject, *site.local.host, {}).value();
  Action save = conformance::offers_well(*site.driver, offering)[0].action;
  EXPECT_EQ(save.args["set"], site.path + "/.backout/checkpoints/{run}");
  save.args["set"] = site.set;
  conformance::apply_well(*site.driver, save, *site.local.host);
  offering.saved = site.driver->verify(save, *site.local.host, {}).evidence;
  EXPECT_EQ(offering.saved.dump().find("A=1"), std::string::npos);

  offering.kind = RunKind::kRollback;
  offering.to = Version("v1");
  std::vector<std::string> names;
  for (const Step& step : conformance::offers_well(*site.driver, offering)) {
    names.push_back(step.id.str());
    if (step.id.str() == "restore-config-code") {
      EXPECT_EQ(step.action.args["set"], site.set);
    }
  }
  EXPECT_EQ(names, (std::vector<std::string>{"present-code", "keep-config-code", "restore-config-code", "switch-code",
                                             "current-code", "prune-code"}));

  offering.saved["config"]["set"] = "/etc";
  EXPECT_EQ(site.driver->offer(offering).error().code, Code::kInvalid) << "a set lies where we put it";
}

}  // namespace
}  // namespace backout::drivers
