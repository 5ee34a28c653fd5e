#include "database/postgresql/pooler.h"

#include <gmock/gmock.h>
#include <signal.h>

#include <atomic>
#include <thread>

#include "base/text.h"
#include "database/postgresql/verbs_for_tests.h"

namespace backout::postgresql {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// A real PgBouncer in front of the test cluster, on a socket of its own; what it calls "shop" has another name there.
class PgbouncerTest : public PostgresqlVerbs {
 protected:
  void SetUp() override {
    PostgresqlVerbs::SetUp();
    place_ = directory_ + "/pooler";
    std::filesystem::create_directories(place_);
    std::filesystem::permissions(place_, std::filesystem::perms::all);
    const std::string settings = fmt::format(
        "[databases]\nshop = host={0} port=5432 dbname='{1}' user=postgres\n[pgbouncer]\nlisten_addr =\n"
        "listen_port = 6432\nunix_socket_dir = {2}\nauth_type = any\nadmin_users = postgres\nlogfile = {2}/log\n"
        "pidfile = {2}/pid\n",
        cluster_.directory(), database_, place_);
    ASSERT_TRUE(os::write_file_atomic(place_ + "/ini", settings, 0644));
    TestCluster::as_postgres({"/usr/sbin/pgbouncer", "-d", place_ + "/ini"});
    for (int i = 0; i < 1000 && !look_at_pooler({admin(), "shop"}); ++i) system_clock().wait(Millis(10), {});
    subject_["poolers"] = {admin()};
    subject_["pool"] = "shop";
  }
  void TearDown() override {
    if (const auto pid = os::read_file(place_ + "/pid")) ::kill(std::stoi(*pid), SIGKILL);
    PostgresqlVerbs::TearDown();
  }

  std::string admin() const { return "host=" + place_ + " port=6432 user=postgres"; }
  /// What a client of the pooler gets to hear.
  std::string ask(const std::string& sql) const {
    const auto ran = os::run_process({.argv = {"/usr/bin/psql", "-XAtq", "-c", sql, admin() + " dbname=shop"}});
    return ran ? std::string(trimmed(ran->out + ran->err)) : ran.error().message;
  }
  std::string log() const { return os::read_file(place_ + "/log").value_or(""); }

  std::string place_;
};

TEST_F(PgbouncerTest, ItsClientsWaitDuringTheSwapAndMeetTheRestoredDatabase) {
  ASSERT_EQ(ask("SELECT 1"), "1") << log();
  const Json part = lived(offered(RunKind::kCheckpoint, {}, "R1"));
  migrate();
  const auto steps = offered(RunKind::kRollback, part, "R2");
  std::atomic<bool> over = false;
  std::vector<std::string> heard;
  std::thread client;
  lived(steps, [&](const std::string& verb) {
    if (verb == "swap")
      client = std::thread([&] {
        while (!over) heard.push_back(ask("SELECT 1"));
      });
  });
  const BootTime began = system_clock().boot();
  EXPECT_EQ(ask("SELECT note FROM orders WHERE id = 2"), "milk");
  EXPECT_LT(system_clock().boot() - began, Millis(5'000)) << "it waits for its server_login_retry";
  over = true;
  client.join();
  EXPECT_EQ(std::count(heard.begin(), heard.end(), "1"), std::ssize(heard)) << heard.back();
  EXPECT_THAT(log(), HasSubstr("PAUSE 'shop' command issued"));
  EXPECT_THAT(log(), HasSubstr("RESUME 'shop' command issued"));

  undo(steps);
  EXPECT_THAT(ask("SELECT channel FROM orders LIMIT 1"), "web");
}

TEST_F(PgbouncerTest, ATransactionThatDoesNotEndIsNotWaitedForAndClientsAreLetInAgain) {
  std::thread client([&] { ask("BEGIN; SELECT pg_sleep(30)"); });
  while (cluster_.text("postgres", "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(30)'") == "0")
    system_clock().wait(Millis(10), {});
  std::string said;
  {
    PausedPoolers paused({{admin(), "shop"}}, [&](std::string_view line) { said += line; });
    EXPECT_EQ(ask("SELECT 1"), "1") << "nobody waits for it";
    const Json told = paused.resume();
    EXPECT_FALSE(get_bool(told[0], "paused"));
    EXPECT_TRUE(get_bool(told[0], "resumed"));
  }
  EXPECT_THAT(said, HasSubstr("could not be paused"));
  cluster_.admin("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = " + sql_text(database_));
  client.join();
}

TEST_F(PgbouncerTest, WhatIsWrongWithItIsSaid) {
  EXPECT_TRUE(look_at_pooler({admin(), "shop"}));
  const auto other = look_at_pooler({admin(), "other"});
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().message, "it has no database called other");
  const auto nobody = look_at_pooler({"host=" + place_ + "/nowhere port=6432 user=postgres", "shop"});
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().code, Code::kUnavailable);
  PausedPoolers paused({{"host=" + place_ + "/nowhere port=6432", "shop"}}, {});
  const Json told = paused.resume();
  EXPECT_FALSE(get_bool(told[0], "paused", true));
  EXPECT_THAT(get_string(told[0], "why"), Not(""));
}

}  // namespace
}  // namespace backout::postgresql
