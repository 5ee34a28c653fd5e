// One test a rule of the rescue; docs/design/postgresql.md has them.
#include "base/ids.h"
#include "base/text.h"
#include "database/postgresql/rescue_for_tests.h"
#include "database/postgresql/verbs.h"

namespace backout::postgresql {
namespace {

class RescueRules : public RescueTest {};

TEST_F(RescueRules, NamesAndValuesMayBeAnything) {
  const std::string table = "\"we\"\"ird 'table'\\ \n\"", schema = "\"s p\"\"a'ce\"";
  checkpoint(
      "CREATE SCHEMA " + schema + "; CREATE TYPE " + schema + ".\"mo\"\"od\" AS ENUM ('a''b', 'c\"d', E'e\\\\f');" +
      "CREATE TABLE " + schema + "." + table +
      " (\"k\"\"ey\" text, \"n'o\" int, \"text\" text, b bytea, a text[], j jsonb, js json, n numeric, d date, ts "
      "timestamptz, f float8, m " +
      schema +
      ".\"mo\"\"od\", c char(5), bo bool, i interval, r int4range, x xml, "
      "inet inet, bits bit(3), PRIMARY KEY (\"k\"\"ey\", \"n'o\"));" +
      "INSERT INTO " + schema + "." + table +
      " (\"k\"\"ey\", \"n'o\") VALUES (E'tab\\t', 1), (E'nl\\n', 1), "
      "(E'nl\\n', 2), ('', 3), (E'b\\\\N', 1), ('z', 1), ('\\N', 5), ('é', 1)");
  const std::string all = schema + "." + table;
  on_live(
      "UPDATE " + all +
      " SET \"text\" = repeat('x', 1000000), b = '\\x00ff0a5c', a = ARRAY['a', NULL, '', E'\\\\ "
      "\"\\n'], j = '{\"a\": [1, null, \"\\\\u00e9\"]}', js = '{\"b\":  1, \"b\": 2}', n = 'NaN', d = 'infinity', ts = "
      "'-infinity', f = '-0', m = E'e\\\\f', c = 'ab', bo = true, i = '1 mon -3 days', r = '[1,5)', x = "
      "'<a>&amp;</a>', inet = '::1/64', bits = B'101' WHERE \"n'o\" = 1;"
      "DELETE FROM " +
      all + " WHERE \"n'o\" = 2; INSERT INTO " + all +
      " VALUES (E'\\b\\f\\v\\r', 9, '', '', '{}', "
      "'null', 'null', '1.500', '4713-01-01 BC', '2024-02-29 13:00:00.123456+05'"
      ", 'Infinity', 'a''b', '', false, '0', 'empty', NULL, '1.2.3.4', NULL)");
  const Json done = rescue();
  EXPECT_EQ(done["conflict_count"], 0) << done["conflicts"].dump(1);
  EXPECT_EQ(done["rows"].size(), 1U);
  expect_same_table(all);
  EXPECT_EQ(in_target("SELECT count(*) FROM " + all + " WHERE length(\"text\") = 1000000"), "5");
}

TEST_F(RescueRules, ColumnsThatOnlyOneSideHas) {
  checkpoint(
      "CREATE TABLE t (id int PRIMARY KEY, a text, old text DEFAULT 'd', gone text NOT NULL DEFAULT 'g');"
      "CREATE TABLE strict (id int PRIMARY KEY, old text NOT NULL);"
      "INSERT INTO t VALUES (1, 'a', 'kept', 'g1'), (2, 'b', 'kept2', 'g2'); INSERT INTO strict VALUES (1, 'x')");
  on_live(
      "ALTER TABLE t DROP COLUMN old, DROP COLUMN gone, ADD COLUMN fresh text; ALTER TABLE strict DROP COLUMN old;"
      "CREATE TABLE brand_new (id int PRIMARY KEY, v text); INSERT INTO brand_new VALUES (1, 'n'), (2, NULL);"
      "UPDATE t SET a = 'changed', fresh = 'f' WHERE id = 1; INSERT INTO t VALUES (3, 'c', 'ff');"
      "INSERT INTO strict VALUES (2)");
  const Json done = rescue();
  EXPECT_EQ(in_target("SELECT string_agg(t::text, ' ' ORDER BY id) FROM t"),
            "(1,changed,kept,g1) (2,b,kept2,g2) (3,c,d,g)");
  EXPECT_EQ(done["conflicts_by_kind"], Json({{"strict", {{"not-null", 1}}}}));
  EXPECT_EQ(done["archived"]["columns"], Json({{"t", 2}}));
  EXPECT_EQ(done["archived"]["tables"], Json({{"brand_new", 2}}));
  EXPECT_EQ(done["new_tables"], Json({"brand_new"}));
  EXPECT_EQ(done["residue"], Json({{"strict", counts(1, 0, 0)}}));
  const auto archive = lines("archive.jsonl");
  ASSERT_EQ(archive.size(), 4U);
  EXPECT_EQ(archive[0], Json({{"table", "t"}, {"key", {{"id", "1"}}}, {"columns", {{"fresh", "f"}}}}));
  EXPECT_EQ(archive[3]["row"], Json({{"id", "2"}, {"v", nullptr}}));
  const auto conflicts = lines("conflicts.jsonl");
  ASSERT_EQ(conflicts.size(), 1U);
  EXPECT_EQ(conflicts[0]["live"], Json({{"id", "2"}}));
  EXPECT_EQ(conflicts[0]["base"], nullptr);
  EXPECT_EQ(std::filesystem::status(directory + "/conflicts.jsonl").permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST_F(RescueRules, ADroppedTableStaysAsRestored) {
  checkpoint("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)");
  on_live("DROP TABLE t");
  const Json done = rescue();
  EXPECT_EQ(done["dropped_tables"], Json({"t"}));
  EXPECT_EQ(in_target("SELECT count(*) FROM t"), "1");
}

TEST_F(RescueRules, TypesThatDiffer) {
  checkpoint(
      "CREATE TYPE mood AS ENUM ('sad', 'ok');"
      "CREATE TABLE t (id int PRIMARY KEY, n int, p numeric(8,2), v varchar(5), m mood, ts timestamp, j json);"
      "INSERT INTO t SELECT i, i, i, i, 'sad', '2024-01-01', '{}' FROM generate_series(1, 8) i");
  on_live("ALTER TYPE mood ADD VALUE 'glad'");
  on_live(
      "ALTER TABLE t ALTER id TYPE bigint, ALTER n TYPE text, ALTER p TYPE numeric(12,4), ALTER v TYPE text, ALTER ts "
      "TYPE timestamptz USING ts AT TIME ZONE 'UTC', ALTER j TYPE jsonb;"
      "UPDATE t SET n = '77' WHERE id = 1; UPDATE t SET n = 'words' WHERE id = 2; UPDATE t SET p = 1.25 WHERE id = 3;"
      "UPDATE t SET p = 1.2345 WHERE id = 4; UPDATE t SET v = 'longer than five' WHERE id = 5;"
      "UPDATE t SET m = 'glad' WHERE id = 6; UPDATE t SET m = 'ok', ts = '2025-05-05 10:00+00' WHERE id = 7;"
      "INSERT INTO t (id) VALUES (9), (5000000000)");
  const Json counted = diff();
  EXPECT_EQ(counted["rows"]["t"], counts(2, 7, 0));
  EXPECT_EQ(counted["columns"]["t"]["p"], 1);  // those that fit
  const Json done = rescue();
  EXPECT_EQ(done["rows"], counted["rows"]);
  EXPECT_EQ(done["carried"]["t"], counts(1, 3, 0));
  EXPECT_EQ(done["conflicts_by_kind"], Json({{"t", {{"enum", 1}, {"type", 4}}}})) << done["conflicts"].dump(1);
  EXPECT_EQ(in_target("SELECT string_agg(concat_ws(',', id, n, p, v, m, ts), ' ' ORDER BY id) FROM t"),
            "1,77,1.00,1,sad,2024-01-01 00:00:00 2,2,2.00,2,sad,2024-01-01 00:00:00 3,3,1.25,3,sad,2024-01-01 00:00:00 "
            "4,4,4.00,4,sad,2024-01-01 00:00:00 5,5,5.00,5,sad,2024-01-01 00:00:00 6,6,6.00,6,sad,2024-01-01 00:00:00 "
            "7,7,7.00,7,ok,2025-05-05 10:00:00 8,8,8.00,8,sad,2024-01-01 00:00:00 9");
}

TEST_F(RescueRules, KeysOfOtherKinds) {
  checkpoint(
      "CREATE TABLE by_uuid (id uuid PRIMARY KEY, v int); CREATE TABLE by_text (id text PRIMARY KEY, v int);"
      "CREATE TABLE by_unique (a int NOT NULL, b date NOT NULL, v int, UNIQUE (b, a));"
      "CREATE TABLE by_numeric (id numeric PRIMARY KEY, v int); CREATE TABLE by_char (id char(4) PRIMARY KEY, v int);"
      "CREATE TABLE log (at timestamptz, line text); CREATE TABLE partial (a int NOT NULL, v text);"
      "CREATE UNIQUE INDEX ON partial (a) WHERE v IS NOT NULL;"
      "CREATE TABLE ids (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, v int, twice int GENERATED ALWAYS AS (v "
      "* 2) STORED);"
      "CREATE TABLE parts (id int, v int, PRIMARY KEY (id)) PARTITION BY RANGE (id);"
      "CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (100);"
      "CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (100) TO (200);"
      "INSERT INTO by_uuid SELECT md5(i::text)::uuid, i FROM generate_series(1, 100) i;"
      "INSERT INTO by_text SELECT CASE i % 3 WHEN 0 THEN 'A' WHEN 1 THEN 'a' ELSE 'é ' END || i, i FROM "
      "generate_series(1, 100) i; INSERT INTO by_unique SELECT i % 10, date '2024-01-01' + i, i FROM "
      "generate_series(1, 100) i; INSERT INTO by_numeric SELECT i / 7.0, i FROM generate_series(1, 50) i;"
      "INSERT INTO by_char SELECT i, i FROM generate_series(1, 50) i;"
      "INSERT INTO log SELECT '2024-01-01', 'line ' || i % 5 FROM generate_series(1, 20) i;"
      "INSERT INTO partial VALUES (1, NULL), (1, NULL), (2, 'x'); INSERT INTO ids (v) VALUES (1), (2);"
      "INSERT INTO parts SELECT i, i FROM generate_series(1, 150) i");
  for (const std::string table : {"by_uuid", "by_text", "by_unique", "by_numeric", "by_char"})
    on_live("UPDATE " + table + " SET v = -v WHERE v % 7 = 0; DELETE FROM " + table + " WHERE v % 11 = 0");
  on_live(
      "INSERT INTO by_uuid VALUES ('00000000-0000-0000-0000-000000000000', 0), "
      "('ffffffff-ffff-ffff-ffff-ffffffffffff', 0); INSERT INTO by_text VALUES ('', 0), (E'\\n', 0), (' ', 0);"
      "INSERT INTO by_numeric VALUES ('NaN', 0), (-5, 0), (100.50, 0); INSERT INTO by_char VALUES ('zz', 1);"
      "INSERT INTO log VALUES ('2024-01-01', 'line 1'), (NULL, NULL), ('2024-01-01', 'line 9');"
      "DELETE FROM log WHERE line = 'line 2'; DELETE FROM partial WHERE a = 1; INSERT INTO partial VALUES (3, '');"
      "INSERT INTO ids (v) VALUES (3); UPDATE ids SET v = 20 WHERE v = 2; DELETE FROM ids WHERE v = 1;"
      "UPDATE parts SET v = 0 WHERE id IN (5, 120); DELETE FROM parts WHERE id = 99; INSERT INTO parts VALUES (199, "
      "1)");
  const Json done = rescue();
  EXPECT_EQ(done["conflict_count"], 0);
  EXPECT_EQ(done["keys"]["by_unique"], "b, a");
  EXPECT_EQ(done["keys"]["log"], "all columns");
  EXPECT_EQ(done["keys"]["partial"], "all columns");
  EXPECT_EQ(done["rows"]["log"], counts(3, 0, 4));
  for (const std::string table :
       {"by_uuid", "by_text", "by_unique", "by_numeric", "by_char", "log", "partial", "ids", "parts", "parts_2"})
    expect_same_table(table);
  cluster.run(target, "INSERT INTO ids (v) VALUES (9)");
  EXPECT_EQ(in_target("SELECT max(id) FROM ids"), "4");
}

TEST_F(RescueRules, ATableThatCannotBeMatchedIsArchivedWhole) {
  checkpoint("CREATE TABLE t (a text, b text); INSERT INTO t VALUES ('1', 'x'); CREATE TABLE same (a text, b text)");
  on_live("ALTER TABLE t DROP COLUMN b; ALTER TABLE same DROP COLUMN b; INSERT INTO t VALUES ('2')");
  const Json done = rescue();
  ASSERT_EQ(done["unkeyed"].size(), 1U) << done["unkeyed"];
  EXPECT_EQ(done["archived"]["tables"], Json({{"t", 2}}));
  EXPECT_EQ(in_target("SELECT count(*) FROM t"), "1");
  EXPECT_EQ(lines("archive.jsonl").size(), 2U);
}

TEST_F(RescueRules, ATableThatCannotBeMatchedStopsBeforeTheDoorCloses) {
  checkpoint("CREATE TABLE t (a text, b text); INSERT INTO t VALUES ('1', 'x')");
  on_live("ALTER TABLE t DROP COLUMN b");
  const auto counted = [&] {
    Json all = args();
    all["refuse_undecided"] = true;
    return diff_rows(all, {});
  };
  on_live("INSERT INTO t VALUES ('2')");
  const auto refused = counted();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kRefused);
  EXPECT_NE(refused.error().message.find("t was written to"), std::string::npos) << refused.error().message;
  EXPECT_NE(refused.error().next.find("{t: leave}"), std::string::npos) << refused.error().next;
  tables = {{"t", "leave"}};
  EXPECT_TRUE(counted());
}

TEST_F(RescueRules, AFillThatItsColumnDoesNotTakeIsMetBeforeTheDoorCloses) {
  checkpoint("CREATE TABLE t (id int PRIMARY KEY, gift boolean NOT NULL); INSERT INTO t VALUES (1, true)");
  on_live("ALTER TABLE t DROP COLUMN gift; INSERT INTO t VALUES (2)");
  Json all = args();
  all["fill"] = {{"t.gift", ""}};
  const auto wrong = diff_rows(all, {});
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, Code::kInvalid);
  EXPECT_NE(wrong.error().message.find("'' is no value for t.gift"), std::string::npos) << wrong.error().message;
  all["fill"] = {{"t.gift", "no"}};
  EXPECT_TRUE(diff_rows(all, {}));
}

TEST_F(RescueRules, BooksAndChoices) {
  checkpoint(
      "CREATE TABLE django_migrations (id serial PRIMARY KEY, name text); CREATE TABLE sessions (id int PRIMARY "
      "KEY, v text, w text); CREATE SCHEMA shop; CREATE TABLE shop.t (id int PRIMARY KEY, price int, name text);"
      "INSERT INTO shop.t SELECT i, i, 'x' FROM generate_series(1, 40) i;"
      "INSERT INTO sessions VALUES (1, 'a', 'b')");
  on_live(
      "INSERT INTO django_migrations (name) VALUES ('0002'); UPDATE sessions SET v = 'c', w = 'd';"
      "UPDATE shop.t SET price = price * 100; UPDATE shop.t SET name = 'y' WHERE id = 3");
  const auto refused = [&] {
    Json all = args();
    all["refuse_undecided"] = true;
    return diff_rows(all, {});
  };
  const auto before = refused();
  ASSERT_FALSE(before);
  EXPECT_EQ(before.error().code, Code::kRefused);
  EXPECT_NE(before.error().message.find("shop.t.price: 40 of 40 old rows changed"), std::string::npos)
      << before.error().message;
  tables = {{"shop.t.price", "leave"}, {"sessions", "leave"}};
  EXPECT_TRUE(refused());
  const Json done = rescue();
  EXPECT_EQ(done["left"], Json({{"django_migrations", counts(1, 0, 0)}, {"sessions", counts(0, 1, 0)}}));
  EXPECT_EQ(done["rows"], Json({{"shop.t", counts(0, 1, 0)}}));
  EXPECT_EQ(in_target("SELECT sum(price) FROM shop.t"), "820");
  EXPECT_EQ(in_target("SELECT name FROM shop.t WHERE id = 3"), "y");
  EXPECT_EQ(in_target("SELECT v FROM sessions"), "a");
  EXPECT_EQ(in_target("SELECT nextval('django_migrations_id_seq')"), "2");  // left, and still no id twice
  tables = {{"django_migrations", "carry"}};
  EXPECT_EQ(rescue()["carried"]["django_migrations"], counts(1, 0, 0));
  tables = {{"sessions", "maybe"}};
  EXPECT_FALSE(diff_rows(args(), {}));
}

TEST_F(RescueRules, SequencesNeverGoBack) {
  checkpoint(
      "CREATE TABLE t (id serial PRIMARY KEY); CREATE SEQUENCE down INCREMENT -1; CREATE SEQUENCE alone;"
      "CREATE TABLE gaps (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY); INSERT INTO t DEFAULT VALUES;"
      "CREATE TABLE left_alone (id serial PRIMARY KEY)");
  on_live(
      "INSERT INTO t SELECT FROM generate_series(1, 9); DELETE FROM t WHERE id > 3; SELECT nextval('down'), "
      "nextval('down'), nextval('alone'); INSERT INTO gaps VALUES (500); INSERT INTO left_alone SELECT FROM "
      "generate_series(1, 4)");
  tables = {{"left_alone", "leave"}};
  const Json done = rescue();
  EXPECT_EQ(in_target("SELECT nextval('t_id_seq') || ',' || nextval('down') || ',' || nextval('alone') || ',' || "
                      "nextval('gaps_id_seq') || ',' || nextval('left_alone_id_seq')"),
            "11,-3,2,501,5");
  EXPECT_EQ(done["sequences"],
            Json({{"t_id_seq", 10}, {"down", -2}, {"alone", 1}, {"gaps_id_seq", 500}, {"left_alone_id_seq", 4}}));
}

TEST_F(RescueRules, GoingForwardKnowsWhatCouldNotBeCarried) {
  checkpoint(
      "CREATE TABLE t (id int PRIMARY KEY, n int CHECK (n > 0), email text UNIQUE); INSERT INTO t SELECT i, i, 'e' || "
      "i "
      "FROM generate_series(1, 9) i");
  on_live(
      "ALTER TABLE t DROP CONSTRAINT t_n_check, ADD COLUMN fresh text; UPDATE t SET n = -1 WHERE id IN (1, 2);"
      "INSERT INTO t VALUES (20, -5, 'x', 'f'), (21, 5, 'y', 'f')");
  const Json back = rescue();
  EXPECT_EQ(back["conflict_count"], 3);
  // The rolled back database is live now; the replaced one is copied beside.
  std::filesystem::rename(directory + "/rescue.json", directory + "/first.json");
  std::filesystem::rename(directory + "/conflicts.jsonl", directory + "/first.jsonl");
  Json record = Json::parse(std::ifstream(directory + "/first.json"));
  record["evidence"]["conflicts_file"] = directory + "/first.jsonl";
  std::ofstream(directory + "/first.json") << record;
  std::swap(live, target);
  on_live("UPDATE t SET n = 50 WHERE id = 2; UPDATE t SET n = 60 WHERE id = 3; INSERT INTO t VALUES (30, 30, 'z')");
  const Json known{{"known", directory + "/first.json"}};
  EXPECT_EQ(diff(known)["rows"]["t"], counts(1, 2, 0));
  const Json forward = rescue(known);
  EXPECT_EQ(forward["carried"]["t"], counts(1, 1, 0));
  EXPECT_EQ(forward["conflicts_by_kind"], Json({{"t", {{"base-changed", 1}}}}));
  EXPECT_EQ(in_target("SELECT string_agg(concat_ws(',', id, n, fresh), ' ' ORDER BY id) FROM t"),
            "1,-1 2,-1 3,60 4,4 5,5 6,6 7,7 8,8 9,9 20,-5,f 21,5,f 30,30");
}

TEST_F(RescueRules, TablesThatWereWrittenSinceAreCarriedAgain) {
  checkpoint(
      "CREATE TABLE a (id int PRIMARY KEY, v int CHECK (v <> 13)); CREATE TABLE b (id int PRIMARY KEY, a int "
      "REFERENCES a);"
      "CREATE TABLE c (id int PRIMARY KEY, v int CHECK (v <> 13)); INSERT INTO a VALUES (1, 1); INSERT INTO c VALUES "
      "(1, 1)");
  on_live(
      "ALTER TABLE a DROP CONSTRAINT a_v_check; ALTER TABLE c DROP CONSTRAINT c_v_check; INSERT INTO a VALUES (2, 2), "
      "(3, 13);"
      "INSERT INTO c VALUES (2, 2), (3, 13); INSERT INTO b VALUES (1, 2)");
  rescue();
  on_live("INSERT INTO a VALUES (4, 4); INSERT INTO b VALUES (2, 4)");
  const Json again = rescue({{"only", {"a", "b"}}});
  EXPECT_EQ(again["rows"], Json({{"a", counts(3, 0, 0)}, {"b", counts(2, 0, 0)}, {"c", counts(2, 0, 0)}}));
  EXPECT_EQ(again["carried"], Json({{"a", counts(2, 0, 0)}, {"b", counts(2, 0, 0)}, {"c", counts(1, 0, 0)}}));
  EXPECT_EQ(again["conflict_count"], 2);
  EXPECT_EQ(again["residue"], Json({{"a", counts(1, 0, 0)}, {"c", counts(1, 0, 0)}}));
  EXPECT_EQ(lines("conflicts.jsonl").size(), 2U);
  expect_same_table("b");
}

TEST_F(RescueRules, AnOwnerWithoutFurtherRightsIsEnough) {
  const std::string role = "plain_" + random_hex(4);
  cluster.admin("CREATE ROLE " + role + " LOGIN");
  checkpoint(
      "CREATE TABLE a (id serial PRIMARY KEY, v text); CREATE TABLE b (id serial PRIMARY KEY, a int REFERENCES a); "
      "INSERT "
      "INTO a (v) VALUES ('x'); CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; "
      "CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW EXECUTE FUNCTION f(); ALTER TABLE a ENABLE ROW LEVEL SECURITY");
  for (const std::string& database : {live, target}) {
    cluster.admin("ALTER DATABASE " + sql_name(database) + " OWNER TO " + role);
    cluster.run(database, "ALTER TABLE a OWNER TO " + role + "; ALTER TABLE b OWNER TO " + role);
  }
  on_live("ALTER TABLE a DISABLE TRIGGER t; INSERT INTO a (v) VALUES ('y'); INSERT INTO b (a) VALUES (2)");
  const Json done = rescue({{"server", replaced(cluster.server().conninfo, "user=postgres", "user=" + role)}});
  EXPECT_EQ(done["conflict_count"], 0);
  expect_same_table("a");
  expect_same_table("b");
  for (const std::string& database : {live, target})
    cluster.run(database, "ALTER DATABASE " + sql_name(database) + " OWNER TO postgres; REASSIGN OWNED BY " + role +
                              " TO postgres");
  cluster.admin("DROP ROLE " + role);
}

TEST_F(RescueRules, LargeTablesAreComparedByTheirHashes) {
  checkpoint(
      "CREATE TABLE same (id int PRIMARY KEY, v text, n numeric); CREATE TABLE few (id bigint PRIMARY KEY, v text, f "
      "float8); CREATE TABLE most (id int PRIMARY KEY, v text); CREATE TABLE by_text (id text PRIMARY KEY, v text);"
      "INSERT INTO same SELECT i, repeat('x', 60), i / 3.0 FROM generate_series(1, 60000) i;"
      "INSERT INTO few SELECT i * 1000 - 30000000, repeat('x', 60), 0 FROM generate_series(1, 60000) i;"
      "INSERT INTO most SELECT i, repeat('x', 60) FROM generate_series(1, 60000) i;"
      "INSERT INTO by_text SELECT 'k' || i, repeat('x', 60) FROM generate_series(1, 60000) i");
  on_live(
      "UPDATE few SET f = '-0' WHERE id = 5000; UPDATE few SET v = '' WHERE id = -29999000; DELETE FROM few WHERE id = "
      "30000000; INSERT INTO few VALUES (9223372036854775807, 'h', 1), (-9223372036854775808, 'l', 1);"
      "UPDATE most SET v = v || id WHERE id % 5 = 0; UPDATE by_text SET v = 'c' WHERE id = 'k77';"
      "DELETE FROM by_text WHERE id = 'k78'; INSERT INTO by_text VALUES ('new', NULL)");
  const Json done = rescue();
  EXPECT_EQ(done["rows"]["few"], counts(2, 2, 1));
  EXPECT_EQ(done["rows"]["most"], counts(0, 12000, 0));
  EXPECT_EQ(done["rows"]["by_text"], counts(1, 1, 1));
  EXPECT_EQ(done["compared"]["same"]["how"], "hash") << done["compared"];
  EXPECT_EQ(done["compared"]["few"]["how"], "buckets") << done["compared"];
  EXPECT_EQ(done["compared"]["most"]["how"], "merge") << done["compared"];
  EXPECT_EQ(done["compared"]["by_text"]["how"], "buckets") << done["compared"];
  for (const std::string table : {"same", "few", "most", "by_text"})
    expect_same("SELECT count(*) || ' ' || sum(hashtext(t::text)) FROM " + table + " t");
}

TEST_F(RescueRules, SomebodyElseWritesToTheTarget) {
  checkpoint("CREATE TABLE t (id int PRIMARY KEY, v int); INSERT INTO t SELECT i, i FROM generate_series(1, 100) i");
  on_live("UPDATE t SET v = 0 WHERE id = 5");
  bool once = false;
  const auto done = rescue_rows(args(), [&](std::string_view line) {
    if (!once && line.starts_with("t: ")) on_target("UPDATE t SET v = 7 WHERE id = 5");
    once = true;
  });
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Code::kConflict) << done.error().message;
  EXPECT_EQ(in_target("SELECT v FROM t WHERE id = 5"), "7");
}

TEST_F(RescueRules, TheProofFindsWhatNobodyReported) {
  checkpoint(
      "CREATE TABLE t (id int PRIMARY KEY, v int CHECK (v < 50)); INSERT INTO t SELECT i, i FROM generate_series(1, "
      "40) "
      "i");
  const std::string base = cluster.database("base");
  cluster.admin("DROP DATABASE " + sql_name(base));
  cluster.admin("CREATE DATABASE " + sql_name(base) + " TEMPLATE " + sql_name(target));
  on_live("ALTER TABLE t DROP CONSTRAINT t_v_check; UPDATE t SET v = 99 WHERE id = 6; UPDATE t SET v = 0 WHERE id = 5");
  const auto after_the_commit = [&](const std::string& change) {
    cluster.admin("DROP DATABASE " + sql_name(target) + " WITH (FORCE)");
    cluster.admin("CREATE DATABASE " + sql_name(target) + " TEMPLATE " + sql_name(base));
    return rescue_rows(args(), [&](std::string_view line) {
      if (line.starts_with("comparing the result")) on_target(change);
    });
  };
  for (const char* change :
       {"UPDATE t SET v = 7 WHERE id = 5", "DELETE FROM t WHERE id = 9", "INSERT INTO t VALUES (41, 1)"}) {
    const auto done = after_the_commit(change);
    ASSERT_FALSE(done) << change;
    EXPECT_NE(done.error().message.find("1 rows differ that were not reported"), std::string::npos)
        << done.error().message;
    EXPECT_EQ(get_string(*look_at("rescue", args()), "sight"), "does-not-hold") << change;
  }
  const auto gone = after_the_commit("ALTER TABLE t DROP CONSTRAINT t_v_check; UPDATE t SET v = 99 WHERE id = 6");
  ASSERT_FALSE(gone);
  EXPECT_NE(gone.error().message.find("reported as conflicts that do not differ"), std::string::npos)
      << gone.error().message;
}

}  // namespace
}  // namespace backout::postgresql
