// Releases taken back by Helm: a stand-in of helm, on the stand-in of a cluster, with a real kubectl for the proof.
#include "conformance/conformance.h"
#include "drivers/kubernetes/cluster_for_tests.h"
#include "drivers/kubernetes/kubernetes.h"

namespace backout::drivers::kubernetes {
namespace {

class HelmTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto there = os::run_process({.argv = {kubectl_here(), "version", "--client"}});
    if (!there || !there->ok()) GTEST_SKIP() << "needs kubectl (kubernetes-client)";
    cluster = std::make_unique<TestCluster>();
    upgrade("v1");
    upgrade("v2");
  }

  void upgrade(const std::string& version) {
    const Json object = cluster->workload_object("Deployment", "web", version);
    std::ofstream(cluster->scratch / "objects.json") << Json::array({object});
    const auto done = helm({"upgrade", "shop", version, cluster->scratch / "objects.json"});
    ASSERT_TRUE(done.ok()) << done.err;
    ASSERT_TRUE(cluster->comes_to_run("web", version));
  }
  /// The revision as somebody's helm has it.
  void leave(int64_t number, const std::string& status, const std::string& description,
             const std::string& updated = "") const {
    auto history = *parse_json(*os::read_file(cluster->scratch / "helm.json"));
    Json& shop = history["shop"];
    while (static_cast<int64_t>(shop.size()) >= number) shop.erase(shop.size() - 1);
    shop.push_back(
        {{"revision", number}, {"status", status}, {"description", description}, {"objects", Json::array()}});
    if (!updated.empty()) shop.back()["updated"] = updated;
    std::ofstream(cluster->scratch / "helm.json") << history;
  }
  os::ProcessResult helm(std::vector<std::string> words) const {
    words.insert(words.begin(), program);
    words.insert(words.end(), {"--namespace=shop", "--kubeconfig=" + cluster->kubeconfig()});
    auto done = os::run_process({.argv = words});
    EXPECT_TRUE(done.has_value());
    return done ? *done : os::ProcessResult{.exit_status = 127};
  }
  Json args() const {
    Json args = cluster->args({"deployment/web"});
    args["helm"] = "shop";
    args["helm_program"] = program;
    return args;
  }
  driver::Offering back_to_v1() {
    driver::Offering offering;
    offering.site = SiteId("shop/production");
    offering.from = Version("v2");
    offering.to = Version("v1");
    offering.subject = args();
    offering.hosts = {"local"};
    const auto seen = driver->observe(offering.subject, *local.host, {});
    EXPECT_TRUE(seen.has_value()) << (seen ? "" : seen.error().message);
    if (seen) offering.seen["local"] = *seen;
    offering.run_directory = cluster->scratch.path();
    return offering;
  }

  const std::string program = BACKOUT_SOURCE_DIR "/tests/support/cluster/helm.py";
  std::unique_ptr<TestCluster> cluster;
  conformance::LocalHost local;
  std::unique_ptr<driver::Driver> driver = make_kubernetes_driver(std::filesystem::read_symlink("/proc/self/exe"));
};

TEST_F(HelmTest, Conforms) {
  const auto steps = conformance::offers_well(*driver, back_to_v1());
  ASSERT_EQ(steps.size(), 2U);
  EXPECT_EQ(steps[0].action.args["to_revision"], 1);
  conformance::DriverCase c;
  c.action = steps[0].action;
  c.undo = steps[0].undo;
  c.reset = [&] {};
  c.done = [&] { return cluster->runs("web", "v1"); };
  c.as_before = [&] { return cluster->comes_to_run("web", "v2"); };
  c.kills = 2;
  c.settle = Millis(400);
  Action nothing = c.action;
  nothing.args["to_revision"] = 0;
  c.bad = {nothing};
  conformance::conforms(*driver, c);
}

TEST_F(HelmTest, ASecondTimeIsNoOtherRollback) {
  const auto steps = conformance::offers_well(*driver, back_to_v1());
  for (int twice = 0; twice < 2; ++twice) conformance::apply_well(*driver, steps[0].action, *local.host);
  const auto history = parse_json(helm({"history", "shop", "--output=json"}).out);
  ASSERT_TRUE(history.has_value());
  EXPECT_EQ(history->size(), 3U);
}

/// As a helm that was killed leaves it: a rollback is the one thing that real helm does not refuse then.
TEST_F(HelmTest, OneThatWasKilledMidwayIsDoneAgain) {
  const auto steps = driver->offer(back_to_v1());
  ASSERT_TRUE(steps.has_value()) << steps.error().message;
  leave(3, "pending-rollback", "Rollback to 1");
  std::ofstream(cluster->scratch / "helm-begun.json") << R"([{"newest": 2, "to": 1}])";
  EXPECT_EQ(driver->verify(steps->front().action, *local.host, {}).kind, SightKind::kDoesNotHold);
  conformance::apply_well(*driver, steps->front().action, *local.host);
  EXPECT_TRUE(cluster->comes_to_run("web", "v1"));
  EXPECT_EQ(driver->verify(steps->front().action, *local.host, {}).kind, SightKind::kHolds);
}

TEST_F(HelmTest, SomebodyElsesIsNotOursWhateverItSays) {
  const auto steps = driver->offer(back_to_v1());
  ASSERT_TRUE(steps.has_value()) << steps.error().message;
  const auto refused = [&](const Action& action, const std::string& words) {
    const auto done = conformance::apply(*driver, action, *local.host);
    ASSERT_TRUE(done.has_value()) << done.error().message;
    EXPECT_EQ(done->exit_status, 3) << done->out;
    EXPECT_NE(done->err.find(words), std::string::npos) << done->err;
    EXPECT_TRUE(cluster->runs("web", "v2")) << "and nothing was told";
  };
  leave(3, "pending-upgrade", "Preparing upgrade");  // between plan and run; ours was not begun
  refused(steps->front().action, "somebody else's helm is at work on shop: revision 3 (pending-upgrade");
  leave(3, "pending-rollback", "Rollback to 1");
  refused(steps->front().action, "somebody else's helm is at work on shop: revision 3 (pending-rollback");
  // Nothing of ours was begun, so nothing is undone, and their revision is left to them.
  const auto undone = conformance::apply(*driver, *steps->front().undo, *local.host);
  ASSERT_TRUE(undone && undone->ok()) << undone->err;
  EXPECT_EQ(driver->verify(*steps->front().undo, *local.host, {}).kind, SightKind::kHolds);
  leave(3, "deployed", "Upgrade complete");
  refused(steps->front().action, "somebody else's helm has changed shop: revision 3 (deployed");
  // Ours was killed in revision 3, and then somebody upgraded.
  std::ofstream(cluster->scratch / "helm-begun.json") << R"([{"newest": 2, "to": 1}])";
  leave(3, "pending-rollback", "Rollback to 1");
  leave(4, "pending-upgrade", "Preparing upgrade");
  refused(steps->front().action, "somebody else's helm is at work on shop: revision 4 (pending-upgrade");
  refused(*steps->front().undo, "somebody else's helm is at work on shop: revision 4 (pending-upgrade");
}

TEST_F(HelmTest, WhileOneMayBeAtWorkThereIsNoPlan) {
  const auto before = [](int minutes) { return to_iso(system_clock().wall() - std::chrono::minutes(minutes)); };
  leave(3, "pending-upgrade", "Preparing upgrade", before(2));
  driver::Offering now = back_to_v1();
  const auto refused = driver->offer(now);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Code::kRefused);
  EXPECT_NE(refused.error().message.find("a helm may be at work on shop: revision 3 is pending-upgrade"),
            std::string::npos)
      << refused.error().message;
  EXPECT_NE(refused.error().next.find("sh.helm.release.v1.shop.vN"), std::string::npos);
  now.subject["from_whole"] = false;  // the deploy was backout's, and failed
  EXPECT_TRUE(driver->offer(now).has_value());
  leave(3, "pending-upgrade", "Preparing upgrade");  // it does not say when it began
  EXPECT_FALSE(driver->offer(back_to_v1()).has_value());
  leave(3, "pending-upgrade", "Preparing upgrade", before(11));
  const auto steps = driver->offer(back_to_v1());
  ASSERT_TRUE(steps.has_value()) << steps.error().message;
  EXPECT_NE(steps->front().title.find("revision 3 is pending-upgrade (Preparing upgrade) since 2"), std::string::npos)
      << steps->front().title;
  conformance::apply_well(*driver, steps->front().action, *local.host);
  EXPECT_TRUE(cluster->comes_to_run("web", "v1"));
}

TEST_F(HelmTest, ARevisionMoreIsAnotherWorldForAPlan) {
  const Json before = back_to_v1().seen["local"]["current"];
  leave(3, "pending-upgrade", "Preparing upgrade");
  EXPECT_NE(back_to_v1().seen["local"]["current"], before);
}

TEST_F(HelmTest, ThatHelmSaysDeployedDoesNotProveIt) {
  // The release is back, and somebody has set the image by hand since.
  const auto steps = driver->offer(back_to_v1());
  ASSERT_TRUE(steps.has_value()) << steps.error().message;
  conformance::apply_well(*driver, steps->front().action, *local.host);
  cluster->workload("Deployment", "web", "v2");
  ASSERT_TRUE(cluster->comes_to_run("web", "v2"));
  const Sight sight = driver->verify(steps->front().action, *local.host, {});
  EXPECT_EQ(sight.kind, SightKind::kDoesNotHold);
  EXPECT_NE(sight.why.find("example.test/web:v2"), std::string::npos) << sight.why;
}

}  // namespace
}  // namespace backout::drivers::kubernetes
