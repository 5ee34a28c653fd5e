// What keepers really printed, and what they never should.
#include "watch/services/keepers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace backout::watch {
namespace {

using ::testing::HasSubstr;

WatchedService service(const std::string& kind, const Json& subject) {
  Json whole = {{"kind", kind}, {"name", "web"}};
  whole.update(subject);
  return watched_services(Json::array({whole}), "local").value().at(0);
}
Result<std::vector<Kept>> kept(const WatchedService& of, const std::string& out) { return kept_in(of, out + "end\n"); }

TEST(Keepers, Systemd) {
  const WatchedService unit = service("systemd", {{"unit", "web.service"}});
  const auto up = kept(unit,
                       "unit LoadState=loaded\nunit ActiveState=active\nunit SubState=running\nunit Result=success\n"
                       "unit MainPID=77\nunit NRestarts=4\n");
  ASSERT_TRUE(up) << up.error().message;
  EXPECT_TRUE(up->at(0).is_up);
  EXPECT_EQ(up->at(0).pid, 77);
  EXPECT_EQ(up->at(0).restarts, 4);
  const auto waiting = kept(unit,
                            "unit LoadState=loaded\nunit ActiveState=activating\nunit SubState=auto-restart\n"
                            "unit Result=exit-code\nunit MainPID=0\nunit NRestarts=5\n");
  EXPECT_EQ(waiting->at(0).given_up, "") << "it is tried again";
  EXPECT_EQ(waiting->at(0).last, "exit-code");
  const auto failed = kept(unit,
                           "unit LoadState=loaded\nunit ActiveState=failed\nunit SubState=failed\nunit "
                           "Result=start-limit-hit\nunit MainPID=0\nunit NRestarts=5\n");
  EXPECT_EQ(failed->at(0).given_up, "start-limit-hit");
  EXPECT_EQ(kept(unit, "unit LoadState=not-found\nunit ActiveState=inactive\n").error().code, Code::kNotFound);
  EXPECT_THAT(kept(unit, "unit Failed to connect to bus\n").error().message, HasSubstr("Failed to connect to bus"));
  EXPECT_FALSE(kept(unit, "error there is no systemctl here\n"));
  EXPECT_FALSE(kept_in(unit, "unit ActiveState=act")) << "cut short";
}

TEST(Keepers, Supervisor) {
  const WatchedService program = service("supervisor", {{"program", "shop:*"}});
  const auto list =
      kept(program,
           "status shop:web_00                      RUNNING   pid 4711, uptime 0:00:02\n"
           "status shop:web_01                      FATAL     Exited too quickly (process log may have details)\n"
           "status other                            RUNNING   pid 12, uptime 1:00:02\n"
           "log 2026-11-21 14:50:50,000 INFO spawned: 'web_00' with pid 4700\n"
           "log 2026-11-21 14:50:57,442 INFO exited: web_00 (exit status 3; not expected)\n"
           "log 2026-11-21 14:50:58,446 INFO spawned: 'web_00' with pid 4711\n"
           "log 2026-11-21 14:51:00,000 INFO stopped: web_01 (terminated by SIGTERM)\n"
           "log 2026-11-21 14:51:01,000 INFO spawned: 'web_01' with pid 4720\n");
  ASSERT_TRUE(list) << list.error().message;
  ASSERT_EQ(list->size(), 2U);
  EXPECT_EQ(list->at(0).pid, 4711);
  EXPECT_EQ(list->at(0).restarts, 1);
  EXPECT_EQ(list->at(0).last, "exit status 3; not expected");
  EXPECT_EQ(list->at(1).restarts, 0) << "started by hand";
  EXPECT_NE(list->at(1).given_up, "");
  EXPECT_THAT(kept(program, "status unix:///tmp/s.sock no such file\n").error().message, HasSubstr("no such file"));
  EXPECT_EQ(kept(program, "status other RUNNING pid 1, uptime 0:00:01\n").error().code, Code::kNotFound);
}

TEST(Keepers, Pm2KeepsNothingOfTheEnvironment) {
  const WatchedService app = service("pm2", {{"app", "api"}});
  const std::string list =
      R"(list [{"pid":7,"name":"api","pm2_env":{"status":"online","restart_time":3,"created_at":5,"SECRET":"hush"}},)"
      R"({"pid":0,"name":"api","pm2_env":{"status":"errored","restart_time":15,"created_at":5}},{"pid":"x","name":"odd"},7])"
      "\n";
  const auto kept_list = kept(app, list);
  ASSERT_TRUE(kept_list) << kept_list.error().message;
  ASSERT_EQ(kept_list->size(), 2U);
  EXPECT_EQ(kept_list->at(0).restarts, 3);
  EXPECT_EQ(kept_list->at(0).name, "api (1)");
  EXPECT_NE(kept_list->at(1).given_up, "");
  EXPECT_FALSE(kept(app, "error PM2 does not run\n"));
  EXPECT_FALSE(kept(app, "list [{\"cut\": \n"));
  EXPECT_EQ(kept(app, "list []\n").error().code, Code::kNotFound);
}

TEST(Keepers, APlainProcess) {
  const WatchedService process = service("process", {{"pidfile", "/run/web.pid"}});
  EXPECT_TRUE(kept(process, "pid 7 lives started=9 \n")->at(0).is_up);
  EXPECT_EQ(kept(process, "pid 7 gone started=9 \n")->at(0).given_up, "its process ended");
  EXPECT_EQ(kept(process, "pid 7 gone started=9 stopping\n")->at(0).given_up, "");
  EXPECT_TRUE(kept(process, "")->empty());
}

TEST(Keepers, ServicesOfOtherHostsAreLeftOutAndOtherKindsRefused) {
  EXPECT_TRUE(watched_services(Json::parse(R"([{"kind":"systemd","name":"a","unit":"a","hosts":["web-2"]}])"), "web-1")
                  ->empty());
  for (const char* bad : {R"([{"kind":"cron","name":"a"}])", R"([{"kind":"systemd","name":"a"}])", "[7]"})
    EXPECT_FALSE(watched_services(Json::parse(bad), "web-1")) << bad;
}

}  // namespace
}  // namespace backout::watch
