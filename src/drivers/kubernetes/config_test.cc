// ConfigMaps and Secrets: saved, put back before pods are told anything, and read by the pods that serve.
#include <sys/stat.h>

#include "base/text.h"
#include "drivers/kubernetes/fixture_for_tests.h"

namespace backout::drivers::kubernetes {
namespace {

class Configured : public KubernetesTest {
 protected:
  static void secret(const std::string& value) {
    cluster->apply({{"apiVersion", "v1"},
                    {"kind", "Secret"},
                    {"metadata", {{"name", "keys"}, {"namespace", "shop"}}},
                    {"data", {{"KEY", value}}}});
  }
  /// `name`: of the file that the live objects are saved in.
  std::string save(const std::string& name) {
    Json args = cluster->args({"deployment/web"});
    args["config_maps"] = {"settings"};
    args["secrets"] = {"keys", "of-later"};
    args["file"] = cluster->scratch / ("kept/" + name + ".json");
    const Action save{"kubernetes", "save", args};
    conformance::apply_well(*driver, save, *local.host);
    EXPECT_EQ(driver->verify(save, *local.host, {}).kind, SightKind::kHolds);
    return args["file"];
  }
  Action undo_with(const Json& identities, const std::string& file) {
    Action undo = undo_to(identities);
    undo.args["config_file"] = file;
    return undo;
  }
  static Json data(const char* what) {
    const auto object = parse_json(cluster->get(std::string("/api/v1/namespaces/shop/") + what));
    return object ? get(*object, "data") : Json();
  }
  /// By what ready pods read when they started, one after the other.
  static bool all_greet(const std::string& greeting) {
    for (int i = 0; i < 4; ++i) {
      const auto settings = parse_json(cluster->get("/service/shop/web/settings"));
      if (!settings || get_string(*settings, "GREETING") != greeting) return false;
    }
    return true;
  }
};

TEST_F(Configured, SavedUnderAFileOfTheirOwnerAndPutBackIntoThePodsToo) {
  secret("b25l");
  cluster->workload("Deployment", "web", "v1");
  ASSERT_TRUE(cluster->comes_to_run("web", "v1"));
  const Json v1 = identity("Deployment", "web");
  const std::string file = save("v1");
  struct stat about {};
  ASSERT_EQ(::stat(file.c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777U, 0600U);

  // Nothing but the configuration differs, and the pods have read it.
  conformance::DriverCase c;
  c.action = undo_with({{"deployment/web", v1}}, file);
  c.reset = [&] {
    settings("changed");
    secret("dHdv");
    cluster->apply({{"kind", "ConfigMap"},
                    {"metadata", {{"name", "settings"}, {"namespace", "shop"}}},
                    {"data", {{"NEW", "key"}}}});
    (void)cluster->kubectl({"delete", "pod", "-l", "app=web", "--wait=false"});
    std::this_thread::sleep_for(Millis(100));
    ASSERT_TRUE(cluster->comes_to_run("web", "v1"));
    ASSERT_TRUE(all_greet("changed"));
  };
  c.done = [&] {
    return data("configmaps/settings") == Json{{"GREETING", "hello"}} &&
           data("secrets/keys") == Json{{"KEY", "b25l"}} && cluster->comes_to_run("web", "v1") && all_greet("hello");
  };
  c.kills = 1;
  c.settle = Millis(300);
  conformance::conforms(*driver, c);
  // Nothing of it is in what goes into the journal.
  const auto command = driver->command(c.action, *local.host);
  EXPECT_EQ((host::to_json(*command).dump() + driver->verify(c.action, *local.host, {}).evidence.dump()).find("b25l"),
            std::string::npos);
  // One that was deleted comes back.
  (void)cluster->kubectl({"delete", "secret", "keys"});
  EXPECT_EQ(driver->verify(c.action, *local.host, {}).kind, SightKind::kDoesNotHold);
  conformance::apply_well(*driver, c.action, *local.host);
  EXPECT_TRUE(c.done());
}

TEST_F(Configured, BothWaysPodsStartWithTheConfigurationOfTheirRelease) {
  secret("b25l");
  cluster->workload("Deployment", "web", "v1");
  ASSERT_TRUE(cluster->comes_to_run("web", "v1"));
  const Json v1 = identity("Deployment", "web");
  const std::string of_v1 = save("v1");
  settings("goodbye");
  cluster->workload("Deployment", "web", "v2");
  ASSERT_TRUE(cluster->comes_to_run("web", "v2"));
  const Json v2 = identity("Deployment", "web");
  const std::string as_found = save("before");
  const Action undo = undo_with({{"deployment/web", v1}}, of_v1), back = undo_with({{"deployment/web", v2}}, as_found);
  conformance::apply_well(*driver, undo, *local.host);
  EXPECT_EQ(look(undo).kind, SightKind::kHolds) << look(undo).why;
  EXPECT_TRUE(cluster->runs("web", "v1") && all_greet("hello"));
  conformance::apply_well(*driver, back, *local.host);
  EXPECT_EQ(look(back).kind, SightKind::kHolds) << look(back).why;
  EXPECT_TRUE(cluster->runs("web", "v2") && all_greet("goodbye"));
}

TEST_F(Configured, PodsThatAreOlderThanWhatTheyReadAreNoProof) {
  secret("b25l");
  cluster->workload("Deployment", "web", "v1");
  ASSERT_TRUE(cluster->comes_to_run("web", "v1"));
  const std::string file = save("v1");
  Action undo = undo_with({{"deployment/web", identity("Deployment", "web")}}, file);
  settings("changed");
  std::this_thread::sleep_for(Millis(1'100));
  const std::string liar = cluster->scratch / "kubectl-no-restart";
  std::ofstream(liar) << "#!/bin/sh\ncase \"$*\" in *'rollout restart'*) exit 0 ;; esac\nexec " << kubectl_here()
                      << " \"$@\"\n";
  std::filesystem::permissions(liar, std::filesystem::perms(0755));
  undo.args["program"] = liar;
  conformance::apply_well(*driver, undo, *local.host);
  EXPECT_EQ(data("configmaps/settings"), (Json{{"GREETING", "hello"}}));
  const Sight sight = driver->verify(undo, *local.host, {});
  EXPECT_EQ(sight.kind, SightKind::kDoesNotHold);
  EXPECT_NE(sight.why.find("must be restarted"), std::string::npos) << sight.why;
  undo.args["program"] = kubectl_here();
  conformance::apply_well(*driver, undo, *local.host);
  EXPECT_EQ(look(undo).kind, SightKind::kHolds) << look(undo).why;
  // That release again: a restart has made no other of it.
  settings("changed");
  conformance::apply_well(*driver, undo, *local.host);
  EXPECT_EQ(look(undo).kind, SightKind::kHolds) << look(undo).why;
  EXPECT_TRUE(all_greet("hello"));
}

TEST_F(Configured, WhatDoesNotReadThemIsLeftRunning) {
  std::this_thread::sleep_for(Millis(1'100));  // pods of the same second as what they read could be older
  cluster->workload("Deployment", "web", "v1");
  ASSERT_TRUE(cluster->comes_to_run("web", "v1"));
  secret("b25l");
  const std::string file = save("v1");
  secret("dHdv");
  const auto pods = [&] { return cluster->kubectl({"get", "pods", "-o", "name"}).out; };
  const std::string before = pods();
  const Action undo = undo_with({{"deployment/web", identity("Deployment", "web")}}, file);
  conformance::apply_well(*driver, undo, *local.host);
  EXPECT_EQ(look(undo).kind, SightKind::kHolds) << look(undo).why;
  EXPECT_EQ(pods(), before);
  EXPECT_EQ(data("secrets/keys"), (Json{{"KEY", "b25l"}}));
}

TEST_F(Configured, WhatPodsReadAndNobodyNamedIsSaidToStay) {
  cluster->workload("Deployment", "web", "v1");
  ASSERT_TRUE(cluster->comes_to_run("web", "v1"));
  driver::Offering offering;
  offering.kind = RunKind::kRollback;
  offering.from = Version("v2");
  offering.to = Version("v1");
  offering.hosts = {"local"};
  offering.subject = cluster->args({"deployment/web"});
  const auto stays = [&] {
    const auto seen = driver->observe(offering.subject, *local.host, {});
    EXPECT_TRUE(seen);
    offering.seen["local"] = *seen;
    return join(driver->takes_away(offering, *local.host, {}).value_or(std::vector<std::string>{"failed"}), "; ");
  };
  EXPECT_NE(stays().find("configmap/settings, which deployment/web reads, stays as it is: code.kubernetes.config_maps "
                         "does not name it"),
            std::string::npos)
      << stays();
  std::string warned;
  for (const Finding& each : driver->ready(offering, *local.host, driver::Depth::kQuick, {}).findings)
    if (each.id == "kubernetes.reads") warned += each.what;
  EXPECT_NE(warned.find("in a rollback configmap/settings"), std::string::npos) << warned;
  offering.subject["config_maps"] = {"settings"};
  EXPECT_EQ(stays().find("configmap/settings"), std::string::npos) << stays();
}

}  // namespace
}  // namespace backout::drivers::kubernetes
