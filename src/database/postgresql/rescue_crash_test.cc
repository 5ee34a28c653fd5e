// kill -9 of the rescue and crashes of the server, at any moment; and its memory.
#include <sys/resource.h>
#include <sys/wait.h>

#include <chrono>
#include <csignal>
#include <thread>

#include "database/postgresql/rescue_for_tests.h"

namespace backout::postgresql {
namespace {

class RescueCrash : public RescueTest {
 protected:
  /// A rescue as a process of its own.
  pid_t begin() {
    const Json all = args();
    const pid_t child = ::fork();
    if (child == 0) {
      const auto done = rescue_rows(all, {});
      if (!done) std::fprintf(stderr, "%s\n", done.error().message.c_str());
      ::_exit(done ? 0 : 1);
    }
    return child;
  }
  void shop(int rows) {
    const std::string n = std::to_string(rows);
    checkpoint(
        "CREATE TABLE a (id int PRIMARY KEY, v int CHECK (v <> 13), w text UNIQUE); CREATE TABLE b (id int PRIMARY "
        "KEY, a int REFERENCES a ON DELETE CASCADE, v text); INSERT INTO a SELECT i, i + 100, i FROM "
        "generate_series(1, " +
        n + ") i; INSERT INTO b SELECT i, i, 'v' FROM generate_series(1, " + n + ") i");
    base = live + "_base";
    cluster.admin("CREATE DATABASE " + sql_name(base) + " TEMPLATE " + sql_name(live));
    on_live(
        "ALTER TABLE a DROP CONSTRAINT a_v_check; UPDATE a SET v = v + 1 WHERE id % 3 = 0; DELETE FROM a WHERE id % 10 "
        "= 1; UPDATE a SET v = 13 WHERE id = 30; INSERT INTO a SELECT i + 1000000, i + 100, 'n' || i FROM "
        "generate_series(1, 500) i; INSERT INTO b SELECT i + 1000000, i + 1000000, 'w' FROM generate_series(1, 500) i");
  }
  void restore_base() {
    cluster.admin("DROP DATABASE IF EXISTS " + sql_name(target) + " WITH (FORCE)");
    cluster.admin("CREATE DATABASE " + sql_name(target) + " TEMPLATE " + sql_name(base));
  }
  ~RescueCrash() override {
    if (!base.empty()) cluster.admin("DROP DATABASE IF EXISTS " + sql_name(base) + " WITH (FORCE)");
  }
  std::string base;
  void expect_carried() {
    expect_same_table("b");
    expect_same("SELECT string_agg(a::text, ' ' ORDER BY id) FROM a WHERE id <> 30");
    EXPECT_EQ(in_target("SELECT v FROM a WHERE id = 30"), "130");
    EXPECT_EQ(in_target("SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND condeferrable"), "0");
    EXPECT_EQ(lines("conflicts.jsonl").size(), 1U);
  }
};

TEST_F(RescueCrash, KilledAtAnyMomentAndRunAgain) {
  shop(3000);
  const auto began = std::chrono::steady_clock::now();
  const Json whole = rescue();
  const auto took = std::chrono::steady_clock::now() - began;
  int killed = 0;
  for (int i = 0; i < 8; ++i) {
    restore_base();
    const pid_t child = begin();
    std::this_thread::sleep_for(took * (i + 1) / 8);
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    if (WIFSIGNALED(status)) ++killed;
    const Json again = rescue();
    EXPECT_EQ(again["rows"], whole["rows"]);
    EXPECT_EQ(again["carried"], whole["carried"]);
    EXPECT_EQ(again["conflict_count"], 1);
    expect_carried();
  }
  EXPECT_GE(killed, 4);
}

TEST_F(RescueCrash, TheServerCrashesInTheMiddle) {
  shop(8000);
  for (const int milliseconds : {150, 500}) {
    restore_base();
    const pid_t child = begin();
    std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
    cluster.crash();
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(rescue()["conflict_count"], 1);
    expect_carried();
  }
}

TEST_F(RescueCrash, MemoryDoesNotGrowWithTheTable) {
  checkpoint(
      "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, repeat('x', 100) || i FROM "
      "generate_series(1, 1000000) i");
  on_live("UPDATE t SET v = 'changed' || id WHERE id % 5 = 0; DELETE FROM t WHERE id % 50 = 1");
  const pid_t child = begin();
  int status = 0;
  rusage used{};
  ::wait4(child, &status, 0, &used);
  EXPECT_EQ(status, 0);
  const long self = [] {
    rusage mine{};
    ::getrusage(RUSAGE_SELF, &mine);
    return mine.ru_maxrss;
  }();
  EXPECT_LT(used.ru_maxrss, 256 * 1024);
  EXPECT_LT(used.ru_maxrss, self + 16 * 1024);  // a fork begins as large as this
  std::printf("peak memory %ld KiB\n", used.ru_maxrss);
  expect_same("SELECT count(*) || ' ' || sum(hashtext(v)) FROM t");
}

}  // namespace
}  // namespace backout::postgresql
