// What only the plugin `docker compose` has, and what is another's when both tools are there: real containers, both
// tools.
#include "drivers/compose/compose_for_tests.h"

namespace backout::drivers {
namespace {

using conformance::answer;
using conformance::holds;
using conformance::must;

using ComposePlugin = Compose;
constexpr const char* kStays = "    stop_signal: SIGKILL\n    command: [/bin/sleep, '9999']\n";

/// Its `config --hash` leaves out what an env_file says; what it would do does not.
TEST_P(ComposePlugin, is_asked_what_it_would_do) {
  if (!tool.is_plugin()) GTEST_SKIP() << "the hash of docker-compose has all in it";
  const std::string file = shop->path + "/web.env";
  std::ofstream(file) << "GREETING=hello\n";
  shop->write("v1", std::string(Project::kWorker) + "    env_file: [web.env]\n");
  shop->compose("up -d");
  driver::Offering offering = shop->offering(RunKind::kDeploy);
  EXPECT_EQ(get_string(offering.seen["local"], "tool"), "docker compose");
  const Action runs = conformance::offers_well(*shop->driver, offering).back().action;
  EXPECT_EQ(look(runs).kind, SightKind::kHolds) << look(runs).why;
  std::ofstream(file) << "GREETING=goodbye\n";
  const Sight other = look(runs);
  EXPECT_EQ(other.kind, SightKind::kDoesNotHold);
  EXPECT_NE(other.why.find("worker was made from another environment"), std::string::npos) << other.why;
  // Of a version that cannot tell what it would do.
  const std::string old = std::getenv("PATH");
  std::ofstream(shop->root / "docker") << "#!/bin/sh\ncase $* in *--dry-run*) exit 16 ;; esac\nPATH=" << old
                                       << " exec docker \"$@\"\n";
  must("chmod +x " + (shop->root / "docker"));
  ::setenv("PATH", (shop->root.path() + ":" + old).c_str(), 1);
  const Sight silent = look(runs);
  ::setenv("PATH", old.c_str(), 1);
  EXPECT_EQ(silent.kind, SightKind::kCannotTell) << silent.why;
}

/// `pull_policy: always` would ask the registry in the middle of the cutover, and take what its tag means there by now.
TEST_P(ComposePlugin, pulls_nothing_whatever_the_files_say) {
  shop->write("v1", std::string(Project::kWorker) + "    pull_policy: always\n");
  shop->compose(tool.is_plugin() ? "up -d --pull never" : "up -d");
  shop->checkpoint();
  shop->write("v2", Project::kWorker);
  shop->compose("up -d -t 0");
  auto plan = steps();
  const Step up = plan["up-code"];
  apply(plan["keep-config-code"].action);
  apply(up.action);
  EXPECT_TRUE(holds("grep -q 'pull_policy: always' " + shop->path + "/docker-compose.yml")) << "the case itself";
  EXPECT_EQ(look(up.action).kind, SightKind::kHolds) << look(up.action).why;
  const Action deployed = conformance::offers_well(*shop->driver, shop->offering(RunKind::kDeploy)).back().action;
  EXPECT_EQ(look(deployed).kind, SightKind::kHolds) << look(deployed).why;
}

/// A service of a profile that was up goes back with the others; one that was not stays down.
TEST_P(ComposePlugin, a_profile_that_was_up_is_of_the_release) {
  const auto service = [](const std::string& name) {
    return "  " + name + ":\n    image: shop:${TAG}\n    profiles: [" + name + "]\n" + kStays;
  };
  const std::string all = Project::kWorker + service("admin") + service("debug");
  shop->write("v1", all);
  shop->compose("--profile admin up -d");
  shop->checkpoint();
  shop->write("v2", all);
  shop->compose("--profile admin up -d -t 0");
  EXPECT_EQ(shop->runs("admin"), shop->id_of("shop:v2")) << "the case itself";
  auto plan = steps();
  const Step up = plan["up-code"];
  apply(plan["keep-config-code"].action);
  apply(up.action);
  const Action deployed = conformance::offers_well(*shop->driver, shop->offering(RunKind::kDeploy)).back().action;
  for (const Action& action : {up.action, plan["runs-code"].action, deployed})
    EXPECT_EQ(look(action).kind, SightKind::kHolds) << look(action).why;
  EXPECT_EQ(shop->runs("admin"), shop->id_of("shop:v1"));
  EXPECT_EQ(shop->runs("debug"), "");
  apply(*up.undo);
  EXPECT_EQ(look(*up.undo).kind, SightKind::kHolds) << look(*up.undo).why;
  EXPECT_EQ(shop->runs("admin"), shop->id_of("shop:v2"));
}

/// The plugin keeps the directory as it was typed, a link and all, docker-compose the one it leads to.
TEST_P(ComposePlugin, a_project_is_found_through_a_link) {
  const std::string link = shop->root / "live";
  must("ln -s shop " + link + " && cd " + link + " && " + tool.name() + " up -d 2>&1");
  const std::string project = tool.is_plugin() ? "live" : "shop";
  EXPECT_TRUE(holds("docker ps --format '{{.Names}}' | grep -q '^" + project + "'")) << "the case itself";
  const Json more = {{"path", link}, {"env_file", link + "/.env"}};
  EXPECT_EQ(get_string(shop->seen(more), "project"), project);
  EXPECT_EQ(get(shop->seen(more), "images").size(), 2U);
  must("docker ps -aq | xargs -r docker rm -f");
  EXPECT_EQ(get_string(shop->seen(more), "project"), project) << "as the tool would name it";
}

TEST_P(ComposePlugin, the_name_that_the_file_gives_is_the_projects) {
  if (!tool.is_plugin()) GTEST_SKIP() << "docker-compose knows no 'name:'";
  must("sed -i '1s/^/name: store\\n/' " + shop->path + "/docker-compose.yml");
  EXPECT_EQ(get_string(shop->seen(), "project"), "store");
  shop->compose("up -d");
  EXPECT_EQ(get_string(shop->seen(), "project"), "store");
  EXPECT_EQ(get(shop->seen(), "images").size(), 2U);
}

/// Any of four names is an override file, whatever the main one is called.
TEST_P(ComposePlugin, an_override_file_of_another_name_is_of_the_project) {
  must("cd " + shop->path + " && mv docker-compose.yml compose.yaml");
  const std::string over = shop->path + "/docker-compose.override.yml";
  std::ofstream(over) << "version: '3.4'\nservices:\n  web:\n    environment: {BAD: 1}\n";
  shop->compose("up -d");
  EXPECT_TRUE(holds("docker inspect " + tool.container("web") + " | grep -q BAD=1")) << "the case itself";
  const Json seen = shop->seen();
  EXPECT_EQ(get(seen, "files"), (Json{shop->path + "/compose.yaml", over}));
  EXPECT_EQ(get(seen, "beside").size(), 3U) << get(seen, "beside").dump();
  std::ofstream(shop->path + "/compose.override.yaml") << "services: {}\n";
  const auto several = shop->driver->observe(shop->subject(), *shop->local.host, {});
  ASSERT_FALSE(several) << "the one tool takes one of them, the other refuses";
  EXPECT_NE(several.error().message.find("several override files"), std::string::npos) << several.error().message;
}

/// Why `up` failed is said, by the plugin, too: its words do not begin with "ERROR".
TEST_P(ComposePlugin, says_why_it_could_not) {
  shop->deploy();
  Action up = steps()["up-code"].action;
  up.args.erase("set");
  must("sed -i 's/^  worker:/&\\n    network_mode: \"service:nobody\"/' " + shop->path + "/docker-compose.yml");
  const auto done = conformance::apply(*shop->driver, up, *shop->local.host);
  ASSERT_TRUE(done);
  EXPECT_FALSE(done->ok());
  EXPECT_NE(done->err.find("nobody"), std::string::npos) << done->err;
}

/// Neither a look nor the output of `up`, which the journal keeps, has what stands in the files.
TEST_P(ComposePlugin, quotes_nothing_of_files_that_it_cannot_read) {
  shop->compose("up -d");
  shop->checkpoint();
  for (Json& image : shop->saved["on_hosts"]["local"]["images"]) image.erase("config");  // so Compose is asked
  auto plan = steps();
  Action up = plan["up-code"].action;
  up.args.erase("set");  // with the files as they are
  for (const char* of_worker : {"environment: {S: \"hunter2${x\"}", "environment: {S: \"hunter2${1x}\"}",
                                "environment: {S: \"hunter2${x?set it}\"}", "environment: [ {S: hunter2 } ]",
                                "environment: {S: [hunter2]}", "environment: {S: \"hunter2", ".env: A=\"hunter2",
                                ".env: A=hunter2${x", ".env: PASS WORD=hunter2", ".env: -hunter2"}) {
    const std::string line = of_worker;
    shop->write("v1", line.starts_with(".env") ? Project::kWorker : Project::kWorker + ("    " + line + "\n"));
    if (line.starts_with(".env")) std::ofstream(shop->path + "/.env", std::ios::app) << line.substr(6) << "\n";
    const Sight sight = look(plan["runs-code"].action);
    const auto done = conformance::apply(*shop->driver, up, *shop->local.host);
    ASSERT_TRUE(done);
    EXPECT_EQ((sight.why + sight.evidence.dump() + done->out + done->err).find("hunter2"), std::string::npos)
        << line << "\n"
        << sight.why << "\n"
        << done->out << done->err;
    EXPECT_TRUE(done->ok() || done->err.size() > tool.name().size() + 25) << "why: " << done->err;
  }
}

/// A container of `run` is nobody's release, and stays.
TEST_P(ComposePlugin, a_container_of_run_is_left_alone) {
  shop->compose("up -d");
  shop->checkpoint();
  shop->write("v2", Project::kWorker);
  shop->compose("up -d -t 0");
  shop->compose("run -d --rm --no-deps worker /bin/sleep 999 </dev/null");
  const auto of_run = [] { return answer("docker ps -q --no-trunc --filter label=com.docker.compose.oneoff=True"); };
  const std::string before = of_run();
  ASSERT_FALSE(before.empty());
  auto plan = steps();
  const Step up = plan["up-code"];
  apply(plan["keep-config-code"].action);
  apply(up.action);
  EXPECT_EQ(look(up.action).kind, SightKind::kHolds) << look(up.action).why;
  EXPECT_EQ(of_run(), before);
}

/// From the old tool to the plugin between two releases: the containers have other names, and other hashes.
TEST_P(ComposePlugin, takes_over_from_the_old_one_and_gives_back) {
  const Tool other(tool.is_plugin() ? "docker-compose" : "docker compose");
  if (!other.lacking().empty()) GTEST_SKIP() << other.lacking();
  const auto by = [&](const Tool& one, const std::string& words) {
    must("cd " + shop->path + " && " + one.name() + " " + words + " 2>&1");
  };
  const Tool& plugin = tool.is_plugin() ? tool : other;  // both are there for the driver
  ::setenv("DOCKER_CONFIG", plugin.config("").c_str(), 1);
  by(other, "up -d");
  shop->checkpoint();
  shop->write("v2", Project::kWorker);
  by(tool, "up -d -t 0");
  const std::string v1 = shop->id_of("shop:v1"), v2 = shop->id_of("shop:v2");
  EXPECT_EQ(shop->runs("web"), v2);
  auto plan = steps();
  const Step up = plan["up-code"];
  EXPECT_EQ(get_string(up.action.args["on"]["local"], "tool"), tool.name());
  apply(plan["keep-config-code"].action);
  apply(up.action);
  for (const Action& action : {up.action, plan["runs-code"].action})
    EXPECT_EQ(look(action).kind, SightKind::kHolds) << look(action).why;
  EXPECT_EQ(shop->runs("web") + shop->runs("worker"), v1 + v1);
  apply(*up.undo);
  EXPECT_EQ(look(*up.undo).kind, SightKind::kHolds) << look(*up.undo).why;
  EXPECT_EQ(shop->runs("web") + shop->runs("worker"), v2 + v2);
}

INSTANTIATE_TEST_SUITE_P(Tools, ComposePlugin, both_tools(), tool_word);

}  // namespace
}  // namespace backout::drivers
