// Weights of a VirtualService: what a real kubectl printed, and a real kubectl before a stand-in of the API server.
#include "drivers/traffic/istio.h"

#include "drivers/kubernetes/cluster_for_tests.h"
#include "drivers/traffic/pools_for_tests.h"

namespace backout::drivers {
namespace {

Json istio_golden(const std::string& name) {
  return *parse_json(*os::read_file(BACKOUT_SOURCE_DIR "/tests/golden/kubernetes/" + name));
}
Pools two_subsets() {
  Pools pools;
  for (const char* name : {"stable", "canary"}) pools.by_name[name] = {.name = name, .urls = {"http://127.0.0.1:1"}};
  pools.by_name["stable"].args = {{"subset", "v1"}};
  pools.by_name["canary"].args = {{"subset", "v2"}};
  return pools;
}

TEST(IstioRoute, IsReadAndPatchedWhereItStands) {
  const Json web = istio_golden("27-vs-get-json.stdout");
  const auto route = istio_route(web, two_subsets(), "");
  ASSERT_TRUE(route.has_value()) << route.error().message;
  EXPECT_EQ(route->numbers, (Numbers{{"stable", 90}, {"canary", 10}}));
  EXPECT_EQ(route->resource_version, "599");
  EXPECT_EQ(istio_route(istio_golden("30-vs-get-json-after.stdout"), two_subsets(), "")->numbers,
            (Numbers{{"stable", 100}, {"canary", 0}}));
  const Json patch = istio_patch(*route, {{"stable", 100}, {"canary", 0}});
  EXPECT_EQ(canonical(patch), canonical(*parse_json(R"([
    {"op": "test", "path": "/metadata/resourceVersion", "value": "599"},
    {"op": "add", "path": "/spec/http/0/route/1/weight", "value": 0},
    {"op": "add", "path": "/spec/http/0/route/0/weight", "value": 100}])")));
}

TEST(IstioRoute, WhatCannotBeIsSaid) {
  Json web = istio_golden("27-vs-get-json.stdout");
  EXPECT_EQ(istio_route(web, two_subsets(), "main").error().code, Code::kNotFound) << "no route of that name";
  web["spec"]["http"].push_back(web["spec"]["http"][0]);
  EXPECT_EQ(istio_route(web, two_subsets(), "").error().code, Code::kConflict) << "which of the two?";
  web["spec"]["http"][1]["name"] = "main";
  EXPECT_EQ(istio_route(web, two_subsets(), "main")->route, 1U);
  web["spec"]["http"][1]["route"].erase(1);
  EXPECT_EQ(istio_route(web, two_subsets(), "main").error().code, Code::kNotFound) << "no destination for the canary";
  for (const char* text : {"{}", "[]", "null", R"({"spec": {"http": 1}})"})
    EXPECT_FALSE(istio_route(*parse_json(text), two_subsets(), "").has_value()) << text;
}

TEST(IstioRoute, WhatIsNoPoolIsLeftAloneWithoutTrafficAndRefusedWithIt) {
  Json web = istio_golden("27-vs-get-json.stdout");
  Json& destinations = web["spec"]["http"][0]["route"];
  Json third = destinations[0];
  third["destination"] = {{"host", "shadow"}, {"subset", "v3"}};
  third["weight"] = 0;
  destinations.push_back(third);
  const auto kept = istio_route(web, two_subsets(), "");
  ASSERT_TRUE(kept.has_value()) << kept.error().message;
  EXPECT_EQ(kept->numbers, (Numbers{{"stable", 90}, {"canary", 10}}));
  EXPECT_EQ(istio_patch(*kept, {{"stable", 100}, {"canary", 0}}).dump().find("/route/2/"), std::string::npos);
  destinations[2]["weight"] = 100;
  const auto beside = istio_route(web, two_subsets(), "");
  ASSERT_FALSE(beside.has_value()) << "half of the traffic is no pool's";
  EXPECT_EQ(beside.error().code, Code::kConflict);
  EXPECT_NE(beside.error().message.find("shadow subset v3 (weight 100)"), std::string::npos) << beside.error().message;
  destinations[2]["destination"]["subset"] = "v1";
  EXPECT_EQ(istio_route(web, two_subsets(), "").error().code, Code::kConflict) << "two destinations of one subset";
}

TEST(IstioRoute, OtherRoutesToThePoolsAreSaid) {
  Json web = istio_golden("27-vs-get-json.stdout");
  web["spec"]["http"].push_back(web["spec"]["http"][0]);
  web["spec"]["http"][0]["name"] = "api";
  web["spec"]["http"][1]["name"] = "main";
  EXPECT_NE(istio_route(web, two_subsets(), "main")->note.find("as they were: api"), std::string::npos);
  web["spec"]["http"].erase(0);
  EXPECT_EQ(istio_route(web, two_subsets(), "main")->note, "");
}

class IstioTest : public TrafficTest {
 protected:
  void SetUp() override {
    const auto there = os::run_process({.argv = {kubernetes::kubectl_here(), "version", "--client"}});
    if (!there || !there->ok()) GTEST_SKIP() << "needs kubectl (kubernetes-client)";
    cluster = std::make_unique<kubernetes::TestCluster>();
    pools.start();
    cluster->post("/stand-in/mesh", {{"blue", url_of(pools.blue.port)}, {"green", url_of(pools.green.port)}});
    weights(0, 100);
  }
  void weights(int blue, int green) const {
    Json route = Json::array();
    for (const auto& [name, weight] : {std::pair{"blue", blue}, std::pair{"green", green}})
      route.push_back({{"destination", {{"host", "web"}, {"subset", name}}}, {"weight", weight}});
    cluster->apply({{"kind", "VirtualService"},
                    {"metadata", {{"name", "web"}, {"namespace", "shop"}}},
                    {"spec", {{"hosts", {"web"}}, {"http", Json::array({{{"route", route}}})}}}});
  }
  Json subject() const {
    Json args = {{"namespace", "shop"},
                 {"virtual_service", "web"},
                 {"kubeconfig", cluster->kubeconfig()},
                 {"program", kubernetes::kubectl_here()},
                 {"version", "/version"},
                 {"pools", pools.pools()},
                 {"public_url", cluster->url() + "/mesh"}};
    return args;
  }
  bool all_answer(const std::string& version) const {
    for (int i = 0; i < 20; ++i)
      if (cluster->get("/mesh/version") != version) return false;
    return true;
  }
  std::unique_ptr<kubernetes::TestCluster> cluster;
  std::unique_ptr<driver::Driver> driver = make_istio_driver(std::filesystem::read_symlink("/proc/self/exe"));
};

TEST_F(IstioTest, Conforms) {
  Json nothing = subject(), option = subject();
  nothing.erase("virtual_service");
  option["virtual_service"] = "--all";
  conformance::conforms(*driver,
                        {.action = shift(*driver, subject(), {{"blue", 100}}),
                         .undo = shift(*driver, subject(), {{"green", 100}}, true),
                         .reset = [this] { weights(0, 100); },
                         .done = [this] { return all_answer("v1"); },
                         .always = [this] { return !cluster->get("/mesh/version").empty(); },
                         .bad = {shift(*driver, nothing, {{"blue", 100}}), shift(*driver, option, {{"blue", 100}})},
                         .kills = 1,
                         .settle = Millis(60)});
}

TEST_F(IstioTest, WhoeverWasFasterIsLookedAtAgain) {
  // The first patch is refused as one that came too late.
  cluster->fault({{"mode", "conflict"}, {"method", "PATCH"}, {"times", 1}});
  const auto result = apply(*driver, shift(*driver, subject(), {{"blue", 90}, {"green", 10}}));
  EXPECT_TRUE(result.ok()) << result.err;
  EXPECT_NE(result.out.find("looked at again"), std::string::npos) << result.out;
  EXPECT_EQ((*driver->observe(subject(), *local.host, {}))["weights"], (Json{{"blue", 90}, {"green", 10}}));
}

TEST_F(IstioTest, WhatWasShutIsShutAgainByTheUndo) {
  weights(0, 0);
  const auto steps = conformance::offers_well(*driver, offering(*driver, subject()));
  ASSERT_EQ(steps.size(), 3U);
  ASSERT_TRUE(apply(*driver, steps[1].action).ok());
  ASSERT_TRUE(all_answer("v1"));
  ASSERT_TRUE(apply(*driver, *steps[1].undo).ok());
  const Sight shut = driver->verify(*steps[1].undo, *local.host, {});
  EXPECT_EQ(shut.kind, SightKind::kHolds) << shut.why;
  EXPECT_EQ((*driver->observe(subject(), *local.host, {}))["weights"], (Json{{"blue", 0}, {"green", 0}}));
}

TEST_F(IstioTest, TheUndoPutsBackTheVeryNumbers) {
  for (const auto& [blue, green] : {std::pair{1, 999}, {1, 2}}) {
    weights(blue, green);
    const auto steps = conformance::offers_well(*driver, offering(*driver, subject()));
    ASSERT_EQ(steps.size(), 3U);
    ASSERT_TRUE(apply(*driver, steps[1].action).ok());
    weights(1, green == 2 ? 3 : 99);
    EXPECT_EQ(driver->verify(*steps[1].undo, *local.host, {}).kind, SightKind::kDoesNotHold);
    ASSERT_TRUE(apply(*driver, *steps[1].undo).ok());
    EXPECT_TRUE(becomes(*driver, *steps[1].undo));
    EXPECT_EQ((*driver->observe(subject(), *local.host, {}))["as_set"], (Json{{"blue", blue}, {"green", green}}));
  }
}

TEST_F(IstioTest, TrafficThatGoesBesideThePoolsIsNoSuccess) {
  const Action to_blue = shift(*driver, subject(), {{"blue", 100}});
  conformance::apply_well(*driver, to_blue, *local.host);
  EXPECT_EQ(driver->verify(to_blue, *local.host, {}).kind, SightKind::kHolds);
  Json route = Json::array();
  for (const char* subset : {"blue", "green", "orange"})
    route.push_back(
        {{"destination", {{"host", "web"}, {"subset", subset}}}, {"weight", subset == std::string("green") ? 0 : 100}});
  cluster->apply({{"kind", "VirtualService"},
                  {"metadata", {{"name", "web"}, {"namespace", "shop"}}},
                  {"spec", {{"hosts", {"web"}}, {"http", Json::array({{{"route", route}}})}}}});
  EXPECT_FALSE(all_answer("v1")) << "the mesh divides by all of the weights";
  const Sight sight = driver->verify(to_blue, *local.host, {});
  EXPECT_NE(sight.kind, SightKind::kHolds);
  EXPECT_NE(sight.why.find("web subset orange (weight 100)"), std::string::npos) << sight.why;
  const auto told = apply(*driver, to_blue);
  EXPECT_FALSE(told.ok());
  EXPECT_NE(told.err.find("orange"), std::string::npos) << told.err;
}

TEST_F(IstioTest, AnotherClusterIsNotTold) {
  const auto steps = conformance::offers_well(*driver, offering(*driver, subject()));
  const auto shift =
      std::find_if(steps.begin(), steps.end(), [](const Step& each) { return each.action.verb == "shift"; });
  ASSERT_NE(shift, steps.end());
  EXPECT_EQ(shift->action.args["cluster"]["context"], "admin");
  EXPECT_EQ(shift->undo->args["cluster"], shift->action.args["cluster"]);
  Action moved = shift->action;
  moved.args["cluster"]["server"] = "https://10.0.0.1:6443";
  const auto told = apply(*driver, moved);
  EXPECT_FALSE(told.ok());
  EXPECT_NE(told.err.find("and not to context admin at https://10.0.0.1:6443"), std::string::npos) << told.err;
  EXPECT_EQ(driver->verify(moved, *local.host, {}).kind, SightKind::kCannotTell);
  EXPECT_EQ((*driver->observe(subject(), *local.host, {}))["weights"], (Json{{"blue", 0}, {"green", 100}}));
}

TEST_F(IstioTest, OffersAWayBackToThePoolThatRunsIt) {
  const auto steps = conformance::offers_well(*driver, offering(*driver, subject()));
  ASSERT_FALSE(steps.empty());
  EXPECT_TRUE(std::any_of(steps.begin(), steps.end(), [](const Step& step) { return step.action.verb == "shift"; }));
  cluster->fault({{"mode", "500"}});
  EXPECT_EQ(driver->verify(shift(*driver, subject(), {{"blue", 100}}), *local.host, {}).kind, SightKind::kCannotTell);
}

}  // namespace
}  // namespace backout::drivers
