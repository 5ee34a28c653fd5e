// The driver in front of a stand-in of a cluster, with what tests of it ask again and again.
#pragma once
#include "conformance/conformance.h"
#include "drivers/kubernetes/cluster_for_tests.h"
#include "drivers/kubernetes/kubernetes.h"

namespace backout::drivers::kubernetes {

class KubernetesTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    const auto there = os::run_process({.argv = {kubectl_here(), "version", "--client"}});
    if (there && there->ok()) cluster = std::make_unique<TestCluster>();
  }
  static void TearDownTestSuite() { cluster.reset(); }
  void SetUp() override {
    if (!cluster) GTEST_SKIP() << "needs kubectl (kubernetes-client)";
    cluster->post("/stand-in/reset", Json::object());
    settings("hello");
  }

  static void settings(const std::string& greeting) {
    cluster->apply({{"apiVersion", "v1"},
                    {"kind", "ConfigMap"},
                    {"metadata", {{"name", "settings"}, {"namespace", "shop"}}},
                    {"data", {{"GREETING", greeting}}}});
  }
  /// v1, and then `tag`, with nothing left of v1 but its revision.
  void deployed(const std::string& kind, const std::string& app, const std::string& tag) {
    cluster->workload(kind, app, "v1");
    ASSERT_TRUE(cluster->comes_to_run(app, "v1"));
    v1[app] = identity(kind, app);
    cluster->workload(kind, app, tag);
    if (tag == "v2") {
      ASSERT_TRUE(cluster->comes_to_run(app, "v2"));
    }
  }
  static std::string workload_of(std::string kind, const std::string& app) {
    std::transform(kind.begin(), kind.end(), kind.begin(), [](unsigned char c) { return std::tolower(c); });
    return kind + "/" + app;
  }
  Json identity(const std::string& kind, const std::string& app) {
    const std::string name = workload_of(kind, app);
    const auto seen = driver->observe(cluster->args({name}), *local.host, {});
    EXPECT_TRUE(seen.has_value()) << (seen ? "" : seen.error().message);
    return seen ? (*seen)["workloads"][name] : Json();
  }
  Action undo_to(const Json& identities) {
    std::vector<std::string> names;
    for (const auto& [name, ignored] : identities.items()) names.push_back(name);
    Json args = cluster->args(names);
    args["to"] = identities;
    return {"kubernetes", "undo", args};
  }
  /// verify() with the patience that the step would have.
  Sight look(const Action& action) {
    Sight sight;
    for (int tries = 0; tries < 60; ++tries) {
      sight = driver->verify(action, *local.host, {});
      if (sight.kind == SightKind::kHolds || get_bool(sight.evidence, "final")) return sight;
      std::this_thread::sleep_for(Millis(20));
    }
    return sight;
  }
  Result<host::CommandResult> act(const Action& action) { return conformance::apply(*driver, action, *local.host); }

  static inline std::unique_ptr<TestCluster> cluster;
  conformance::LocalHost local;
  std::map<std::string, Json> v1;
  std::unique_ptr<driver::Driver> driver = make_kubernetes_driver(std::filesystem::read_symlink("/proc/self/exe"));
};

inline driver::Offering offering_for(RunKind kind, const Json& subject, const Json& seen) {
  driver::Offering offering;
  offering.kind = kind;
  offering.site = SiteId("shop/production");
  offering.from = Version("v2");
  offering.to = Version("v1");
  offering.subject = subject;
  offering.hosts = {"local"};
  offering.seen["local"] = seen;
  offering.run_directory = "/var/lib/backout/runs/R-1";
  return offering;
}

}  // namespace backout::drivers::kubernetes
