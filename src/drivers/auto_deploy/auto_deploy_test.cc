// kubectl and docker by stand-ins on PATH that answer as the real ones do; cron and timers are in files of their own.
#include "drivers/auto_deploy/auto_deploy.h"

#include <gmock/gmock.h>

#include <fstream>

#include "base/text.h"
#include "conformance/conformance.h"
#include "drivers/auto_deploy/deployer.h"

namespace backout::drivers {
namespace {

using ::testing::HasSubstr;

// One object each, kept in files. kubectl merges a patch as the API server does.
constexpr const char* kStandIns = R"py(#!/usr/bin/python3
import json, os, sys
home = os.path.dirname(os.path.abspath(__file__))
tool, words = os.path.basename(sys.argv[0]), sys.argv[1:]
path = os.path.join(home, "object.json")
if tool == "kubectl" and "config" in words:
    context = ([word.split("=", 1)[1] for word in words if word.startswith("--context=")] or ["here"])[0]
    moved = os.path.exists(os.path.join(home, "moved"))
    print(context, "https://elsewhere" if moved else "https://" + context, end="")
    sys.exit(0)
if os.path.exists(os.path.join(home, "ill")):
    sys.exit("Unable to connect to the server: dial tcp 10.0.0.1:6443: i/o timeout")
if not os.path.exists(path):
    sys.exit("Error: No such container: " + words[-1] if tool in ("docker", "podman") else
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
    assert "--context=here" in words, words  # the one that was current when it was looked at
    if "get" in words: print(json.dumps(value))
    if "patch" in words and os.path.exists(os.path.join(home, "forbidden")):
        sys.exit('Error from server (Forbidden): applications.argoproj.io "shop" is forbidden: User "ci" cannot patch resource')
    if "patch" in words:
        merge(value, json.loads(words[-1].split("=", 1)[1])); keep(); print("patched")
elif tool in ("docker", "podman"):
    policy = value["restart"].split(":")
    if words[:2] == ["container", "inspect"]:
        told = words[2].split("=", 1)[1]
        for template, is_now in (("{{.State.Status}}", value["state"]), ("{{.HostConfig.RestartPolicy.Name}}", policy[0]),
                                 ("{{.HostConfig.RestartPolicy.MaximumRetryCount}}", (policy + ["0"])[1])):
            told = told.replace(template, is_now)
        print(told)
    elif words[0] == "update":
        assert words[1].startswith("--restart="), words
        if os.path.exists(os.path.join(home, "old")): sys.exit("unknown flag: --restart")
        value["restart"] = words[1].split("=")[1]; keep()
    elif words[0] == "pause":
        if value["state"] != "running": sys.exit("Error response from daemon: Container is already paused")
        value["state"] = "paused"; keep()
    elif words[0] == "stop" and tool == "podman": value["state"] = "exited"; keep()
    elif words[0] in ("unpause", "start"): value["state"] = "running"; keep()
    else: sys.exit("unknown command " + words[0])
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
    for (const char* tool : {"kubectl", "docker"}) {
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
                {{"state", "running"}, {"restart", "unless-stopped"}},
                {{"state", "paused"}, {"restart", "no"}}},
        Deploys{"container_that_nothing_restarts",
                {{"name", "watchtower"}, {"kind", "container"}, {"object", "watchtower"}, {"engine", "docker"}},
                {{"state", "running"}, {"restart", "no"}},
                {{"state", "paused"}, {"restart", "no"}}}),
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

TEST_P(Conforms, what_rests_already_is_looked_at_and_not_let_go_on_later) {
  put(GetParam().resting);
  const std::vector<Step> steps = conformance::offers_well(*driver, offering());
  ASSERT_EQ(steps.size(), 1U);
  EXPECT_EQ(steps[0].kind, StepKind::kLook);
  EXPECT_FALSE(steps[0].undo);
  EXPECT_EQ(driver->verify(steps[0].action, *local.host, {}).kind, SightKind::kHolds);
  const auto readiness = driver->ready(offering(), *local.host, driver::Depth::kQuick, {});
  ASSERT_EQ(readiness.findings.size(), 1U);
  EXPECT_THAT(readiness.findings[0].what, HasSubstr("is paused"));
  put(GetParam().object);
  EXPECT_EQ(driver->verify(steps[0].action, *local.host, {}).kind, SightKind::kDoesNotHold) << "somebody let it go on";
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

TEST_P(Conforms, a_right_that_is_missing_is_named_beforehand) {
  const std::string kind = get_string(GetParam().subject, "kind");
  if (kind != "argocd" && kind != "flux") return;  // the others are in no cluster
  EXPECT_EQ(driver->ready(offering(), *local.host, driver::Depth::kQuick, {}).findings.size(), 1U);
  EXPECT_EQ(object(), GetParam().object) << "it was only tried";
  std::ofstream(directory / "forbidden") << "";
  const auto findings = driver->ready(offering(), *local.host, driver::Depth::kQuick, {}).findings;
  ASSERT_EQ(findings.size(), 2U);
  EXPECT_EQ(findings[1].severity, Severity::kRed);
  EXPECT_THAT(findings[1].what, HasSubstr("cannot patch resource"));
}

TEST_P(Conforms, what_the_kubeconfig_leads_to_is_looked_at_before_each_step) {
  const std::string kind = get_string(GetParam().subject, "kind");
  if (kind != "argocd" && kind != "flux") return;  // the others are in no cluster
  const Step pause = conformance::offers_well(*driver, offering()).at(0);
  EXPECT_EQ(pause.action.args["cluster"], (Json{{"context", "here"}, {"server", "https://here"}}));
  EXPECT_EQ(pause.undo->args["cluster"], pause.action.args["cluster"]);
  std::ofstream(directory / "moved") << "";
  const auto done = conformance::apply(*driver, pause.action, *local.host);
  ASSERT_TRUE(done.has_value());
  EXPECT_FALSE(done->ok());
  EXPECT_THAT(done->err, HasSubstr("kubectl leads to 'here https://elsewhere' now"));
  EXPECT_EQ(object(), GetParam().object) << "nothing was done there";
  EXPECT_EQ(driver->verify(pause.action, *local.host, {}).kind, SightKind::kCannotTell);
}

TEST_P(Conforms, no_answer_is_no_success) {
  const Action pause = conformance::offers_well(*driver, offering()).at(0).action;
  std::ofstream(directory / "ill") << "";
  EXPECT_EQ(driver->verify(pause, *local.host, {}).kind, SightKind::kCannotTell);
  const auto seen = driver->observe(GetParam().subject, *local.host, {});
  ASSERT_FALSE(seen.has_value());
  EXPECT_THAT(seen.error().message, HasSubstr("Unable to connect to the server"));
}

struct Container : ::testing::Test {
  conformance::LocalHost local;
  conformance::ScratchDirectory directory;
  std::unique_ptr<driver::Driver> driver = make_auto_deploy_driver();
  std::string path = std::getenv("PATH");

  void SetUp() override {
    std::ofstream(directory / "docker") << kStandIns;
    std::filesystem::permissions(directory / "docker", std::filesystem::perms(0755));
    ::setenv("PATH", (directory.path() + ":" + path).c_str(), 1);
  }
  void TearDown() override { ::setenv("PATH", path.c_str(), 1); }
  void put(const char* state, const char* restart) const {
    std::ofstream(directory / "object.json") << Json{{"state", state}, {"restart", restart}}.dump();
  }
  std::string object() const { return conformance::detail::slurp(directory / "object.json"); }
  Json seen() const { return driver->observe(subject, *local.host, {}).value_or(Json::object()); }
  Step pause() const {
    driver::Offering made{.subject = subject, .hosts = {"local"}};
    made.seen["local"] = seen();
    return conformance::offers_well(*driver, made).at(0);
  }
  Json subject = {{"name", "watcher"}, {"kind", "container"}, {"object", "watcher"}, {"engine", "docker"}};
};

TEST_F(Container, stays_paused_over_a_reboot_and_runs_as_before_when_it_may) {
  for (const char* restart : {"always", "on-failure:3"}) {
    put("running", restart);
    const std::string before = object();
    const Step step = pause();
    conformance::apply_well(*driver, step.action, *local.host);
    EXPECT_THAT(object(), HasSubstr("\"restart\": \"no\"")) << "or the daemon starts it again";
    put("exited", "no");  // as it is after a reboot
    EXPECT_EQ(driver->verify(step.action, *local.host, {}).kind, SightKind::kHolds);
    conformance::apply_well(*driver, *step.undo, *local.host);
    EXPECT_EQ(driver->verify(*step.undo, *local.host, {}).kind, SightKind::kHolds);
    EXPECT_EQ(parse_json(object()).value_or(Json()), parse_json(before).value_or(Json()));
  }
}

TEST_F(Container, that_a_reboot_would_let_go_on_is_not_paused) {
  const auto paused = [&](const char* state, const char* restart) {
    put(state, restart);
    return get_bool(seen(), "paused");
  };
  EXPECT_FALSE(paused("paused", "always"));
  EXPECT_FALSE(paused("exited", "always"));
  EXPECT_FALSE(paused("restarting", "no"));
  EXPECT_TRUE(paused("exited", "unless-stopped")) << "stopped by somebody, and Docker knows that";
  EXPECT_TRUE(paused("paused", "no"));
}

TEST_F(Container, is_left_stopped_when_it_was_found_so) {
  put("exited", "always");
  const Step step = pause();
  conformance::apply_well(*driver, step.action, *local.host);
  EXPECT_EQ(driver->verify(step.action, *local.host, {}).kind, SightKind::kHolds);
  conformance::apply_well(*driver, *step.undo, *local.host);
  EXPECT_THAT(object(), HasSubstr("exited"));
  EXPECT_THAT(object(), HasSubstr("always"));
  EXPECT_EQ(driver->verify(*step.undo, *local.host, {}).kind, SightKind::kHolds);
}

TEST_F(Container, whose_policy_cannot_be_changed_is_no_success) {
  put("running", "always");
  const Step step = pause();
  std::ofstream(directory / "old") << "";
  const auto result = conformance::apply(*driver, step.action, *local.host);
  EXPECT_FALSE(result && result->ok());
  EXPECT_THAT(result->err, HasSubstr("a reboot would let it go on"));
  EXPECT_THAT(object(), HasSubstr("running")) << "nothing was done";
}

TEST_F(Container, of_an_old_podman_is_stopped_where_nothing_starts_it_at_a_boot) {
  std::filesystem::copy_file(directory / "docker", directory / "podman");
  const std::string config = std::getenv("XDG_CONFIG_HOME") == nullptr ? "" : std::getenv("XDG_CONFIG_HOME");
  ::setenv("XDG_CONFIG_HOME", directory.path().c_str(), 1);
  subject["engine"] = "podman";
  std::ofstream(directory / "old") << "";
  for (const char* restart : {"always", "unless-stopped", "on-failure:3"}) {
    put("running", restart);
    const std::string before = object();
    const Step step = pause();
    for (int twice = 0; twice < 2; ++twice) conformance::apply_well(*driver, step.action, *local.host);
    EXPECT_THAT(object(), HasSubstr("exited"));
    EXPECT_EQ(driver->verify(step.action, *local.host, {}).kind, SightKind::kHolds);
    conformance::apply_well(*driver, *step.undo, *local.host);
    EXPECT_EQ(driver->verify(*step.undo, *local.host, {}).kind, SightKind::kHolds);
    EXPECT_EQ(parse_json(object()).value_or(Json()), parse_json(before).value_or(Json()));
  }
  const std::string wants = directory / "systemd/user/default.target.wants";
  std::filesystem::create_directories(wants);
  std::filesystem::create_symlink("/usr/lib/systemd/user/podman-restart.service", wants + "/podman-restart.service");
  put("running", "unless-stopped");
  conformance::apply_well(*driver, pause().action, *local.host);  // that unit takes "always" alone
  EXPECT_TRUE(get_bool(seen(), "paused"));
  put("running", "always");
  const auto result = conformance::apply(*driver, pause().action, *local.host);
  EXPECT_FALSE(result && result->ok());
  EXPECT_THAT(result->err, HasSubstr("a reboot would let it go on"));
  EXPECT_THAT(object(), HasSubstr("running")) << "nothing was done";
  put("exited", "always");
  EXPECT_FALSE(get_bool(seen(), "paused")) << "the next boot lets it go on";
  config.empty() ? ::unsetenv("XDG_CONFIG_HOME") : ::setenv("XDG_CONFIG_HOME", config.c_str(), 1);
}

TEST_F(Container, that_is_not_there_is_told_and_not_called_paused) {
  EXPECT_FALSE(get_bool(seen(), "there", true));
  EXPECT_FALSE(get_bool(seen(), "paused"));
  driver::Offering made{.subject = subject, .hosts = {"local", "web-2"}};
  made.seen = {{"local", seen()}, {"web-2", seen()}};
  const auto nowhere = driver->offer(made);
  ASSERT_FALSE(nowhere);
  EXPECT_EQ(nowhere.error().code, Code::kNotFound);
  EXPECT_THAT(nowhere.error().next, HasSubstr("auto_deploys"));
  made.seen["web-2"] = {{"there", true}, {"paused", false}};
  const std::vector<Step> steps = conformance::offers_well(*driver, made);
  ASSERT_EQ(steps.size(), 2U);
  EXPECT_EQ(steps[0].hosts, std::vector<std::string>{"web-2"});
  EXPECT_EQ(steps[1].hosts, std::vector<std::string>{"local"});
  EXPECT_EQ(driver->verify(steps[1].action, *local.host, {}).kind, SightKind::kHolds);
  EXPECT_EQ(driver->verify(steps[0].action, *local.host, {}).kind, SightKind::kDoesNotHold)
      << "where it was paused it must be there, or what deploys instead is not seen";
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
  EXPECT_TRUE(state("container", "exited  0\n")->paused) << "of old, without a policy";
  EXPECT_FALSE(state("container", "running always 0\n")->paused);
  EXPECT_FALSE(state("timer", "LoadState=not-found\nActiveState=inactive\nUnitFileState=\nDropInPaths=\n")->there);
  EXPECT_FALSE(state("timer", "LoadState=loaded\nActiveState=inactive\nUnitFileState=enabled\nDropInPaths=\n")->paused)
      << "the next boot starts it";
  EXPECT_TRUE(state("timer", "LoadState=loaded\nActiveState=inactive\nUnitFileState=disabled\nDropInPaths=\n")->paused);
  EXPECT_FALSE(state("timer", "LoadState=loaded\n"));
  EXPECT_FALSE(state("timer", "", "System has not been booted with systemd as init system (PID 1).", 1));
}

}  // namespace
}  // namespace backout::drivers
