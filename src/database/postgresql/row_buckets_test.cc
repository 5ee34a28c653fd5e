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

TEST_F(RescueBuckets, ValuesThatTheServerHashesAlikeAreToldApart) {
  checkpoint(
      "CREATE TABLE t (id int PRIMARY KEY, pad text, b bigint, n numeric(12,2), m numeric, ts timestamp, tz "
      "timestamptz,"
      "ti time, a bigint[], r int8range, f float8, iv interval, mo money, tt timetz);"
      "INSERT INTO t SELECT i, repeat('x', 60), 5, 5, 5, '2020-01-01', '2020-01-01', '00:00', '{5}', '[5,6)', "
      "0, '1 day', 5, '00:00+00' FROM generate_series(1, 40000) i;"
      "UPDATE t SET n = 1 WHERE id IN (39001, 39002)");
  // Of lo ^ hi, with hi one more: lo with its last bit turned (all of these are even in both halves' last bits).
  const std::string folded =
      "(SELECT (((us >> 32) + d) << 32 | ((us & 4294967295) # (us >> 32) # ((us >> 32) + d))) - us FROM "
      "(SELECT (extract(epoch FROM timestamp '2020-01-01') - extract(epoch FROM timestamp '2000-01-01'))::int8 * "
      "1000000 AS us, 1 AS d) x) * interval '1 microsecond'";
  const std::vector<std::string> changes = {
      "b = 4294967300",
      "b = -6",
      "n = -5",
      "m = -5",
      "ts = ts + " + folded,
      "tz = '2000-01-01 00:00+00'::timestamptz + (ts + " + folded + " - timestamp '2000-01-01')",
      "ti = time '00:00' + 4294967297 * interval '1 microsecond'",
      "a = '{4294967300}'",
      "r = '[4294967300,4294967301)'",
      "f = '-0'",
      "iv = '24 hours'",
      "mo = (4294967296 + 501)::numeric / 100",
      "tt = '01:00+01'"};
  for (size_t i = 0; i < changes.size(); ++i)
    on_live("UPDATE t SET " + changes[i] + " WHERE id = " + std::to_string(1000 * (i + 1)));
  EXPECT_EQ(in_live("SELECT count(*) FROM t WHERE id IN (5000, 6000, 7000) AND (timestamp_hash(ts) <> timestamp_hash("
                    "'2020-01-01') OR time_hash(ti) NOT IN (time_hash('00:00'), 0))"),
            "0")
      << "they do hash alike";
  on_live("UPDATE t SET n = 10000 WHERE id IN (39001, 39002)");
  const Json done = rescue();
  EXPECT_EQ(done["compared"]["t"]["how"], "buckets") << done["compared"];
  EXPECT_EQ(done["rows"]["t"], counts(0, static_cast<int>(changes.size()) + 2, 0));
  expect_same("SELECT count(*) || ' ' || sum(hashtext(t::text)) FROM t");
}

}  // namespace
}  // namespace backout::postgresql
