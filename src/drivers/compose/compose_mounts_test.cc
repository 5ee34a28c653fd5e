// Files and directories of the host in containers: what no image and no hash of Compose's tells.
#include "drivers/compose/compose_for_tests.h"

namespace backout::drivers {
namespace {

using conformance::answer;
using conformance::must;

class ComposeMounts : public Compose {
 protected:
  /// A service of the same image in both releases, with `mount` of the host.
  static std::string front(const std::string& mount) {
    return "  front:\n    image: shop:v3\n    stop_signal: SIGKILL\n    command: [/bin/sleep, '9999']\n    volumes: "
           "['" +
           mount + "']\n";
  }
  void put(const std::string& file, const std::string& text) const {
    std::ofstream(shop->path + "/part") << text << "\n";
    must("mv " + shop->path + "/part " + shop->path + "/" + file);
  }
  std::string inside(const std::string& file) const {
    return answer("docker exec " + tool.container("front") + " /bin/cat " + file);
  }
};

using ComposeMountsOnce = ComposeMounts;

TEST_P(ComposeMounts, a_container_starts_again_with_the_files_of_its_release) {
  const std::string front = ComposeMounts::front("./site.conf:/etc/site.conf:ro");
  const Json config = {{"config", {shop->path + "/site.conf"}}};
  put("site.conf", "one");
  shop->write("v1", front);
  shop->compose("up -d");
  shop->checkpoint(config);
  put("site.conf", "two");
  shop->write("v2", front);
  shop->compose("up -d -t 0");
  must("docker restart -t 0 " + tool.container("front"));
  ASSERT_EQ(inside("/etc/site.conf"), "two");

  const auto plan = steps(config);
  const Step& up = plan.at("up-code");
  const Action& runs = plan.at("runs-code").action;
  apply(plan.at("keep-config-code").action);
  apply(up.action);
  EXPECT_EQ(look(up.action).kind, SightKind::kHolds) << look(up.action).why;
  EXPECT_EQ(look(runs).kind, SightKind::kHolds) << look(runs).why;
  EXPECT_EQ(inside("/etc/site.conf"), "one");
  const std::string began = answer("docker inspect -f '{{.State.StartedAt}}' " + tool.container("front"));
  apply(up.action);
  EXPECT_EQ(answer("docker inspect -f '{{.State.StartedAt}}' " + tool.container("front")), began)
      << "one that has the files as they are is left alone";

  put("site.conf", "three");  // by whom ever
  EXPECT_EQ(look(runs).kind, SightKind::kDoesNotHold);
  EXPECT_NE(look(runs).why.find("front goes on with another " + shop->path + "/site.conf"), std::string::npos)
      << look(runs).why;
  put("site.conf", "one");  // another file with the same in it
  EXPECT_EQ(look(runs).kind, SightKind::kHolds) << look(runs).why;

  apply(*up.undo);
  EXPECT_EQ(look(*up.undo).kind, SightKind::kHolds) << look(*up.undo).why;
  EXPECT_EQ(inside("/etc/site.conf"), "two");
}

TEST_P(ComposeMountsOnce, a_file_in_a_mounted_directory_is_read_at_the_next_start) {
  const std::string front = ComposeMounts::front("./conf.d:/etc/conf.d:ro");
  const Json config = {{"config", {shop->path + "/conf.d/site.conf"}}};
  must("mkdir " + shop->path + "/conf.d");
  put("conf.d/site.conf", "one");
  shop->write("v1", front);
  shop->compose("up -d");
  shop->checkpoint(config);
  put("conf.d/site.conf", "two");
  shop->write("v2", front);
  shop->compose("up -d -t 0");
  const std::string began = answer("docker inspect -f '{{.State.StartedAt}}' " + tool.container("front"));
  const auto plan = steps(config);
  apply(plan.at("keep-config-code").action);
  apply(plan.at("up-code").action);
  EXPECT_EQ(look(plan.at("up-code").action).kind, SightKind::kHolds) << look(plan.at("up-code").action).why;
  EXPECT_NE(answer("docker inspect -f '{{.State.StartedAt}}' " + tool.container("front")), began);
  put("conf.d/site.conf", "one");
  const Sight sight = look(plan.at("up-code").action);
  EXPECT_EQ(sight.kind, SightKind::kDoesNotHold);
  EXPECT_NE(sight.why.find("front was started before"), std::string::npos) << sight.why;
}

TEST_P(ComposeMountsOnce, code_that_is_mounted_from_a_checkout_is_not_brought_back_by_an_image) {
  must("mkdir " + shop->path + "/app " + shop->path + "/app/media");
  put("app/site.py", "one");
  put("app/media/photo", "of a user");
  must("cd " + shop->path +
       " && git init -q && git add app/site.py && git -c user.name=a -c user.email=a@b.c commit -qm v1");
  shop->write("v1", front("./app:/app"));
  shop->compose("up -d");
  shop->checkpoint();
  shop->write("v2", front("./app:/app"));
  shop->compose("up -d -t 0");
  const auto refused = shop->driver->offer(shop->offering(RunKind::kRollback));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kRefused);
  EXPECT_NE(refused.error().message.find("front has " + shop->path + "/app/site.py mounted"), std::string::npos)
      << refused.error().message;
  const Json none = Json::object();
  const auto findings = [&](const Json& more) {
    std::string words;
    for (const Finding& each :
         shop->driver->ready(shop->offering(RunKind::kRollback, more), *shop->local.host, driver::Depth::kQuick, {})
             .findings)
      if (each.id == "compose.mount") words += std::string(name_of(each.severity)) + ": " + each.what + "\n";
    return words;
  };
  EXPECT_NE(findings(none).find(shop->path + "/app/site.py of the host mounted: git has it as code"), std::string::npos)
      << findings(none);
  for (const Json& more : {Json{{"data", {shop->path + "/app"}}}, Json{{"config", {shop->path + "/app/site.py"}}}}) {
    EXPECT_TRUE(shop->driver->offer(shop->offering(RunKind::kRollback, more))) << more.dump();
    EXPECT_EQ(findings(more), "");
  }
  must("rm -rf " + shop->path + "/.git");
  EXPECT_TRUE(shop->driver->offer(shop->offering(RunKind::kRollback)));
  EXPECT_NE(findings(none).find("front has " + shop->path + "/app of the host mounted: no image tells"),
            std::string::npos)
      << findings(none);
}

TEST_P(ComposeMountsOnce, what_is_saved_is_kept_out_of_git_and_missed_before_the_cutover) {
  must("cd " + shop->path + " && git init -q");
  shop->compose("up -d");
  shop->checkpoint();
  EXPECT_EQ(answer("cd " + shop->path + " && git add -A && git status --short | grep -c backout"), "0");
  must("cd " + shop->path + " && git clean -qfd");
  shop->write("v2", Project::kWorker);
  shop->compose("up -d -t 0");
  shop->compose("run -d --name import web /bin/sleep 9999");
  const auto plan = steps();
  EXPECT_EQ(look(plan.at("image-code").action).kind, SightKind::kHolds) << look(plan.at("image-code").action).why;
  const auto amiss = [&] {
    std::string words;
    for (const Finding& each :
         shop->driver->ready(shop->offering(RunKind::kRollback), *shop->local.host, driver::Depth::kQuick, {}).findings)
      words += each.id + " ";
    return words;
  };
  EXPECT_EQ(amiss().find("compose.saved"), std::string::npos);
  apply(plan.at("keep-config-code").action);
  apply(plan.at("up-code").action);
  const Sight up = look(plan.at("up-code").action);
  EXPECT_EQ(up.kind, SightKind::kHolds) << up.why;
  EXPECT_NE(up.evidence.dump().find("import, which somebody started by `run`, goes on with shop:v2"), std::string::npos)
      << up.evidence.dump();
  must("cd " + shop->path + " && git clean -qfdx -e '*.env' -e '*.yml'");
  EXPECT_EQ(look(plan.at("image-code").action).kind, SightKind::kDoesNotHold);
  EXPECT_NE(amiss().find("compose.saved"), std::string::npos);
  EXPECT_EQ(amiss().find("compose.context"), std::string::npos);
  std::ofstream(shop->path + "/Dockerfile") << "FROM scratch\nCOPY . /\n";
  EXPECT_NE(amiss().find("compose.context"), std::string::npos);
  std::ofstream(shop->path + "/.dockerignore") << ".git\n.backout\n";
  EXPECT_EQ(amiss().find("compose.context"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Tools, ComposeMounts, both_tools(), tool_word);
INSTANTIATE_TEST_SUITE_P(Tool, ComposeMountsOnce, ::testing::Values("either"), tool_word);

}  // namespace
}  // namespace backout::drivers
