#include "database/sqlite/rescue.h"

#include "database/sqlite/rescue_for_tests.h"

namespace backout::database {
namespace {

using testing::counts;
using testing::expect_done;
using testing::holds;
using testing::number;
using testing::Rescue;
using testing::sql;
using testing::text;
using testing::tool;

TEST_F(Rescue, CarriesInsertedChangedAndDeletedRowsOntoTheOldSchema) {
  checkpoint(
      "CREATE TABLE orders(id INTEGER PRIMARY KEY, item TEXT, coupon TEXT DEFAULT 'none');"
      "INSERT INTO orders VALUES (1, 'tea', 'A'), (2, 'cup', 'B'), (3, 'pot', NULL);");
  const Json evidence = rescue_after(
      "ALTER TABLE orders DROP COLUMN coupon; ALTER TABLE orders ADD COLUMN gift INTEGER DEFAULT 0; CREATE TABLE "
      "reviews(id INTEGER PRIMARY KEY, stars);"
      "INSERT INTO orders(item, gift) VALUES ('jug', 1); UPDATE orders SET item = 'mug' WHERE id = 2; DELETE FROM "
      "orders WHERE id = 3;"
      "INSERT INTO reviews VALUES (1, 5);");
  EXPECT_EQ(evidence["rows"]["orders"], counts(1, 1, 1));
  EXPECT_EQ(evidence["carried"]["orders"], counts(1, 1, 1));
  EXPECT_EQ(evidence["columns"]["orders"]["item"], 1);
  EXPECT_EQ(evidence["conflict_count"], 0);
  EXPECT_EQ(evidence["residue"], Json::object());
  // Dropped column: old rows keep theirs, new rows get the default.
  EXPECT_EQ(text(paths.beside, "SELECT * FROM orders ORDER BY id"), "1,tea,A;2,mug,B;4,jug,none");
  EXPECT_EQ(evidence["archived"]["tables"]["reviews"], 1);
  EXPECT_EQ(evidence["archived"]["columns"]["orders"], 1);
  const auto archived = lines(paths.archive);
  ASSERT_EQ(archived.size(), 2U);
  EXPECT_EQ(archived[0], Json::parse(R"({"table":"orders","key":{"id":4},"columns":{"gift":1}})"));
  EXPECT_EQ(archived[1]["row"], Json::parse(R"({"id":1,"stars":5})"));
  EXPECT_EQ(std::filesystem::status(paths.archive).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST_F(Rescue, GivesNoIdTwice) {
  checkpoint(
      "CREATE TABLE orders(id INTEGER PRIMARY KEY AUTOINCREMENT, item TEXT); INSERT INTO orders(item) VALUES ('tea');"
      "CREATE TABLE empty(id INTEGER PRIMARY KEY AUTOINCREMENT, item TEXT);"
      "CREATE TABLE plain(id INTEGER PRIMARY KEY, item TEXT); INSERT INTO plain VALUES (1, 'tea');"
      "CREATE TABLE strict_one(id INTEGER PRIMARY KEY AUTOINCREMENT, item TEXT NOT NULL);");
  const Json evidence = rescue_after(
      "INSERT INTO orders(item) VALUES ('cup'), ('pot'); DELETE FROM orders WHERE id > 1; INSERT INTO empty VALUES (7, "
      "'x'); DELETE FROM empty;"
      "ALTER TABLE strict_one RENAME COLUMN item TO thing; INSERT INTO strict_one(thing) VALUES ('x'), ('y');"
      "INSERT INTO plain VALUES (5, 'five')");
  EXPECT_EQ(evidence["sequences"], Json::parse(R"({"orders":3,"empty":7,"strict_one":2})"));
  sql(paths.beside,
      "INSERT INTO orders(item) VALUES ('next'); INSERT INTO empty(item) VALUES ('next'); INSERT INTO strict_one(item) "
      "VALUES ('next')");
  EXPECT_EQ(number(paths.beside, "SELECT max(id) FROM orders"), 4);
  EXPECT_EQ(number(paths.beside, "SELECT max(id) FROM empty"), 8);
  EXPECT_EQ(number(paths.beside, "SELECT max(id) FROM strict_one"), 3);
}

TEST_F(Rescue, MatchesRowsByWhateverKeyTheTableHas) {
  checkpoint(
      "CREATE TABLE log(line TEXT); INSERT INTO log VALUES ('a'), ('b'), ('c'), ('a');"
      "CREATE TABLE items(order_id INT, line INT, what TEXT, PRIMARY KEY (order_id, line)); INSERT INTO items VALUES "
      "(2, 1, 'x'), (1, 2, 'y'), (1, 1, 'z');"
      "CREATE TABLE prices(sku TEXT PRIMARY KEY, cents INT) WITHOUT ROWID; INSERT INTO prices VALUES ('b', 1), ('B', "
      "2), ('a', 3);"
      "CREATE TABLE tags(name TEXT COLLATE NOCASE PRIMARY KEY, n INT); INSERT INTO tags VALUES ('beta', 1), ('Alpha', "
      "2), ('gamma', 3);"
      "CREATE TABLE hidden(rowid TEXT, _rowid_ TEXT, oid TEXT); INSERT INTO hidden VALUES ('x', 'y', 'z');"
      "CREATE TABLE reals(k REAL PRIMARY KEY, v); INSERT INTO reals VALUES (1.5, 'a'), (-2, 'b'), (9007199254740993, "
      "'c');"
      "CREATE TABLE blobs(k BLOB PRIMARY KEY, v); INSERT INTO blobs VALUES (x'ff', 1), (x'00ff', 2), ('text', 3), (7, "
      "4);");
  const Json evidence = rescue_after(
      "INSERT INTO log VALUES ('d'); DELETE FROM log WHERE line = 'b'; UPDATE items SET what = 'Y' WHERE order_id = 1 "
      "AND line = 2; INSERT INTO items VALUES (0, 9, 'n');"
      "DELETE FROM prices WHERE sku = 'B'; UPDATE prices SET cents = 9 WHERE sku = 'b'; UPDATE tags SET name = 'ALPHA' "
      "WHERE n = 2; DELETE FROM tags WHERE n = 3;"
      "INSERT INTO tags VALUES ('Beta2', 5); INSERT INTO hidden VALUES ('1', '2', '3'); UPDATE reals SET v = 'B' WHERE "
      "k < 0; INSERT INTO reals VALUES (2, 'd');"
      "DELETE FROM blobs WHERE v = 2; UPDATE blobs SET v = 33 WHERE v = 3; INSERT INTO blobs VALUES (x'0a', 5);");
  EXPECT_EQ(evidence["rows"]["log"], counts(1, 0, 1));
  EXPECT_EQ(evidence["rows"]["items"], counts(1, 1, 0));
  EXPECT_EQ(evidence["rows"]["prices"], counts(0, 1, 1));
  EXPECT_EQ(evidence["rows"]["tags"], counts(1, 1, 1));
  EXPECT_EQ(evidence["rows"]["reals"], counts(1, 1, 0));
  EXPECT_EQ(evidence["rows"]["blobs"], counts(1, 1, 1));
  EXPECT_EQ(evidence["keys"]["log"], "rowid");
  EXPECT_EQ(evidence["keys"]["items"], "order_id, line");
  EXPECT_TRUE(evidence["unkeyed"].contains("hidden"));
  EXPECT_EQ(evidence["archived"]["tables"]["hidden"], 2);
  for (const char* table : {"log", "items", "prices", "tags", "reals", "blobs"}) {
    const std::string query = std::string("SELECT * FROM ") + table +
                              (table == std::string("items") ? " ORDER BY order_id, line" : " ORDER BY 1");
    EXPECT_EQ(text(paths.beside, query), text(paths.live, query));
  }
}

TEST_F(Rescue, KeepsEveryDigitAndTheClassOfEachValue) {
  checkpoint(
      "CREATE TABLE v(id INTEGER PRIMARY KEY, a, t TEXT); INSERT INTO v VALUES (1, 9007199254740993, 'x'), (2, 1, "
      "'y'), (3, x'31', 'z'), (4, NULL, '');");
  const Json evidence = rescue_after(
      "UPDATE v SET a = 9007199254740992 WHERE id = 1; UPDATE v SET a = 1.0 WHERE id = 2; UPDATE v SET a = '1' WHERE "
      "id = 3; UPDATE v SET t = NULL WHERE id = 4;"
      "INSERT INTO v VALUES (9007199254740993, -9223372036854775808, x'00'), (9007199254740992, 0.1, CAST(x'ff' AS "
      "TEXT)), (5, x'', ''), (6, 1e999, 'inf');");
  EXPECT_EQ(evidence["rows"]["v"], counts(4, 4, 0));
  const std::string query = "SELECT id, typeof(a), hex(a), quote(a), typeof(t), hex(t) FROM v ORDER BY id";
  EXPECT_EQ(text(paths.beside, query), text(paths.live, query));
}

TEST_F(Rescue, LeavesComputedColumnsToTheDatabase) {
  checkpoint(
      "CREATE TABLE g(id INTEGER PRIMARY KEY, n INT, twice INT AS (n * 2), thrice INT AS (n * 3) STORED, label TEXT "
      "DEFAULT 'l');"
      "CREATE TABLE later(id INTEGER PRIMARY KEY, n INT, shown TEXT); INSERT INTO later VALUES (1, 5, 'n5');"
      "INSERT INTO g(id, n) VALUES (1, 10);");
  const Json evidence = rescue_after(
      "INSERT INTO g(n) VALUES (7); UPDATE g SET n = 11 WHERE id = 1;"
      "CREATE TABLE later2(id INTEGER PRIMARY KEY, n INT, shown TEXT AS ('n' || n)); INSERT INTO later2(id, n) SELECT "
      "id, n FROM later; DROP TABLE later; ALTER TABLE later2 RENAME TO later;"
      "INSERT INTO later(n) VALUES (6);");
  EXPECT_EQ(text(paths.beside, "SELECT * FROM g ORDER BY id"), "1,11,22,33,l;2,7,14,21,l");
  // Computed now, a plain column then: the computed value is what users saw.
  EXPECT_EQ(text(paths.beside, "SELECT * FROM later ORDER BY id"), "1,5,n5;2,6,n6");
  EXPECT_EQ(evidence["rows"]["later"], counts(1, 0, 0));
}

TEST_F(Rescue, ReportsEachKindOfConflictWithBothSides) {
  checkpoint(
      "CREATE TABLE a(id INTEGER PRIMARY KEY, must TEXT NOT NULL); INSERT INTO a VALUES (1, 'x');"
      "CREATE TABLE b(id INTEGER PRIMARY KEY, n INT CHECK (n > 0)); INSERT INTO b VALUES (1, 1), (2, 2);"
      "CREATE TABLE c(id INTEGER PRIMARY KEY, mail TEXT UNIQUE); INSERT INTO c VALUES (1, 'one@x'), (2, 'two@x');"
      "CREATE TABLE d(id INTEGER PRIMARY KEY, n INT) STRICT; INSERT INTO d VALUES (1, 1);");
  const Json evidence = rescue_after(
      "ALTER TABLE a RENAME COLUMN must TO may; INSERT INTO a VALUES (2, 'y');"
      "CREATE TABLE b2(id INTEGER PRIMARY KEY, n INT); INSERT INTO b2 SELECT * FROM b; DROP TABLE b; ALTER TABLE b2 "
      "RENAME TO b; UPDATE b SET n = -1 WHERE id = 1; INSERT INTO b VALUES (3, -3), (4, 4);"
      "CREATE TABLE c2(id INTEGER PRIMARY KEY, mail TEXT); INSERT INTO c2 SELECT * FROM c; DROP TABLE c; ALTER TABLE "
      "c2 RENAME TO c; INSERT INTO c VALUES (3, 'one@x'), (4, 'new@x'), (5, 'new@x');"
      "CREATE TABLE d2(id INTEGER PRIMARY KEY, n INT); INSERT INTO d2 SELECT * FROM d; DROP TABLE d; ALTER TABLE d2 "
      "RENAME TO d; INSERT INTO d VALUES (2, 'words'), (3, 3);");
  EXPECT_EQ(evidence["conflicts_by_kind"],
            Json::parse(R"({"a":{"not-null":1},"b":{"check":2},"c":{"unique":2},"d":{"type":1}})"));
  EXPECT_EQ(evidence["conflict_count"], 6);
  EXPECT_EQ(evidence["residue"]["b"], counts(1, 1, 0));
  EXPECT_EQ(evidence["residue"]["c"], counts(2, 0, 0));
  EXPECT_EQ(evidence["carried"]["b"], counts(1, 0, 0));
  EXPECT_EQ(text(paths.beside, "SELECT * FROM b ORDER BY id"), "1,1;2,2;4,4");
  EXPECT_EQ(text(paths.beside, "SELECT * FROM c ORDER BY id"), "1,one@x;2,two@x;4,new@x");
  const auto conflicts = lines(paths.conflicts);
  ASSERT_EQ(conflicts.size(), 6U);
  const auto updated = std::find_if(conflicts.begin(), conflicts.end(), [](const Json& line) {
    return line["table"] == "b" && line["operation"] == "update";
  });
  ASSERT_NE(updated, conflicts.end());
  EXPECT_EQ((*updated)["base"]["n"], 1);
  EXPECT_EQ((*updated)["live"]["n"], -1);
  EXPECT_EQ((*updated)["there"]["n"], 1);
  EXPECT_EQ((*updated)["key"]["id"], 1);
  EXPECT_EQ(std::filesystem::status(paths.conflicts).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST_F(Rescue, UniqueValuesMayMoveBetweenRows) {
  checkpoint(
      "CREATE TABLE u(id INTEGER PRIMARY KEY, name TEXT UNIQUE, old TEXT DEFAULT 'o'); INSERT INTO u VALUES (1, 'a', "
      "'1'), (2, 'b', '2'), (3, 'c', '3'), (9, 'z', '9');");
  const Json evidence = rescue_after(
      "ALTER TABLE u DROP COLUMN old; UPDATE u SET name = '-' WHERE id = 1; UPDATE u SET name = 'a' WHERE id = 2; "
      "UPDATE u SET name = 'b' WHERE id = 3; UPDATE u SET name = 'c' WHERE id = 1;"
      "DELETE FROM u WHERE id = 9; INSERT INTO u VALUES (4, 'z');");
  EXPECT_EQ(evidence["conflict_count"], 0);
  EXPECT_EQ(evidence["carried"]["u"], counts(1, 3, 1));
  EXPECT_EQ(text(paths.beside, "SELECT * FROM u ORDER BY id"), "1,c,1;2,a,2;3,b,3;4,z,o");
}

TEST_F(Rescue, ACircleThatMeetsARealDuplicateCarriesTheRest) {
  checkpoint(
      "CREATE TABLE u(id INTEGER PRIMARY KEY, name TEXT UNIQUE); INSERT INTO u VALUES (1, 'a'), (2, 'b'), (3, 'c'), "
      "(4, 'd');");
  const Json evidence = rescue_after(
      "CREATE TABLE u2(id INTEGER PRIMARY KEY, name TEXT); INSERT INTO u2 SELECT * FROM u; DROP TABLE u; ALTER TABLE "
      "u2 RENAME TO u;"
      "UPDATE u SET name = 'b' WHERE id = 1; UPDATE u SET name = 'a' WHERE id = 2; UPDATE u SET name = 'd' WHERE id = "
      "3;");
  EXPECT_EQ(evidence["conflicts_by_kind"], Json::parse(R"({"u":{"unique":1}})"));
  EXPECT_EQ(text(paths.beside, "SELECT * FROM u ORDER BY id"), "1,b;2,a;3,c;4,d");
  EXPECT_EQ(evidence["carried"]["u"], counts(0, 2, 0));
}

TEST_F(Rescue, CarriesParentsAndChildrenInAnyOrderAndThroughThemselves) {
  checkpoint(
      "PRAGMA foreign_keys=ON; CREATE TABLE a_items(id INTEGER PRIMARY KEY, order_id INT NOT NULL REFERENCES "
      "z_orders(id) ON DELETE CASCADE);"
      "CREATE TABLE z_orders(id INTEGER PRIMARY KEY, who TEXT); CREATE TABLE tree(id INTEGER PRIMARY KEY, up INT "
      "REFERENCES tree(id));"
      "INSERT INTO z_orders VALUES (1, 'x'); INSERT INTO a_items VALUES (1, 1), (2, 1); INSERT INTO tree VALUES (1, "
      "NULL), (2, 1);");
  const Json evidence = rescue_after(
      "PRAGMA foreign_keys=ON; ALTER TABLE z_orders DROP COLUMN who; INSERT INTO z_orders VALUES (2); INSERT INTO "
      "a_items VALUES (3, 2); DELETE FROM z_orders WHERE id = 1;"
      "INSERT INTO tree VALUES (9, NULL); INSERT INTO tree VALUES (3, 9); UPDATE tree SET up = 9 WHERE id = 2; DELETE "
      "FROM tree WHERE id = 1;");
  EXPECT_EQ(evidence["conflict_count"], 0);
  EXPECT_EQ(evidence["carried"]["a_items"], counts(1, 0, 2));
  EXPECT_EQ(text(paths.beside, "SELECT * FROM a_items"), "3,2");
  EXPECT_EQ(text(paths.beside, "SELECT * FROM tree ORDER BY id"), "2,9;3,9;9,");
  EXPECT_EQ(text(paths.beside, "PRAGMA foreign_key_check"), "");
}

TEST_F(Rescue, AChildWhoseParentCouldNotComeIsReportedAndSoAreItsOwnChildren) {
  checkpoint(
      "CREATE TABLE orders(id INTEGER PRIMARY KEY, must TEXT NOT NULL); CREATE TABLE items(id INTEGER PRIMARY KEY, "
      "order_id INT REFERENCES orders(id));"
      "CREATE TABLE notes(id INTEGER PRIMARY KEY, item INT REFERENCES items(id)); INSERT INTO orders VALUES (1, 'm'); "
      "INSERT INTO items VALUES (1, 1); INSERT INTO notes VALUES (1, 1);");
  const Json evidence = rescue_after(
      "ALTER TABLE orders RENAME COLUMN must TO other; INSERT INTO orders VALUES (2, 'n'); INSERT INTO items VALUES "
      "(2, 2), (3, 1); INSERT INTO notes VALUES (2, 2), (3, 3); UPDATE notes SET item = 2 WHERE id = 1;");
  EXPECT_EQ(evidence["conflicts_by_kind"],
            Json::parse(R"({"orders":{"not-null":1},"items":{"missing-parent":1},"notes":{"missing-parent":2}})"));
  EXPECT_EQ(text(paths.beside, "SELECT * FROM items ORDER BY id"), "1,1;3,1");
  EXPECT_EQ(text(paths.beside, "SELECT * FROM notes ORDER BY id"), "1,1;3,3");
  EXPECT_EQ(text(paths.beside, "PRAGMA foreign_key_check"), "");
}

TEST_F(Rescue, ADeletedParentStaysWhileRowsThatStayPointAtIt) {
  checkpoint(
      "CREATE TABLE users(id INTEGER PRIMARY KEY, name TEXT); CREATE TABLE sessions(id INTEGER PRIMARY KEY, user INT "
      "REFERENCES users(id));"
      "CREATE TABLE tokens(id INTEGER PRIMARY KEY, user INT REFERENCES users(id) ON DELETE CASCADE);"
      "INSERT INTO users VALUES (1, 'x'), (2, 'y'); INSERT INTO sessions VALUES (1, 1); INSERT INTO tokens VALUES (1, "
      "2);");
  paths.tables = {{"sessions", "leave"}, {"tokens", "leave"}};
  const Json evidence = rescue_after("DELETE FROM sessions; DELETE FROM tokens; DELETE FROM users;");
  EXPECT_EQ(evidence["left"]["sessions"], counts(0, 0, 1));
  EXPECT_EQ(evidence["conflicts_by_kind"], Json::parse(R"({"users":{"still-referenced":1}})"));
  EXPECT_EQ(evidence["cascaded"]["tokens"], 1);
  EXPECT_EQ(text(paths.beside, "SELECT * FROM users"), "1,x");
}

TEST_F(Rescue, ReferencesThatTheApplicationNeverKeptAreNotAReasonToDropRows) {
  checkpoint(
      "CREATE TABLE users(id INTEGER PRIMARY KEY); CREATE TABLE posts(id INTEGER PRIMARY KEY, user INT REFERENCES "
      "users(id)); INSERT INTO posts VALUES (1, 77);");
  const Json evidence = rescue_after("INSERT INTO posts VALUES (2, 78)");
  EXPECT_EQ(evidence["conflict_count"], 0);
  EXPECT_EQ(evidence["unenforced_references"], Json::parse(R"({"posts.user -> users":2})"));
  EXPECT_EQ(number(paths.beside, "SELECT count(*) FROM posts"), 2);
}

TEST_F(Rescue, DoesNotFireTriggersAndKeepsThem) {
  checkpoint(
      "CREATE TABLE t(id INTEGER PRIMARY KEY, v); CREATE TABLE audit(id INTEGER PRIMARY KEY, what);"
      "CREATE TRIGGER watch AFTER INSERT ON t BEGIN INSERT INTO audit(what) VALUES ('insert ' || new.id); END; INSERT "
      "INTO t VALUES (1, 'a');");
  rescue_after("INSERT INTO t VALUES (2, 'b');");
  EXPECT_EQ(text(paths.beside, "SELECT * FROM audit ORDER BY id"), "1,insert 1;2,insert 2");
  sql(paths.beside, "INSERT INTO t VALUES (3, 'c')");
  EXPECT_EQ(number(paths.beside, "SELECT count(*) FROM audit"), 3);
}

TEST_F(Rescue, LeavesWhatItIsToldToLeaveAndTheBooksOfMigrators) {
  checkpoint(
      "CREATE TABLE sessions(id TEXT PRIMARY KEY, data); CREATE TABLE django_migrations(id INTEGER PRIMARY KEY, name "
      "TEXT); INSERT INTO django_migrations VALUES (1, '0001');");
  paths.tables = {{"Sessions", "leave"}};
  const Json evidence =
      rescue_after("INSERT INTO sessions VALUES ('s1', 'x'); INSERT INTO django_migrations VALUES (2, '0002_drop');");
  EXPECT_EQ(evidence["left"]["sessions"], counts(1, 0, 0));
  EXPECT_EQ(evidence["left"]["django_migrations"], counts(1, 0, 0));
  EXPECT_EQ(number(paths.beside, "SELECT count(*) FROM sessions"), 0);
  EXPECT_EQ(number(paths.beside, "SELECT count(*) FROM django_migrations"), 1);
  EXPECT_EQ(evidence["residue"]["sessions"], counts(1, 0, 0));
}

TEST_F(Rescue, ConvertsValuesOfColumnsWhoseTypeChanged) {
  checkpoint(
      "CREATE TABLE p(id INTEGER PRIMARY KEY, cents INTEGER, note TEXT); INSERT INTO p VALUES (1, 100, 'a'), (2, 200, "
      "'7'), (3, 300, 'c');");
  const Json evidence = rescue_after(
      "CREATE TABLE p2(id INTEGER PRIMARY KEY, cents TEXT, note NUMERIC); INSERT INTO p2 SELECT * FROM p; DROP TABLE "
      "p; ALTER TABLE p2 RENAME TO p; UPDATE p SET cents = '250' WHERE id = 2; INSERT INTO p VALUES (4, '400', 12);");
  EXPECT_EQ(evidence["rows"]["p"], counts(1, 1, 0));
  EXPECT_EQ(text(paths.beside, "SELECT id, typeof(cents), cents, typeof(note), note FROM p ORDER BY id"),
            "1,integer,100,text,a;2,integer,250,text,7;3,integer,300,text,c;4,integer,400,text,12");
}

TEST_F(Rescue, MatchesRowsByTheirRowidWhereAKeyStandsInSeveral) {
  checkpoint(
      "CREATE TABLE o(k TEXT PRIMARY KEY, v, x); INSERT INTO o VALUES (NULL, '1', 'x1'), (NULL, '2', 'x2'), ('a', '3', "
      "'x3');");
  const Json evidence = rescue_after(
      "ALTER TABLE o DROP COLUMN x; DELETE FROM o WHERE v = '1'; UPDATE o SET v = '22' WHERE v = '2'; INSERT INTO o "
      "VALUES (NULL, '4');");
  EXPECT_EQ(text(paths.beside, "SELECT k, v, x FROM o ORDER BY v"), ",22,x2;a,3,x3;,4,");
  EXPECT_EQ(evidence["rows"]["o"], counts(1, 1, 1));
  EXPECT_EQ(evidence["conflict_count"], 0);
}

TEST_F(Rescue, FullTextTablesComeAlongWithTheirShadowTables) {
  checkpoint("CREATE VIRTUAL TABLE docs USING fts5(body); INSERT INTO docs VALUES ('old words');");
  rescue_after("INSERT INTO docs VALUES ('new words'); DELETE FROM docs WHERE rowid = 1; CREATE TABLE extra(x);");
  EXPECT_EQ(text(paths.beside, "SELECT rowid, body FROM docs WHERE docs MATCH 'words'"), "2,new words");
  sql(paths.beside, "INSERT INTO docs(docs) VALUES ('integrity-check')");
}

TEST_F(Rescue, StartsAgainFromTheRestoredFileWhenAnEarlierTryGotFurther) {
  checkpoint("CREATE TABLE t(id INTEGER PRIMARY KEY, v); INSERT INTO t VALUES (1, 'a');");
  sql(paths.live, "UPDATE t SET v = 'b'; INSERT INTO t VALUES (2, 'x')");
  expect_done("restore", paths.restore_args());
  expect_done("rescue", paths.rescue_args());
  // The door was not closed for everybody: the live file moves on, and the rescue is done anew.
  sql(paths.live, "UPDATE t SET v = 'c' WHERE id = 1; DELETE FROM t WHERE id = 2");
  EXPECT_FALSE(holds("rescue", paths.rescue_args()));
  const auto again = expect_done("rescue", paths.rescue_args());
  EXPECT_EQ(again.last["rows"]["t"], counts(0, 1, 0));
  EXPECT_EQ(text(paths.beside, "SELECT * FROM t"), "1,c");
}

TEST_F(Rescue, CountsWithoutChangingAnything) {
  checkpoint("CREATE TABLE t(id INTEGER PRIMARY KEY, v); INSERT INTO t VALUES (1, 'a');");
  sql(paths.live, "ALTER TABLE t ADD COLUMN w; INSERT INTO t VALUES (2, 'b', 'c')");
  expect_done("restore", paths.restore_args());
  const std::string before = testing::slurp(paths.beside);
  const Json args{
      {"base", paths.backup}, {"live", paths.live}, {"target", paths.beside}, {"result", scratch / "count.json"}};
  EXPECT_FALSE(holds("diff", args));
  EXPECT_EQ(expect_done("diff", args).last["rows"]["t"], counts(1, 0, 0));
  EXPECT_TRUE(holds("diff", args));
  EXPECT_EQ(testing::slurp(paths.beside), before);
}

TEST_F(Rescue, ExpressionsOfTheSchemaWorkAsTheyDoForTheApplication) {
  checkpoint(
      "CREATE TABLE j(id INTEGER PRIMARY KEY, data TEXT CHECK (json_valid(data)), kind TEXT AS (json_extract(data, "
      "'$.kind')) STORED);"
      "CREATE INDEX by_name ON j(json_extract(data, '$.name')); INSERT INTO j(data) VALUES ('{\"name\":\"a\"}');");
  const Json evidence =
      rescue_after("CREATE TABLE other(x); INSERT INTO j(data) VALUES ('{\"name\":\"b\",\"kind\":\"k\"}');");
  EXPECT_EQ(evidence["conflict_count"], 0);
  EXPECT_EQ(text(paths.beside, "SELECT id, kind FROM j WHERE json_extract(data, '$.name') = 'b'"), "2,k");
}

TEST_F(Rescue, WordsOtherThanCarryAndLeaveAreRefused) {
  checkpoint("CREATE TABLE t(id INTEGER PRIMARY KEY)");
  expect_done("restore", paths.restore_args());
  paths.tables = {{"t", "keep"}};
  EXPECT_EQ(tool("rescue", paths.rescue_args()).status, 2);
}

}  // namespace
}  // namespace backout::database
