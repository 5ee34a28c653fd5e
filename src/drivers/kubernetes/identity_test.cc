// Which release runs: by the images and digests that were recorded of it, and never because something is ready.
#include "drivers/kubernetes/fixture_for_tests.h"

namespace backout::drivers::kubernetes {
namespace {

class Identified : public KubernetesTest {
 protected:
  /// The look of `verify` and of a watch at release `version`, of which `recorded` is known.
  Sight look_at_release(const std::string& version, const Json& recorded, bool once = false) {
    auto offering = offering_for(RunKind::kDeploy, cluster->args({"deployment/web"}), {});
    offering.from = offering.to = Version(version);
    offering.seen.clear();
    offering.saved = recorded;
    const auto steps = conformance::offers_well(*driver, offering);
    const Step& stands = steps.back();
    EXPECT_EQ(stands.action.verb, "stands");
    return once ? driver->verify(stands.action, *local.host, {}) : look(stands.action);
  }
  Json recorded_now() { return {{"workloads", {{"deployment/web", identity("Deployment", "web")}}}}; }
};

TEST_F(Identified, AnotherReleaseThatIsReadyIsNotTheOneThatIsAskedFor) {
  deployed("Deployment", "web", "v2");
  const Json v2 = recorded_now();
  EXPECT_EQ(look_at_release("v2", v2).kind, SightKind::kHolds) << look_at_release("v2", v2).why;
  cluster->workload("Deployment", "web", "v3");
  ASSERT_TRUE(cluster->comes_to_run("web", "v3"));
  const Sight sight = look_at_release("v2", v2);
  EXPECT_EQ(sight.kind, SightKind::kDoesNotHold);
  EXPECT_NE(sight.why.find("runs web example.test/web:v3, and v2 is web example.test/web:v2"), std::string::npos)
      << sight.why;
}

TEST_F(Identified, ATagThatWasMovedIsFoundByTheDigestAlsoAfterARestart) {
  deployed("Deployment", "web", "v2");
  const Json v2 = recorded_now();
  ASSERT_TRUE(cluster->kubectl({"rollout", "restart", "deployment/web"}).ok());
  EXPECT_EQ(look_at_release("v2", v2).kind, SightKind::kHolds) << "a restart makes no other release";
  cluster->post("/stand-in/registry", {{"example.test/web:v2", std::string(64, 'e')}});
  // The same second gives the same template, and no restart.
  std::this_thread::sleep_for(Millis(1'100));
  ASSERT_TRUE(cluster->kubectl({"rollout", "restart", "deployment/web"}).ok());
  std::this_thread::sleep_for(Millis(300));
  ASSERT_TRUE(cluster->comes_to_run("web", "v2"));
  const Sight sight = look_at_release("v2", v2);
  EXPECT_EQ(sight.kind, SightKind::kDoesNotHold);
  EXPECT_NE(sight.why.find("has been moved"), std::string::npos) << sight.why;
}

TEST_F(Identified, WhereNothingIsRecordedTheTagMustBeTheVersionAndElseItIsNotKnown) {
  deployed("Deployment", "web", "v2");
  EXPECT_EQ(look_at_release("2", Json::object()).kind, SightKind::kHolds) << look_at_release("2", {}).why;
  const Sight sight = look_at_release("2026-11-22", Json::object());
  EXPECT_EQ(sight.kind, SightKind::kCannotTell) << sight.why;
  EXPECT_NE(sight.why.find("backout checkpoint"), std::string::npos) << sight.why;
}

TEST_F(Identified, WhatADeployProvedIsWhatIsLookedForAfterIt) {
  deployed("Deployment", "web", "v2");
  auto offering = offering_for(RunKind::kDeploy, cluster->args({"deployment/web"}),
                               *driver->observe(cluster->args({"deployment/web"}), *local.host, {}));
  offering.from = Version("build-6");
  offering.to = Version("build-7");
  const auto steps = conformance::offers_well(*driver, offering);
  cluster->workload("Deployment", "web", "v3");
  ASSERT_TRUE(cluster->comes_to_run("web", "v3"));
  const Sight proved = look(steps.back().action);
  ASSERT_EQ(proved.kind, SightKind::kHolds) << proved.why;
  EXPECT_EQ(look_at_release("build-7", proved.evidence).kind, SightKind::kHolds);
  cluster->workload("Deployment", "web", "v2");
  ASSERT_TRUE(cluster->comes_to_run("web", "v2"));
  EXPECT_EQ(look_at_release("build-7", proved.evidence).kind, SightKind::kDoesNotHold);
}

TEST_F(Identified, WhatIsScaledToZeroProvesNothing) {
  deployed("Deployment", "web", "v2");
  const Json v2 = recorded_now();
  const auto scaled_to = [&](int replicas) {
    cluster->workload("Deployment", "web", "v2", {{"replicas", replicas}});
    for (int tries = 0; tries < 200; ++tries) {
      const auto pods = parse_json(cluster->get("/api/v1/namespaces/shop/pods?labelSelector=app%3Dweb"));
      if (pods && get(*pods, "items").size() == static_cast<size_t>(replicas)) return;
      std::this_thread::sleep_for(Millis(20));
    }
    FAIL() << "it is not scaled to " << replicas;
  };
  scaled_to(0);
  const Sight gone = look_at_release("v2", v2, true);
  EXPECT_EQ(gone.kind, SightKind::kDoesNotHold) << gone.why;
  EXPECT_NE(gone.why.find("it is scaled to 0, and had 2 pods as that release"), std::string::npos) << gone.why;
  const Sight unknown = look_at_release("v2", Json::object(), true);
  EXPECT_EQ(unknown.kind, SightKind::kCannotTell) << unknown.why;
  // As a rollback looks.
  Action stands = undo_to({{"deployment/web", v2["workloads"]["deployment/web"]}});
  EXPECT_EQ(driver->verify(stands, *local.host, {}).kind, SightKind::kDoesNotHold) << "also of the step itself";
  stands.verb = "stands";
  EXPECT_EQ(driver->verify(stands, *local.host, {}).kind, SightKind::kDoesNotHold);
  // The release had none either: its template is there, which is all that the step does; it serves nothing.
  const Json none = recorded_now();
  Action undo = undo_to({{"deployment/web", none["workloads"]["deployment/web"]}});
  EXPECT_EQ(driver->verify(undo, *local.host, {}).kind, SightKind::kHolds);
  undo.verb = "stands";
  EXPECT_EQ(driver->verify(undo, *local.host, {}).kind, SightKind::kCannotTell);
  EXPECT_EQ(look_at_release("v2", none, true).kind, SightKind::kCannotTell);
  scaled_to(2);
  EXPECT_EQ(look_at_release("v2", v2).kind, SightKind::kHolds);
}

TEST_F(Identified, ADeployThatBroughtAnotherReleaseIsNone) {
  deployed("Deployment", "web", "v2");
  auto offering = offering_for(RunKind::kDeploy, cluster->args({"deployment/web"}),
                               *driver->observe(cluster->args({"deployment/web"}), *local.host, {}));
  offering.from = Version("v2");
  offering.to = Version("v3");
  const auto steps = conformance::offers_well(*driver, offering);
  cluster->workload("Deployment", "web", "v1");
  ASSERT_TRUE(cluster->comes_to_run("web", "v1"));
  const Sight sight = look(steps.back().action);
  EXPECT_EQ(sight.kind, SightKind::kDoesNotHold);
  EXPECT_NE(sight.why.find("no image has the tag v3: deployment/web: web example.test/web:v1"), std::string::npos)
      << sight.why;
  cluster->workload("Deployment", "web", "v3");
  ASSERT_TRUE(cluster->comes_to_run("web", "v3"));
  EXPECT_EQ(look(steps.back().action).kind, SightKind::kHolds);
}

}  // namespace
}  // namespace backout::drivers::kubernetes
