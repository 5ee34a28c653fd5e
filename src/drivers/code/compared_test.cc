#include "drivers/code/compared.h"

#include "drivers/code/checkout.h"
#include "drivers/code/releases_for_tests.h"

namespace backout::drivers {
namespace {

using conformance::answer;
using conformance::as_other;
using conformance::holds;
using conformance::must;

/// v2 serves and was recorded at a checkpoint; then v3 came, and v2 is where to go back to.
struct Site : ReleasesSite {
  std::string record = path + "/.backout/files/v2";
  Site() {
    must("mkdir -p " + release("v2") + "/lib/deep " + release("v2") + "/log " + release("v2") + "/uploads; cd " +
         release("v2") +
         "; echo lib >lib/deep/a.rb; echo 'a name' >'lib/with space'; echo x >log/web.log; echo y >lib/a.pyc; echo z "
         ">uploads/face; touch -h ../../current; sleep 0.02; echo served >written-while-it-served");
  }
  driver::Offering checkpoint() const {
    driver::Offering made = offering();
    made.kind = RunKind::kCheckpoint;
    made.subject["ignore"] = {"uploads"};
    return made;
  }
  Action recording() const {
    for (const Step& each : conformance::offers_well(*driver, checkpoint()))
      if (each.id.str() == "record-code") return each.action;
    ADD_FAILURE() << "record-code is not offered";
    return {};
  }
  void v3_comes() const {
    must("cp -a " + release("v2") + " " + release("v3") + "; ln -sfn releases/v3 " + path + "/current");
  }
  Action present(const Json& saved = Json::object()) const {
    driver::Offering back = offering("v2");
    back.from = Version("v3");
    back.subject["ignore"] = {"uploads"};
    back.saved = saved;
    for (const Step& each : conformance::offers_well(*driver, back))
      if (each.id.str() == "present-code") return each.action;
    ADD_FAILURE() << "present-code is not offered";
    return {};
  }
  Sight sees(const Action& action) const { return driver->verify(action, *local.host, {}); }
};

TEST(Compared, recording_what_serves_conforms) {
  Site site;
  conformance::DriverCase c;
  c.action = site.recording();
  c.reset = [&] { must("rm -rf " + site.path + "/.backout"); };
  c.done = [&] {
    return holds("test -f " + site.record + " && cd " + site.release("v2") + " && sha256sum --check --quiet " +
                 site.record);
  };
  c.bad = {c.action, c.action};
  c.bad[0].args["version"] = "../../etc";
  c.bad[1].args["ignore"] = {"a\nb"};
  conformance::conforms(*site.driver, c);
  conformance::apply_well(*site.driver, c.action, *site.local.host);
  EXPECT_EQ(answer("cut -c 67- " + site.record), "./app.txt\n./lib/deep/a.rb\n./lib/with space")
      << "without what a program writes while it runs";
  EXPECT_EQ(answer("stat -c %a " + site.path + "/.backout/files"), "700");
}

TEST(Compared, a_release_that_was_tampered_with_is_refused_before_anything_moves) {
  Site site;
  conformance::apply_well(*site.driver, site.recording(), *site.local.host);
  const Json saved = site.sees(site.recording()).evidence;
  site.v3_comes();
  EXPECT_EQ(site.sees(site.present(saved)).kind, SightKind::kHolds) << site.sees(site.present(saved)).why;
  must("cd " + site.release("v2") +
       "; echo log >log/more; echo x >>uploads/face; echo x >>written-while-it-served; echo new >new.rb");
  EXPECT_EQ(site.sees(site.present(saved)).kind, SightKind::kHolds) << "what runs writes, and newcomers are told";

  must("cp -a " + site.path + " " + site.path + ".was");
  for (const auto& [damage, named] :
       {std::pair("echo evil >>lib/deep/a.rb", "lib/deep/a.rb"),
        std::pair("rm 'lib/with space'", "lib/with space (gone)"),
        std::pair("touch -r app.txt t; echo TWO >app.txt; touch -r t app.txt; rm t", "app.txt"),
        std::pair("echo x >>../../.backout/files/v2", "record of its files was changed"),
        std::pair("rm ../../.backout/files/v2", "record of its files is gone")}) {
    must("cd " + site.release("v2") + "; " + damage);
    const Sight seen = site.sees(site.present(saved));
    EXPECT_EQ(seen.kind, SightKind::kDoesNotHold) << damage;
    EXPECT_NE(seen.why.find(named), std::string::npos) << seen.why;
    must("rm -rf " + site.path + "; cp -a " + site.path + ".was " + site.path);
  }
  must("rm -rf " + site.path + ".was");
}

TEST(Compared, what_runs_is_compared_until_it_is_deployed_anew) {
  Site site;
  conformance::apply_well(*site.driver, site.recording(), *site.local.host);
  const Action current{"releases", "current", {{"path", site.path}, {"version", "v2"}, {"ignore", {"uploads"}}}};
  EXPECT_EQ(site.sees(current).evidence["compared"]["files"], 3);
  must("echo evil >>" + site.release("v2") + "/app.txt");
  EXPECT_EQ(site.sees(current).kind, SightKind::kDoesNotHold);
  EXPECT_NE(site.sees(current).why.find("app.txt"), std::string::npos) << site.sees(current).why;
  must("sleep 0.02; touch -h " + site.path + "/current");
  EXPECT_EQ(site.sees(current).kind, SightKind::kHolds) << "the same version came again, with other files";
  EXPECT_FALSE(site.sees(current).evidence.contains("compared"));

  conformance::apply_well(*site.driver, site.recording(), *site.local.host);
  site.v3_comes();
  conformance::apply_well(*site.driver, {"releases", "switch", {{"path", site.path}, {"version", "v2"}}},
                          *site.local.host);
  // One more than before: what was written while it served is older than the link by now.
  EXPECT_EQ(site.sees(current).evidence["compared"]["files"], 4) << "after going back it is compared";
}

TEST(Compared, one_that_was_built_anew_is_not_held_against_its_old_record) {
  Site site;
  conformance::apply_well(*site.driver, site.recording(), *site.local.host);
  const Action current{"releases", "current", {{"path", site.path}, {"version", "v2"}, {"ignore", {"uploads"}}}};
  must("echo other >>" + site.release("v2") + "/app.txt");
  EXPECT_EQ(site.sees(current).kind, SightKind::kDoesNotHold);
  must("sleep 0.02; echo digest >" + site.release("v2") + "/.backout-build; echo v2 >" + site.release("v2") +
       "/.backout-release");
  EXPECT_EQ(site.sees(current).kind, SightKind::kHolds) << site.sees(current).why;
  site.v3_comes();
  conformance::apply_well(*site.driver, {"releases", "switch", {{"path", site.path}, {"version", "v2"}}},
                          *site.local.host);
  EXPECT_EQ(site.sees(current).kind, SightKind::kHolds) << site.sees(current).why;
  const Sight present = site.sees(site.present({{"files", {{"local", std::string(64, 'a')}}}}));
  EXPECT_EQ(present.why.find("record of its files"), std::string::npos) << present.why;
}

TEST(Compared, the_program_that_runs_is_the_releases_own) {
  Site site;
  must("cp /usr/bin/sleep " + site.release("v2") + "/shop; mkdir " + site.release("v1") + "; cp /usr/bin/tail " +
       site.release("v1") + "/shop");
  const auto running = [&](const std::string& version) {
    return site.sees({"releases", "running", {{"path", site.path}, {"binary", "shop"}, {"version", version}}});
  };
  EXPECT_EQ(running("v2").kind, SightKind::kDoesNotHold) << "nothing runs";
  const std::string pid = answer("cd " + site.path + "/current; ./shop 60 >/dev/null 2>&1 & echo $!");
  EXPECT_EQ(running("v2").kind, SightKind::kHolds) << running("v2").why;
  EXPECT_NE(running("v2").why.find(pid), std::string::npos);

  must("ln -sfn releases/v1 " + site.path + "/current");
  EXPECT_EQ(running("v1").kind, SightKind::kDoesNotHold);
  EXPECT_NE(running("v1").why.find("process " + pid + " runs another shop"), std::string::npos) << running("v1").why;

  must("ln -sfn releases/v2 " + site.path + "/current; cd " + site.release("v2") +
       "; cp shop new; echo x >>new; mv new shop");
  EXPECT_EQ(running("v2").kind, SightKind::kDoesNotHold) << "the file was replaced below the process";
  Action recorded{"releases",
                  "running",
                  {{"path", site.path}, {"binary", "shop"}, {"version", "v2"}, {"sha256", std::string(64, '0')}}};
  EXPECT_NE(site.sees(recorded).why.find("what served as v2 was 000000000000"), std::string::npos)
      << site.sees(recorded).why;
  must("kill " + pid);
}

TEST(Compared, a_fetched_release_is_compared_with_its_commit) {
  ReleasesSite site;
  site.apply("fetch-code");
  must("echo evil >>" + site.release("v1") + "/app.txt");
  driver::Offering back = site.offering();
  back.subject["build"] = Json::array();
  for (const Step& each : conformance::offers_well(*site.driver, back))
    if (each.id.str() == "present-code") {
      const Sight seen = site.driver->verify(each.action, *site.local.host, {});
      EXPECT_EQ(seen.kind, SightKind::kDoesNotHold);
      EXPECT_NE(seen.why.find("app.txt"), std::string::npos) << seen.why;
    }
}

}  // namespace
}  // namespace backout::drivers
