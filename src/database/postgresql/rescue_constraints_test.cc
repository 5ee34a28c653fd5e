// What constraints, foreign keys and triggers of the target make of rows that are carried.
#include "database/postgresql/rescue_for_tests.h"

namespace backout::postgresql {
namespace {

class RescueConstraints : public RescueTest {};

TEST_F(RescueConstraints, UniqueValuesThatWereSwapped) {
  checkpoint(
      "CREATE TABLE t (id int PRIMARY KEY, name text UNIQUE NOT NULL, place int UNIQUE NOT NULL, old text);"
      "INSERT INTO t SELECT i, 'n' || i, i, 'old' || i FROM generate_series(1, 60) i;"
      "CREATE TABLE c (id int PRIMARY KEY, t int REFERENCES t ON DELETE CASCADE ON UPDATE CASCADE, u int UNIQUE);"
      "CREATE TABLE p (id int PRIMARY KEY, name text UNIQUE NOT NULL, d date UNIQUE NOT NULL); "
      "CREATE TABLE pc (id int PRIMARY KEY, p int REFERENCES p ON DELETE CASCADE);"
      "INSERT INTO c SELECT i, i, i FROM generate_series(1, 60) i; INSERT INTO p SELECT i, i, date '2024-01-01' + i "
      "FROM generate_series(1, 9) i; INSERT INTO pc SELECT i, i FROM generate_series(1, 9) i");
  on_live(
      "ALTER TABLE t DROP COLUMN old; BEGIN; UPDATE t SET name = '-' || name; UPDATE t SET name = 'n' || 61 - id; "
      "UPDATE t SET place = place + 1000; UPDATE t SET place = (id % 60) + 1; COMMIT; DELETE FROM t WHERE id = 9;"
      "INSERT INTO t VALUES (100, 'n52', 500); UPDATE p SET name = 'x' || name, d = d + 1000; "
      "UPDATE p SET name = 10 - id, d = date '2024-01-01' + 10 - id");
  const Json done = rescue();
  EXPECT_EQ(done["conflict_count"], 0) << done["conflicts"].dump(1);
  EXPECT_EQ(in_target("SELECT string_agg(concat_ws(',', id, name, place), ' ' ORDER BY id) FROM t"),
            in_live("SELECT string_agg(concat_ws(',', id, name, place), ' ' ORDER BY id) FROM t"));
  EXPECT_EQ(in_target("SELECT count(*) FROM t WHERE old = 'old' || id"), "59");
  for (const std::string table : {"c", "p", "pc"}) expect_same_table(table);
}

TEST_F(RescueConstraints, ConstraintsThatLiveNoLongerHas) {
  checkpoint(
      "CREATE TABLE t (id int PRIMARY KEY, email text UNIQUE, n int NOT NULL CHECK (n > 0), w text NOT NULL);"
      "INSERT INTO t VALUES (1, 'a', 1, ''), (2, 'b', 2, ''), (3, 'c', 3, '')");
  on_live(
      "ALTER TABLE t DROP CONSTRAINT t_email_key, DROP CONSTRAINT t_n_check, ALTER w DROP NOT NULL;"
      "UPDATE t SET email = 'a' WHERE id = 2; UPDATE t SET n = -3 WHERE id = 3; INSERT INTO t VALUES (4, 'd', 4, "
      "NULL), "
      "(5, 'e', 5, ''), (6, 'c', 6, '')");
  const Json done = rescue();
  EXPECT_EQ(done["conflicts_by_kind"], Json({{"t", {{"unique", 2}, {"check", 1}, {"not-null", 1}}}}));
  EXPECT_EQ(done["carried"]["t"], counts(1, 0, 0));
  const auto conflicts = lines("conflicts.jsonl");
  ASSERT_EQ(conflicts.size(), 4U);
  EXPECT_EQ(conflicts[0]["key"], Json({{"id", "2"}}));
  EXPECT_EQ(conflicts[0]["live"]["email"], "a");
  EXPECT_EQ(conflicts[0]["base"]["email"], "b");
}

TEST_F(RescueConstraints, ParentsThatAreNotThere) {
  checkpoint(
      "CREATE TABLE a (id int PRIMARY KEY, n int CHECK (n > 0)); CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES "
      "a ON DELETE CASCADE); CREATE TABLE c (id int PRIMARY KEY, b int REFERENCES b ON DELETE SET NULL, up int "
      "REFERENCES c); INSERT INTO a VALUES (1, 1), (2, 2), (3, 3); INSERT INTO b VALUES (1, 1), (2, 2), (3, 3);"
      "INSERT INTO c VALUES (1, 1, NULL), (2, 2, 1), (3, 3, 2)");
  on_live(
      "ALTER TABLE a DROP CONSTRAINT a_n_check; ALTER TABLE b DROP CONSTRAINT b_a_fkey; ALTER TABLE c DROP CONSTRAINT "
      "c_b_fkey; INSERT INTO a VALUES (10, -1), (11, 1); INSERT INTO b VALUES (10, 10), (11, 11), (12, 77);"
      "INSERT INTO c VALUES (10, 10, 3), (11, 11, 10), (12, 11, 2); UPDATE c SET b = 10 WHERE id = 3;"
      "DELETE FROM a WHERE id = 2; DELETE FROM b WHERE id = 1");
  const Json done = rescue();
  EXPECT_EQ(done["conflicts_by_kind"], Json({{"a", {{"check", 1}, {"still-referenced", 1}}},
                                             {"b", {{"missing-parent", 2}, {"still-referenced", 1}}},
                                             {"c", {{"missing-parent", 3}}}}))
      << done["conflicts"].dump(1);
  EXPECT_EQ(in_target("SELECT string_agg(id::text, ',' ORDER BY id) FROM a"), "1,2,3,11");
  EXPECT_EQ(in_target("SELECT string_agg(id::text, ',' ORDER BY id) FROM b"), "1,2,3,11");
  EXPECT_EQ(in_target("SELECT string_agg(id || '>' || b, ',' ORDER BY id) FROM c"), "1>1,2>2,3>3,12>11");
}

TEST_F(RescueConstraints, ActionsOfForeignKeysDoNothing) {
  checkpoint(
      "CREATE TABLE a (id int PRIMARY KEY, code text UNIQUE); CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a "
      "ON "
      "DELETE CASCADE, code text REFERENCES a (code) ON UPDATE CASCADE ON DELETE SET NULL);"
      "CREATE TABLE tree (id int PRIMARY KEY, up int REFERENCES tree ON DELETE CASCADE);"
      "CREATE TABLE sessions (id int PRIMARY KEY, a int REFERENCES a ON DELETE CASCADE);"
      "INSERT INTO a SELECT i, 'c' || i FROM generate_series(1, 9) i; INSERT INTO b SELECT i, i, 'c' || i FROM "
      "generate_series(1, 9) i; INSERT INTO tree SELECT i, nullif(i / 2, 0) FROM generate_series(1, 15) i;"
      "INSERT INTO sessions VALUES (1, 1), (2, 2)");
  on_live(
      "UPDATE b SET a = 2, code = 'c2' WHERE id = 1; DELETE FROM a WHERE id = 1; UPDATE a SET code = 'new' WHERE id = "
      "3;"
      "DELETE FROM a WHERE id = 4; UPDATE tree SET up = 3 WHERE up = 2; DELETE FROM tree WHERE id = 2; "
      "UPDATE tree SET up = NULL WHERE id = 3; DELETE FROM tree WHERE id = 1");
  tables = {{"sessions", "leave"}};
  const Json done = rescue();
  EXPECT_EQ(done["conflict_count"], 0) << done["conflicts"].dump(1);
  for (const std::string table : {"a", "b", "tree"}) expect_same_table(table);
  EXPECT_EQ(done["cascaded"], Json({{"sessions", 1}}));
}

TEST_F(RescueConstraints, TriggersRulesAndKeysArePutBackAsTheyWere) {
  checkpoint(
      "CREATE TABLE audit (id serial PRIMARY KEY, what text); CREATE TABLE t (id int PRIMARY KEY, v int);"
      "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.audit (what) VALUES "
      "(TG_NAME); RETURN NEW; END $$; CREATE TRIGGER plain AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION note();"
      "CREATE TRIGGER always AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION note(); CREATE TRIGGER replica AFTER "
      "INSERT ON t FOR EACH ROW EXECUTE FUNCTION note(); CREATE TRIGGER off AFTER INSERT ON t FOR EACH ROW EXECUTE "
      "FUNCTION note(); ALTER TABLE t ENABLE ALWAYS TRIGGER always, ENABLE REPLICA TRIGGER replica, DISABLE TRIGGER "
      "off;"
      "CREATE RULE swallow AS ON DELETE TO t DO INSTEAD NOTHING; CREATE TABLE c (id int PRIMARY KEY, t int REFERENCES "
      "t, "
      "u int REFERENCES t DEFERRABLE INITIALLY DEFERRED, w int REFERENCES t DEFERRABLE);"
      "CREATE FUNCTION ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.audit (what) VALUES "
      "('ddl'); END $$; CREATE EVENT TRIGGER watch ON ddl_command_end EXECUTE FUNCTION ddl();"
      "INSERT INTO t VALUES (1, 1), (2, 2); INSERT INTO c VALUES (1, 1, 1, 1)");
  const std::string state =
      "SELECT string_agg(tgname || tgenabled::text, ' ' ORDER BY tgname) FROM pg_trigger WHERE NOT tgisinternal";
  const std::string rules =
      "SELECT string_agg(rulename || ev_enabled::text, ' ') FROM pg_rewrite WHERE rulename = 'swallow'";
  const std::string keys =
      "SELECT string_agg(pg_get_constraintdef(oid), ' ' ORDER BY conname) FROM pg_constraint WHERE contype = 'f'";
  const std::string before = in_target(state) + in_target(rules) + in_target(keys);
  on_live(
      "INSERT INTO t VALUES (3, 3); ALTER TABLE t DISABLE RULE swallow; DELETE FROM t WHERE id = 2; INSERT INTO c "
      "VALUES "
      "(2, 3, 3, 3)");
  const std::string audit = in_target("SELECT count(*) FROM audit");
  tables = {{"audit", "leave"}};
  EXPECT_EQ(rescue()["conflict_count"], 0);
  EXPECT_EQ(in_target(state) + in_target(rules) + in_target(keys), before);
  EXPECT_EQ(in_target("SELECT count(*) FROM audit"), audit);
  expect_same_table("t");
  expect_same_table("c");
}

}  // namespace
}  // namespace backout::postgresql
