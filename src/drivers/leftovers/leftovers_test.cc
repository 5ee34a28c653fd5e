// Leftovers in a real redis, in directories, and behind commands.
#include "drivers/leftovers/leftovers.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/text.h"
#include "conformance/conformance.h"
#include "drivers/leftovers/store.h"
#include "model/site.h"

namespace backout::drivers {
namespace {

TEST(LeftoverCounts, AreTheLastLineOrNothing) {
  EXPECT_EQ(parse_counts("3 1\n")->left, 3);
  EXPECT_EQ(parse_counts("3 1\n")->aside, 1);
  EXPECT_EQ(parse_counts("Queue:\n 12\n")->left, 12);
  for (const char* nothing : {"", "none", "-1", "ERR wrong"})
    EXPECT_FALSE(parse_counts(nothing).has_value()) << nothing;
}

class LeftoversTest : public ::testing::Test {
 protected:
  Action action(const std::string& verb, Json args) const {
    args["aside"] = "backout-parked:R-1";
    return {"leftovers", verb, std::move(args)};
  }
  host::CommandResult apply(const Action& what) const {
    const auto result = conformance::apply(*driver, what, *local.host);
    EXPECT_TRUE(result.has_value()) << (result ? "" : result.error().message);
    return result ? *result : host::CommandResult{.exit_status = -1};
  }
  Sight look(const Action& what) const { return driver->verify(what, *local.host, {}); }
  std::string sh(const std::string& script) const {
    const auto result = local.host->run(host::shell(script), {});
    return result ? result->out + result->err : "";
  }
  std::vector<Step> offers(const Json& subject) const {
    driver::Offering offering{.from = Version("v2"), .to = Version("v1"), .subject = subject, .hosts = {"local"}};
    return conformance::offers_well(*driver, offering);
  }

  conformance::LocalHost local;
  conformance::ScratchDirectory dir;
  std::unique_ptr<driver::Driver> driver = make_leftovers_driver();
};

class RedisTest : public LeftoversTest {
 protected:
  void SetUp() override {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), length), 0);
    ASSERT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length), 0);
    ::close(fd);
    port = std::to_string(ntohs(address.sin_port));
    daemon_ = ::fork();
    if (daemon_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::execlp("redis-server", "redis-server", "--port", port.c_str(), "--bind", "127.0.0.1", "--save", "",
               "--requirepass", "hush", "--dir", dir.path().c_str(), "--loglevel", "warning", nullptr);
      ::_exit(127);
    }
    ::setenv("BACKOUT_TEST_REDIS", "hush", 1);
    for (int i = 0; i < 200 && redis("PING") != "PONG\n"; ++i) std::this_thread::sleep_for(Millis(20));
    ASSERT_EQ(redis("PING"), "PONG\n")
        << "no redis to test against: apt-get install -y --no-install-recommends redis-server";
  }
  void TearDown() override {
    if (daemon_ <= 0) return;
    ::kill(daemon_, SIGKILL);
    ::waitpid(daemon_, nullptr, 0);
  }
  std::string redis(const std::string& words) const {
    return sh("REDISCLI_AUTH=hush redis-cli --no-auth-warning -p " + port + " " + words);
  }
  Json subject(const std::string& keys = "celery", const std::string& rule = "park") const {
    return {{"name", "jobs"}, {"kind", "redis"}, {"url", "redis://127.0.0.1:" + port + "/0"},
            {"keys", keys},   {"rule", rule},    {"secrets", {{"REDISCLI_AUTH", "$BACKOUT_TEST_REDIS"}}}};
  }
  std::string port;

 private:
  pid_t daemon_ = 0;
};

TEST_F(RedisTest, AQueueConformsWhenSetAsideAndBack) {
  conformance::conforms(
      *driver,
      {.action = action("aside", subject()),
       .undo = action("back", subject()),
       .reset =
           [this] {
             redis("FLUSHALL");
             redis("RPUSH celery three two one");
           },
       .done = [this] { return redis("LLEN celery") == "0\n" && redis("LLEN celery:backout-parked:R-1") == "3\n"; },
       .as_before = [this] { return redis("LRANGE celery 0 -1") == "three\ntwo\none\n"; },
       .always = [this] { return redis("DBSIZE") == "1\n"; },
       .bad = {action("aside", {{"name", "x"}, {"kind", "redis"}, {"rule", "no"}}),
               action("aside", {{"name", "x"}, {"kind", "redis"}, {"rule", "park"}}),
               action("drop", {{"name", "x"}, {"kind", "run"}, {"rule", "park"}})},
       .kills = 2});
}

TEST_F(RedisTest, EveryKindOfKeyOfAPatternIsCountedAndMoved) {
  redis("SET s:1 a EX 500");
  redis("HSET s:2 a 1 b 2");
  redis("SADD s:3 a b c");
  redis("ZADD s:4 1 a");
  redis("SET other x");
  redis("SET s:old:backout-parked:R-0 x");
  EXPECT_EQ(get_int(*driver->observe(subject("s:*"), *local.host, {}), "found"), 7);
  const auto moved = apply(action("aside", subject("s:*")));
  ASSERT_TRUE(moved.ok()) << moved.err;
  EXPECT_NE(moved.out.find(R"({"found": 7, "left": 0, "aside": 7})"), std::string::npos) << moved.out;
  const Sight sight = look(action("aside", subject("s:*")));
  EXPECT_EQ(sight.kind, SightKind::kHolds) << sight.why;
  EXPECT_NE(sight.evidence["leftover_told"].dump().find("7 set aside"), std::string::npos) << sight.evidence.dump();
  EXPECT_EQ(redis("GET other"), "x\n");
  EXPECT_NE(redis("TTL s:1:backout-parked:R-1"), "-1\n");
  redis("SET s:1 new");
  EXPECT_EQ(look(action("aside", subject("s:*"))).kind, SightKind::kDoesNotHold);
  EXPECT_TRUE(apply(action("aside", subject("s:*"))).ok());
  EXPECT_EQ(redis("GET s:1:backout-parked:R-1.1"), "new\n") << "nothing that was set aside is written over";
  EXPECT_TRUE(apply(action("drop", subject("s:*", "flush"))).ok());
  EXPECT_EQ(look(action("drop", subject("s:*", "flush"))).kind, SightKind::kHolds);
  EXPECT_EQ(redis("EXISTS s:2:backout-parked:R-1 s:1:backout-parked:R-1.1 s:old:backout-parked:R-0"), "1\n");
}

TEST_F(RedisTest, JobsThatCameMeanwhileAreTakenAfterThoseSetAside) {
  redis("LPUSH celery 1 2");  // 1 is taken first, from the right
  ASSERT_TRUE(apply(action("aside", subject())).ok());
  redis("LPUSH celery 3 4");
  EXPECT_TRUE(apply(action("back", subject())).ok());
  EXPECT_EQ(redis("LRANGE celery 0 -1"), "4\n3\n2\n1\n");
}

TEST_F(RedisTest, AQueueIsWorkedOffOrTheTimeIsOver) {
  Json args = subject("celery", "drain");
  args["stage"] = "drain";
  args["within_ms"] = 8000;
  redis("LPUSH celery 1 2 3");
  std::thread worker([this] {
    for (int i = 0; i < 3; ++i) {
      std::this_thread::sleep_for(Millis(200));
      redis("RPOP celery");
    }
  });
  auto drained = apply(action("drain", args));
  worker.join();
  EXPECT_TRUE(drained.ok()) << drained.err;
  EXPECT_NE(drained.out.find(R"({"found": 3, "left": 0, "aside": 0})"), std::string::npos) << drained.out;

  args["within_ms"] = 300;
  redis("LPUSH celery 4");
  drained = apply(action("drain", args));
  EXPECT_TRUE(drained.ok()) << "what is left is the next rule's business";
  EXPECT_NE(drained.out.find(R"("left": 1)"), std::string::npos) << drained.out;
  EXPECT_EQ(look(action("drain", args)).kind, SightKind::kCannotTell);
}

TEST_F(RedisTest, AWrongPasswordAndASilentServerAreNoZero) {
  ::setenv("BACKOUT_TEST_REDIS", "wrong", 1);
  Sight sight = look(action("aside", subject()));
  EXPECT_EQ(sight.kind, SightKind::kCannotTell) << sight.why;
  EXPECT_EQ(sight.why.find("wrong "), std::string::npos) << sight.why;
  Json nowhere = subject();
  nowhere["url"] = "redis://127.0.0.1:1/0";
  EXPECT_EQ(look(action("aside", nowhere)).kind, SightKind::kCannotTell);
  EXPECT_FALSE(driver->observe(nowhere, *local.host, {}).has_value());
  EXPECT_FALSE(apply(action("aside", nowhere)).ok());
  ::setenv("BACKOUT_TEST_REDIS", "hush", 1);
  const auto command = driver->command(action("aside", subject()), *local.host);
  EXPECT_EQ(host::to_json(*command).dump().find("hush"), std::string::npos);
  for (const std::string& word : command->argv) EXPECT_EQ(word.find("hush"), std::string::npos);
}

TEST_F(LeftoversTest, ADirectoryConformsWhenMovedAsideAndBack) {
  const std::string sessions = dir / "sessions";
  const Json subject = {{"name", "sessions"}, {"kind", "directory"}, {"path", sessions}, {"rule", "park"}};
  conformance::conforms(
      *driver, {.action = action("aside", subject),
                .undo = action("back", subject),
                .reset =
                    [&] {
                      sh("rm -rf " + sessions + "; mkdir -p " + sessions + "/deep; cd " + sessions +
                         "; touch a 'b c' .hidden deep/d $(seq 200)");
                    },
                .done = [&] { return sh("ls -A " + sessions) == ".backout-parked:R-1\n"; },
                .as_before =
                    [&] {
                      return sh("find " + sessions + " ! -type d | wc -l") == "204\n" &&
                             sh("ls -A " + sessions).find("backout") == std::string::npos;
                    },
                .bad = {action("aside", {{"name", "x"}, {"kind", "directory"}, {"rule", "park"}, {"path", "/"}}),
                        action("aside", {{"name", "x"}, {"kind", "directory"}, {"rule", "park"}, {"path", "a"}})},
                .kills = 2});
  EXPECT_EQ(get_int(*driver->observe(subject, *local.host, {}), "found"), 204);
  EXPECT_TRUE(apply(action("aside", subject)).ok());
  EXPECT_TRUE(apply(action("drop", subject)).ok());
  EXPECT_EQ(sh("ls -A " + sessions), "");
  std::filesystem::remove_all(sessions);
  EXPECT_EQ(look(action("aside", subject)).kind, SightKind::kCannotTell);
}

TEST_F(LeftoversTest, CommandsOfTheUserCountAndAct) {
  const std::string queue = dir / "queue";
  const auto command = [](const std::string& script) {
    return to_json(UserCommand{.argv = {"/bin/sh", "-c", script}});
  };
  Json subject = {
      {"name", "spool"}, {"kind", "run"}, {"rule", "park"}, {"count", command("echo now; wc -l <" + queue)}};
  subject["act"] = command("mv " + queue + " " + queue + ".old; : >" + queue);
  subject["undo"] = command("mv " + queue + ".old " + queue);
  sh("seq 5 >" + queue);
  EXPECT_EQ(get_int(*driver->observe(subject, *local.host, {}), "found"), 5);
  EXPECT_TRUE(apply(action("act", subject)).ok());
  EXPECT_EQ(get_int(*driver->observe(subject, *local.host, {}), "found"), 0);
  EXPECT_TRUE(apply(action("undo", subject)).ok());
  EXPECT_EQ(look(action("count", subject)).why, "spool: 5 left");
  subject["count"] = command("echo many");
  EXPECT_EQ(look(action("count", subject)).kind, SightKind::kCannotTell);
}

TEST_F(LeftoversTest, ACommandThatSaysItParkedAndLeftEverythingIsNoSuccess) {
  Json subject = {{"name", "spool"}, {"kind", "run"}, {"rule", "park"}};
  subject["count"] = to_json(UserCommand{.argv = {"/bin/sh", "-c", "echo 5"}});
  subject["act"] = to_json(UserCommand{.argv = {"/bin/sh", "-c", "echo parked"}});
  EXPECT_TRUE(apply(action("act", subject)).ok());
  const Sight seen = look(action("act", subject));
  EXPECT_NE(seen.kind, SightKind::kHolds) << seen.why;
}

TEST_F(LeftoversTest, OffersWhatTheRuleSays) {
  Json subject = {
      {"name", "Celery Jobs"}, {"kind", "redis"}, {"url", "redis://h/0"}, {"keys", "celery"}, {"rule", "park"}};
  const auto ids = [&](const Json& of) {
    std::string all;
    for (const Step& step : offers(of)) all += step.id.str() + (step.undo ? "(undo) " : " ");
    return all;
  };
  EXPECT_EQ(ids(subject), "aside-celery-jobs(undo) ");
  subject["rule"] = "flush";
  EXPECT_EQ(ids(subject), "aside-celery-jobs(undo) drop-celery-jobs ");
  subject["rule"] = "leave";
  EXPECT_EQ(ids(subject), "count-celery-jobs ");
  subject["rule"] = "drain";
  EXPECT_EQ(ids(subject), "aside-celery-jobs(undo) ");
  subject["stage"] = "drain";
  EXPECT_EQ(ids(subject), "drain-celery-jobs ");
}

}  // namespace
}  // namespace backout::drivers
