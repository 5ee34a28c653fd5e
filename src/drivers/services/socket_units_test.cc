// A service that systemd listens for: handed over while users are on it, against a real systemd.
#include "drivers/services/socket_units.h"

#include <gtest/gtest.h>

#include <future>

#include "conformance/conformance.h"
#include "drivers/services/shop_for_tests.h"
#include "drivers/services/systemd.h"
#include "support/systemd_host.h"

namespace backout::drivers {
namespace {

// Takes connections on the socket that it was given, one thread each; told to end, it takes no more and finishes those.
// "/slow" takes 1.2 s, "deaf" does not end by itself.
constexpr const char* kSocketApp = R"py(
import http.server, os, signal, socket, sys, threading, time
limit = threading.Timer(240, os._exit, [9]); limit.daemon = True; limit.start()
version = open('VERSION').read().strip()
if 'crash-' + version in sys.argv: sys.exit(3)
class Shop(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == '/slow': time.sleep(1.2)
        body = version.encode()
        self.send_response(200); self.send_header('Content-Length', str(len(body))); self.end_headers(); self.wfile.write(body)
    def log_message(self, *words): pass
class Server(http.server.ThreadingHTTPServer):
    daemon_threads = False
    def __init__(self):
        super().__init__(('127.0.0.1', 0), Shop, bind_and_activate=False)
        self.socket.close(); self.socket = socket.socket(fileno=3)
server = Server()
def told(*_):
    if 'deaf' not in sys.argv: threading.Thread(target=server.shutdown).start()
signal.signal(signal.SIGTERM, told)
server.serve_forever(poll_interval=0.02)
server.block_on_close = True
for thread in threading.enumerate():
    if thread is not threading.current_thread() and not thread.daemon: thread.join()
os._exit(0)
)py";

class HandoverTest : public testing_support::SystemdFixture<HandoverTest> {
 protected:
  void SetUp() override {
    SystemdFixture::SetUp();
    if (!inside) return;
    shop.emplace(container->shared());
    for (const char* version : {"v1", "v2"}) write_text(shop->path + "/releases/" + version + "/app.py", kSocketApp);
  }
  void TearDown() override {
    if (!inside) return;
    sh("systemctl stop shop.socket; systemctl kill -s KILL shop.service; systemctl stop shop.service; systemctl "
       "reset-failed; rm -f /etc/systemd/system/shop.*");
  }
  void units(const std::string& flags = "", const std::string& service = "", const std::string& socket = "") {
    sh("cat >/etc/systemd/system/shop.service",
       "[Unit]\nStartLimitIntervalSec=0\n[Service]\nWorkingDirectory=" + shop->path +
           "/current\nExecStart=/usr/bin/python3 app.py " + flags + "\n" + service + "\n");
    sh("cat >/etc/systemd/system/shop.socket; systemctl daemon-reload; systemctl start shop.socket",
       "[Socket]\nListenStream=127.0.0.1:" + std::to_string(shop->port) + "\n" + socket + "\n");
  }
  /// Patiently: who asks while it changes hands waits in the socket.
  std::string served() const {
    const auto answer = os::http({.url = shop->url(), .timeout = Millis(15'000)});
    return answer ? answer->body : "";
  }
  std::string sh(const std::string& script, const std::string& input = "") {
    host::Command command = host::shell(script);
    command.stdin_text = input;
    const auto result = inside->run(command, {});
    EXPECT_TRUE(result.has_value());
    return result ? result->out + result->err : "";
  }
  Json subject(int drain_ms = 4000) const {
    return {{"name", "shop"},     {"unit", "shop.service"}, {"port", shop->port},        {"drain_ms", drain_ms},
            {"startup_ms", 5000}, {"code", shop->code()},   {"sockets", {"shop.socket"}}};
  }
  static Action action(const std::string& verb, Json args, const std::string& version = "v1") {
    args["version"] = version;
    return {"systemd", verb, std::move(args)};
  }
  host::CommandResult apply(const Action& what) {
    const auto result = conformance::apply(*driver, what, *inside);
    EXPECT_TRUE(result.has_value()) << (result ? "" : result.error().message);
    return result ? *result : host::CommandResult{.exit_status = -1};
  }
  Sight look(const Action& what) { return driver->verify(what, *inside, {}); }
  /// v2 serves, and the code is switched to v1.
  void v2_serves_v1_is_current() {
    shop->switch_to("v2");
    sh("systemctl reset-failed shop.socket shop.service; systemctl stop shop.service; systemctl start shop.socket");
    EXPECT_EQ(served(), "v2");
    shop->switch_to("v1");
  }
  driver::Offering offering(bool handover = true) {
    driver::Offering offering{.from = Version("v2"), .to = Version("v1"), .hosts = {inside->name().str()}};
    offering.subject = subject();
    offering.subject["handover"] = handover;
    offering.seen[inside->name().str()] = *driver->observe(subject(), *inside, {});
    return offering;
  }

  std::optional<Shop> shop;
  std::unique_ptr<driver::Driver> driver = make_systemd_driver();
};

TEST_F(HandoverTest, Conforms) {
  units();
  conformance::conforms(*driver, {.action = action("handover", subject()),
                                  .reset = [this] { v2_serves_v1_is_current(); },
                                  .done = [this] { return served() == "v1"; },
                                  .always = [this] { return !served().empty(); },
                                  .bad = {action("handover", {{"name", "x"}, {"unit", "x"}}),
                                          action("handover", {{"name", "x"}, {"unit", "x"}, {"sockets", {"x"}}}),
                                          action("stay", {{"name", "x"}, {"unit", "x"}, {"sockets", {"a/b.socket"}}})},
                                  .kills = 3,
                                  .settle = Millis(400),
                                  .hosts = {&*inside}});
}

TEST_F(HandoverTest, WhatIsInFlightIsAnsweredByTheOldAndWhatComesByTheOther) {
  units();
  v2_serves_v1_is_current();
  const auto ask = [this](const std::string& path) {
    const auto answer =
        os::http({.url = "http://127.0.0.1:" + std::to_string(shop->port) + path, .timeout = Millis(8000)});
    return answer ? answer->body : answer.error().message;
  };
  auto slow = std::async(std::launch::async, ask, "/slow");
  std::this_thread::sleep_for(Millis(200));
  auto handover = std::async(std::launch::async, [this] { return apply(action("handover", subject())); });
  std::this_thread::sleep_for(Millis(400));
  auto meanwhile = std::async(std::launch::async, ask, "/");
  EXPECT_EQ(slow.get(), "v2");
  EXPECT_EQ(meanwhile.get(), "v1") << "it waited in the socket";
  const auto ended = handover.get();
  EXPECT_TRUE(ended.ok()) << ended.err;
  EXPECT_NE(ended.out.find(R"("ended_by": "itself")"), std::string::npos) << ended.out;
  const Sight sight = look(action("handover", subject()));
  EXPECT_EQ(sight.kind, SightKind::kHolds) << sight.why;
}

TEST_F(HandoverTest, OneThatDoesNotFinishIsKilledAfterItsDrainAndThatIsTold) {
  units("deaf");
  v2_serves_v1_is_current();
  const auto ended = apply(action("handover", subject(500)));
  EXPECT_TRUE(ended.ok()) << ended.err;
  EXPECT_NE(ended.out.find(R"("ended_by": "KILL")"), std::string::npos) << ended.out;
  EXPECT_NE(ended.err.find("was killed"), std::string::npos) << ended.err;
  EXPECT_EQ(served(), "v1");
}

TEST_F(HandoverTest, SocketsThatGaveUpOnACrashingReleaseListenAgain) {
  // 20 in 2 s, as systemd has it, is more than a busy machine can start.
  units("crash-v2", "", "TriggerLimitBurst=3\nTriggerLimitIntervalSec=30s");
  shop->switch_to("v2");
  const auto gave_up = [&] {
    (void)os::http({.url = shop->url(), .timeout = Millis(200)});
    return sh("systemctl is-active shop.socket").starts_with("failed");
  };
  ASSERT_TRUE(comes_true(gave_up)) << sh("systemctl status shop.socket");
  EXPECT_FALSE(get_bool(*driver->observe(subject(), *inside, {}), "listening", true));
  EXPECT_EQ(driver->offer(offering())->at(0).id.str(), "stop-shop") << "nobody is served: it may as well be stopped";
  shop->switch_to("v1");
  const Sight stays = look(action("stay", subject()));
  EXPECT_EQ(stays.kind, SightKind::kHolds);
  EXPECT_NE(stays.why.find("nobody is served"), std::string::npos) << stays.why;
  const auto ended = apply(action("handover", subject()));
  EXPECT_TRUE(ended.ok()) << ended.err;
  EXPECT_EQ(served(), "v1");
  EXPECT_EQ(look(action("serves", subject())).kind, SightKind::kHolds) << look(action("serves", subject())).why;
}

TEST_F(HandoverTest, AServiceThatIsUpWhileItsSocketDoesNotListenDoesNotServe) {
  units();
  EXPECT_EQ(served(), "v1");
  sh("systemctl stop shop.socket");
  const Sight sight = look(action("serves", subject()));
  EXPECT_EQ(sight.kind, SightKind::kDoesNotHold);
  EXPECT_NE(sight.why.find("shop.socket is inactive"), std::string::npos) << sight.why;
}

TEST_F(HandoverTest, StoppedMeansThatNobodyListensEither) {
  units();
  EXPECT_EQ(served(), "v1");
  sh("systemctl stop shop.service");
  EXPECT_EQ(look(action("stop", subject())).kind, SightKind::kDoesNotHold) << "the socket would start it again";
  EXPECT_TRUE(apply(action("stop", subject())).ok());
  EXPECT_EQ(look(action("stop", subject())).kind, SightKind::kHolds) << look(action("stop", subject())).why;
  EXPECT_EQ(shop->version_served(), "");
  EXPECT_TRUE(apply(action("start", subject())).ok());
  EXPECT_EQ(look(action("start", subject())).kind, SightKind::kHolds) << look(action("start", subject())).why;
}

TEST_F(HandoverTest, IsOfferedWhenNothingElseNeedsTheServiceDown) {
  units();
  const auto steps = conformance::offers_well(*driver, offering());
  ASSERT_EQ(steps.size(), 3U);
  EXPECT_EQ(steps[0].id.str(), "stay-shop");
  EXPECT_EQ(steps[0].phase, Phase::kClose);
  EXPECT_TRUE(get_bool(steps[0].action.args, "users_stay")) << "no outage is told";
  EXPECT_EQ(steps[0].undo->verb, "handover") << "after the code was switched back";
  EXPECT_EQ(get_string(steps[0].undo->args, "version"), "v2");
  EXPECT_EQ(steps[1].id.str(), "handover-shop");
  EXPECT_EQ(steps[1].phase, Phase::kStart);
  EXPECT_EQ(steps[1].undo->verb, "stay");
  EXPECT_EQ(conformance::offers_well(*driver, offering(false)).at(0).id.str(), "stop-shop");
}

TEST_F(HandoverTest, ReadyNamesASocketThatIsNotThere) {
  units();
  EXPECT_EQ(driver->ready(offering(), *inside, driver::Depth::kQuick, {}).findings.at(0).severity, Severity::kOk);
  driver::Offering unnamed = offering();
  unnamed.subject.erase("sockets");
  const auto findings = driver->ready(unnamed, *inside, driver::Depth::kQuick, {}).findings;
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].severity, Severity::kWarning);
  EXPECT_EQ(findings[0].next, "say sockets: [shop.socket] with the service in backout.yaml");
  driver::Offering wrong = offering();
  wrong.subject["sockets"] = {"shop.socket", "nowhere.socket"};
  const Finding finding = driver->ready(wrong, *inside, driver::Depth::kQuick, {}).findings.at(0);
  EXPECT_EQ(finding.severity, Severity::kRed);
  EXPECT_NE(finding.what.find("there is no unit nowhere.socket"), std::string::npos) << finding.what;
}

// As `systemctl show` of systemd 252 prints two.
constexpr const char* kShown = R"(Triggers=shop.service
Id=shop.socket
LoadState=loaded
ActiveState=active
SubState=running
Result=success
Accept=no

Triggers=
Id=each.socket
LoadState=loaded
ActiveState=failed
SubState=failed
Result=trigger-limit-hit
Accept=yes
)";

TEST(SocketUnits, AreReadFromSystemctlShow) {
  const auto sockets = parse_socket_units(kShown);
  ASSERT_EQ(sockets.size(), 2U);
  EXPECT_TRUE(sockets[0].listens());
  EXPECT_FALSE(why_not_listening("shop.service", {sockets[0]}).has_value());
  EXPECT_EQ(why_not_listening("web.service", {sockets[0]}), "shop.socket starts shop.service, not web.service");
  EXPECT_NE(why_not_listening("shop.service", sockets)->find("Accept=yes"), std::string::npos);
  EXPECT_EQ(why_listening(sockets), "shop.socket is active (running)");
  SocketUnit failed = sockets[1];
  failed.accept = false;
  failed.triggers = "shop.service";
  EXPECT_EQ(why_not_listening("shop.service", {failed}), "each.socket is failed (failed), result trigger-limit-hit");
  EXPECT_TRUE(parse_socket_units("").empty());
}

}  // namespace
}  // namespace backout::drivers
