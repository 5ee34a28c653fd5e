// Two pools for the tests of traffic: blue runs v1, green runs v2, each a server of its own. Only tests use it.
#pragma once
#include <atomic>
#include <thread>

#include "base/text.h"
#include "conformance/conformance.h"
#include "drivers/services/shop_for_tests.h"

namespace backout::drivers {

inline std::string version_at(int port) {
  const auto answer =
      os::http({.url = "http://127.0.0.1:" + std::to_string(port) + "/version", .timeout = Millis(2000)});
  return answer && answer->status == 200 ? answer->body : "";
}
inline std::string address_of(int port) { return "127.0.0.1:" + std::to_string(port); }
inline std::string url_of(int port) { return "http://" + address_of(port); }

class TwoPools {
 public:
  void start() {
    blue_pid = blue.stranger(blue.path + "/releases/v1");
    green_pid = green.stranger(green.path + "/releases/v2");
    ASSERT_TRUE(comes_true([&] { return version_at(blue.port) == "v1" && version_at(green.port) == "v2"; }));
  }
  static void end(pid_t pid) { ::kill(pid, SIGKILL); }  // reaped with the shop
  Json pools() const {
    return {{"blue", {{"urls", {url_of(blue.port)}}, {"servers", {address_of(blue.port)}}}},
            {"green", {{"urls", {url_of(green.port)}}, {"servers", {address_of(green.port)}}}}};
  }
  Shop blue, green;
  pid_t blue_pid = 0, green_pid = 0;
};

/// Customers in front, each request over a connection of its own, until it is asked for the sum.
class Customers {
 public:
  explicit Customers(int port) {
    for (int i = 0; i < 4; ++i)
      threads_.emplace_back([this, port] {
        while (!over_) {
          const bool well = !version_at(port).empty();
          ++(well ? served : failed);
        }
      });
  }
  void stop() {
    over_ = true;
    for (std::thread& thread : threads_)
      if (thread.joinable()) thread.join();
  }
  ~Customers() { stop(); }
  std::atomic<int> served{0}, failed{0};

 private:
  std::atomic<bool> over_{false};
  std::vector<std::thread> threads_;
};

/// What every kind of balancer must do, asked of a real one. `divides`: percent by pool, by another way than the
/// driver's.
struct TrafficTest : ::testing::Test {
  TwoPools pools;
  int port = free_port();
  conformance::LocalHost local;

  static Action shift(const driver::Driver& driver, Json subject, const Json& weights, bool undo = false) {
    subject["weights"] = weights;
    if (undo) subject["undo"] = true;
    return {std::string(driver.name()), "shift", std::move(subject)};
  }
  static Action look(const driver::Driver& driver, const std::string& verb, Json subject, const Json& more) {
    for (const auto& [key, value] : more.items()) subject[key] = value;
    return {std::string(driver.name()), verb, std::move(subject)};
  }
  host::CommandResult apply(const driver::Driver& driver, const Action& what) {
    const auto result = conformance::apply(driver, what, *local.host);
    EXPECT_TRUE(result.has_value()) << (result ? "" : result.error().message);
    return result ? *result : host::CommandResult{.exit_status = -1};
  }
  bool becomes(const driver::Driver& driver, const Action& what) {
    return comes_true([&] { return driver.verify(what, *local.host, {}).kind == SightKind::kHolds; });
  }
  driver::Offering offering(const driver::Driver& driver, const Json& subject, RunKind kind = RunKind::kRollback) {
    driver::Offering made{.kind = kind,
                          .from = Version("v2"),
                          .to = Version("v1"),
                          .subject = subject,
                          .hosts = {local.host->name().str()}};
    const auto seen = driver.observe(subject, *local.host, {});
    EXPECT_TRUE(seen.has_value()) << (seen ? "" : seen.error().message);
    if (seen) made.seen[local.host->name().str()] = *seen;
    return made;
  }
  /// Twenty requests of which every one is answered by `version`.
  bool all_serve(const std::string& version) const {
    for (int i = 0; i < 20; ++i)
      if (version_at(port) != version) return false;
    return true;
  }
};

}  // namespace backout::drivers
