#include "drivers/code/kept_builds.h"

#include "conformance/conformance.h"
#include "conformance/world.h"
#include "drivers/code/checkout.h"

namespace backout::drivers {
namespace {

using conformance::answer;
using conformance::as_other;
using conformance::holds;
using conformance::must;

/// A checkout at v2 with a virtualenv beside it, built for v2, and modules inside it; one kept directory is not there.
struct Site {
  conformance::ScratchDirectory directory;
  const conformance::Repository& repository = conformance::Repository::shared();
  conformance::LocalHost local;
  std::unique_ptr<driver::Driver> driver = make_checkout_driver();
  std::string path = directory / "shop", store = path + "/.git/backout-builds";

  Site() {
    if (!conformance::other_user().empty()) must("chown " + conformance::other_user() + " " + directory.path());
    restart();
  }
  void restart() const {
    must("rm -rf " + directory.path() + "/*");
    must(as_other(
        "cd " + directory.path() + "; git clone -q " + repository.path() +
        " shop; cd shop; git checkout -q -B main v2; mkdir -p modules/deep ../venv/bin; echo two >modules/deep/a;"
        " ln -s deep/a modules/link; echo two >../venv/bin/python; chmod 750 ../venv/bin/python"));
  }
  std::string in(const std::string& command) const { return as_other("cd " + path + " && { " + command + "; }"); }
  std::vector<std::string> directories() const { return {directory / "venv", path + "/modules", path + "/built"}; }

  Json subject() const {
    const Json build = {{{"argv", {"sh", "-c", "mkdir -p ../venv modules; cat app.txt >modules/new; sleep 0.02"}},
                         {"timeout_ms", 20'000}}};
    return {{"path", path},   {"user", conformance::other_user()},
            {"build", build}, {"keep_builds", directories()},
            {"keep", 2},      {"from_whole", true}};
  }
  driver::Offering offering(RunKind kind = RunKind::kRollback) const {
    driver::Offering made;
    made.kind = kind;
    made.from = Version("v2");
    made.to = Version("v1");
    made.subject = subject();
    made.hosts = {"local"};
    const auto seen = driver->observe(subject(), *local.host, {});
    EXPECT_TRUE(seen.has_value()) << (seen ? "" : seen.error().message);
    made.seen["local"] = seen.value_or(Json::object());
    return made;
  }
  static Action concrete(Action action) {
    if (action.args.contains("ref")) action.args["ref"] = "refs/backout/dirty-RUN-1";
    if (action.args.contains("aside")) action.args["aside"] = "RUN-1";
    return action;
  }
  Step step(const std::string& id, RunKind kind = RunKind::kRollback) const {
    for (Step& each : conformance::offers_well(*driver, offering(kind)))
      if (each.id.str() == id) {
        each.action = concrete(each.action);
        if (each.undo) each.undo = concrete(*each.undo);
        return each;
      }
    ADD_FAILURE() << id << " is not offered";
    return {};
  }
  std::vector<Step> offered(const driver::Offering& offering) const {
    const auto steps = driver->offer(offering);
    EXPECT_TRUE(steps.has_value()) << (steps ? "" : steps.error().message);
    return steps ? *steps : std::vector<Step>();
  }
  std::vector<std::string> ids(RunKind kind = RunKind::kRollback) const {
    std::vector<std::string> names;
    for (const Step& each : conformance::offers_well(*driver, offering(kind))) names.push_back(each.id.str());
    return names;
  }
  void apply(const Action& action) const { conformance::apply_well(*driver, action, *local.host); }
  void apply(const std::string& id) const { apply(step(id).action); }
  Sight look(const Action& action) const { return driver->verify(action, *local.host, {}); }
  bool fails(const Action& action, const std::string& why) const {
    const auto result = conformance::apply(*driver, action, *local.host);
    return result && !result->ok() && result->err.find(why) != std::string::npos;
  }

  /// A build of v1 as a checkpoint of that time kept it; then v2 as restart() has it.
  void keep_v1() const {
    must(in("git checkout -q -f v1; echo one >modules/deep/a; echo one >../venv/bin/python"));
    driver::Offering then = offering(RunKind::kCheckpoint);
    then.from = Version("v1");
    for (const Step& each : offered(then))
      if (each.id.str() == "keep-builds-code") apply(each.action);
    must(in("git checkout -q -f main; echo two >modules/deep/a; echo two >../venv/bin/python"));
  }
  /// The very directories of `what`, by inode.
  std::string inodes() const { return answer("stat -c %i " + directory.path() + "/venv " + path + "/modules"); }
  bool is_as_found() const {
    return holds(
        in("[ \"$(cat modules/deep/a)\" = two ] && [ \"$(readlink modules/link)\" = deep/a ] && [ ! -e built ] && "
           "[ \"$(cat ../venv/bin/python)\" = two ] && [ \"$(stat -c %a ../venv/bin/python)\" = 750 ]"));
  }
  bool live_is_v1() const {
    return holds(
        in("[ \"$(cat modules/deep/a)\" = one ] && [ \"$(cat ../venv/bin/python)\" = one ] && [ ! -e built ]"));
  }
};

TEST(KeptBuilds, a_checkpoint_keeps_a_copy_and_conforms) {
  Site site;
  const Step keep = site.step("keep-builds-code", RunKind::kCheckpoint);
  EXPECT_EQ(keep.phase, Phase::kPrepare);
  conformance::DriverCase c;
  c.action = keep.action;
  c.reset = [&] { must("rm -rf " + site.store); };
  c.done = [&] {
    return holds("cd " + site.store + "/kept-v2 2>/dev/null && diff -r " + site.store + "/kept-v2/1 " +
                 site.directory.path() + "/venv && diff -r " + site.store + "/kept-v2/2 " + site.path +
                 "/modules && [ ! -e " + site.store + "/kept-v2/3 ] >/dev/null 2>&1");
  };
  c.always = [&] { return site.is_as_found(); };
  c.bad = {keep.action, keep.action, keep.action};
  c.bad[0].args["version"] = "../x";
  c.bad[1].args["dirs"] = Json::array();
  c.bad[2].args["dirs"] = {"relative"};
  conformance::conforms(*site.driver, c);
  site.apply(keep.action);
  EXPECT_EQ(site.look(keep.action).evidence["builds"]["whole"], true);

  must(site.in("echo more >>modules/deep/a"));
  EXPECT_NE(answer("cat " + site.store + "/kept-v2/2/deep/a"), "two\nmore") << "a copy, not another name";
  site.apply(keep.action);
  EXPECT_EQ(answer("cat " + site.store + "/kept-v2/2/deep/a"), "two\nmore") << "what is kept is what is there now";
}

TEST(KeptBuilds, setting_aside_conforms_and_is_undone_to_the_very_same_directories) {
  Site site;
  const Step aside = site.step("set-aside");
  EXPECT_EQ(aside.phase, Phase::kSwitch);
  std::string before;
  conformance::DriverCase c;
  c.action = aside.action;
  c.undo = aside.undo;
  c.reset = [&] {
    site.restart();
    before = site.inodes();
  };
  c.done = [&] {
    return holds("[ ! -e " + site.directory.path() + "/venv ] && [ ! -e " + site.path + "/modules ] && [ \"$(cat " +
                 site.store + "/aside-RUN-1/2/deep/a)\" = two ] && [ \"$(cat " + site.store +
                 "/aside-RUN-1/1/bin/python)\" = two ]");
  };
  c.as_before = [&] { return site.is_as_found() && site.inodes() == before; };
  c.kills = 5;
  conformance::conforms(*site.driver, c);

  site.restart();
  before = site.inodes();
  site.apply(aside.action);
  must(site.in("mkdir -p modules ../venv built; echo half >modules/half; echo half >built/half"));
  EXPECT_EQ(site.look(aside.action).kind, SightKind::kHolds) << "whatever is built afterwards";
  site.apply(*aside.undo);
  EXPECT_TRUE(site.is_as_found()) << "what was half built is gone";
  EXPECT_EQ(site.inodes(), before);
}

TEST(KeptBuilds, a_kept_build_is_put_back_instead_of_being_built_anew) {
  Site site;
  EXPECT_EQ(site.ids(), (std::vector<std::string>{"fetch-tag", "keep-dirty", "set-aside", "checkout", "file-builds",
                                                  "build-code", "at-commit"}));
  site.keep_v1();
  EXPECT_EQ(site.ids(), (std::vector<std::string>{"fetch-tag", "keep-dirty", "kept-builds", "set-aside", "checkout",
                                                  "bring-builds", "file-builds", "at-commit"}));
  EXPECT_EQ(site.look(site.step("kept-builds").action).kind, SightKind::kHolds);
  const Step bring = site.step("bring-builds");
  conformance::DriverCase c;
  c.action = bring.action;
  c.undo = bring.undo;
  c.reset = [&] {
    site.restart();
    site.keep_v1();
    site.apply("keep-dirty");
    site.apply("set-aside");
    site.apply("checkout");
  };
  c.done = [&] { return site.live_is_v1(); };
  c.as_before = [&] {
    return !holds("[ -e " + site.directory.path() + "/venv ] || [ -e " + site.path + "/modules ]") &&
           answer("cat " + site.store + "/kept-v1/2/deep/a") == "one";
  };
  c.kills = 4;
  conformance::conforms(*site.driver, c);
}

TEST(KeptBuilds, a_build_of_another_commit_or_damaged_or_half_is_not_put_back) {
  Site site;
  site.keep_v1();
  const Step look = site.step("kept-builds"), bring = site.step("bring-builds");
  for (const auto& [damage, why] :
       {std::pair("echo tampered >>kept-v1/2/deep/a", "not as it was kept"),
        std::pair("rm -rf kept-v1/1", "is not kept"),
        std::pair("sed -i 's/^commit .*/commit 0000000000000000000000000000000000000000/' kept-v1/manifest",
                  "of commit 0000"),
        std::pair("sed -i 's/^locks .*/locks changed/' kept-v1/manifest", "lock files"),
        std::pair("sed -i 's/^whole .*/whole no/' kept-v1/manifest", "whole")}) {
    must("cp -a " + site.store + " " + site.store + ".was; cd " + site.store + "; " + damage);
    const Sight seen = site.look(look.action);
    EXPECT_EQ(seen.kind, SightKind::kDoesNotHold) << damage;
    EXPECT_NE(seen.why.find(why), std::string::npos) << seen.why;
    must("rm -rf " + site.store + "; mv " + site.store + ".was " + site.store);
  }
  driver::Offering other = site.offering();
  other.saved["commit"] = site.repository.commit("v2");
  for (const Step& each : site.offered(other)) EXPECT_NE(each.id.str(), "bring-builds");
  EXPECT_TRUE(site.fails(bring.action, "another commit")) << "the checkout is still at v2";
}

TEST(KeptBuilds, after_the_run_the_bad_releases_build_is_kept_under_its_version) {
  Site site;
  site.keep_v1();
  for (const char* id : {"keep-dirty", "set-aside", "checkout", "bring-builds"}) site.apply(id);
  must("cp -a " + site.directory.path() + " " + site.directory.path() + ".after");
  const Step file = site.step("file-builds");
  EXPECT_EQ(file.phase, Phase::kSettle);
  conformance::DriverCase c;
  c.action = file.action;
  c.reset = [&] {
    must("rm -rf " + site.directory.path() + "/*; cp -a " + site.directory.path() + ".after/. " +
         site.directory.path());
  };
  c.done = [&] {
    return holds("[ \"$(cat " + site.store + "/kept-v2/2/deep/a)\" = two ] && [ ! -e " + site.store + "/aside-RUN-1 ]");
  };
  c.always = [&] { return site.live_is_v1(); };
  conformance::conforms(*site.driver, c);
  must("rm -rf " + site.directory.path() + ".after");

  site.apply(file.action);
  driver::Offering forward = site.offering();
  forward.kind = RunKind::kForward;
  std::swap(forward.from, forward.to);
  std::vector<std::string> names;
  for (const Step& each : site.offered(forward)) names.push_back(each.id.str());
  EXPECT_NE(std::find(names.begin(), names.end(), "bring-builds"), names.end())
      << "and is put back when going there again";
}

TEST(KeptBuilds, what_a_failed_deploy_left_is_kept_but_never_put_back) {
  Site site;
  driver::Offering failed = site.offering();
  failed.subject["from_whole"] = false;
  for (const Step& each : site.offered(failed))
    if (each.id.str() == "set-aside") {
      EXPECT_EQ(each.action.args["whole"], false);
      site.apply(Site::concrete(each.action));
    }
  site.apply("file-builds");
  const Json kept = site.offering().seen["local"]["builds"]["kept"];
  ASSERT_EQ(kept.size(), 1U);
  EXPECT_EQ(kept[0]["whole"], false);
  failed.kind = RunKind::kDeploy;
  for (const Step& each : site.offered(failed)) EXPECT_NE(each.id.str(), "keep-builds-code");
}

TEST(KeptBuilds, old_builds_go_and_those_of_good_releases_stay) {
  Site site;
  for (const char* version : {"v1", "v7", "v8", "v9"})
    must(as_other("mkdir -p " + site.store + "/kept-" + version + "/1; echo version " + version + " >" + site.store +
                  "/kept-" + version + "/manifest; touch -d '2020-01-0" + std::string(1, version[1]) + "' " +
                  site.store + "/kept-" + version));
  site.apply("set-aside");
  Action file = site.step("file-builds").action;
  file.args["spared"] = {"v1", "v7"};
  site.apply(file);
  EXPECT_EQ(answer("cd " + site.store + "; ls -d *"), "kept-v1\nkept-v2\nkept-v7");
}

TEST(KeptBuilds, lock_files_changed_by_hand_make_a_build_that_is_built_anew) {
  Site site;
  must(
      site.in("echo lock >package-lock.json; git add package-lock.json; git -c user.name=a -c user.email=a@b commit -q "
              "-m lock; "
              "git tag -f v2; echo other >package-lock.json"));
  const Step keep = site.step("keep-builds-code", RunKind::kCheckpoint);
  site.apply(keep.action);
  const Sight seen = site.look(keep.action);
  EXPECT_EQ(seen.kind, SightKind::kHolds);
  EXPECT_EQ(seen.evidence["builds"]["whole"], false);
  EXPECT_NE(seen.why.find("built anew"), std::string::npos) << seen.why;
}

TEST(KeptBuilds, what_cannot_be_renamed_is_refused_when_planning) {
  Site site;
  must(site.in("mv modules real; ln -s real modules"));
  const auto refused = site.driver->offer(site.offering());
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Code::kRefused);
  EXPECT_NE(refused.error().message.find("modules is a symlink"), std::string::npos) << refused.error().message;
  if (conformance::other_user().empty()) return;
  site.restart();
  must("chown root " + site.directory.path());
  const auto beside = site.driver->offer(site.offering());
  ASSERT_FALSE(beside.has_value());
  EXPECT_NE(beside.error().message.find("cannot be renamed by user nobody"), std::string::npos)
      << beside.error().message;
}

TEST(KeptBuilds, a_directory_that_holds_the_checkout_is_refused) {
  Site site;
  for (const std::string& wrong : {site.path, site.directory.path(), site.path + "/.git/objects", std::string("/")}) {
    Json subject = site.subject();
    subject["keep_builds"] = {wrong};
    EXPECT_FALSE(build_directories(subject).has_value()) << wrong;
  }
}

TEST(KeptBuilds, stay_out_of_the_commit_that_keeps_changes) {
  Site site;
  const Step keep = site.step("keep-dirty");
  site.apply(keep.action);
  EXPECT_FALSE(
      holds(site.in("git cat-file -e " + std::string(keep.action.args["ref"]) + ":modules/deep/a 2>/dev/null")));
  site.apply("set-aside");
  EXPECT_EQ(site.look(keep.action).kind, SightKind::kHolds) << "it is not missed either";
}

}  // namespace
}  // namespace backout::drivers
