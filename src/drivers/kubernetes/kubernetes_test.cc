// The driver, with a real kubectl, against a stand-in of a cluster.
#include "drivers/kubernetes/fixture_for_tests.h"

namespace backout::drivers::kubernetes {
namespace {

class EveryKind : public KubernetesTest, public ::testing::WithParamInterface<const char*> {};

TEST_P(EveryKind, Conforms) {
  const std::string kind = GetParam(), app = "web", name = workload_of(kind, app);
  deployed(kind, app, "v2");
  const Json v2 = identity(kind, app);
  conformance::DriverCase c;
  c.action = undo_to({{name, v1.at(app)}});
  c.undo = undo_to({{name, v2}});
  c.reset = [&] {
    cluster->workload(kind, app, "v2");
    ASSERT_TRUE(cluster->comes_to_run(app, "v2"));
  };
  c.done = [&] { return cluster->runs(app, "v1"); };
  c.as_before = [&] { return cluster->comes_to_run(app, "v2"); };
  c.kills = kind == "Deployment" ? 2 : kind == "StatefulSet" ? 1 : 0;
  c.settle = Millis(300);  // the stand-in replaces two pods in half of that
  Action strange = c.action;
  strange.args["workloads"] = {"pod/web"};
  Action nowhere = c.action;
  nowhere.args["namespace"] = "--all";
  c.bad = {strange, nowhere};
  conformance::conforms(*driver, c);
}
INSTANTIATE_TEST_SUITE_P(Kinds, EveryKind, ::testing::Values("Deployment", "StatefulSet", "DaemonSet"),
                         [](const auto& each) { return std::string(each.param); });

TEST_F(KubernetesTest, ABrokenStatefulSetIsFreed) {
  deployed("StatefulSet", "queue", "v2-crash");
  std::this_thread::sleep_for(Millis(500));
  const Action undo = undo_to({{"statefulset/queue", v1.at("queue")}});
  conformance::apply_well(*driver, undo, *local.host);
  EXPECT_EQ(look(undo).kind, SightKind::kHolds) << look(undo).why;
  EXPECT_TRUE(cluster->comes_to_run("queue", "v1"));
}

TEST_F(KubernetesTest, AnImageThatCannotBePulledIsNamed) {
  deployed("Deployment", "web", "v2-missing");
  cluster->workload("Deployment", "web", "v2-missing", {{"progressDeadlineSeconds", 1}});
  std::this_thread::sleep_for(Millis(1'600));
  Json args = cluster->args({"deployment/web"});
  const Sight stands = driver->verify({"kubernetes", "stands", args}, *local.host, {});
  EXPECT_EQ(stands.kind, SightKind::kDoesNotHold);
  EXPECT_NE(stands.why.find("ImagePullBackOff"), std::string::npos) << stands.why;
  EXPECT_NE(stands.why.find("progress deadline"), std::string::npos) << stands.why;
  EXPECT_TRUE(get_bool(stands.evidence, "final"));
  const Json broken = identity("Deployment", "web");
  const Action undo = undo_to({{"deployment/web", v1.at("web")}});
  conformance::apply_well(*driver, undo, *local.host);
  EXPECT_EQ(look(undo).kind, SightKind::kHolds) << look(undo).why;
  // Back to how it was found is back to broken: its template counts, and no pod can prove it.
  const Action back = undo_to({{"deployment/web", broken}});
  conformance::apply_well(*driver, back, *local.host);
  EXPECT_EQ(look(back).kind, SightKind::kHolds) << look(back).why;
}

TEST_F(KubernetesTest, ATagThatWasMovedIsFoundByTheDigest) {
  deployed("Deployment", "web", "v2");
  cluster->post("/stand-in/registry", {{"example.test/web:v1", std::string(64, 'e')}});
  const Action undo = undo_to({{"deployment/web", v1.at("web")}});
  conformance::apply_well(*driver, undo, *local.host);
  ASSERT_TRUE(cluster->comes_to_run("web", "v1")) << "rollout status says ok";
  const Sight sight = driver->verify(undo, *local.host, {});
  EXPECT_EQ(sight.kind, SightKind::kDoesNotHold);
  EXPECT_NE(sight.why.find("has been moved"), std::string::npos) << sight.why;
}

TEST_F(KubernetesTest, AnUndoThatOnlySaysSoIsNoSuccess) {
  deployed("Deployment", "web", "v2");
  const std::string liar = cluster->scratch / "kubectl";
  std::ofstream(liar)
      << "#!/bin/sh\ncase \"$*\" in *'rollout undo'*) echo 'deployment.apps/web rolled back'; exit 0 ;; esac\nexec "
      << kubectl_here() << " \"$@\"\n";
  std::filesystem::permissions(liar, std::filesystem::perms(0755));
  Action undo = undo_to({{"deployment/web", v1.at("web")}});
  undo.args["program"] = liar;
  conformance::apply_well(*driver, undo, *local.host);
  const Sight sight = driver->verify(undo, *local.host, {});
  EXPECT_EQ(sight.kind, SightKind::kDoesNotHold);
  EXPECT_NE(sight.why.find("example.test/web:v2"), std::string::npos) << sight.why;
}

TEST_F(KubernetesTest, APausedDeploymentIsRefusedBeforeAnythingElseMoves) {
  deployed("Deployment", "web", "v2");
  deployed("DaemonSet", "agent", "v2");
  ASSERT_TRUE(cluster->kubectl({"rollout", "pause", "deployment/web"}).ok());
  const auto done = act(undo_to({{"daemonset/agent", v1.at("agent")}, {"deployment/web", v1.at("web")}}));
  ASSERT_TRUE(done.has_value());
  EXPECT_EQ(done->exit_status, 3);
  EXPECT_NE(done->err.find("rollout resume deployment/web"), std::string::npos) << done->err;
  std::this_thread::sleep_for(Millis(300));
  EXPECT_TRUE(cluster->runs("agent", "v2")) << "one unit: none has moved";
}

TEST_F(KubernetesTest, AnApiServerThatIsLostMidwayIsUnknownUntilItAnswersAgain) {
  deployed("Deployment", "web", "v2");
  deployed("DaemonSet", "agent", "v2");
  Action undo = undo_to({{"daemonset/agent", v1.at("agent")}, {"deployment/web", v1.at("web")}});
  undo.args["wait_ms"] = 1'000;
  // The first patch goes through; from the second on nothing is heard.
  cluster->fault({{"mode", "500"}, {"method", "PATCH"}, {"after", 1}});
  const auto done = act(undo);
  ASSERT_TRUE(done.has_value());
  EXPECT_TRUE(done->ok()) << done->err;
  EXPECT_NE(done->out.find("\"lost\""), std::string::npos) << done->out;
  Action away = undo;
  away.args["context"] = "away";
  const Sight blind = driver->verify(away, *local.host, {});
  EXPECT_EQ(blind.kind, SightKind::kCannotTell);
  EXPECT_NE(blind.why.find("rollout status"), std::string::npos) << blind.why;
  cluster->fault({{"mode", "500"}});
  EXPECT_EQ(driver->verify(undo, *local.host, {}).kind, SightKind::kCannotTell);
  cluster->fault({{"mode", ""}});
  EXPECT_EQ(driver->verify(undo, *local.host, {}).kind, SightKind::kDoesNotHold) << "one moved, the other did not";
  conformance::apply_well(*driver, undo, *local.host);
  EXPECT_EQ(look(undo).kind, SightKind::kHolds) << look(undo).why;
}

TEST_F(KubernetesTest, AShortOutageIsWaitedFor) {
  deployed("Deployment", "web", "v2");
  cluster->fault({{"mode", "500"}, {"times", 2}});
  conformance::apply_well(*driver, undo_to({{"deployment/web", v1.at("web")}}), *local.host);
  EXPECT_TRUE(cluster->comes_to_run("web", "v1"));
}

TEST_F(KubernetesTest, ARevisionThatHistoryHasLostIsSaid) {
  deployed("Deployment", "web", "v2");
  cluster->workload("Deployment", "web", "v3", {{"revisionHistoryLimit", 0}});
  ASSERT_TRUE(cluster->comes_to_run("web", "v3"));
  std::this_thread::sleep_for(Millis(200));
  const auto done = act(undo_to({{"deployment/web", v1.at("web")}}));
  ASSERT_TRUE(done.has_value());
  EXPECT_FALSE(done->ok());
  EXPECT_NE(done->err.find("revisionHistoryLimit"), std::string::npos) << done->err;
  EXPECT_TRUE(cluster->runs("web", "v3"));
}

TEST_F(KubernetesTest, OffersWhatACheckpointSaidAndRefusesWhatCannotBe) {
  deployed("Deployment", "web", "v2");
  Json subject = cluster->args({"deployment/web"});
  subject["config_maps"] = {"settings"};
  const Json seen = *driver->observe(subject, *local.host, {});
  EXPECT_EQ(seen["current"]["deployment/web"], identity("Deployment", "web")["hash"]);
  auto offering = offering_for(RunKind::kRollback, subject, seen);
  auto steps = conformance::offers_well(*driver, offering);
  ASSERT_EQ(steps.size(), 2U) << "no checkpoint: found by the tag of its image";
  EXPECT_EQ(steps[0].action.args["to"]["deployment/web"]["hash"], v1.at("web")["hash"]);
  EXPECT_EQ(steps[0].undo->args["to"]["deployment/web"]["hash"], seen["current"]["deployment/web"]);

  offering.saved = {
      {"workloads", {{"deployment/web", v1.at("web")}}},
      {"config", {{"file", "/var/lib/backout/C-1/kubernetes.json"}, {"objects", {"configmap/settings"}}}}};
  steps = conformance::offers_well(*driver, offering);
  ASSERT_EQ(steps.size(), 3U);
  EXPECT_EQ(steps[1].action.args["config_file"], "/var/lib/backout/C-1/kubernetes.json");
  EXPECT_EQ(steps[1].undo->args["config_file"], steps[0].action.args["file"]) << "in the same order, back to as found";
  EXPECT_EQ(conformance::offers_well(*driver, offering_for(RunKind::kCheckpoint, subject, seen)).size(), 2U);
  EXPECT_EQ(conformance::offers_well(*driver, offering_for(RunKind::kDeploy, subject, seen)).size(), 3U);

  offering.saved["workloads"]["deployment/web"]["hash"] = "gone";
  EXPECT_TRUE(driver->offer(offering).has_value()) << "the same template, but for a restart";
  offering.saved["workloads"]["deployment/web"]["content"] = "gone";
  EXPECT_EQ(driver->offer(offering).error().code, Code::kNotFound);
  offering.saved = Json::object();
  offering.to = Version("v7");
  EXPECT_EQ(driver->offer(offering).error().code, Code::kNotFound);
  offering.to = Version("v1");
  ASSERT_TRUE(cluster->kubectl({"rollout", "pause", "deployment/web"}).ok());
  offering.seen["local"] = *driver->observe(subject, *local.host, {});
  EXPECT_EQ(driver->offer(offering).error().code, Code::kRefused);
}

TEST_F(KubernetesTest, ADeployThatBroughtNothingIsNone) {
  deployed("Deployment", "web", "v2");
  const Json subject = cluster->args({"deployment/web"});
  const Json seen = *driver->observe(subject, *local.host, {});
  auto offering = offering_for(RunKind::kDeploy, subject, seen);
  offering.to = Version("v3");
  const auto steps = conformance::offers_well(*driver, offering);
  const Sight sight = driver->verify(steps.back().action, *local.host, {});
  EXPECT_EQ(sight.kind, SightKind::kDoesNotHold);
  EXPECT_NE(sight.why.find("nothing new"), std::string::npos) << sight.why;
}

TEST_F(KubernetesTest, ReadyNamesWhatIsMissing) {
  deployed("Deployment", "web", "v2");
  Json subject = cluster->args({"deployment/web"});
  auto offering = offering_for(RunKind::kRollback, subject, *driver->observe(subject, *local.host, {}));
  const auto severities = [&] {
    std::map<std::string, std::pair<Severity, std::string>> by_id;
    for (const Finding& each : driver->ready(offering, *local.host, driver::Depth::kQuick, {}).findings)
      if (!by_id.count(each.id) || each.severity == Severity::kRed)
        by_id[each.id] = {each.severity, each.what + each.next};
    return by_id;
  };
  EXPECT_EQ(severities()["kubernetes.may"].first, Severity::kOk) << severities()["kubernetes.may"].second;
  EXPECT_EQ(severities()["kubernetes.target"].first, Severity::kOk);
  offering.subject["context"] = "reader";
  EXPECT_EQ(severities()["kubernetes.may"].first, Severity::kRed);
  EXPECT_NE(severities()["kubernetes.may"].second.find("may not patch deployments.apps/web"), std::string::npos);
  offering.to = Version("v9");
  EXPECT_EQ(severities()["kubernetes.target"].first, Severity::kRed);

  const auto observe = [&](const char* key, const Json& value) {
    Json changed = subject;
    changed[key] = value;
    const auto seen = driver->observe(changed, *local.host, {});
    return seen ? Error{Code::kInternal, seen->dump(), ""} : seen.error();
  };
  EXPECT_EQ(observe("context", "nobody").code, Code::kDenied);
  EXPECT_EQ(observe("context", "nowhere").code, Code::kInvalid) << observe("context", "nowhere").message;
  EXPECT_EQ(observe("program", "/no/such/kubectl").code, Code::kNotFound);
  EXPECT_EQ(observe("context", "away").code, Code::kUnavailable) << observe("context", "away").message;
}

}  // namespace
}  // namespace backout::drivers::kubernetes
