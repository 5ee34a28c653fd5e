// What the compose driver takes for a proof that a release runs, and what of it each host has: real containers.
#include "drivers/compose/compose_for_tests.h"

namespace backout::drivers {
namespace {

using conformance::answer;
using conformance::holds;
using conformance::must;

using ComposeProof = Compose;
using ComposeProofOnce = Compose;

TEST_P(ComposeProofOnce, a_tag_that_moved_is_noticed_of_what_runs) {
  shop->compose("up -d");
  shop->checkpoint();
  driver::Offering verify = shop->offering(RunKind::kDeploy);
  const auto looks = [&] { return conformance::offers_well(*shop->driver, verify).back().action; };
  const Sight runs = look(looks());
  EXPECT_EQ(runs.kind, SightKind::kHolds) << runs.why;
  verify.seen.clear();  // as `verify` asks: by what the deploy or the rollback has seen
  verify.saved = runs.evidence;
  EXPECT_EQ(get_string(verify.saved["on_hosts"]["local"]["images"][0], "image"), shop->id_of("shop:v1"));
  EXPECT_EQ(look(looks()).kind, SightKind::kHolds) << look(looks()).why;
  must("docker stop -t 0 " + tool.container("worker") + "; docker start " + tool.container("worker") + " >/dev/null");
  must("docker tag shop:v3 shop:v1");
  shop->compose("up -d -t 0");
  const Sight moved = look(looks());
  EXPECT_EQ(moved.kind, SightKind::kDoesNotHold);
  EXPECT_NE(moved.why.find("the tag moved"), std::string::npos) << moved.why;
}

TEST_P(ComposeProof, the_right_image_with_the_wrong_environment_is_not_called_good) {
  shop->compose("up -d");
  shop->checkpoint();
  EXPECT_FALSE(get_string(shop->saved["on_hosts"]["local"]["images"][0], "config").empty());
  std::ofstream(shop->path + "/.env") << "TAG=v1\nPASSWORD=another\n";  // all that the next release changes
  shop->compose("up -d -t 0");
  const Json saved = shop->saved;
  for (const bool known : {true, false}) {
    shop->saved = saved;
    for (Json& image : shop->saved["on_hosts"]["local"]["images"])
      if (!known) image.erase("config");  // of a checkpoint that an older version took
    const auto plan = steps();
    const Step up = plan.at("up-code");
    if (known) apply(plan.at("keep-config-code").action);
    {
      const Liar liar(tool, tool.container("web") + " is up-to-date");
      apply(up.action);
    }
    EXPECT_TRUE(holds("grep -qx PASSWORD=s3cret " + shop->path + "/.env")) << "the files are back";
    for (const Action& action : {up.action, plan.at("runs-code").action}) {
      const Sight sight = look(action);
      EXPECT_EQ(sight.kind, SightKind::kDoesNotHold);
      EXPECT_NE(sight.why.find("web was made from another environment"), std::string::npos) << sight.why;
    }
    const Action deployed = conformance::offers_well(*shop->driver, shop->offering(RunKind::kDeploy)).back().action;
    EXPECT_EQ(look(deployed).kind, SightKind::kDoesNotHold) << look(deployed).why;
    if (known) continue;
    apply(up.action);
    EXPECT_EQ(look(up.action).kind, SightKind::kHolds) << look(up.action).why;
    EXPECT_EQ(look(plan.at("runs-code").action).kind, SightKind::kHolds);
    EXPECT_EQ(look(deployed).kind, SightKind::kHolds) << look(deployed).why;
    apply(*up.undo);
    EXPECT_EQ(look(*up.undo).kind, SightKind::kHolds) << look(*up.undo).why;
  }
}

TEST_P(ComposeProof, what_compose_quotes_of_the_files_is_not_passed_on) {
  shop->compose("up -d");
  shop->checkpoint();
  for (Json& image : shop->saved["on_hosts"]["local"]["images"]) image.erase("config");  // so Compose is asked
  const auto plan = steps();
  const std::string file = shop->path + "/docker-compose.yml";
  must("sed -i 's/RELEASE: /SECRET: \"hunter2${x\", &/' " + file);
  ASSERT_TRUE(holds("grep -q hunter2 " + file));
  const Sight sight = look(plan.at("runs-code").action);
  EXPECT_EQ(sight.kind, SightKind::kCannotTell);
  EXPECT_NE(sight.why.find("nterpolation"), std::string::npos) << sight.why;
  EXPECT_EQ(sight.why.find("hunter2"), std::string::npos) << sight.why;
  Action up = plan.at("up-code").action;
  up.args.erase("set");  // with the file as it is
  const auto done = conformance::apply(*shop->driver, up, *shop->local.host);
  ASSERT_TRUE(done.has_value());
  EXPECT_FALSE(done->ok());
  EXPECT_NE((done->out + done->err).find("nterpolation"), std::string::npos) << done->out << done->err;
  EXPECT_EQ((done->out + done->err).find("hunter2"), std::string::npos) << done->out << done->err;
}

TEST_P(ComposeProofOnce, images_of_another_release_are_not_noted_under_its_name) {
  shop->write("v2", Project::kWorker);
  shop->compose("up -d");
  const driver::Offering offering = shop->offering(RunKind::kCheckpoint);  // of v1, as the journal has it
  const auto taken = shop->driver->offer(offering);
  ASSERT_FALSE(taken);
  EXPECT_NE(taken.error().message.find("no container on local runs v1: web runs shop:v2"), std::string::npos)
      << taken.error().message;
  driver::Offering deploy = offering;  // it goes on, and keeps nothing under that name
  deploy.kind = RunKind::kDeploy;
  deploy.to = Version("v3");
  const std::vector<Step> steps = conformance::offers_well(*shop->driver, deploy);
  EXPECT_EQ(steps.size(), 1U);
  EXPECT_EQ(steps.back().action.verb, "runs");
}

TEST_P(ComposeProofOnce, what_an_earlier_release_left_running_is_not_of_this_one) {
  shop->write("v1", std::string(Project::kWorker) + Project::kMailer);
  shop->compose("up -d");
  shop->write("v1", Project::kWorker);
  shop->compose("up -d -t 0");
  driver::Offering deployed = shop->offering(RunKind::kDeploy);
  EXPECT_FALSE(shop->runs("mailer").empty()) << "the case itself";
  const Sight sight = look(conformance::offers_well(*shop->driver, deployed).back().action);
  EXPECT_EQ(sight.kind, SightKind::kHolds) << sight.why;
}

TEST_P(ComposeProofOnce, every_container_that_is_asked_for_must_run) {
  const std::string scaled = std::string(Project::kWorker) + "    deploy: {replicas: 3}\n";
  shop->write("v1", scaled);
  shop->compose("up -d");
  shop->checkpoint();
  EXPECT_EQ(get_int(shop->saved["on_hosts"]["local"]["images"][1], "count"), 3);
  shop->write("v2", Project::kWorker);
  shop->compose("up -d -t 0");
  auto plan = steps();
  const Step up = plan["up-code"];
  apply(plan["keep-config-code"].action);
  apply(up.action);
  const Action runs = plan["runs-code"].action;
  const Action deployed = conformance::offers_well(*shop->driver, shop->offering(RunKind::kDeploy)).back().action;
  for (const Action& action : {up.action, runs, deployed})
    EXPECT_EQ(look(action).kind, SightKind::kHolds) << look(action).why;
  must("docker stop " + tool.container("worker", 3));
  for (const Action& action : {up.action, runs, deployed})
    EXPECT_EQ(look(action).why.find("worker exited with 137"), 0U) << look(action).why;
  must("docker rm " + tool.container("worker", 3));
  for (const Action& action : {up.action, runs, deployed}) {
    EXPECT_EQ(look(action).kind, SightKind::kDoesNotHold);
    EXPECT_EQ(look(action).why.find("2 of 3 containers of worker are there"), 0U) << look(action).why;
  }
}

TEST_P(ComposeProof, a_job_runs_again_and_has_to_end_well) {
  const auto job = [](const std::string& what) {
    return std::string(Project::kWorker) + "  migrate:\n    image: shop:${TAG}\n    command: [/bin/sh, -c, '" + what +
           "']\n";
  };
  shop->write("v1", job("exit 0"));
  shop->compose("up -d");
  ::usleep(300'000);
  shop->checkpoint();
  shop->write("v2", job("exit 3"));
  shop->compose("up -d -t 0");
  ::usleep(300'000);
  const Action deployed = conformance::offers_well(*shop->driver, shop->offering(RunKind::kDeploy)).back().action;
  Action at_v2 = deployed;
  at_v2.args["version"] = "v2";
  at_v2.args["on"]["local"].erase("images");
  EXPECT_EQ(look(at_v2).why.find("migrate exited with 3"), 0U) << look(at_v2).why;
  auto plan = steps();
  const Step up = plan["up-code"];
  apply(plan["keep-config-code"].action);
  apply(up.action);
  ::usleep(300'000);
  for (const Action& action : {up.action, plan["runs-code"].action, deployed})
    EXPECT_EQ(look(action).kind, SightKind::kHolds) << look(action).why;
  apply(*up.undo);
  EXPECT_EQ(look(*up.undo).kind, SightKind::kHolds) << "as it was found, its job failed: " << look(*up.undo).why;
  shop->write("v1", job("exit 0"));
  shop->compose("up -d -t 0");
  shop->compose("stop -t 0 worker");
  EXPECT_EQ(look(deployed).kind, SightKind::kDoesNotHold) << "worker is no job";
}

TEST_P(ComposeProofOnce, each_host_has_its_own_files) {
  driver::Offering checkpoint = shop->offering(RunKind::kCheckpoint);
  checkpoint.from = Version("v1");
  checkpoint.hosts = {"local", "web-2"};
  shop->compose("up -d");
  const Json first = shop->seen();
  Json second = first;
  second["files"] = {shop->path + "/compose.yaml", shop->path + "/gpu.yaml"};
  checkpoint.seen = {{"local", first}, {"web-2", second}};
  for (const Step& each : conformance::offers_well(*shop->driver, checkpoint)) {
    if (each.action.verb == "save-config") {
      const Json& on = each.action.args["files_on"];
      EXPECT_EQ(on["local"][0], shop->path + "/docker-compose.yml") << on.dump();
      EXPECT_EQ(on["web-2"][1], shop->path + "/gpu.yaml") << on.dump();
    }
    if (each.action.verb == "pin") {
      EXPECT_EQ(each.action.args["on"]["web-2"]["files"], second["files"]);
      shop->saved["on_hosts"] = each.action.args["on"];
    }
  }
  driver::Offering back = shop->offering(RunKind::kRollback);
  back.hosts = checkpoint.hosts;
  second["files"] = {shop->path + "/compose.yaml"};  // by now
  back.seen = {{"local", first}, {"web-2", second}};
  for (const Step& each : conformance::offers_well(*shop->driver, back))
    if (each.action.verb == "up") {
      EXPECT_EQ(each.action.args["on"]["web-2"]["files"].size(), 2U) << "as they were";
      EXPECT_EQ(each.undo->args["on"]["web-2"]["files"].size(), 1U);
    }
}

TEST_P(ComposeProofOnce, a_file_that_only_the_bad_release_has_goes) {
  shop->compose("up -d");
  shop->checkpoint();
  const std::string over = shop->path + "/docker-compose.override.yml";
  shop->write("v2", Project::kWorker);
  std::ofstream(over) << "version: '3.4'\nservices:\n  web:\n    environment: {BAD: 1}\n";
  shop->compose("up -d -t 0");
  auto plan = steps();
  const Step up = plan["up-code"];
  apply(plan["keep-config-code"].action);
  apply(up.action);
  EXPECT_EQ(look(up.action).kind, SightKind::kHolds) << look(up.action).why;
  EXPECT_FALSE(holds("test -e " + over)) << "the next up would take it";
  EXPECT_FALSE(holds("docker inspect " + tool.container("web", 1) + " | grep -q BAD"));
  apply(*up.undo);
  EXPECT_EQ(look(*up.undo).kind, SightKind::kHolds) << look(*up.undo).why;
  EXPECT_TRUE(holds("docker inspect " + tool.container("web", 1) + " | grep -q BAD"));
}

TEST_P(ComposeProofOnce, the_databases_container_is_never_stopped) {
  const Json more = {{"stops", true}, {"database", "host=compose:shop/worker "}};
  shop->deploy(Project::kWorker, more);
  auto plan = steps(more);
  const Step stop = plan["stop-code"];
  EXPECT_EQ(stop.action.args["on"]["local"]["services"], Json{"web"}) << stop.action.args.dump();
  const std::string before = answer("docker inspect -f '{{.State.StartedAt}}' " + tool.container("worker", 1));
  apply(stop.action);
  EXPECT_EQ(look(stop.action).kind, SightKind::kHolds) << look(stop.action).why;
  EXPECT_EQ(answer("docker inspect -f '{{.State.StartedAt}}' " + tool.container("worker", 1)), before);
  EXPECT_EQ(shop->runs("web"), "");
  const Json none = {{"stops", true}, {"database", "host=compose:shop/web "}, {"services", {"web"}}};
  EXPECT_EQ(steps(none).count("stop-code"), 0U) << "nothing but the database";
}

TEST_P(ComposeProof, every_env_file_of_the_services_goes_back) {
  const auto worker = [](const std::string& said) { return std::string(Project::kWorker) + said; };
  const std::vector<std::string> forms = {"    env_file: ./extra.env\n",
                                          "    env_file: ['./other.env', \"./extra.env\"]\n",
                                          "    env_file:\n      - ./other.env # said twice\n      - 'extra.env'\n",
                                          "    env_file:\n    - extra.env\n    environment: {Z: a}\n"};
  for (const std::string& form : forms) {
    std::ofstream(shop->path + "/extra.env") << "Q=1\n";
    std::ofstream(shop->path + "/other.env") << "R=1\n";
    shop->write("v1", worker(form));
    const Json environment = shop->seen()["environment"];
    EXPECT_NE(std::find(environment.begin(), environment.end(), Json(shop->path + "/extra.env")), environment.end())
        << form << environment.dump();
    EXPECT_EQ(environment.size(), form.find("other") == std::string::npos ? 1U : 2U) << form << environment.dump();
  }
  shop->compose("up -d");
  shop->checkpoint();
  std::ofstream(shop->path + "/extra.env") << "Q=9\n";
  shop->write("v2", worker(forms.back()));
  shop->compose("up -d -t 0");
  const auto plan = steps();
  apply(plan.at("keep-config-code").action);
  apply(plan.at("up-code").action);
  EXPECT_EQ(look(plan.at("runs-code").action).kind, SightKind::kHolds) << look(plan.at("runs-code").action).why;
  EXPECT_EQ(answer("docker inspect -f '{{.Config.Env}}' " + tool.container("worker") + " | grep -o 'Q=[0-9]'"), "Q=1");
}

TEST_P(ComposeProof, files_that_changed_before_the_checkpoint_are_not_called_the_release_s) {
  shop->compose("up -d");
  shop->write("v1",
              std::string(Project::kWorker) + "    environment: {MODE: two}\n");  // as `git pull` in front of a deploy
  const Sight noted = [&] {
    Sight last = Sight::holds("");
    for (const Step& step : conformance::offers_well(*shop->driver, shop->offering(RunKind::kCheckpoint))) {
      const Action action = Project::now(step.action);
      apply(action);
      last = look(action);
      EXPECT_EQ(last.kind, SightKind::kHolds) << last.why;
      shop->saved.update(last.evidence);
    }
    return last;
  }();
  EXPECT_NE(noted.evidence.dump().find("worker was made from another environment or compose file"), std::string::npos)
      << noted.evidence.dump();
  shop->write("v2", std::string(Project::kWorker) + "    environment: {MODE: two}\n");
  shop->compose("up -d -t 0");
  const auto plan = steps();
  apply(plan.at("keep-config-code").action);
  apply(plan.at("up-code").action);
  const Sight sight = look(plan.at("runs-code").action);
  EXPECT_EQ(sight.kind, SightKind::kDoesNotHold);
  EXPECT_NE(sight.why.find("worker was made from another environment"), std::string::npos) << sight.why;
}

TEST_P(ComposeProofOnce, a_container_that_deploys_by_itself_is_no_part_of_the_release) {
  shop->write("v1", std::string(Project::kWorker) + Project::kMailer);
  shop->compose("up -d");
  const Json others = {{"others", {tool.container("mailer")}}};
  shop->checkpoint(others);
  EXPECT_EQ(shop->saved["on_hosts"]["local"]["images"].size(), 2U) << shop->saved.dump();
  shop->write("v2", std::string(Project::kWorker) + Project::kMailer);
  shop->compose("up -d -t 0");
  const std::string began = answer("docker inspect -f '{{.State.StartedAt}}' " + tool.container("mailer"));
  must("docker pause " + tool.container("mailer"));
  const auto plan = steps(others);
  for (const auto& action : {plan.at("up-code").action, *plan.at("up-code").undo}) {
    if (action.verb == "up") apply(plan.at("keep-config-code").action);
    apply(action);
    EXPECT_EQ(look(action).kind, SightKind::kHolds) << look(action).why;
  }
  apply(plan.at("up-code").action);
  EXPECT_EQ(look(plan.at("runs-code").action).kind, SightKind::kHolds) << look(plan.at("runs-code").action).why;
  EXPECT_EQ(answer("docker inspect -f '{{.State.StartedAt}} {{.State.Status}}' " + tool.container("mailer")),
            began + " paused");
  must("docker unpause " + tool.container("mailer"));
}

INSTANTIATE_TEST_SUITE_P(Tools, ComposeProof, both_tools(), tool_word);
INSTANTIATE_TEST_SUITE_P(Tool, ComposeProofOnce, ::testing::Values("either"), tool_word);

}  // namespace
}  // namespace backout::drivers
