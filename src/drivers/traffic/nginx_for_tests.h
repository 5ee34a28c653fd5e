// A real nginx in front of the two pools, for the tests of its driver. Only tests use it.
#pragma once
#include "drivers/traffic/nginx_upstream.h"
#include "drivers/traffic/pools_for_tests.h"

namespace backout::drivers {

/// A private nginx whose upstream includes the file; green has the traffic.
class NginxUpstreamTest : public TrafficTest {
 protected:
  void SetUp() override {
    ASSERT_EQ(::access("/usr/sbin/nginx", X_OK), 0) << "install nginx-light (apt-get install nginx-light)";
    pools.start();
    write_text(include, "server " + address_of(pools.green.port) + ";\n");
    write_text(configuration, configured());
    ASSERT_EQ(nginx(""), 0);
    ASSERT_TRUE(comes_true([&] { return version_at(port) == "v2"; }));
    ::usleep(100'000);  // older than the grain of the clocks, so that what is written next is newer than the workers
  }
  void TearDown() override {
    const pid_t master = std::atoi(read_text(home + "/nginx.pid").c_str());
    if (master <= 1) return;
    ::kill(master, SIGTERM);
    EXPECT_TRUE(comes_true([&] { return !std::filesystem::exists(home + "/nginx.pid"); }));
  }
  std::string configured() const {
    std::string temporary;
    for (const char* kind : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"})
      temporary += fmt::format(" {}_temp_path {}/{};", kind, home, kind);
    return fmt::format(
        "worker_processes 2; pid {0}/nginx.pid; error_log {0}/error.log;\nevents {{ worker_connections 256; }}\n"
        "http {{ access_log off;{1}\n{4} upstream app {{ include {2}; }}\n server {{ listen 127.0.0.1:{3};\n"
        "  location / {{ proxy_pass http://app; }} }} }}\n",
        home, temporary, include, port, more());
  }
  virtual std::string more() const { return ""; }  // inside http
  int nginx(const std::string& words) {
    host::Command command{.argv = {"/usr/sbin/nginx", "-c", configuration}};
    for (const std::string& word : split(words, ' '))
      if (!word.empty()) command.argv.push_back(word);
    const auto result = local.host->run(command);
    return result ? result->exit_status : -1;
  }
  Json subject(bool with_url = true) const {
    Json args = {{"include", include},
                 {"test", {"/usr/sbin/nginx", "-q", "-t", "-c", configuration}},
                 {"reload", {"/usr/sbin/nginx", "-s", "reload", "-c", configuration}},
                 {"dump", {"/usr/sbin/nginx", "-q", "-T", "-c", configuration}},
                 {"version", "/version"},
                 {"pools", pools.pools()}};
    if (with_url) args["public_url"] = url_of(port);
    return args;
  }
  /// As a step of a run has it.
  Action in_run(Action action, const std::string& run) const {
    action.args["found"] = {{"run", run}};
    return action;
  }
  Sight sight(const Action& action) { return driver->verify(action, *local.host, {}); }

  std::string home = pools.blue.path, include = home + "/pool.conf", configuration = home + "/nginx.conf";
  std::unique_ptr<driver::Driver> driver = make_nginx_traffic_driver();
};

}  // namespace backout::drivers
