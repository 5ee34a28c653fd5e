// The rules of src/schema on schemas as SQLite itself shows them.
#include "schema/compare.h"

#include "database/sqlite/read_schema.h"
#include "database/sqlite/testing.h"

namespace backout::database {
namespace {

constexpr char kOld[] =
    "CREATE TABLE users(id INTEGER PRIMARY KEY AUTOINCREMENT, mail TEXT NOT NULL UNIQUE, name TEXT DEFAULT 'x' COLLATE "
    "NOCASE);"
    "CREATE TABLE orders(id INTEGER PRIMARY KEY, user INT REFERENCES users(id) ON DELETE CASCADE, total REAL CHECK "
    "(total >= 0), note TEXT);"
    "CREATE INDEX by_user ON orders(user); CREATE VIEW totals AS SELECT sum(total) AS s FROM orders;"
    "CREATE TRIGGER stamp AFTER INSERT ON orders BEGIN UPDATE orders SET note = 'n' WHERE id = new.id; END;";

schema::Snapshot schema_after(const testing::Scratch& scratch, const std::string& name, const std::string& statements) {
  const std::string file = scratch / name;
  testing::sql(file, statements);
  auto connection = Connection::open(file, Open::kWrite);
  return *read_schema(*connection);
}

/// Rules found when `change` comes after kOld, those that do not fit first.
std::vector<std::string> rules_after(const std::string& change) {
  const testing::Scratch scratch;
  const auto before = schema_after(scratch, "old.db", kOld), after = schema_after(scratch, "new.db", kOld + change);
  const auto comparison = schema::compare(before, after);
  std::vector<std::string> rules;
  bool fits = true;
  for (const auto& finding : comparison.findings) {
    rules.push_back(finding.rule);
    fits = fits && finding.fits;
    EXPECT_FALSE(finding.breaks.empty());
  }
  EXPECT_EQ(comparison.rung, fits ? schema::Rung::kLeave : schema::Rung::kRestore) << change;
  return rules;
}

using Rules = std::vector<std::string>;

TEST(CompareSchemas, TheSameSchemaFitsHoweverItIsWritten) {
  EXPECT_EQ(rules_after(""), Rules{});
  const testing::Scratch scratch;
  const auto one = schema_after(scratch, "1.db", "CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT)");
  const auto two = schema_after(scratch, "2.db", "CREATE TABLE T ( \"a\" integer primary key, -- key\n b text )");
  EXPECT_EQ(schema::compare(one, two).rung, schema::Rung::kLeave);
  EXPECT_TRUE(schema::compare(one, two).findings.empty());
}

TEST(CompareSchemas, AdditionsThatTheOldCodeNeedNotKnowFit) {
  EXPECT_EQ(rules_after("ALTER TABLE orders ADD COLUMN gift TEXT"), Rules{"column-added"});
  EXPECT_EQ(rules_after("ALTER TABLE orders ADD COLUMN gift INT DEFAULT 0"), Rules{"column-added"});
  EXPECT_EQ(rules_after("ALTER TABLE orders ADD COLUMN gift INT NOT NULL DEFAULT 0"), Rules{"column-added"});
  EXPECT_EQ(rules_after("CREATE TABLE extra(id INTEGER PRIMARY KEY, x TEXT NOT NULL UNIQUE)"), Rules{"table-added"});
  EXPECT_EQ(rules_after("CREATE TABLE extra(id INTEGER PRIMARY KEY, o INT REFERENCES orders(id) ON DELETE CASCADE)"),
            Rules{"table-added"});
  EXPECT_EQ(rules_after("CREATE INDEX by_note ON orders(note) WHERE note IS NOT NULL"), Rules{"index-added"});
  EXPECT_EQ(rules_after("CREATE VIEW v AS SELECT 1"), Rules{"view-added"});
  EXPECT_EQ(rules_after("CREATE TABLE e(x); CREATE TRIGGER te AFTER INSERT ON e BEGIN SELECT 1; END"),
            (Rules{"table-added", "trigger-added-elsewhere"}));
  EXPECT_EQ(rules_after("PRAGMA user_version=5"), Rules{"user-version"});
}

TEST(CompareSchemas, EverythingElseDoesNotFit) {
  EXPECT_EQ(rules_after("DROP TRIGGER stamp; ALTER TABLE orders DROP COLUMN note"),
            (Rules{"column-removed", "trigger-removed"}));
  EXPECT_EQ(rules_after("ALTER TABLE users RENAME COLUMN name TO full_name"),
            (Rules{"column-removed", "column-added"}));
  EXPECT_EQ(rules_after("CREATE TABLE extra(id INTEGER PRIMARY KEY, o INT REFERENCES orders(id))"),
            Rules{"table-added-restricts"});
  EXPECT_EQ(rules_after("ALTER TABLE orders ADD COLUMN gift TEXT CHECK (gift <> '')"),
            Rules{"column-added-constrained"});
  EXPECT_EQ(rules_after("ALTER TABLE orders ADD COLUMN other INT REFERENCES users(id)"),
            Rules{"column-added-constrained"});
  EXPECT_EQ(rules_after("ALTER TABLE orders ADD COLUMN twice AS (total * 2)"), Rules{"column-added-generated"});
  EXPECT_EQ(rules_after("CREATE UNIQUE INDEX u ON orders(note)"), Rules{"unique-added"});
  EXPECT_EQ(rules_after("CREATE INDEX e ON orders(json_extract(note, '$.x'))"), Rules{"index-added-expression"});
  EXPECT_EQ(rules_after("DROP INDEX by_user"), Rules{"index-removed"});
  EXPECT_EQ(rules_after("DROP VIEW totals"), Rules{"view-removed"});
  EXPECT_EQ(rules_after("DROP VIEW totals; CREATE VIEW totals AS SELECT max(total) AS s FROM orders"),
            Rules{"view-changed"});
  EXPECT_EQ(rules_after("CREATE TRIGGER t2 BEFORE DELETE ON users BEGIN SELECT 1; END"), Rules{"trigger-added"});
  EXPECT_EQ(rules_after("PRAGMA application_id=77"), Rules{"application-id"});
}

/// `users` made anew with another definition, as migrations on SQLite do.
Rules rules_with_users(const std::string& columns) {
  return rules_after("ALTER TABLE users RENAME TO gone; DROP TABLE gone; CREATE TABLE users(" + columns + ");");
}

TEST(CompareSchemas, ATableMadeAnewIsComparedColumnByColumn) {
  const std::string id = "id INTEGER PRIMARY KEY AUTOINCREMENT, ", mail = "mail TEXT NOT NULL UNIQUE, ",
                    name = "name TEXT DEFAULT 'x' COLLATE NOCASE";
  const auto without_orders = [](Rules rules) { return rules; };
  const auto has = [&](const std::string& columns, const std::string& rule) {
    const auto rules = without_orders(rules_with_users(columns));
    return std::find(rules.begin(), rules.end(), rule) != rules.end();
  };
  EXPECT_TRUE(has(id + "mail TEXT UNIQUE, " + name, "column-nullable"));
  EXPECT_TRUE(has(id + mail + "name TEXT NOT NULL DEFAULT 'x' COLLATE NOCASE", "column-not-null"));
  EXPECT_TRUE(has(id + mail + "name INT DEFAULT 'x' COLLATE NOCASE", "column-type"));
  EXPECT_TRUE(has(id + mail + "name TEXT DEFAULT 'y' COLLATE NOCASE", "column-default"));
  EXPECT_TRUE(has(id + mail + "name TEXT DEFAULT 'x'", "column-collation"));
  EXPECT_TRUE(has(id + "mail TEXT NOT NULL, " + name, "unique-removed"));
  EXPECT_TRUE(has(id + name + ", mail TEXT NOT NULL UNIQUE", "column-order"));
  EXPECT_TRUE(has(id + "middle TEXT, " + mail + name, "column-order"));
  EXPECT_TRUE(has("id INTEGER PRIMARY KEY, " + mail + name, "autoincrement"));
  EXPECT_TRUE(has("id INTEGER, mail TEXT PRIMARY KEY NOT NULL, " + name, "column-key"));
  EXPECT_TRUE(has(id + mail + name + ", CHECK (length(mail) > 3)", "check-added"));
  EXPECT_TRUE(has(id + mail + name + ", must TEXT NOT NULL", "column-added-not-null"));
  EXPECT_TRUE(has(id + "mail TEXT NOT NULL UNIQUE ON CONFLICT REPLACE, " + name, "column-definition"));
  EXPECT_TRUE(has(id + mail + "name TEXT AS ('x') COLLATE NOCASE", "column-generated"));
  EXPECT_TRUE(has("id INT PRIMARY KEY, " + mail + name + ") WITHOUT ROWID --", "table-kind"));
}

TEST(CompareSchemas, SaysWhatARenameBreaks) {
  const testing::Scratch scratch;
  const auto comparison =
      schema::compare(schema_after(scratch, "a.db", "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT)"),
                      schema_after(scratch, "b.db", "CREATE TABLE t(id INTEGER PRIMARY KEY, b TEXT)"));
  EXPECT_NE(comparison.why().find("column-removed t.a"), std::string::npos);
  EXPECT_NE(comparison.why().find("renamed to b?"), std::string::npos);
}

TEST(CompareSchemas, ASnapshotSurvivesJson) {
  const testing::Scratch scratch;
  const auto snapshot =
      schema_after(scratch, "a.db",
                   std::string(kOld) +
                       "CREATE TABLE s(a TEXT, b TEXT AS (a) STORED, PRIMARY KEY (a)) STRICT, WITHOUT "
                       "ROWID; CREATE VIRTUAL TABLE f USING fts5(x);");
  const auto again = schema::snapshot_from_json(*parse_json(canonical(schema::to_json(snapshot))));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(*again, snapshot);
  EXPECT_EQ(hash_of(*again), hash_of(snapshot));
  EXPECT_FALSE(schema::snapshot_from_json(Json::array()));
}

}  // namespace
}  // namespace backout::database
