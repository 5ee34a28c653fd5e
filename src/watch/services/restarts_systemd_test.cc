// A unit that crashes under a real systemd, what it writes to its journal, and what it takes.
#include "support/systemd_host.h"
#include "watch/testing.h"

namespace backout::watch {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class UnderSystemd : public testing_support::SystemdFixture<UnderSystemd> {
 protected:
  std::string sh(const std::string& script, const std::string& input = "") {
    host::Command command = host::shell(script);
    command.stdin_text = input;
    const auto result = inside->run(command, {});
    return result ? result->out + result->err : "";
  }
};

TEST_F(UnderSystemd, RestartsErrorsAndUsageAreSeen) {
  sh("cat >/etc/systemd/system/shop.service; systemctl daemon-reload; systemctl start shop.service",
     "[Unit]\nStartLimitIntervalSec=60\nStartLimitBurst=4\n[Service]\nExecStart=/bin/sh -c 'echo ERROR payment 12 "
     "declined; "
     "exec sleep 300'\nRestart=always\nRestartSec=100ms\n");
  const Json services = Json::array({{{"kind", "systemd"}, {"name", "shop.service"}, {"unit", "shop.service"}}});
  auto restarts = make_source("restarts", {{"services", services}, {"every_ms", 1000}}, *inside);
  auto resources = make_source("resources", {{"services", services}, {"every_ms", 1000}}, *inside);
  auto journal = make_source("log", {{"journal", "shop.service"}}, *inside);
  ASSERT_TRUE(restarts && resources && journal);
  Scope scope{.current = "v2", .cutover = system_clock().wall(), .now = system_clock().wall()};
  Json at_restarts, at_journal;
  const auto look = [&](Source& source, Json& position) {
    scope.now += Millis(1000);
    auto seen = source.look(scope, position, {});
    EXPECT_TRUE(seen);
    if (!seen) return Seen{};
    EXPECT_EQ(seen->blind, "");
    position = seen->position;
    return std::move(*seen);
  };
  EXPECT_THAT(look(**restarts, at_restarts).occurrences, IsEmpty());
  look(**journal, at_journal);
  Json at_resources;
  EXPECT_EQ(look(**resources, at_resources).figures["shop.service"]["processes"], 1);

  std::vector<Occurrence> told;
  for (int crash = 0; crash < 4; ++crash) {
    sh("systemctl kill -s KILL shop.service");
    std::this_thread::sleep_for(Millis(500));
    for (Occurrence& each : look(**restarts, at_restarts).occurrences) told.push_back(std::move(each));
  }
  ASSERT_GE(told.size(), 4U);
  EXPECT_THAT(told[0].what, HasSubstr("shop.service was started again by systemd"));
  EXPECT_FALSE(told[0].severe);
  EXPECT_TRUE(told[2].severe) << "a crash loop";
  EXPECT_EQ(told.back().kind, "exit");
  EXPECT_THAT(told.back().what, HasSubstr("given up by systemd"));

  int64_t errors = 0;
  for (const Occurrence& each : look(**journal, at_journal).occurrences)
    if (each.what.find("payment # declined") != std::string::npos) errors += each.kind == "error-line" ? each.count : 0;
  EXPECT_EQ(errors, 3) << "once for each start";
  auto nothing = make_source("log", {{"journal", "no-such.service"}}, *inside);
  EXPECT_THAT((*nothing)->look(scope, Json(), {})->blind, HasSubstr("no-such.service"));
  sh("systemctl reset-failed; rm -f /etc/systemd/system/shop.service");
}

}  // namespace
}  // namespace backout::watch
