#include "drivers/code/releases_offer.h"

#include "drivers/code/releases_for_tests.h"

namespace backout::drivers {
namespace {

using conformance::must;

TEST(ReleasesDriver, offers_the_way_to_a_release_that_must_be_fetched) {
  ReleasesSite site;
  EXPECT_EQ(ids(conformance::offers_well(*site.driver, site.offering())),
            (std::vector<std::string>{"target-code", "fetch-code", "build-code", "switch-code", "current-code",
                                      "prune-code"}));
  driver::Offering checkpoint = site.offering();
  checkpoint.kind = RunKind::kCheckpoint;
  checkpoint.subject["config"] = {"/etc/hostname"};
  EXPECT_EQ(ids(conformance::offers_well(*site.driver, checkpoint)),
            (std::vector<std::string>{"save-config-code", "record-code", "note-code"}));
}

TEST(ReleasesDriver, without_a_source_a_missing_release_is_told_at_planning) {
  ReleasesSite site;
  driver::Offering offering = site.offering();
  offering.subject.erase("git");
  const auto steps = site.driver->offer(offering);
  ASSERT_FALSE(steps.has_value());
  EXPECT_EQ(steps.error().code, Code::kNotFound);
  EXPECT_FALSE(steps.error().next.empty());
}

TEST(ReleasesDriver, a_version_is_never_a_path) {
  ReleasesSite site;
  for (const char* evil : {"../../etc", "-rf", "v1 v2", "v1;id", ".."}) {
    driver::Offering offering = site.offering();
    offering.to = Version(evil);
    const auto steps = site.driver->offer(offering);
    ASSERT_FALSE(steps.has_value()) << evil;
    EXPECT_EQ(steps.error().code, Code::kInvalid);
  }
}

TEST(ReleasesDriver, fetches_only_where_it_is_missing) {
  ReleasesSite site;
  driver::Offering offering = site.offering();
  offering.hosts = {"web-1", "web-2"};
  offering.seen["web-1"] = offering.seen["local"];
  offering.seen["web-2"] = offering.seen["local"];
  offering.seen["web-2"]["releases"].push_back({{"version", "v1"}, {"commit", ""}, {"ours", false}, {"built", false}});
  offering.seen["web-2"]["current_target"] = "releases/v0";
  for (const Step& step : conformance::offers_well(*site.driver, offering)) {
    if (step.id.str() == "fetch-code") {
      EXPECT_EQ(step.hosts, std::vector<std::string>{"web-1"});
    }
    if (step.id.str() == "present-code") {
      EXPECT_EQ(step.hosts, std::vector<std::string>{"web-2"});
    }
    if (step.id.str() == "switch-code") {
      EXPECT_EQ(step.undo->args["targets"]["web-2"], "releases/v0") << "each host goes back to its own";
    }
  }
  offering.seen.erase("web-2");
  EXPECT_EQ(site.driver->offer(offering).error().code, Code::kUnavailable);
}

TEST(ReleasesDriver, notes_what_runs) {
  ReleasesSite site;
  driver::Offering checkpoint = site.offering();
  checkpoint.kind = RunKind::kCheckpoint;
  const auto steps = conformance::offers_well(*site.driver, checkpoint);
  const auto note = [&] { return site.driver->verify(steps.back().action, *site.local.host, {}); };
  EXPECT_EQ(note().kind, SightKind::kHolds);
  EXPECT_EQ(note().evidence["version"], "v2");
  must("echo " + site.repository.commit("v2") + " >" + site.release("v2") + "/REVISION");
  EXPECT_EQ(note().evidence["commit"], site.repository.commit("v2"));
  must("rm " + site.path + "/current");
  EXPECT_EQ(note().kind, SightKind::kHolds) << "nothing deployed yet is no fault";
  EXPECT_EQ(note().evidence["version"], "");
}

TEST(ReleasesDriver, looks_at_a_deploy_without_the_target_being_there) {
  ReleasesSite site;
  driver::Offering deploy = site.offering();
  deploy.kind = RunKind::kDeploy;
  deploy.seen.clear();
  for (const auto& [version, kind] : {std::pair("v2", SightKind::kHolds), std::pair("v77", SightKind::kDoesNotHold)}) {
    deploy.to = Version(version);
    const auto steps = conformance::offers_well(*site.driver, deploy);
    EXPECT_EQ(ids(steps), (std::vector<std::string>{"note-code", "current-code"}));
    EXPECT_EQ(steps.back().phase, Phase::kCheck);
    EXPECT_EQ(site.driver->verify(steps.back().action, *site.local.host, {}).kind, kind) << version;
  }
}

TEST(ReleasesDriver, observes_the_site) {
  ReleasesSite site;
  site.apply("fetch-code");
  Json seen = site.seen();
  EXPECT_EQ(seen["current"], "v2");
  EXPECT_EQ(seen["current_target"], "releases/v2");
  ASSERT_EQ(seen["releases"].size(), 2U);
  EXPECT_EQ(seen["releases"][0],
            (Json{{"version", "v1"}, {"commit", site.repository.commit("v1")}, {"ours", true}, {"built", false}}));
  must("rm -r " + site.release("v2"));
  seen = site.seen();
  EXPECT_EQ(seen["dangling"], true);
  EXPECT_EQ(seen["current"], "");
  Json nowhere = site.subject();
  nowhere["path"] = site.directory / "nowhere";
  EXPECT_EQ(site.driver->observe(nowhere, *site.local.host, {}).error().code, Code::kNotFound);
}

}  // namespace
}  // namespace backout::drivers
