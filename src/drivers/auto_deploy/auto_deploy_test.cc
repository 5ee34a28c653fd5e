// Cron for real files; kubectl, docker and systemctl by stand-ins on PATH that answer as the real ones do.
#include "drivers/auto_deploy/auto_deploy.h"

#include <gmock/gmock.h>

#include <fstream>

#include "base/text.h"
#include "conformance/conformance.h"
#include "drivers/auto_deploy/deployer.h"

namespace backout::drivers {
namespace {

using ::testing::HasSubstr;

constexpr const char* kCrontab =
    "# deploys\nSHELL=/bin/sh\n*/5 * * * * deploy cd /srv/shop && git pull -q\n\n0 3 * * * root /usr/local/bin/backup\n"
    "#0 4 * * * root git pull of long ago\n";

// One object each, kept in files. kubectl merges a patch as the API server does.
constexpr const char* kStandIns = R"py(#!/usr/bin/python3
import json, os, sys
home = os.path.dirname(os.path.abspath(__file__))
tool, words = os.path.basename(sys.argv[0]), sys.argv[1:]
path = os.path.join(home, "object.json")
if os.path.exists(os.path.join(home, "ill")):
    sys.exit("Unable to connect to the server: dial tcp 10.0.0.1:6443: i/o timeout")
if not os.path.exists(path):
    sys.exit("Error: No such container: " + words[-1] if tool == "docker" else
             'Error from server (NotFound): applications.argoproj.io "%s" not found' % words[-2])
value = json.load(open(path))
def merge(to, patch):
    for key, each in patch.items():
        if each is None: to.pop(key, None)
        elif isinstance(each, dict): merge(to.setdefault(key, {}), each)
        else: to[key] = each
def keep():
    with open(path + ".new", "w") as out: json.dump(value, out)
    os.rename(path + ".new", path)
if tool == "kubectl":
    assert "--namespace=argocd" in words or "--namespace=flux-system" in words, words
    if "get" in words: print(json.dumps(value))
    if "patch" in words:
        merge(value, json.loads(words[-1].split("=", 1)[1])); keep(); print("patched")
elif tool == "docker":
    if words[:2] == ["container", "inspect"]: print(value["state"])
    elif words[0] == "pause":
        if value["state"] != "running": sys.exit("Error response from daemon: Container is already paused")
        value["state"] = "paused"; keep()
    elif words[0] == "unpause": value["state"] = "running"; keep()
elif tool == "systemctl":
    if words[0] == "show": print("LoadState=loaded\nActiveState=" + value["state"])
    else: value["state"] = "active" if words[0] == "start" else "inactive"; keep()
)py";

struct Deploys {
  const char* name;
  Json subject, object, resting;
};
void PrintTo(const Deploys& deploys, std::ostream* out) { *out << deploys.name; }

Json argo(const Json& policy) {
  return {{"apiVersion", "argoproj.io/v1alpha1"},
          {"kind", "Application"},
          {"metadata", {{"name", "shop"}}},
          {"spec", {{"project", "default"}, {"syncPolicy", policy}}}};
}
Json flux(const Json& spec) { return {{"kind", "Kustomization"}, {"metadata", {{"name", "shop"}}}, {"spec", spec}}; }

const Json kAutomated = {{"prune", true}, {"selfHeal", true}};

struct Conforms : ::testing::TestWithParam<Deploys> {
  conformance::LocalHost local;
  conformance::ScratchDirectory directory;
  std::unique_ptr<driver::Driver> driver = make_auto_deploy_driver();
  std::string path = std::getenv("PATH");

  void SetUp() override {
    for (const char* tool : {"kubectl", "docker", "systemctl"}) {
      std::ofstream(directory / tool) << kStandIns;
      std::filesystem::permissions(directory / tool, std::filesystem::perms(0755));
    }
    ::setenv("PATH", (directory.path() + ":" + path).c_str(), 1);
    put(GetParam().object);
  }
  void TearDown() override { ::setenv("PATH", path.c_str(), 1); }
  void put(const Json& object) const { std::ofstream(directory / "object.json") << object.dump(); }
  Json object() const {
    std::ifstream in(directory / "object.json");
    return parse_json(std::string(std::istreambuf_iterator<char>(in), {})).value_or(Json());
  }
  driver::Offering offering() const {
    driver::Offering made;
    made.from = Version("v2");
    made.to = Version("v1");
    made.subject = GetParam().subject;
    made.hosts = {"local"};
    const auto seen = driver->observe(made.subject, *local.host, {});
    EXPECT_TRUE(seen.has_value()) << (seen ? "" : seen.error().message);
    made.seen["local"] = seen.value_or(Json::object());
    return made;
  }
};
INSTANTIATE_TEST_SUITE_P(
    AutoDeploy, Conforms,
    ::testing::Values(
        Deploys{"argocd",
                {{"name", "argo"}, {"kind", "argocd"}, {"object", "shop"}, {"namespace", "argocd"}},
                argo({{"automated", kAutomated}, {"syncOptions", {"CreateNamespace=true"}}}),
                argo({{"syncOptions", {"CreateNamespace=true"}}})},
        Deploys{"flux",
                {{"name", "flux"}, {"kind", "flux"}, {"object", "kustomization/shop"}, {"namespace", "flux-system"}},
                flux({{"suspend", false}, {"path", "./shop"}}),
                flux({{"suspend", true}, {"path", "./shop"}})},
        Deploys{"container",
                {{"name", "watchtower"}, {"kind", "container"}, {"object", "watchtower"}, {"engine", "docker"}},
                {{"state", "running"}},
                {{"state", "paused"}}},
        Deploys{"timer",
                {{"name", "pull"}, {"kind", "timer"}, {"object", "pull.timer"}},
                {{"state", "active"}},
                {{"state", "inactive"}}}),
    [](const auto& deploys) { return std::string(deploys.param.name); });

TEST_P(Conforms, pausing_and_back) {
  const std::vector<Step> steps = conformance::offers_well(*driver, offering());
  ASSERT_EQ(steps.size(), 1U);
  std::vector<Action> bad(3, steps[0].action);
  bad[0].args["object"] = "--help";
  bad[1].args["kind"] = "nothing";
  bad[2].args.erase("name");
  conformance::conforms(*driver, {.action = steps[0].action,
                                  .undo = steps[0].undo,
                                  .reset = [&] { put(GetParam().object); },
                                  .done = [&] { return object() == GetParam().resting; },
                                  .as_before = [&] { return object() == GetParam().object; },
                                  .bad = bad,
                                  .kills = 1});
}

TEST_P(Conforms, what_rests_already_is_left_alone_and_not_let_go_on_later) {
  put(GetParam().resting);
  EXPECT_TRUE(conformance::offers_well(*driver, offering()).empty());
  const auto readiness = driver->ready(offering(), *local.host, driver::Depth::kQuick, {});
  ASSERT_EQ(readiness.findings.size(), 1U);
  EXPECT_THAT(readiness.findings[0].what, HasSubstr("is paused"));
}

TEST_P(Conforms, somebody_who_lets_it_go_on_is_seen) {
  const Action pause = conformance::offers_well(*driver, offering()).at(0).action;
  conformance::apply_well(*driver, pause, *local.host);
  EXPECT_EQ(driver->verify(pause, *local.host, {}).kind, SightKind::kHolds);
  put(GetParam().object);
  const Sight sight = driver->verify(pause, *local.host, {});
  EXPECT_EQ(sight.kind, SightKind::kDoesNotHold);
  EXPECT_THAT(sight.why, HasSubstr("goes on"));
}

TEST_P(Conforms, no_answer_is_no_success) {
  const Action pause = conformance::offers_well(*driver, offering()).at(0).action;
  std::ofstream(directory / "ill") << "";
  EXPECT_EQ(driver->verify(pause, *local.host, {}).kind, SightKind::kCannotTell);
  const auto seen = driver->observe(GetParam().subject, *local.host, {});
  ASSERT_FALSE(seen.has_value());
  EXPECT_THAT(seen.error().message, HasSubstr("Unable to connect to the server"));
}

struct CronLines : ::testing::Test {
  conformance::LocalHost local;
  conformance::ScratchDirectory directory;
  std::unique_ptr<driver::Driver> driver = make_auto_deploy_driver();
  std::string file = directory / "shop";

  void SetUp() override { reset(); }
  void reset() const { std::ofstream(file, std::ios::trunc) << kCrontab; }
  std::string text() const {
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  Json subject(const std::string& match = "git pull") const {
    return {{"name", "pull"}, {"kind", "cron"}, {"object", file}, {"match", match}};
  }
  driver::Offering offering(const std::string& match = "git pull") const {
    driver::Offering made;
    made.subject = subject(match);
    made.to = Version("v1");
    made.hosts = {"local"};
    made.seen["local"] = driver->observe(made.subject, *local.host, {}).value_or(Json::object());
    return made;
  }
};

TEST_F(CronLines, pausing_conforms) {
  const Step step = conformance::offers_well(*driver, offering()).at(0);
  const std::string paused = replaced(kCrontab, "*/5 *", "#backout-paused */5 *");
  std::filesystem::permissions(file, std::filesystem::perms(0640));
  conformance::conforms(*driver, {.action = step.action,
                                  .undo = step.undo,
                                  .reset = [&] { reset(); },
                                  .done = [&] { return text() == paused; },
                                  .as_before = [&] { return text() == kCrontab; },
                                  .always = [&] { return text() == kCrontab || text() == paused || text().empty(); },
                                  .kills = 4});
  EXPECT_EQ(std::filesystem::status(file).permissions(), std::filesystem::perms(0640));
}

TEST_F(CronLines, without_a_text_all_jobs_rest_and_settings_stay) {
  const Action pause = conformance::offers_well(*driver, offering("")).at(0).action;
  conformance::apply_well(*driver, pause, *local.host);
  EXPECT_THAT(text(), HasSubstr("\nSHELL=/bin/sh\n"));
  EXPECT_THAT(text(), HasSubstr("\n#backout-paused 0 3 * * * root /usr/local/bin/backup\n"));
  EXPECT_THAT(text(), HasSubstr("\n#0 4 * * *")) << "a comment stays one";
}

TEST_F(CronLines, a_line_that_is_not_there_is_told) {
  for (const char* match : {"svn up", "git pull of long ago"}) {
    const driver::Offering none = offering(match);
    EXPECT_TRUE(conformance::offers_well(*driver, none).empty());
    EXPECT_THAT(driver->ready(none, *local.host, driver::Depth::kQuick, {}).findings.at(0).what,
                HasSubstr("is not there"));
  }
}

/// What cron itself makes of it: `crontab` refuses what it cannot read.
TEST_F(CronLines, a_users_own_crontab_by_the_real_crontab) {
  if (::geteuid() != 0 || ::system("command -v crontab >/dev/null && ! crontab -u nobody -l >/dev/null 2>&1") != 0)
    GTEST_SKIP() << "no crontab command, or nobody has a crontab";
  const std::string given = "MAILTO=\"\"\n*/5 * * * * cd /srv/shop && git pull -q\n0 3 * * * /usr/local/bin/backup\n";
  const auto install = [&] {
    std::ofstream(directory / "given") << given;
    return ::system(("crontab -u nobody " + directory / "given").c_str());
  };
  const auto now = [&] {
    if (::system(("crontab -u nobody -l >" + directory / "now").c_str()) != 0) return std::string("none");
    std::ifstream in(directory / "now");
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  ASSERT_EQ(install(), 0);
  driver::Offering made = offering();
  made.subject = {{"name", "pull"}, {"kind", "crontab"}, {"object", "nobody"}, {"match", "git pull"}};
  made.seen["local"] = driver->observe(made.subject, *local.host, {}).value_or(Json::object());
  const std::vector<Step> steps = conformance::offers_well(*driver, made);
  EXPECT_EQ(steps.size(), 1U);
  if (!steps.empty()) {
    conformance::apply_well(*driver, steps[0].action, *local.host);
    EXPECT_THAT(now(), HasSubstr("\n#backout-paused */5"));
    EXPECT_EQ(driver->verify(steps[0].action, *local.host, {}).kind, SightKind::kHolds);
    conformance::apply_well(*driver, *steps[0].undo, *local.host);
    EXPECT_EQ(now(), given);
  }
  EXPECT_EQ(::system("crontab -u nobody -r"), 0);
}

TEST(Deployer, the_users_own_commands_and_their_probe) {
  conformance::ScratchDirectory directory;
  conformance::LocalHost local;
  const auto driver = make_auto_deploy_driver();
  const auto command = [](const std::string& text) { return Json{{"argv", {"sh", "-c", text}}}; };
  const std::string mark = directory / "paused";
  driver::Offering made;
  made.subject = {{"name", "actions"},
                  {"kind", "run"},
                  {"pause", command(": >" + mark)},
                  {"resume", command("rm -f " + mark)},
                  {"paused", command("[ -e " + mark + " ]")}};
  made.to = Version("v1");
  made.hosts = {"local"};
  made.seen["local"] = driver->observe(made.subject, *local.host, {}).value_or(Json::object());
  const Step step = conformance::offers_well(*driver, made).at(0);
  conformance::conforms(*driver, {.action = step.action,
                                  .undo = step.undo,
                                  .reset = [&] { std::filesystem::remove(mark); },
                                  .done = [&] { return std::filesystem::exists(mark); },
                                  .kills = 1});
  Action blind = step.action;
  blind.args["paused"] = command("echo cannot >&2; exit 2");
  EXPECT_EQ(driver->verify(blind, *local.host, {}).kind, SightKind::kCannotTell);
}

TEST(Deployer, answers_of_the_real_tools_are_read) {
  const auto state = [](const char* kind, const char* out, const char* err = "", int status = 0) {
    const Deployer deployer{"x", kind, {{"object", "kustomization/x"}, {"namespace", "n"}}};
    host::CommandResult answer;
    answer.out = out;
    answer.err = err;
    answer.exit_status = status;
    return state_in(deployer, answer);
  };
  EXPECT_TRUE(state("argocd", R"({"spec":{"source":{}}})")->paused) << "synced by hand";
  EXPECT_TRUE(state("argocd", R"({"spec":{"syncPolicy":{"automated":{"enabled":false}}}})")->paused) << "Argo CD 2.14";
  EXPECT_FALSE(state("argocd", R"({"spec":{"syncPolicy":{"automated":{}}}})")->paused) << "an empty one is on";
  EXPECT_FALSE(state("flux", R"({"spec":{"interval":"5m"}})")->paused);
  EXPECT_FALSE(state("argocd", "", "Error from server (Forbidden): applications.argoproj.io is forbidden", 1));
  EXPECT_FALSE(state("argocd", "<html>"));
  EXPECT_FALSE(state("container", "\n", "Error: No such container: watchtower", 1)->there);
  EXPECT_FALSE(state("container", "", "Cannot connect to the Docker daemon at unix:///var/run/docker.sock.", 1));
  EXPECT_TRUE(state("container", "exited\n")->paused);
  EXPECT_FALSE(state("timer", "LoadState=not-found\nActiveState=inactive\n")->there);
  EXPECT_FALSE(state("timer", "", "System has not been booted with systemd as init system (PID 1).", 1));
}

}  // namespace
}  // namespace backout::drivers
