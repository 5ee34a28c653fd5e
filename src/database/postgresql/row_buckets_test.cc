// Large tables: what the hashes of their rows tell apart, and under which names they are read.
#include "database/postgresql/row_buckets.h"

#include "database/postgresql/rescue_for_tests.h"

namespace backout::postgresql {
namespace {

class RescueBuckets : public RescueTest {};

TEST_F(RescueBuckets, LargeTablesUnderOtherNamesAreHashedToo) {
  std::string tables, writes;
  for (const std::string name : {"a", "b", "c"}) {
    tables += "CREATE TABLE " + name + " (id bigint PRIMARY KEY, v text, n int); INSERT INTO " + name +
              " SELECT i, repeat('x', 60), i FROM generate_series(1, 60000) i;";
    writes += "UPDATE " + name + " SET n = -1 WHERE id = 77; DELETE FROM " + name + " WHERE id = 40000; INSERT INTO " +
              name + " VALUES (60001, 'new', 0);";
  }
  checkpoint(tables +
             "CREATE TABLE by_text (id text PRIMARY KEY, v text); INSERT INTO by_text SELECT 'k' || i, "
             "repeat('x', 60) FROM generate_series(1, 60000) i");
  ASSERT_GT(std::stoll(in_live("SELECT pg_relation_size('a')")), 4 << 20);
  on_live(writes +
          "UPDATE by_text SET v = 'c' WHERE id = 'k77'; ALTER TABLE a RENAME v TO w; ALTER TABLE b RENAME TO bb;"
          "ALTER TABLE c RENAME TO cc; ALTER TABLE cc RENAME id TO no; ALTER TABLE by_text RENAME id TO no");
  const Json names{{"public.a", {{"table", "public.a"}, {"columns", {{"v", "w"}}}}},
                   {"public.b", {{"table", "public.bb"}, {"columns", Json::object()}}},
                   {"public.c", {{"table", "public.cc"}, {"columns", {{"id", "no"}}}}},
                   {"public.by_text", {{"table", "public.by_text"}, {"columns", {{"id", "no"}}}}}};
  EXPECT_EQ(diff({{"renamed", names}})["rows"]["c"], counts(1, 1, 1));
  const Json done = rescue({{"renamed", names}});
  for (const std::string name : {"a", "b", "c"}) {
    EXPECT_EQ(done["rows"][name], counts(1, 1, 1));
    EXPECT_EQ(done["compared"][name]["how"], "buckets") << done["compared"];
    EXPECT_EQ(in_target("SELECT concat_ws(' ', count(*), min(n), max(id)) FROM " + name), "60000 -1 60001");
  }
  EXPECT_EQ(done["rows"]["by_text"], counts(0, 1, 0));
  EXPECT_EQ(done["compared"]["by_text"]["how"], "buckets") << done["compared"];
}

}  // namespace
}  // namespace backout::postgresql
