#include "watch/probe.h"

#include "support/python_server.h"
#include "watch/testing.h"

namespace backout::watch {
namespace {

using ::testing::HasSubstr;
const WallTime kStart = wall_from_millis(1'700'000'000'000);

constexpr const char* kSite = R"py(
import http.server, time
class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *a): pass
    def do_GET(self):
        if self.path == '/slow': time.sleep(2)
        self.send_response(503 if self.path == '/broken' else 200)
        self.end_headers()
        try: self.wfile.write(b'all is ok')
        except BrokenPipeError: pass
server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
)py";

class Probe : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { site_ = std::make_unique<testing_support::PythonServer>(kSite); }
  static void TearDownTestSuite() { site_.reset(); }
  static Seen once(const Json& subject) {
    Looking looking("probe", subject, kStart);
    return looking.look(kStart + Millis(1500));
  }
  static inline std::unique_ptr<testing_support::PythonServer> site_;
};

TEST_F(Probe, EveryAnswerIsAVote) {
  Looking looking("probe", {{"url", site_->url() + "/"}, {"contains", "ok"}}, kStart);
  for (int second = 0; second < 5; ++second) {
    const Seen seen = looking.look(kStart + Millis(second * 1000 + 300));
    ASSERT_EQ(seen.observations.size(), 1U);
    EXPECT_EQ(to_millis(seen.observations[0].second), to_millis(kStart) + second * 1000);
    EXPECT_EQ(seen.observations[0].arm, Arm::kNew);
    EXPECT_TRUE(looking.look(kStart + Millis(second * 1000 + 900)).observations.empty()) << "one vote a second";
  }
  EXPECT_EQ(looking.votes, 5);
  EXPECT_EQ(looking.bad, 0);
}

TEST_F(Probe, WhatIsNotAsExpectedIsABadVote) {
  for (const auto& [subject, why] :
       {std::pair<Json, const char*>{{{"url", site_->url() + "/broken"}}, "503, expected 200"},
        {{{"url", site_->url() + "/"}, {"contains", "fine"}}, "does not contain 'fine'"},
        {{{"url", site_->url() + "/slow"}, {"within_ms", 200}}, "no answer within"},
        {{{"url", fmt::format("http://127.0.0.1:{}/", free_port())}}, "Failed to connect"},
        {{{"tcp", fmt::format("127.0.0.1:{}", free_port())}}, "refused"}}) {
    const Seen seen = once(subject);
    ASSERT_EQ(seen.observations.size(), 1U) << why;
    EXPECT_EQ(seen.observations[0].failed, 1) << why;
    EXPECT_THAT(get_string(seen.figures, "failed"), HasSubstr(why));
  }
}

TEST_F(Probe, AConnectionIsAVoteToo) {
  const Seen seen = once({{"tcp", site_->url().substr(7)}});
  ASSERT_EQ(seen.observations.size(), 1U);
  EXPECT_EQ(seen.observations[0].failed, 0);
}

TEST_F(Probe, ANameThatCannotBeLookedUpIsBlind) {
  for (const Json& subject :
       {Json{{"url", "http://no-such-host.invalid/"}}, Json{{"tcp", "no-such-host.invalid:80"}}}) {
    const Seen seen = once(subject);
    EXPECT_TRUE(seen.observations.empty());
    EXPECT_THAT(seen.blind, HasSubstr("no-such-host.invalid"));
  }
}

TEST_F(Probe, KeepsItsPaceAndSurvivesAClockThatJumps) {
  Looking looking("probe", {{"url", site_->url() + "/"}, {"every_ms", 5000}}, kStart);
  for (int second = 0; second < 20; ++second) looking.look(kStart + std::chrono::seconds(second));
  EXPECT_EQ(looking.votes, 4);
  looking.look(kStart - std::chrono::hours(3));
  EXPECT_EQ(looking.votes, 5) << "the clock went back: it goes on from there";
}

TEST_F(Probe, BeforeTheCutoverItIsTheOldReleases) {
  Looking looking("probe", {{"url", site_->url() + "/"}}, kStart + std::chrono::seconds(10));
  EXPECT_EQ(looking.look(kStart).observations.at(0).arm, Arm::kOld);
}

TEST(ProbeSubject, ThatCannotBeIsRefused) {
  const auto host = host::make_local_host(host::HostName("local"));
  EXPECT_EQ(make_source("probe", {{"url", "/health/"}}, *host).error().code, Code::kInvalid);
  EXPECT_EQ(make_source("prophet", Json::object(), *host).error().code, Code::kInvalid);
}

Seen run_once(const std::string& script, Millis timeout = Millis(5000)) {
  Looking looking(
      "run",
      {{"run", {{"argv", {"/bin/sh", "-c", script}}, {"timeout_ms", timeout.count()}}}, {"what", "orders go through"}},
      kStart);
  return looking.look(kStart + Millis(100));
}

TEST(Run, TheExitStatusIsAVoteOrTellsNothing) {
  EXPECT_EQ(run_once("exit 0").observations.at(0).failed, 0);
  const Seen bad = run_once("echo two of ten; exit 1");
  EXPECT_EQ(bad.observations.at(0).failed, 1);
  EXPECT_EQ(get_string(bad.figures, "failed"), "orders go through: two of ten ");
  EXPECT_THAT(run_once("exit 2").blind, HasSubstr("orders go through"));
  EXPECT_THAT(run_once("kill -9 $$").blind, HasSubstr("orders go through"));
  EXPECT_THAT(run_once("sleep 10", Millis(200)).blind, HasSubstr("orders go through"));
  EXPECT_TRUE(run_once("exit 7").observations.empty());
}

TEST(Run, StaysBlindUntilItIsAskedAgain) {
  os::TestDirectory directory;
  Looking looking("run",
                  {{"run", {{"argv", {"/bin/sh", "-c", "exec test -e " + (directory / "there") + " || exit 3"}}}},
                   {"every_ms", 10'000}},
                  kStart);
  write_text(directory / "there", "");
  EXPECT_EQ(looking.look(kStart).observations.size(), 1U);
  Looking other("run", {{"run", {{"argv", {"/bin/sh", "-c", "exit 3"}}}}, {"every_ms", 10'000}}, kStart);
  EXPECT_FALSE(other.look(kStart).blind.empty());
  EXPECT_FALSE(other.look(kStart + Millis(3000)).blind.empty()) << "not asked again yet, so still blind";
}

}  // namespace
}  // namespace backout::watch
