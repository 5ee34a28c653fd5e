// Which cluster: the one that was looked at, whatever is said to kubectl in between.
#include "drivers/kubernetes/fixture_for_tests.h"

namespace backout::drivers::kubernetes {
namespace {

class InContext : public KubernetesTest {
 protected:
  void SetUp() override {
    KubernetesTest::SetUp();
    if (IsSkipped()) return;
    kubeconfig = cluster->scratch / "people";
    std::ofstream(kubeconfig) << cluster->get("/stand-in/kubeconfig");
    subject = cluster->args({"deployment/web"});
    subject["kubeconfig"] = kubeconfig;
    subject.erase("context");
    deployed("Deployment", "web", "v2");
  }
  void kubectl_config(std::vector<std::string> words) const {
    words.insert(words.begin(), {kubectl_here(), "--kubeconfig=" + kubeconfig, "config"});
    const auto done = os::run_process({.argv = words});
    ASSERT_TRUE(done && done->ok()) << words[3];
  }
  /// The step that switches, as planned while the context `admin` was the current one.
  Step planned() {
    const auto seen = driver->observe(subject, *local.host, {});
    EXPECT_TRUE(seen.has_value()) << (seen ? "" : seen.error().message);
    auto offering = offering_for(RunKind::kRollback, subject, seen.value_or(Json::object()));
    return conformance::offers_well(*driver, offering).front();
  }
  std::string kubeconfig;
  Json subject;
};

TEST_F(InContext, UseContextBetweenPlanAndRunChangesNothing) {
  const Step step = planned();
  EXPECT_EQ(step.action.args["cluster"]["context"], "admin");
  kubectl_config({"use-context", "away"});
  conformance::apply_well(*driver, step.action, *local.host);
  EXPECT_EQ(look(step.action).kind, SightKind::kHolds) << look(step.action).why;
  EXPECT_TRUE(cluster->runs("web", "v1"));
  const auto seen = driver->observe(subject, *local.host, {});
  EXPECT_FALSE(seen.has_value()) << "the current one is another, and a new plan would say so";
}

TEST_F(InContext, AContextThatMeansAnotherClusterIsNotTold) {
  const Step step = planned();
  kubectl_config({"set-cluster", "admin", "--server=" + cluster->url() + "/as/reader"});
  const auto done = act(step.action);
  ASSERT_TRUE(done.has_value());
  EXPECT_EQ(done->exit_status, 3);
  EXPECT_NE(done->err.find("kubectl leads to context admin at " + cluster->url() + "/as/reader now"), std::string::npos)
      << done->err;
  const Sight sight = driver->verify(step.action, *local.host, {});
  EXPECT_EQ(sight.kind, SightKind::kCannotTell);
  EXPECT_TRUE(cluster->runs("web", "v2"));
}

TEST_F(InContext, APlanThatWasMadeForOneClusterIsStaleInAnother) {
  const Json before = *driver->observe(subject, *local.host, {});
  kubectl_config({"use-context", "reader"});
  const Json now = *driver->observe(subject, *local.host, {});
  EXPECT_NE(before["current"], now["current"]) << "app/planning/staleness.h compares them";
  // What a checkpoint says of one is not for the other.
  auto offering = offering_for(RunKind::kRollback, subject, now);
  offering.saved = {{"workloads", {{"deployment/web", v1.at("web")}}}, {"cluster", before["cluster"]}};
  const auto steps = driver->offer(offering);
  ASSERT_FALSE(steps.has_value());
  EXPECT_EQ(steps.error().code, Code::kRefused);
  EXPECT_NE(steps.error().message.find("context admin, and the current one is reader"), std::string::npos)
      << steps.error().message;
  offering.subject["context"] = "reader";
  offering.saved["cluster"]["server"] = now["cluster"]["server"];
  EXPECT_TRUE(driver->offer(offering).has_value()) << "another name of the same cluster, said by backout.yaml";
}

TEST_F(InContext, TheSameNameInAnotherKubeconfigIsNotTheSameCluster) {
  const Json before = *driver->observe(subject, *local.host, {});
  Json now = before;
  now["cluster"]["server"] = cluster->url() + "/as/reader";
  auto offering = offering_for(RunKind::kRollback, subject, now);
  offering.saved = {{"workloads", {{"deployment/web", v1.at("web")}}}, {"cluster", before["cluster"]}};
  for (const char* configured : {"", "admin"}) {
    if (*configured != 0) offering.subject["context"] = configured;
    const auto steps = driver->offer(offering);
    ASSERT_FALSE(steps.has_value()) << configured;
    EXPECT_EQ(steps.error().code, Code::kRefused);
    EXPECT_NE(steps.error().message.find("and kubectl's context admin leads to " + cluster->url() + "/as/reader"),
              std::string::npos)
        << steps.error().message;
  }
  offering.seen["local"] = before;
  EXPECT_TRUE(driver->offer(offering).has_value());
}

TEST_F(InContext, ALookAtAReleaseGoesWhereThatWasRecorded) {
  auto offering = offering_for(RunKind::kDeploy, subject, {});
  offering.seen.clear();
  const auto note = driver->verify({"kubernetes", "note", subject}, *local.host, {});
  ASSERT_EQ(note.kind, SightKind::kHolds) << note.why;
  offering.to = Version("v2");
  offering.saved = note.evidence;
  kubectl_config({"use-context", "away"});
  const auto steps = conformance::offers_well(*driver, offering);
  const Sight sight = look(steps.back().action);
  EXPECT_EQ(sight.kind, SightKind::kHolds) << sight.why;
}

}  // namespace
}  // namespace backout::drivers::kubernetes
