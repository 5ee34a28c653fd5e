#include "database/postgresql/marks.h"

#include <chrono>
#include <thread>

#include "database/postgresql/rescue_for_tests.h"

namespace backout::postgresql {
namespace {

class Marks : public RescueTest {
 protected:
  /// When the sessions before have ended: the last that one does is to add to the counters.
  Json now() {
    for (int i = 0; i < 1000; ++i) {
      if (cluster.text("postgres", "SELECT count(*) FROM pg_stat_activity WHERE datname = " + sql_text(live)) == "0")
        break;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    auto connection = Connection::open(cluster.server(), live);
    EXPECT_TRUE(connection);
    auto marks = marks_of(*connection);
    EXPECT_TRUE(marks) << marks.error().message;
    return *marks;
  }
  using Names = std::set<std::string>;
};

TEST_F(Marks, TellWhichTablesWereWritten) {
  checkpoint(
      "CREATE SCHEMA s; CREATE TABLE a (id int); CREATE TABLE s.b (id int); CREATE TABLE c (id int); CREATE TABLE p "
      "(id "
      "int) PARTITION BY RANGE (id); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10); INSERT INTO c VALUES "
      "(1)");
  Json before = now();
  on_live("SELECT * FROM a; SELECT * FROM c");
  EXPECT_EQ(changed_since(before, now()), Names{});
  on_live("INSERT INTO s.b VALUES (1)");
  EXPECT_EQ(changed_since(before, now()), Names{"s.b"});
  on_live("DELETE FROM c; INSERT INTO p VALUES (1)");
  EXPECT_EQ(changed_since(before, now()), (Names{"s.b", "c", "p"}));
  before = now();
  on_live("BEGIN; INSERT INTO a VALUES (1); ROLLBACK");  // doubtful is written
  EXPECT_EQ(changed_since(before, now()), Names{"a"});
  before = now();
  on_live("TRUNCATE c; CREATE TABLE d (id int)");
  EXPECT_EQ(changed_since(before, now()), (Names{"c", "d"}));
  before = now();
  on_live("UPDATE s.b SET id = id; DROP TABLE d");
  EXPECT_EQ(changed_since(before, now()), (Names{"s.b", "d"}));
}

TEST_F(Marks, LostCountersMeanThatAllMayHaveChanged) {
  checkpoint("CREATE TABLE a (id int); CREATE TABLE b (id int)");
  const Json before = now();
  on_live("SELECT pg_stat_reset()");
  EXPECT_EQ(changed_since(before, now()), (Names{"a", "b"}));
  Json off = before;
  off["server"]["counts"] = false;
  EXPECT_EQ(changed_since(off, off), (Names{"a", "b"}));
  EXPECT_EQ(changed_since(Json(), before), (Names{"a", "b"}));
  const Json later = now();
  on_live("ALTER DATABASE " + sql_name(live) + " SET track_counts = off");
  EXPECT_EQ(changed_since(later, now()), (Names{"a", "b"}));
}

}  // namespace
}  // namespace backout::postgresql
