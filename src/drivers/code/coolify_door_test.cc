// Coolify behind a door that is closed, and auto-deploy that goes on only when it cannot bring the bad release back.
#include <gmock/gmock.h>

#include "base/text.h"
#include "drivers/code/coolify_for_tests.h"
#include "os/process.h"
#include "support/python_server.h"

namespace backout::drivers {
namespace {

using ::testing::HasSubstr;

// What answers in front of a closed door: a page that says when to come again, and 200 from those who know no better.
constexpr const char* kClosedDoor = R"py(
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *a): pass
    def do_GET(self):
        body = b"Back soon"
        self.send_response(200 if "200" in self.path else 503)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)
server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
)py";

struct CoolifyDoor : OnCoolify {
  std::map<std::string, Action> actions(const Json& more) const {
    driver::Offering offering = site().offering();
    offering.subject.update(more);
    std::map<std::string, Action> found;
    for (const Step& step : conformance::offers_well(*site().driver, offering)) {
      found[step.id.str()] = step.action;
      if (step.id.str() == "public-coolify-serves") {
        EXPECT_EQ(step.phase, Phase::kSettle);
      }
      if (step.undo) found["undo of " + step.id.str()] = *step.undo;
    }
    return found;
  }
};

TEST_F(CoolifyDoor, that_is_closed_does_not_fail_the_release_behind_it) {
  const testing_support::PythonServer door(kClosedDoor);
  for (const char* path : {"/503", "/200"}) {
    site().restart();
    auto step = actions({{"serves", door.url() + path}, {"in_front", true}});
    EXPECT_EQ(site().look(step["deploy-coolify"]).kind, SightKind::kDoesNotHold) << "not yet deployed";
    ASSERT_TRUE(site().apply(step["deploy-coolify"]).ok());
    EXPECT_EQ(site().look(step["deploy-coolify"]).kind, SightKind::kHolds);
    const Sight behind = site().look(step["coolify-serves"]);
    EXPECT_EQ(behind.kind, SightKind::kHolds) << behind.why;
    EXPECT_THAT(behind.why, HasSubstr("is asked when the door is open"));
    EXPECT_FALSE(behind.evidence.contains("version")) << "nobody has seen it";
    EXPECT_EQ(site().look(step["public-coolify-serves"]).kind, SightKind::kDoesNotHold) << "still nobody has seen it";
    const int before = site().deployments();
    ASSERT_TRUE(site().apply(step["deploy-coolify"]).ok());
    EXPECT_EQ(site().deployments(), before) << "a second time, what is deployed is left alone";
  }
}

TEST_F(CoolifyDoor, an_old_container_that_answers_through_it_is_seen) {
  auto step = actions({{"in_front", true}});
  site().fault({{"liar", true}});
  ASSERT_TRUE(site().apply(step["deploy-coolify"]).ok());
  const Sight sight = site().look(step["coolify-serves"]);
  EXPECT_EQ(sight.kind, SightKind::kDoesNotHold);
  EXPECT_THAT(sight.why, HasSubstr("the application reports 222222222222, not v1"));
}

TEST_F(CoolifyDoor, a_path_is_asked_behind_it_and_again_in_front) {
  const testing_support::PythonServer door(kClosedDoor);
  auto step = actions({{"serves_public", door.url() + "/503"}});
  ASSERT_TRUE(site().apply(step["deploy-coolify"]).ok());
  EXPECT_EQ(site().look(step["coolify-serves"]).kind, SightKind::kHolds);
  EXPECT_THAT(site().look(step["coolify-serves"]).why, HasSubstr("the application reports 111111111111"));
  EXPECT_THAT(site().look(step["public-coolify-serves"]).why, HasSubstr("the application answers 503"));
  driver::Offering deploy = site().offering();
  deploy.kind = RunKind::kDeploy;
  deploy.subject["serves_public"] = door.url();
  EXPECT_EQ(conformance::offers_well(*site().driver, deploy).back().id.str(), "public-coolify-stands");
}

/// With a remote whose branch main can be pushed to.
struct CoolifyResolve : CoolifyDoor {
  conformance::ScratchDirectory directory;
  std::string bad;

  std::string git(const std::string& words) const {
    const auto result =
        os::run_process({.argv = {"sh", "-c",
                                  "cd " + directory.path() +
                                      " && export GIT_CONFIG_GLOBAL=/dev/null && G='git -C clone -c user.name=Team -c "
                                      "user.email=team@example.com'; " +
                                      words}});
    EXPECT_TRUE(result && result->ok()) << words << (result ? result->err : "");
    return result ? std::string(trimmed(result->out)) : "";
  }
  void SetUp() override {
    CoolifyDoor::SetUp();
    git("git init -q --bare remote.git; git init -q -b main clone; $G remote add origin ../remote.git");
    bad = git("$G commit -q --allow-empty -m bad; $G push -q origin main; $G rev-parse HEAD");
  }
  Action paused_and_resolved() const {
    auto step = actions(Json::object());
    EXPECT_TRUE(site().apply(step["pause-coolify"]).ok());
    EXPECT_TRUE(site().apply(step["deploy-coolify"]).ok());
    Action resume = step["undo of pause-coolify"];
    resume.args["from_commit"] = bad;
    resume.args["path"] = directory / "clone";
    resume.args["resolved"] = true;
    return resume;
  }
};

TEST_F(CoolifyResolve, auto_deploy_stays_off_while_the_branch_is_the_bad_release) {
  const Action resume = paused_and_resolved();
  host::CommandResult result = site().apply(resume);
  EXPECT_FALSE(result.ok());
  EXPECT_THAT(result.err, HasSubstr("main still points at " + bad.substr(0, 12)));
  EXPECT_FALSE(site().auto_deploy());
  EXPECT_EQ(site().set_to(), kV1);
  git("$G commit -q --allow-empty -m fixed; $G push -q origin main");
  result = site().apply(resume);
  EXPECT_TRUE(result.ok()) << result.err;
  EXPECT_TRUE(site().auto_deploy());
  EXPECT_EQ(site().set_to(), "HEAD");
  EXPECT_EQ(site().running(), kV1) << "nothing was deployed by it";
  std::vector<std::string> changes;
  const Json now = site().control();
  for (const Json& request : get(now, "requests"))
    if (request[0] == "PATCH") changes.push_back(request[2].get<std::string>());
  EXPECT_THAT(changes.back(), HasSubstr("is_auto_deploy_enabled")) << "last";
  EXPECT_EQ(changes.back().find("git_commit_sha"), std::string::npos);
}

TEST_F(CoolifyResolve, it_stays_off_while_nobody_can_say_where_the_branch_is) {
  Action resume = paused_and_resolved();
  std::filesystem::remove_all(directory / "remote.git");
  const host::CommandResult result = site().apply(resume);
  EXPECT_FALSE(result.ok());
  EXPECT_THAT(result.err, HasSubstr("where main points cannot be seen"));
  EXPECT_FALSE(site().auto_deploy());
  resume.args["was"]["sha"] = bad;
  EXPECT_THAT(site().apply(resume).err, HasSubstr("it would be set to " + bad));
  EXPECT_FALSE(site().auto_deploy());
}

TEST_F(CoolifyResolve, what_the_settings_of_the_clone_name_is_not_run) {
  const Action resume = paused_and_resolved();
  git("$G config protocol.ext.allow always; $G config remote.origin.url 'ext::sh -c touch% ran'; "
      "$G config core.sshCommand 'touch ran'; $G config credential.helper '!touch ran; false'");
  const host::CommandResult result = site().apply(resume);
  EXPECT_FALSE(result.ok());
  EXPECT_THAT(result.err, HasSubstr("'ext' not allowed"));
  for (const std::string& place : {directory / "ran", directory / "clone/ran", std::string("/ran")})
    EXPECT_FALSE(std::filesystem::exists(place)) << place;
}

TEST_F(CoolifyResolve, an_abort_asks_nobody_and_puts_it_back) {
  Action resume = paused_and_resolved();
  resume.args.erase("resolved");
  EXPECT_TRUE(site().apply(resume).ok());
  EXPECT_TRUE(site().auto_deploy());
}

TEST_F(CoolifyResolve, what_does_not_take_the_branch_keeps_auto_deploy_off) {
  Action resume = paused_and_resolved();
  git("$G commit -q --allow-empty -m fixed; $G push -q origin main");
  site().fault({{"deaf", true}});
  const host::CommandResult result = site().apply(resume);
  EXPECT_FALSE(result.ok());
  EXPECT_THAT(result.err, HasSubstr("is set to " + kV1));
  EXPECT_FALSE(site().auto_deploy());
}

}  // namespace
}  // namespace backout::drivers
