// The managers of services: files as those programs and their packages write them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "init/detect.h"
#include "init/facts_for_tests.h"

namespace backout::init {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> heads(const Draft& draft) {
  std::vector<std::string> words;
  for (const Service& service : draft.services)
    words.push_back(service.form + " " + service.head + (service.port != 0 ? " " + std::to_string(service.port) : ""));
  return words;
}

TEST(DetectSystemd, UnitsTimersTemplatesAndDropIns) {
  Facts facts = facts_for_tests();
  facts.systemd = {
      {"/etc/systemd/system/shop.service",
       "[Unit]\nAfter=network.target\n[Service]\nType=notify\nUser=shop\n"
       "WorkingDirectory=/srv/shop\nExecStart=/usr/bin/gunicorn shop.wsgi\n"},
      {"/etc/systemd/system/shop.service.d/override.conf",
       "[Service]\nEnvironment=\"PORT=8200\" MODE=fast\nTimeoutStopSec=1min\n"},
      {"/etc/systemd/system/worker@.service", "[Service]\nExecStart=/srv/shop/venv/bin/celery worker -n %i\n"},
      {"/etc/systemd/system/report.service", "[Service]\nType=oneshot\nExecStart=/srv/shop/report\n"},
      {"/etc/systemd/system/report.timer", "[Timer]\nOnCalendar=daily\n"},
      {"/etc/systemd/system/once.service", "[Service]\nType=oneshot\nExecStart=/srv/shop/once\n"},
      {"/etc/systemd/system/other.service", "[Service]\nExecStart=/srv/shopping/run\n"}};
  facts.wanted_units = {"worker@a.service", "worker@b.service", "other.service"};
  const Draft draft = detect(facts);
  EXPECT_THAT(heads(draft), ElementsAre("timer report.timer", "systemd shop.service 8200", "systemd worker@a.service",
                                        "systemd worker@b.service"));
  EXPECT_EQ(draft.services[1].drain, Millis(60'000));
  EXPECT_THAT(draft.remarks, ElementsAre(::testing::HasSubstr("once.service")));
}

TEST(DetectSystemd, ASocketSaysThePort) {
  Facts facts = facts_for_tests();
  facts.systemd = {{"/etc/systemd/system/shop.service", "[Service]\nExecStart=/srv/shop/run\n"},
                   {"/etc/systemd/system/shop.socket", "[Socket]\nListenStream=127.0.0.1:8300\n"}};
  EXPECT_THAT(heads(detect(facts)), ElementsAre("systemd shop.service 8300"));
}

TEST(DetectSupervisor, ProgramsGroupsAndAConfigurationOfItsOwn) {
  Facts facts = facts_for_tests();
  facts.supervisor = {{"/etc/supervisor/supervisord.conf",
                       "; supervisor config file\n[unix_http_server]\nfile=/var/run/supervisor.sock   ; (the path)\n"
                       "[supervisord]\nlogfile=/var/log/supervisor/supervisord.log\n[include]\nfiles = "
                       "/etc/supervisor/conf.d/*.conf\n"},
                      {"/etc/supervisor/conf.d/shop.conf",
                       "[program:web]\ncommand=/srv/shop/venv/bin/gunicorn -b 127.0.0.1:8400 "
                       "shop.wsgi\ndirectory=/srv/shop\nstopwaitsecs=30\n"
                       "[program:celery]\ncommand=python3 -m celery -A shop worker\ndirectory=/srv/shop\n"
                       "[program:beat]\ncommand=python3 -m celery -A shop beat\ndirectory=/srv/shop\n"
                       "[group:shop]\nprograms=web,celery\n"},
                      {"/etc/supervisor/conf.d/other.conf", "[program:other]\ncommand=/usr/bin/other\n"}};
  const Draft draft = detect(facts);
  EXPECT_THAT(heads(draft), ElementsAre("supervisor beat", "supervisor shop:web 8400", "supervisor shop:celery"));
  EXPECT_EQ(draft.services[1].drain, Millis(30'000));
  EXPECT_THAT(draft.services.back().more, IsEmpty());

  facts.supervisor = {{"/srv/shop/supervisord.conf",
                       "[supervisord]\nnodaemon=false\n[program:web]\ncommand=python3 app.py\ndirectory=%(here)s\n"
                       "environment=PORT=\"8401\",SECRET=\"hunter2\"\n"}};
  const Draft own = detect(facts);
  EXPECT_THAT(heads(own), ElementsAre("supervisor web 8401"));
  EXPECT_EQ(own.services.front().more.front().second, "/srv/shop/supervisord.conf");
}

TEST(DetectPm2, WhatTheDaemonSaysIsNearerThanAnEcosystemFile) {
  Facts facts = facts_for_tests(
      {{"package.json", "{\"scripts\": {\"start\": \"node server.js\"}}"},
       {"ecosystem.config.js",
        "module.exports = {\n  apps: [{\n    name: 'api',\n    script: './server.js',\n    exec_mode: 'cluster',\n"
        "    kill_timeout: 20000,\n    env: { NODE_ENV: 'production', PORT: 3100 },\n  }, {\n    name: \"worker\",\n"
        "    script: 'worker.js',\n  }],\n};\n"}});
  const Draft written = detect(facts);
  EXPECT_THAT(heads(written), ElementsAre("pm2 api 3100", "pm2 worker"));
  EXPECT_EQ(written.services.front().drain, Millis(20'000));
  EXPECT_THAT(written.services.back().more, IsEmpty());

  facts.pm2 = {{"/home/shop/.pm2/jlist",
                "\n>>>> In-memory PM2 is out-of-date, "
                "do:\n[{\"pid\":1,\"name\":\"api-2\",\"pm2_env\":{\"pm_cwd\":\"/srv/shop\",\"PORT\":\"3101\"}},"
                "{\"name\":\"api-2\",\"pm2_env\":{\"pm_cwd\":\"/srv/"
                "shop\"}},{\"name\":\"x\",\"pm2_env\":{\"pm_cwd\":\"/srv/x\"}}]"}};
  const Draft running = detect(facts);
  // The message of pm2 has a '[' only in the list itself.
  EXPECT_THAT(heads(running), ElementsAre("pm2 api-2 3101"));
  EXPECT_EQ(running.services.front().more,
            (std::vector<std::pair<std::string, std::string>>{{"home", "/home/shop/.pm2"}, {"user", "shop"}}));
}

TEST(DetectPm2, WhatPm2SavedStandsOverManyLines) {
  Facts facts = facts_for_tests();
  facts.pm2 = {{"/home/shop/.pm2/dump.pm2",
                "[\n  {\n    \"name\": \"api\",\n    \"args\": [{}],\n    \"pm_cwd\": \"/srv/shop\"\n  }\n]\n"}};
  EXPECT_THAT(heads(detect(facts)), ElementsAre("pm2 api"));
}

TEST(DetectCron, FilesOfTheSiteAndCrontabsOfUsers) {
  Facts facts = facts_for_tests();
  facts.cron = {
      {"/etc/cron.d/shop", "SHELL=/bin/sh\n# m h dom mon dow user command\n17 * * * * shop cd /srv/shop && ./send\n"},
      {"/etc/cron.d/e2scrub_all", "30 3 * * 0 root test -e /run/systemd/system || /sbin/e2scrub_all_cron\n"},
      {"/etc/crontab", "25 6 * * * root /srv/shop/nightly\n"}};
  facts.crontabs = {{"/var/spool/cron/crontabs/deploy", "# /srv/shop/commented\n*/5 * * * * /srv/shop/tick\n"},
                    {"/var/spool/cron/crontabs/root", "# /srv/shop/commented\n"}};
  const Draft draft = detect(facts);
  EXPECT_THAT(heads(draft), ElementsAre("cron /etc/cron.d/shop", "crontab deploy"));
  EXPECT_EQ(draft.services.front().where, "/etc/cron.d/shop, line 3");
  EXPECT_THAT(draft.remarks, ElementsAre(::testing::HasSubstr("/etc/crontab, line 1")));
}

TEST(DetectProcesses, AProcfileOrWhatListensIsTakenOnlyWithoutAManager) {
  Facts facts = facts_for_tests(
      {{"Procfile", "release: ./migrate\nweb: gunicorn app:app -b :$PORT\nclock: python clock.py scheduler\n"}});
  EXPECT_THAT(heads(detect(facts)), ElementsAre("process clock", "process web"));
  facts.project.clear();
  facts.tree.clear();
  facts.processes = {{.pid = 10, .parent = 1, .argv = {"python3", "server.py"}, .cwd = "/srv/shop", .ports = {8500}},
                     {.pid = 11, .parent = 10, .argv = {"python3", "server.py"}, .cwd = "/srv/shop", .ports = {8500}}};
  const Draft draft = detect(facts);
  EXPECT_THAT(heads(draft), ElementsAre("process web 8500"));
  facts.pidfiles = {{"/srv/shop/run/web.pid", "10\n"}, {"/srv/shop/run/other.pid", "99"}};
  facts.processes[0].output = "/srv/shop/run/web.log";
  EXPECT_EQ(detect(facts).services.front().more,
            (std::vector<std::pair<std::string, std::string>>{{"pidfile", "/srv/shop/run/web.pid"},
                                                              {"log", "/srv/shop/run/web.log"}}));
  facts.processes[0].argv.emplace_back("--token=hunter2");
  facts.processes[1].argv.emplace_back("--token=hunter2");
  EXPECT_THAT(heads(detect(facts)), IsEmpty());
  facts.systemd = {{"/etc/systemd/system/shop.service",
                    "[Service]\nWorkingDirectory=/srv/shop\nExecStart=/usr/bin/python3 server.py\n"}};
  EXPECT_THAT(heads(detect(facts)), ElementsAre("systemd shop.service 8500"));
}

}  // namespace
}  // namespace backout::init
