// A real HAProxy in front of the two pools, for the tests of its driver. Only tests use it.
#pragma once
#include "drivers/traffic/haproxy.h"
#include "drivers/traffic/pools_for_tests.h"

namespace backout::drivers {

/// A private haproxy; its configuration gives everything to green.
class HaproxyTest : public TrafficTest {
 protected:
  void SetUp() override {
    ASSERT_EQ(::access("/usr/sbin/haproxy", X_OK), 0) << "install haproxy (apt-get install haproxy)";
    pools.start();
    write_text(
        home + "/ha.cfg",
        fmt::format("global\n stats socket {0}/ha.sock mode 600 level admin\n stats socket {0}/user.sock level user\n"
                    " stats socket ipv4@127.0.0.1:{5} level admin\n server-state-file {0}/state\n"
                    "defaults\n mode http\n timeout connect 1s\n timeout client 5s\n timeout server 5s\n"
                    " load-server-state-from-file global\n"
                    "frontend app\n bind 127.0.0.1:{1}\n default_backend {4}\n"
                    "backend app\n option httpchk GET /\n option redispatch\n{2}{3}",
                    home, port, servers(), more(), "app", tcp));
    write_text(home + "/state", "");
    start();
  }
  void TearDown() override { stop(); }
  virtual std::string servers() const {
    return server("blue", pools.blue.port, "weight 0") + server("green", pools.green.port, "weight 100");
  }
  virtual std::string more() const { return ""; }
  static std::string server(const char* name, int at, const char* more) {
    return fmt::format(" server {} 127.0.0.1:{} check inter 100ms {}\n", name, at, more);
  }
  void start() {
    haproxy_ = ::fork();
    if (haproxy_ == 0) {
      ::execl("/usr/sbin/haproxy", "haproxy", "-q", "-db", "-f", (home + "/ha.cfg").c_str(), nullptr);
      ::_exit(127);
    }
    ASSERT_TRUE(comes_true([&] { return !version_at(port).empty(); }));
  }
  void stop() {
    if (haproxy_ <= 0) return;
    ::kill(haproxy_, SIGKILL);
    ::waitpid(haproxy_, nullptr, 0);
    haproxy_ = 0;
  }
  Json subject(bool with_url = true) const {
    Json args = {{"socket", home + "/ha.sock"},
                 {"backend", "app"},
                 {"out", "maint"},
                 {"version", "/version"},
                 {"pools", pools.pools()}};
    args["pools"]["blue"]["servers"] = {"blue"};
    args["pools"]["green"]["servers"] = {"green"};
    if (with_url) args["public_url"] = url_of(port);
    return args;
  }
  Json with(const char* key, const Json& value) const {
    Json args = subject();
    args[key] = value;
    return args;
  }
  Sight sight(const Action& action) { return driver->verify(action, *local.host, {}); }
  std::vector<std::string> findings(const Json& args) {
    std::vector<std::string> ids;
    for (const Finding& finding :
         driver->ready(offering(*driver, args), *local.host, driver::Depth::kQuick, {}).findings)
      ids.push_back(finding.id + (finding.severity == Severity::kRed  ? " red"
                                  : finding.severity == Severity::kOk ? " ok"
                                                                      : " warning"));
    return ids;
  }

  std::string home = pools.blue.path;
  const int tcp = free_port();
  pid_t haproxy_ = 0;
  std::unique_ptr<driver::Driver> driver = make_haproxy_driver();
};

}  // namespace backout::drivers
