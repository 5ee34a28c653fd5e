// The compose driver against a real daemon, the real docker-compose and the real `docker compose`.
#include "drivers/compose/compose.h"

#include "conformance/conformance.h"
#include "drivers/compose/compose_for_tests.h"

namespace backout::drivers {

namespace {

using conformance::answer;
using conformance::holds;
using conformance::must;

using ComposeOnce = Compose;

TEST_P(Compose, conforms_when_switching) {
  shop->deploy();
  auto plan = steps();
  const Step up = plan["up-code"];
  apply(plan["keep-config-code"].action);
  const std::string v1 = shop->id_of("shop:v1"), v2 = shop->id_of("shop:v2");
  const auto is = [&](const std::string& version, const std::string& id) {
    return shop->serves() == version && shop->runs("web") == id && shop->runs("worker") == id &&
           holds("grep -qx TAG=" + version + " " + shop->path + "/.env");
  };
  std::vector<Action> bad(4, up.action);
  bad[0].args["on"]["local"]["path"] = "shop";
  bad[1].args["on"]["local"]["tool"] = "rm -rf";
  bad[2].args["set"] = "/etc";
  bad[3].args["on"]["local"]["images"] = {{{"service", "web;x"}, {"ref", "shop:v1"}, {"image", v1}}};
  conformance::conforms(*shop->driver, {.action = up.action,
                                        .undo = up.undo,
                                        .reset =
                                            [&] {
                                              shop->write("v2", Project::kWorker);
                                              shop->compose("up -d -t 0");
                                            },
                                        .done = [&] { return is("v1", v1); },
                                        .as_before = [&] { return is("v2", v2); },
                                        .bad = bad,
                                        .kills = 2});
}

TEST_P(ComposeOnce, conforms_when_protecting_images_and_they_outlive_a_prune) {
  shop->compose("up -d");
  shop->checkpoint();
  shop->write("v2", Project::kWorker);
  shop->compose("up -d");
  const Action pin = steps()["pin-code"].action;
  const std::string v2 = shop->id_of("shop:v2");
  std::vector<Action> bad(2, pin);
  bad[0].args["version"] = "../v1";
  bad[1].args["on"]["local"]["images"] = Json::array();
  conformance::conforms(
      *shop->driver, {.action = pin,
                      .reset = [] { must("docker ps -aq --filter label=backout.version=v2 | xargs -r docker rm -v"); },
                      .done =
                          [&] {
                            return answer("docker ps -a --filter label=backout.version=v2 --format '{{.Names}}'")
                                       .find("backout-keeps-shop-v2-") == 0;
                          },
                      .bad = bad,
                      .kills = 2});
  apply(pin);
  Dockerd::shared().image("unused", "unused:1");
  must("docker image prune -a -f");
  EXPECT_FALSE(shop->id_of("shop:v1").empty()) << "nothing runs it, and its container protects it";
  EXPECT_EQ(shop->id_of("shop:v2"), v2);
  EXPECT_TRUE(shop->id_of("unused:1").empty());
}

TEST_P(ComposeOnce, a_tag_that_moved_is_noticed_and_given_back) {
  const std::string v1 = shop->id_of("shop:v1"), v3 = shop->id_of("shop:v3");
  shop->deploy();
  must("docker tag shop:v3 shop:v1");
  auto plan = steps();
  const Step up = plan["up-code"];
  apply(plan["keep-config-code"].action);
  shop->write("v1", Project::kWorker);
  shop->compose("up -d -t 0");
  EXPECT_EQ(shop->serves(), "v3") << "the case itself";
  const Sight moved = look(plan["runs-code"].action);
  EXPECT_EQ(moved.kind, SightKind::kDoesNotHold);
  EXPECT_NE(moved.why.find("the tag moved"), std::string::npos) << moved.why;
  apply(up.action);
  EXPECT_EQ(look(up.action).kind, SightKind::kHolds) << look(up.action).why;
  EXPECT_EQ(shop->serves(), "v1");
  EXPECT_EQ(shop->id_of("shop:v1"), v1);
  apply(*up.undo);
  EXPECT_EQ(shop->id_of("shop:v1"), v3) << "as it was found";
}

TEST_P(Compose, a_tool_that_says_done_and_does_nothing_is_not_believed) {
  shop->deploy();
  auto plan = steps();
  const Step up = plan["up-code"];
  apply(plan["keep-config-code"].action);
  {
    const Liar liar(tool, "Recreating " + tool.container("web") + " ... done");
    apply(up.action);
  }
  const Sight sight = look(up.action);
  EXPECT_EQ(sight.kind, SightKind::kDoesNotHold);
  EXPECT_NE(sight.why.find("web runs shop:v2"), std::string::npos) << sight.why;
  EXPECT_EQ(look(plan["runs-code"].action).kind, SightKind::kDoesNotHold);
}

TEST_P(ComposeOnce, what_exits_at_once_or_is_unhealthy_does_not_serve) {
  shop->deploy();
  const Action runs = steps()["runs-code"].action;
  shop->write("v1", "  worker:\n    image: shop:${TAG}\n    command: [/bin/false]\n");
  shop->compose("up -d -t 0");
  ::usleep(300'000);
  Sight sight = look(runs);
  EXPECT_EQ(sight.kind, SightKind::kDoesNotHold);
  EXPECT_EQ(sight.why.find("worker exited with 1"), 0U) << sight.why;
  EXPECT_TRUE(get_bool(sight.evidence, "final"));
  shop->write("v1", std::string(Project::kWorker) +
                        "    healthcheck: {test: [CMD, /bin/false], interval: 1s, timeout: 1s, retries: 1}\n");
  shop->compose("up -d -t 0");
  EXPECT_EQ(look(runs).kind, SightKind::kDoesNotHold) << "starting";
  for (int tries = 0; tries < 50 && look(runs).why.find("unhealthy") == std::string::npos; ++tries) ::usleep(100'000);
  EXPECT_EQ(look(runs).why.find("worker is unhealthy"), 0U) << look(runs).why;
}

TEST_P(Compose, a_service_that_only_the_bad_release_has_goes_and_comes_back) {
  shop->deploy(std::string(Project::kWorker) + Project::kMailer);
  auto plan = steps();
  const Step up = plan["up-code"];
  apply(plan["keep-config-code"].action);
  EXPECT_FALSE(shop->runs("mailer").empty());
  apply(up.action);
  EXPECT_EQ(look(up.action).kind, SightKind::kHolds) << look(up.action).why;
  EXPECT_TRUE(shop->runs("mailer").empty());
  EXPECT_EQ(shop->serves(), "v1");
  apply(*up.undo);
  EXPECT_EQ(look(*up.undo).kind, SightKind::kHolds) << look(*up.undo).why;
  EXPECT_FALSE(shop->runs("mailer").empty());
}

TEST_P(ComposeOnce, services_that_are_not_of_the_release_are_left_alone) {
  const Json more = {{"services", {"web"}}};
  shop->deploy(Project::kWorker, more);
  auto plan = steps(more);
  const Step up = plan["up-code"];
  apply(plan["keep-config-code"].action);
  apply(up.action);
  EXPECT_EQ(look(up.action).kind, SightKind::kHolds) << look(up.action).why;
  EXPECT_EQ(shop->runs("web"), shop->id_of("shop:v1"));
  EXPECT_EQ(shop->runs("worker"), shop->id_of("shop:v2"));
}

TEST_P(Compose, where_a_database_changes_nothing_writes_meanwhile) {
  const Json more = {{"stops", true}};
  shop->deploy(Project::kWorker, more);
  auto plan = steps(more);
  const Step stop = plan["stop-code"], up = plan["up-code"];
  EXPECT_EQ(stop.phase, Phase::kClose);
  EXPECT_EQ(up.phase, Phase::kStart);
  apply(plan["keep-config-code"].action);
  EXPECT_EQ(look(stop.action).kind, SightKind::kDoesNotHold);
  apply(stop.action);
  EXPECT_EQ(look(stop.action).kind, SightKind::kHolds) << look(stop.action).why;
  EXPECT_EQ(shop->runs("web") + shop->runs("worker"), "");
  apply(up.action);
  EXPECT_EQ(look(up.action).kind, SightKind::kHolds) << look(up.action).why;
  ASSERT_TRUE(up.undo && stop.undo);
  apply(*up.undo);
  EXPECT_EQ(look(*up.undo).kind, SightKind::kHolds) << look(*up.undo).why;
  EXPECT_EQ(shop->runs("web") + shop->runs("worker"), "");
  apply(*stop.undo);
  EXPECT_EQ(look(*stop.undo).kind, SightKind::kHolds) << look(*stop.undo).why;
  EXPECT_EQ(shop->serves(), "v2");
}

TEST_P(ComposeOnce, without_a_checkpoint_the_tag_leads_back) {
  shop->write("v2", Project::kWorker);
  shop->compose("up -d -t 0");
  auto plan = steps();
  const Step up = plan["up-code"];
  apply(up.action);
  EXPECT_EQ(look(up.action).kind, SightKind::kHolds) << look(up.action).why;
  EXPECT_EQ(shop->serves(), "v1");
  EXPECT_TRUE(holds("grep -qx TAG=v1 " + shop->path + "/.env && grep -q s3cret " + shop->path + "/.env"));
  EXPECT_EQ(look(plan["runs-code"].action).kind, SightKind::kHolds);
}

TEST_P(ComposeOnce, an_image_that_is_gone_is_said_while_planning) {
  shop->deploy();
  must("docker rmi -f shop:v1");
  driver::Offering offering = shop->offering(RunKind::kRollback);
  auto offered = shop->driver->offer(offering);
  ASSERT_FALSE(offered);
  EXPECT_NE(offered.error().message.find("is gone on local, and it came from no registry"), std::string::npos)
      << offered.error().message;
  for (Json& image : offering.saved["on_hosts"]["local"]["images"])
    image["digest"] = "127.0.0.1:1/shop@sha256:" + std::string(64, 'a');
  const auto ready = shop->driver->ready(offering, *shop->local.host, driver::Depth::kQuick, {});
  EXPECT_TRUE(std::any_of(ready.findings.begin(), ready.findings.end(),
                          [](const Finding& each) { return each.what.find("must be pulled") != std::string::npos; }));
  offered = shop->driver->offer(offering);
  ASSERT_TRUE(offered);
  for (const Step& each : *offered)
    if (each.id.str() == "image-code") {
      const auto pulled = conformance::apply(*shop->driver, each.action, *shop->local.host);
      ASSERT_TRUE(pulled);
      EXPECT_NE(pulled->err.find("cannot be pulled: dial tcp 127.0.0.1:1"), std::string::npos) << pulled->err;
      EXPECT_EQ(look(each.action).kind, SightKind::kDoesNotHold);
    }
  EXPECT_EQ(shop->serves(), "v2");
}

TEST_P(ComposeOnce, secrets_stay_in_their_files) {
  shop->deploy();
  auto plan = steps();
  const Step up = plan["up-code"];
  const auto command = shop->driver->command(up.action, *shop->local.host);
  ASSERT_TRUE(command);
  const std::string all = conformance::detail::bytes_of(*command) + shop->saved.dump() + shop->seen().dump() +
                          look(up.action).evidence.dump();
  EXPECT_EQ(all.find("s3cret"), std::string::npos);
  EXPECT_EQ(answer("stat -c %a " + shop->path + "/.backout/checkpoints/C-0001/1"), "600");
}

TEST_P(ComposeOnce, a_daemon_that_does_not_answer_is_not_guessed_about) {
  shop->deploy();
  auto plan = steps();
  const Step pin = plan["pin-code"], fetch = plan["image-code"], runs = plan["runs-code"];
  ::setenv("DOCKER_HOST", "unix:///nonexistent", 1);
  for (const Step* each : {&pin, &fetch, &runs}) {
    const Sight sight = look(each->action);
    EXPECT_EQ(sight.kind, SightKind::kCannotTell) << sight.why;
    EXPECT_NE(sight.why.find("docker does not answer"), std::string::npos) << sight.why;
  }
  const auto seen = shop->driver->observe(shop->subject(), *shop->local.host, {});
  ::setenv("DOCKER_HOST", Dockerd::shared().socket().c_str(), 1);
  ASSERT_FALSE(seen);
  EXPECT_EQ(seen.error().code, Code::kUnavailable);
}

TEST_P(ComposeOnce, a_daemon_that_hangs_is_not_waited_for_long) {
  shop->deploy();
  const auto offering = shop->offering(RunKind::kRollback);
  Dockerd::shared().hang();
  const auto began = std::chrono::steady_clock::now();
  const auto seen = shop->driver->observe(shop->subject(), *shop->local.host, {});
  const auto ready = shop->driver->ready(offering, *shop->local.host, driver::Depth::kQuick, {});
  Dockerd::shared().go_on();
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(45)) << "two looks of a quarter of a minute";
  ASSERT_FALSE(seen);
  EXPECT_EQ(seen.error().code, Code::kUnavailable);
  EXPECT_NE(seen.error().message.find("docker does not answer within 15 seconds"), std::string::npos)
      << seen.error().message;
  ASSERT_EQ(ready.findings.size(), 1U);
  EXPECT_EQ(ready.findings[0].severity, Severity::kRed);
  EXPECT_NE(ready.findings[0].what.find("docker does not answer within 15 seconds"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Tools, Compose, both_tools(), tool_word);
INSTANTIATE_TEST_SUITE_P(Tool, ComposeOnce, ::testing::Values("either"), tool_word);

}  // namespace
}  // namespace backout::drivers
