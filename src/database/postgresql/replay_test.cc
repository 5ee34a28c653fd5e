// The code's own statements on another schema, against a control with the old one.
#include "database/postgresql/replay.h"

#include <set>

#include "database/postgresql/parse_statement.h"
#include "database/postgresql/read_catalog.h"
#include "database/postgresql/read_migrations.h"
#include "database/postgresql/testing.h"
#include "schema/postgresql/compare.h"

namespace backout::postgresql {
namespace {

using schema::Comparison;
using Strings = std::vector<std::string>;

constexpr char kShop[] =
    "CREATE TYPE state AS ENUM ('new', 'paid');"
    "CREATE TABLE users(id serial PRIMARY KEY, name text NOT NULL UNIQUE, note text);"
    "CREATE TABLE orders(id serial PRIMARY KEY, user_id int NOT NULL REFERENCES users, status text, state state);"
    "CREATE TABLE log(at timestamp, what text);"
    "CREATE FUNCTION gifts() RETURNS int LANGUAGE sql AS 'SELECT 1 AS gift';";

/// `change` on a copy of kShop; statements tried there, against kShop itself or against nothing.
Comparison tried(const std::string& change, const Strings& statements, bool with_control = true) {
  TestCluster& cluster = TestCluster::the();
  static const std::string kOldShop = [&] {
    const std::string made = cluster.database("shop");
    cluster.run(made, kShop);
    return made;
  }();
  const std::string name = "r_" + random_hex(6);
  cluster.admin("CREATE DATABASE " + name + " TEMPLATE " + kOldShop + " STRATEGY file_copy");
  cluster.run(name, change);
  Comparison comparison;
  {
    auto there = Connection::open(cluster.server(), name), control = Connection::open(cluster.server(), kOldShop);
    if (!there || !control) return ADD_FAILURE(), comparison;
    const auto wanted = read_catalog(*control), now = read_catalog(*there);
    if (!wanted || !now) return ADD_FAILURE(), comparison;
    comparison = schema::postgresql::compare(*wanted, *now);
    const auto evidence = replay({*wanted, *now, *there, with_control ? &*control : nullptr},
                                 {.texts = statements, .source = "test"}, comparison);
    if (!evidence) return ADD_FAILURE() << evidence.error().message, comparison;
    weigh(comparison, *evidence);
    EXPECT_EQ(there->text("SHOW search_path").value(), "\"\"");
  }
  cluster.admin("DROP DATABASE " + name + " WITH (FORCE)");
  return comparison;
}

Strings rules_of(const Comparison& comparison) {
  Strings out;
  for (const auto& finding : comparison.findings) out.push_back(finding.rule);
  return out;
}

constexpr char kAdd[] = "ALTER TABLE users ADD status text";
const Strings kHolds{"column-added"};

TEST(Replay, StatementsThatNameTheirColumnsHold) {
  const auto comparison =
      tried(kAdd, {"SELECT id, name FROM users WHERE name = $1", "SELECT * FROM users WHERE id = $1",
                   "INSERT INTO users(name) VALUES ($1) RETURNING *", "UPDATE users SET note = $1 WHERE id = $2",
                   "SELECT count(*) FROM users u JOIN orders o ON o.user_id = u.id WHERE o.status = $1",
                   "INSERT INTO users VALUES ($1, $2, $3)", "COPY users (id, name) FROM STDIN", "BEGIN"});
  EXPECT_EQ(rules_of(comparison), kHolds);
  EXPECT_EQ(comparison.rung, schema::Rung::kLeave);
  EXPECT_NE(comparison.findings[0].breaks.find("7 statements of the code tried: 7 held, 0 broke"), std::string::npos)
      << comparison.findings[0].breaks;
}

TEST(Replay, AnAddedColumnBreaksWhatTheSchemaCannotShow) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"SELECT status FROM users u JOIN orders o ON o.user_id = u.id", "statement-fails"},  // 42702
      {"SELECT * FROM users u JOIN orders o ON o.user_id = u.id", "statement-result"},
      {"SELECT id FROM users UNION SELECT id FROM orders", ""},
      {"INSERT INTO log SELECT now(), u.name FROM users u", ""},
      {"SELECT * FROM users NATURAL JOIN orders", "statement-result"},
      {"SELECT count(*) FROM users NATURAL JOIN orders", "statement-meaning"},
      {"SELECT row_to_json(u) FROM users u", "statement-meaning"},
      {"SELECT md5(u.*::text) FROM users u", "statement-meaning"},
      {"SELECT DISTINCT * FROM users", "statement-meaning"},
      {"COPY users FROM STDIN", "statement-fails"},
      {"COPY users TO STDOUT", "statement-result"},
      // The name was the outer table's.
      {"SELECT id FROM orders WHERE EXISTS (SELECT 1 FROM users WHERE status = 'x')", "statement-meaning"},
  };
  for (const auto& [sql, rule] : cases) {
    const auto comparison = tried(kAdd, {sql});
    std::set<std::string> rules;
    for (const auto& finding : comparison.findings) rules.insert(finding.rule);
    EXPECT_EQ(rules.contains(rule), !rule.empty()) << sql;
    EXPECT_EQ(comparison.rung, rule.empty() ? schema::Rung::kLeave : schema::Rung::kRestore) << sql;
  }
}

TEST(Replay, AnInsertThatLeavesOutARequiredColumnBreaks) {
  const std::string django =
      "ALTER TABLE users ADD age int NOT NULL DEFAULT 0; ALTER TABLE users ALTER age DROP DEFAULT";
  EXPECT_EQ(rules_of(tried(django, {"INSERT INTO users(name) VALUES ($1)"})),
            (Strings{"column-added-required", "statement-leaves-out"}));
  EXPECT_EQ(rules_of(tried(django, {"INSERT INTO users VALUES ($1, $2)"})),
            (Strings{"column-added-required", "statement-leaves-out"}));
  EXPECT_EQ(rules_of(tried(django, {"INSERT INTO log VALUES (now())"})), Strings{"column-added-required"});
}

TEST(Replay, WhatFailsOnBothIsNoEvidence) {
  EXPECT_EQ(rules_of(tried(kAdd, {"SELECT interval $1", "SELECT nothing FROM nowhere"})), kHolds);
  EXPECT_EQ(rules_of(tried("ALTER TABLE users DROP note", {"SELECT note FROM users", "SELECT nothing FROM nowhere"})),
            (Strings{"column-removed", "statement-fails"}));
}

TEST(Replay, WithoutAControlOnlyErrorsAboutNamesCount) {
  EXPECT_EQ(rules_of(tried("ALTER TABLE users DROP note", {"SELECT note FROM users"}, false)),
            (Strings{"column-removed", "statement-fails"}));
  EXPECT_EQ(rules_of(tried(kAdd, {"SELECT * FROM users u JOIN orders o ON o.user_id = u.id"}, false)),
            (Strings{"column-added", "statement-unknown"}));
}

TEST(Replay, DeletesDecideWhetherANewReferenceIsInTheWay) {
  const std::string empty = "CREATE TABLE reviews(u int REFERENCES users);";
  EXPECT_EQ(tried(empty, {"DELETE FROM users WHERE id = $1"}).rung, schema::Rung::kLeave);
  EXPECT_EQ(tried(empty, {"TRUNCATE users, orders"}).rung, schema::Rung::kRestore);
  const std::string reviews = empty + "INSERT INTO users(name) VALUES ('a'); INSERT INTO reviews VALUES (1)";
  EXPECT_EQ(tried(reviews, {}).rung, schema::Rung::kRestore);
  EXPECT_EQ(tried(reviews, {"DELETE FROM log"}).rung, schema::Rung::kLeave);
  EXPECT_EQ(tried(reviews, {"DELETE FROM users WHERE id = $1"}).rung, schema::Rung::kRestore);
  EXPECT_EQ(tried(reviews, {"UPDATE users SET id = id + 1"}).rung, schema::Rung::kRestore);
  EXPECT_EQ(tried(reviews, {"UPDATE users SET name = $1"}).rung, schema::Rung::kLeave);
  EXPECT_EQ(tried(reviews, {"DELETE FROM log", "this is no SQL"}).rung, schema::Rung::kRestore);
  const std::string cascading = "CREATE TABLE reviews(u int REFERENCES users ON DELETE CASCADE)";
  EXPECT_EQ(tried(cascading, {"DELETE FROM users WHERE id = $1"}).rung, schema::Rung::kLeave);
  EXPECT_EQ(tried(cascading, {"TRUNCATE users, orders"}).rung, schema::Rung::kRestore);
}

TEST(Replay, AsksTheRowsForANewLabelAndTheServerForANewCheck) {
  const std::string label = "ALTER TYPE state ADD VALUE 'sent';";
  EXPECT_EQ(tried(label, {}).rung, schema::Rung::kLeave);
  EXPECT_EQ(
      tried(
          label + "COMMIT; INSERT INTO users(name) VALUES ('a'); INSERT INTO orders(user_id, state) VALUES (1, 'sent')",
          {})
          .rung,
      schema::Rung::kRestore);
  EXPECT_EQ(tried("ALTER TABLE users ADD age int NOT NULL DEFAULT 1 CHECK (age > 0)", {}).rung, schema::Rung::kLeave);
  EXPECT_EQ(tried("ALTER TABLE users ADD age int DEFAULT 0 CHECK (age > 0)", {}).rung, schema::Rung::kRestore);
}

TEST(Replay, FindsFunctionsThatNameANewColumn) {
  EXPECT_EQ(rules_of(tried("ALTER TABLE users ADD gift text", {})), (Strings{"statement-meaning", "column-added"}));
  const std::string knows = "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1 AS status';";
  EXPECT_EQ(tried(knows + kAdd, {}).rung, schema::Rung::kLeave);  // a new function knows the new column
}

TEST(Statements, AreReadFromAFileAndKept) {
  const auto read = statements_from_file(
      "old.sql", "-- a comment\n\nSELECT 1;\n  insert into t values (1) ; \nALTER ROLE x PASSWORD 'y'\n");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->texts, (Strings{"SELECT 1", "insert into t values (1)"}));
  EXPECT_EQ(statements_from_json(to_json(*read))->texts, read->texts);
  EXPECT_FALSE(statements_from_file("old.sql", "BEGIN\n"));
  EXPECT_FALSE(statements_from_json(Json::array()));
  EXPECT_TRUE(is_evidence("/* marginalia */ (SELECT 1)"));
  EXPECT_FALSE(is_evidence("CREATE ROLE x PASSWORD 'y'"));
}

TEST(Statements, ComeFromPgStatStatementsOrSayWhyNot) {
  TestCluster& cluster = TestCluster::the();
  const std::string name = cluster.database("stats");
  auto connection = Connection::open(cluster.server(), name);
  ASSERT_TRUE(connection);
  EXPECT_EQ(read_statements(*connection)->why_none, "pg_stat_statements is not installed in this database");
  cluster.run(name, "CREATE EXTENSION pg_stat_statements; CREATE TABLE t(a int)");
  cluster.run(name, "INSERT INTO t VALUES (7)");
  cluster.run(name, "CREATE ROLE not_kept_" + random_hex(4) + " PASSWORD 'secret'");
  const auto statements = read_statements(*connection);
  ASSERT_TRUE(statements);
  EXPECT_EQ(statements->source, "pg_stat_statements");
  const auto& texts = statements->texts;
  EXPECT_NE(std::find(texts.begin(), texts.end(), "INSERT INTO t VALUES ($1)"), texts.end());
  for (const auto& text : texts) EXPECT_EQ(text.find("secret"), std::string::npos);
}

TEST(Statements, TheParserSaysWhatTheyDo) {
  const auto facts = parse_statement(
      "WITH gone AS (DELETE FROM a.log RETURNING *) INSERT INTO users(name) SELECT note FROM orders o ON CONFLICT "
      "(name) "
      "DO UPDATE SET note = excluded.note");
  ASSERT_TRUE(facts);
  EXPECT_EQ(facts->deletes, std::set<std::string>{"a.log"});
  ASSERT_EQ(facts->insertions.size(), 1U);
  EXPECT_EQ(facts->insertions[0].columns, Strings{"name"});
  EXPECT_EQ(facts->updates[0].second, std::set<std::string>{"note"});
  EXPECT_TRUE(facts->aliases.contains("o"));
  EXPECT_FALSE(parse_statement("SELEKT 1"));
  EXPECT_FALSE(parse_statement("SELECT 1; SELECT 2"));
}

TEST(Migrators, AreReadAndSayWhatTheyDoWithADatabaseThatIsAhead) {
  TestCluster& cluster = TestCluster::the();
  const std::string name = cluster.database("migrators");
  cluster.run(
      name,
      "CREATE TABLE django_migrations(id serial, app text, name text, applied timestamptz);"
      "INSERT INTO django_migrations(app, name) VALUES ('shop', '0001_initial');"
      "CREATE TABLE knex_migrations(id serial, name text, batch int, migration_time timestamptz);"
      "CREATE TABLE knex_migrations_lock(index serial, is_locked int); INSERT INTO knex_migrations_lock(is_locked) "
      "VALUES (0); INSERT INTO knex_migrations(name, batch) VALUES ('1.js', 1);"
      "CREATE TABLE schema_migrations(version varchar PRIMARY KEY); INSERT INTO schema_migrations VALUES ('1');"
      "CREATE TABLE alembic_version(version_num text); INSERT INTO alembic_version VALUES ('a1')");
  auto connection = Connection::open(cluster.server(), name);
  ASSERT_TRUE(connection);
  const auto before = read_migrations(*connection);
  ASSERT_TRUE(before) << before.error().message;
  ASSERT_EQ(before->size(), 4U);
  EXPECT_EQ(schema::postgresql::migrations_from_json(to_json(*before)), *before);
  cluster.run(
      name,
      "INSERT INTO django_migrations(app, name) VALUES ('shop', '0002_more');"
      "INSERT INTO knex_migrations(name, batch) VALUES ('2.js', 2); UPDATE knex_migrations_lock SET is_locked = 1;"
      "DELETE FROM schema_migrations; UPDATE alembic_version SET version_num = 'a2';"
      "CREATE TABLE _prisma_migrations(migration_name text, finished_at timestamptz, rolled_back_at timestamptz)");
  const auto after = read_migrations(*connection);
  ASSERT_TRUE(after);
  Comparison comparison;
  compare_migrations(*before, *after, comparison);
  comparison.conclude();
  std::set<std::string> found;
  for (const auto& finding : comparison.findings) found.insert(finding.rule + " " + finding.object);
  EXPECT_EQ(found, (std::set<std::string>{
                       "migrator-refuses Alembic (alembic_version)", "migrator-stuck Knex (knex_migrations)",
                       "migrator-refuses Knex (knex_migrations)", "migrator-behind Rails (schema_migrations)",
                       "migrator-tolerates Django (django_migrations)", "migrator-added Prisma (_prisma_migrations)"}));
  EXPECT_EQ(comparison.rung, schema::Rung::kRestore);
}

}  // namespace
}  // namespace backout::postgresql
