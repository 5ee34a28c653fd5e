// CoolifySite: for tests only. The stand-in of tests/coolify, with v2 deployed after v1, and the driver for it.
#pragma once
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "conformance/conformance.h"
#include "drivers/code/coolify.h"
#include "os/child.h"
#include "os/http.h"

namespace backout::drivers {

inline const std::string kV1 = std::string(40, '1'), kV2 = std::string(40, '2');

struct CoolifySite {
  conformance::LocalHost local;
  std::unique_ptr<driver::Driver> driver =
      make_coolify_driver(std::filesystem::read_symlink("/proc/self/exe").string());
  std::unique_ptr<os::Child> child;
  std::string url, served;

  CoolifySite() {
    ::setenv("BACKOUT_TEST_COOLIFY", "all", 1);
    auto started =
        os::spawn_child({.argv = {"/usr/bin/python3", std::string(BACKOUT_SOURCE_DIR) + "/tests/coolify/coolify.py"}});
    EXPECT_TRUE(started.has_value());
    if (!started) return;
    child = std::make_unique<os::Child>(std::move(*started));
    std::string line;
    for (char c = 0; ::read(child->out().get(), &c, 1) == 1 && c != '\n';) line += c;
    url = "http://127.0.0.1:" + line.substr(0, line.find(' '));
    served = "http://127.0.0.1:" + line.substr(line.find(' ') + 1) + "/version";
  }
  ~CoolifySite() {
    if (!child) return;
    child->signal_group(SIGKILL);
    child->wait(Millis(5000));
  }
  CoolifySite(const CoolifySite&) = delete;
  CoolifySite& operator=(const CoolifySite&) = delete;

  Json control(const Json& wanted = Json()) const {
    os::HttpRequest request{.url = url + "/_control"};
    if (!wanted.is_null()) {
      request.method = "POST";
      request.body = wanted.dump();
    }
    const auto answer = os::http(request);
    EXPECT_TRUE(answer.has_value());
    return answer ? parse_json(answer->body).value_or(Json()) : Json();
  }
  void restart(const Json& reset = Json::object()) const { control({{"reset", reset}}); }
  void fault(const Json& faults) const { control({{"faults", faults}}); }
  std::string running() const { return get_string(control(), "running"); }
  bool auto_deploy() const { return get_bool(get(control(), "settings"), "is_auto_deploy_enabled"); }
  std::string set_to() const { return get_string(get(control(), "application"), "git_commit_sha"); }
  int deployments() const { return static_cast<int>(get(control(), "deployments").size()); }
  bool quiet() const {
    const Json now = control();
    for (const Json& each : get(now, "deployments"))
      if (get_string(each, "status") == "queued" || get_string(each, "status") == "in_progress") return false;
    return true;
  }

  Json subject(const std::string& token = "$BACKOUT_TEST_COOLIFY") const {
    return {{"url", url},       {"application", "vgsco4o"},
            {"serves", served}, {"within_ms", 8'000},
            {"poll_ms", 20},    {"secrets", {{"COOLIFY_TOKEN", token}}}};
  }
  driver::Offering offering() const {
    driver::Offering made;
    made.from = Version("v2");
    made.to = Version("v1");
    made.subject = subject();
    made.subject["to_commit"] = kV1;
    made.hosts = {"local"};
    const auto seen = driver->observe(subject(), *local.host, {});
    EXPECT_TRUE(seen.has_value()) << (seen ? "" : seen.error().message);
    made.seen["local"] = seen.value_or(Json::object());
    return made;
  }
  Step step(const std::string& id) const {
    for (Step& each : conformance::offers_well(*driver, offering()))
      if (each.id.str() == id) return each;
    ADD_FAILURE() << id << " is not offered";
    return {};
  }
  host::CommandResult apply(const Action& action) const {
    const auto result = conformance::apply(*driver, action, *local.host);
    EXPECT_TRUE(result.has_value()) << (result ? "" : result.error().message);
    return result.value_or(host::CommandResult());
  }
  Sight look(const Action& action) const { return driver->verify(action, *local.host, {}); }
};

/// One stand-in for a suite, begun anew for each test.
struct OnCoolify : ::testing::Test {
  static void SetUpTestSuite() { site_ = std::make_unique<CoolifySite>(); }
  static void TearDownTestSuite() { site_.reset(); }
  void SetUp() override {
    ::setenv("BACKOUT_TEST_COOLIFY", "all", 1);
    site().restart();
  }
  static CoolifySite& site() { return *site_; }

 private:
  inline static std::unique_ptr<CoolifySite> site_;
};

}  // namespace backout::drivers
