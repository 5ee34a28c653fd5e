// What the compose driver takes for a proof that a release runs, and what of it each host has: real containers.
#include "drivers/compose/compose_for_tests.h"

namespace backout::drivers {
namespace {

using conformance::answer;
using conformance::holds;
using conformance::must;

using ComposeProof = Compose;

TEST_F(ComposeProof, a_tag_that_moved_is_noticed_of_what_runs) {
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
  must("docker stop -t 0 shop_worker_1; docker start shop_worker_1 >/dev/null");
  must("docker tag shop:v3 shop:v1");
  shop->compose("up -d -t 0");
  const Sight moved = look(looks());
  EXPECT_EQ(moved.kind, SightKind::kDoesNotHold);
  EXPECT_NE(moved.why.find("the tag moved"), std::string::npos) << moved.why;
}

TEST_F(ComposeProof, the_right_image_with_the_wrong_environment_is_not_called_good) {
  shop->compose("up -d");
  shop->checkpoint();
  EXPECT_FALSE(get_string(shop->saved["on_hosts"]["local"]["images"][0], "config").empty());
  std::ofstream(shop->path + "/.env") << "TAG=v1\nPASSWORD=another\n";  // all that the next release changes
  shop->compose("up -d -t 0");
  const std::string old = std::getenv("PATH"), liars = shop->root / "liars";
  must("mkdir " + liars + "; printf '#!/bin/sh\\necho shop_web_1 is up-to-date\\n' >" + liars +
       "/docker-compose; chmod +x " + liars + "/*");
  const Json saved = shop->saved;
  for (const bool known : {true, false}) {
    shop->saved = saved;
    for (Json& image : shop->saved["on_hosts"]["local"]["images"])
      if (!known) image.erase("config");  // of a checkpoint that an older version took
    const auto plan = steps();
    const Step up = plan.at("up-code");
    if (known) apply(plan.at("keep-config-code").action);
    ::setenv("PATH", (liars + ":" + old).c_str(), 1);
    apply(up.action);
    ::setenv("PATH", old.c_str(), 1);
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

TEST_F(ComposeProof, what_compose_quotes_of_the_files_is_not_passed_on) {
  shop->compose("up -d");
  shop->checkpoint();
  for (Json& image : shop->saved["on_hosts"]["local"]["images"]) image.erase("config");  // so Compose is asked
  const auto plan = steps();
  const std::string file = shop->path + "/docker-compose.yml";
  must("sed -i 's/RELEASE: /SECRET: \"hunter2$%x\", &/' " + file);
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

/// The plugin's words, by its sources: it is in no package here. Its hash leaves out what an env_file says.
TEST_F(ComposeProof, the_plugin_is_asked_what_it_would_do) {
  const std::string bin = shop->root / "plugin", old = std::getenv("PATH");
  must(
      "docker run -d --name shop-web-1 --network none --label com.docker.compose.project=shop --label "
      "com.docker.compose.service=web --label com.docker.compose.version=2.29.1 --label "
      "com.docker.compose.oneoff=False --label com.docker.compose.config-hash=aa11 --label "
      "com.docker.compose.project.working_dir=" +
      shop->path + " --stop-signal KILL shop:v1");
  const auto plugin = [&](const std::string& would) {
    must("mkdir -p " + bin);
    std::ofstream(bin + "/docker") << "#!/bin/sh\ncase \"$1 $2 $*\" in\n'compose version'*) echo 2.29.1 ;;\n"
                                      "'compose --dry-run'*) "
                                   << would
                                   << " ;;\ncompose*--hash*) echo web bb22 ;;\ncompose*) echo services: ;;\n*) PATH="
                                   << old << " exec docker \"$@\" ;;\nesac\n";
    must("chmod +x " + bin + "/docker");
  };
  plugin("printf ' DRY-RUN MODE -  Container shop-web-1  Running \\n' >&2");
  ::setenv("PATH", (bin + ":" + old).c_str(), 1);
  driver::Offering offering = shop->offering(RunKind::kDeploy);
  const Action runs = conformance::offers_well(*shop->driver, offering).back().action;
  const Sight left = look(runs);
  plugin("printf ' DRY-RUN MODE -  Container shop-web-1  Recreate \\n Container shop-web-1  Recreated \\n' >&2");
  const Sight made_again = look(runs);
  plugin("echo 'unknown flag: --dry-run' >&2; exit 16");
  const Sight silent = look(runs);
  ::setenv("PATH", old.c_str(), 1);
  EXPECT_EQ(get_string(offering.seen["local"], "tool"), "docker compose");
  EXPECT_EQ(left.kind, SightKind::kHolds) << left.why;
  EXPECT_EQ(made_again.kind, SightKind::kDoesNotHold) << made_again.why;
  EXPECT_EQ(silent.kind, SightKind::kCannotTell) << silent.why;
}

TEST_F(ComposeProof, what_an_earlier_release_left_running_is_not_of_this_one) {
  shop->write("v1", std::string(Project::kWorker) + Project::kMailer);
  shop->compose("up -d");
  shop->write("v1", Project::kWorker);
  shop->compose("up -d -t 0");
  driver::Offering deployed = shop->offering(RunKind::kDeploy);
  EXPECT_FALSE(shop->runs("mailer").empty()) << "the case itself";
  const Sight sight = look(conformance::offers_well(*shop->driver, deployed).back().action);
  EXPECT_EQ(sight.kind, SightKind::kHolds) << sight.why;
}

TEST_F(ComposeProof, every_container_that_is_asked_for_must_run) {
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
  must("docker stop shop_worker_3");
  for (const Action& action : {up.action, runs, deployed})
    EXPECT_EQ(look(action).why.find("worker exited with 137"), 0U) << look(action).why;
  must("docker rm shop_worker_3");
  for (const Action& action : {up.action, runs, deployed}) {
    EXPECT_EQ(look(action).kind, SightKind::kDoesNotHold);
    EXPECT_EQ(look(action).why.find("2 of 3 containers of worker are there"), 0U) << look(action).why;
  }
}

TEST_F(ComposeProof, a_job_runs_again_and_has_to_end_well) {
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

TEST_F(ComposeProof, each_host_has_its_own_files) {
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

TEST_F(ComposeProof, a_file_that_only_the_bad_release_has_goes) {
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
  EXPECT_FALSE(holds("docker inspect shop_web_1 | grep -q BAD"));
  apply(*up.undo);
  EXPECT_EQ(look(*up.undo).kind, SightKind::kHolds) << look(*up.undo).why;
  EXPECT_TRUE(holds("docker inspect shop_web_1 | grep -q BAD"));
}

TEST_F(ComposeProof, the_databases_container_is_never_stopped) {
  const Json more = {{"stops", true}, {"database", "host=compose:shop/worker "}};
  shop->deploy(Project::kWorker, more);
  auto plan = steps(more);
  const Step stop = plan["stop-code"];
  EXPECT_EQ(stop.action.args["on"]["local"]["services"], Json{"web"}) << stop.action.args.dump();
  const std::string before = answer("docker inspect -f '{{.State.StartedAt}}' shop_worker_1");
  apply(stop.action);
  EXPECT_EQ(look(stop.action).kind, SightKind::kHolds) << look(stop.action).why;
  EXPECT_EQ(answer("docker inspect -f '{{.State.StartedAt}}' shop_worker_1"), before);
  EXPECT_EQ(shop->runs("web"), "");
  const Json none = {{"stops", true}, {"database", "host=compose:shop/web "}, {"services", {"web"}}};
  EXPECT_EQ(steps(none).count("stop-code"), 0U) << "nothing but the database";
}

}  // namespace
}  // namespace backout::drivers
