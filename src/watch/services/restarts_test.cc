// Services that crash under their real keepers: supervisord, PM2 (from npm), a plain process, and, in
// restarts_systemd_test.cc, systemd.
#include "watch/services/restarts.h"

#include "base/text.h"
#include "conformance/places.h"
#include "watch/testing.h"

namespace backout::watch {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// Looks once a second of a clock of its own, until something is told.
std::vector<Occurrence> told_soon(Looking& looking, WallTime& now, Millis limit = Millis(20'000)) {
  std::vector<Occurrence> told;
  (void)soon(
      [&] {
        now += Millis(1000);
        for (Occurrence& each : looking.look(now).occurrences) told.push_back(std::move(each));
        return !told.empty();
      },
      limit);
  return told;
}
std::string out_of(const std::string& script) {
  const auto host = host::make_local_host(host::HostName("local"));
  const auto result = host->run(host::shell(script), {});
  return result ? result->out + result->err : "";
}

TEST(Restarts, UnderSupervisord) {
  os::TestDirectory directory;
  const std::string config = directory / "s.conf";
  write_text(
      config,
      "[unix_http_server]\nfile=" + directory / "s.sock" + "\n[supervisord]\nlogfile=" + directory / "s.log" +
          "\npidfile=" + directory / "s.pid" +
          "\n[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:"
          "make_main_rpcinterface\n[supervisorctl]\nserverurl=unix://" +
          directory / "s.sock" +
          "\n[program:web]\ncommand=/bin/sleep 300\nautostart=true\nautorestart=true\nstartsecs=0\n"
          "[program:circle]\ncommand=/bin/sh -c \"sleep 0.1; exit 3\"\nautostart=false\nstartsecs=1\nstartretries=2\n");
  const Program supervisord("exec supervisord -n -c " + config, directory / "log");
  ASSERT_TRUE(soon([&] {
    return out_of("supervisorctl -c " + config + " status web").find("RUNNING") != std::string::npos;
  })) << "Debian's supervisor is needed";
  const auto watching = [&](const std::string& program) {
    const Json services =
        Json::array({{{"kind", "supervisor"}, {"name", program}, {"program", program}, {"config", config}}});
    return Json{{"services", services}, {"every_ms", 1000}};
  };
  WallTime now = wall_from_millis(1'700'000'000'000);
  Looking looking("restarts", watching("web"), now);
  EXPECT_EQ(looking.look(now).blind, "");
  const auto kill = [&] { out_of("kill -9 $(supervisorctl -c " + config + " pid web)"); };
  kill();
  const auto first = told_soon(looking, now);
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(first[0].kind, "restart");
  EXPECT_THAT(first[0].what, HasSubstr("web was started again by supervisor: terminated by SIGKILL"));
  EXPECT_FALSE(first[0].severe);
  kill();
  EXPECT_FALSE(told_soon(looking, now).at(0).severe);
  kill();
  EXPECT_TRUE(told_soon(looking, now).at(0).severe) << "the third in a minute: a crash loop";
  out_of("supervisorctl -c " + config + " restart web");
  now += Millis(1000);
  EXPECT_THAT(looking.look(now).occurrences, IsEmpty()) << "a hand did that";
  out_of("supervisorctl -c " + config + " start circle");
  Looking circle("restarts", watching("circle"), now);
  std::vector<Occurrence> told;
  EXPECT_TRUE(soon([&] {
    for (Occurrence& each : told_soon(circle, now)) told.push_back(std::move(each));
    return !told.empty() && told.back().kind == "exit";
  }));
  EXPECT_THAT(told.back().what, HasSubstr("circle was given up by supervisor"));
  EXPECT_TRUE(told.back().severe);
  now += Millis(1000);
  EXPECT_THAT(circle.look(now).occurrences, IsEmpty()) << "told once";
}

TEST(Restarts, UnderPm2) {
  const std::string source = BACKOUT_SOURCE_DIR;
  const std::string pm2(trimmed(out_of(source + "/tests/support/pm2.sh " + source)));
  ASSERT_TRUE(pm2.starts_with('/')) << "no PM2 to test against: " << pm2;
  os::TestDirectory directory;
  const std::string env = "PM2_HOME=" + directory / "pm2" + " ";
  write_text(directory / "app.js", "setInterval(() => {}, 1000); setTimeout(() => process.exit(9), 240000).unref();");
  const Json services =
      Json::array({{{"kind", "pm2"}, {"name", "api"}, {"app", "api"}, {"home", directory / "pm2"}, {"program", pm2}}});
  WallTime now = wall_from_millis(1'700'000'000'000);
  Looking looking("restarts", {{"services", services}, {"every_ms", 1000}}, now);
  EXPECT_THAT(looking.look(now).blind, HasSubstr("PM2 does not run"));
  EXPECT_FALSE(std::filesystem::exists(directory / "pm2")) << "looking starts no daemon";
  out_of(env + pm2 + " start " + directory / "app.js" + " --name api");
  now += Millis(1000);
  EXPECT_EQ(looking.look(now).blind, "");
  out_of("kill -9 $(" + env + pm2 + " pid api)");
  const auto told = told_soon(looking, now);
  out_of(env + pm2 + " restart api");
  now += Millis(1000);
  const Seen by_hand = looking.look(now);
  out_of("pid=$(cat " + directory / "pm2/pm2.pid" + "); " + env + pm2 +
         " kill; i=0; while kill -0 $pid && [ $i -lt 100 ]; do sleep 0.05; i=$((i + 1)); done");
  ASSERT_EQ(told.size(), 1U);
  EXPECT_THAT(told[0].what, HasSubstr("api was started again by PM2"));
  EXPECT_THAT(by_hand.occurrences, IsEmpty()) << "a hand did that";
}

TEST(Restarts, APlainProcessThatEndsIsToldOnce) {
  os::TestDirectory directory;
  const std::string pidfile = directory / "web.pid";
  auto program = std::make_unique<Program>("echo $$ >" + pidfile + "; exec sleep 300", directory / "log");
  ASSERT_TRUE(soon([&] { return std::filesystem::exists(pidfile) && std::filesystem::file_size(pidfile) > 1; }));
  const Json services = Json::array({{{"kind", "process"}, {"name", "web"}, {"pidfile", pidfile}}});
  WallTime now = wall_from_millis(1'700'000'000'000);
  Looking looking("restarts", {{"services", services}, {"every_ms", 1000}}, now);
  EXPECT_THAT(looking.look(now).occurrences, IsEmpty());
  program->end();
  const auto told = told_soon(looking, now);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].kind, "exit");
  EXPECT_EQ(told[0].what, "web: its process ended");
  EXPECT_TRUE(told[0].severe);
  now += Millis(1000);
  EXPECT_THAT(looking.look(now).occurrences, IsEmpty());
}

TEST(Restarts, AHostThatDoesNotAnswerIsBlind) {
  conformance::UnreachableHost nowhere;
  const Json services = Json::array({{{"kind", "process"}, {"name", "web"}, {"pidfile", "/run/web.pid"}}});
  for (const auto& [kind, subject] : {std::pair<std::string, Json>{"restarts", {{"services", services}}},
                                      {"resources", {{"services", services}}},
                                      {"log", {{"log", "/var/log/app.log"}}},
                                      {"run", {{"run", {{"argv", {"true"}}}}}}}) {
    const auto source = make_source(kind, subject, nowhere);
    ASSERT_TRUE(source) << kind;
    const auto seen = (*source)->look({.now = wall_from_millis(1'700'000'000'000)}, Json(), {});
    ASSERT_TRUE(seen) << kind;
    EXPECT_THAT(seen->blind, HasSubstr("nowhere does not answer")) << kind;
  }
}

}  // namespace
}  // namespace backout::watch
