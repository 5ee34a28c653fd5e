// Backups that a team made itself, loaded beside; and text that only looks like one.
#include <gmock/gmock.h>

#include "database/sqlite/backup.h"
#include "database/sqlite/load.h"
#include "database/sqlite/statements.h"
#include "database/sqlite/testing.h"
#include "os/process.h"

namespace backout::database::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Load : public ::testing::Test {
 protected:
  void sh(const std::string& script) {
    const auto ran = os::run_process({.argv = {"sh", "-euc", script}, .cwd = scratch_.path()});
    ASSERT_TRUE(ran && ran->ok()) << (ran ? ran->err : ran.error().message);
  }
  Result<Loaded> load(const std::string& name) {
    return load_archive({.archive = scratch_ / name,
                         .taken_at = "2026-11-20T03:00:00.000Z",
                         .backup = scratch_ / "loaded.sqlite",
                         .manifest = scratch_ / "loaded.manifest.json"},
                        {});
  }
  Error refusal(const std::string& text) {
    std::ofstream(scratch_ / "x.sql") << text;
    const auto loaded = load("x.sql");
    if (loaded) return {Code::kInternal, "it was loaded", ""};
    EXPECT_FALSE(std::filesystem::exists(scratch_ / "loaded.sqlite"));
    EXPECT_FALSE(std::filesystem::exists(scratch_ / "loaded.sqlite.partial"));
    return loaded.error();
  }
  void make_site() {
    sql(scratch_ / "live.db", R"(
        CREATE TABLE parent(id INTEGER PRIMARY KEY, name TEXT);
        CREATE TABLE child(id INTEGER PRIMARY KEY, parent INTEGER REFERENCES parent, note TEXT DEFAULT 'a;b');
        CREATE TABLE log(line TEXT);
        CREATE TRIGGER t AFTER INSERT ON child BEGIN INSERT INTO log VALUES('x; y'); UPDATE log SET line = 'z'; END;
        CREATE INDEX by_name ON parent(name); CREATE VIEW v AS SELECT name FROM parent;
        INSERT INTO parent VALUES (1, 'O''Brien; -- no comment'), (2, '/* nor this */'), (3, x'00ff');
        INSERT INTO child(parent) VALUES (1), (2);)");
  }
  Scratch scratch_;
};

TEST_F(Load, EveryFormComesToTheSame) {
  make_site();
  sh("sqlite3 live.db .dump > a.sql; gzip -k a.sql; zstd -q a.sql; sqlite3 live.db '.backup b.sqlite'; gzip -k "
     "b.sqlite");
  const auto live = load("b.sqlite");
  ASSERT_TRUE(live) << live.error().message;
  EXPECT_EQ(live->rows, 7);
  for (const char* name : {"a.sql", "a.sql.gz", "a.sql.zst", "b.sqlite.gz"}) {
    const auto loaded = load(name);
    ASSERT_TRUE(loaded) << name << ": " << loaded.error().message;
    EXPECT_EQ(loaded->manifest.schema, live->manifest.schema) << name;
    EXPECT_EQ(loaded->manifest.tables.at("parent"), live->manifest.tables.at("parent")) << name;
    EXPECT_EQ(loaded->manifest.tables.at("child"), live->manifest.tables.at("child")) << name;
    EXPECT_TRUE(restore_beside(scratch_ / "loaded.sqlite", loaded->manifest, scratch_ / "beside.sqlite", {})) << name;
  }
}

TEST_F(Load, VirtualTablesAreLoadedAsDumpWritesThem) {
  sql(scratch_ / "live.db", "CREATE VIRTUAL TABLE f USING fts5(body); INSERT INTO f VALUES('hello world');");
  sh("sqlite3 live.db .dump > a.sql");
  const auto loaded = load("a.sql");
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(number(scratch_ / "loaded.sqlite", "SELECT count(*) FROM f WHERE f MATCH 'hello'"), 1);
}

TEST_F(Load, ACopyOfAnOpenDatabaseBringsItsLogAlong) {
  sql(scratch_ / "live.db", "PRAGMA journal_mode=WAL; CREATE TABLE t(a); INSERT INTO t VALUES (1);");
  auto holder = Connection::open(scratch_ / "live.db", Open::kWrite);
  ASSERT_TRUE(holder && holder->exec("INSERT INTO t VALUES (2)"));
  sh("cp live.db copy.db; cp live.db-wal copy.db-wal");
  const auto loaded = load("copy.db");
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->rows, 2);
}

TEST_F(Load, WhatIsCutOffIsNotLoaded) {
  make_site();
  sh("sqlite3 live.db .dump > a.sql; gzip -k a.sql; sqlite3 live.db '.backup b.sqlite'");
  for (const size_t part : {2, 3, 5, 7}) {
    const size_t size = std::filesystem::file_size(scratch_ / "a.sql.gz");
    sh("head -c " + std::to_string(size - size / part) + " a.sql.gz > cut.sql.gz");
    const auto loaded = load("cut.sql.gz");
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().code, Code::kCorrupt) << loaded.error().message;
  }
  sh("head -c 5000 b.sqlite > cut.sqlite");
  const auto loaded = load("cut.sqlite");
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, Code::kCorrupt) << loaded.error().message;
}

TEST_F(Load, TextMayDoWhatADumpDoesAndNothingElse) {
  const std::string evil = scratch_ / "evil.db";
  EXPECT_THAT(refusal("CREATE TABLE t(a); ATTACH '" + evil + "' AS e;").message, HasSubstr("ATTACH"));
  EXPECT_THAT(refusal("CREATE TABLE t(a); VACUUM INTO '" + evil + "';").message, HasSubstr("no dump needs"));
  EXPECT_THAT(refusal("CREATE TABLE t(a); SELECT load_extension('x');").message, HasSubstr("statement 2"));
  EXPECT_THAT(refusal("CREATE TABLE t(a); PRAGMA temp_store_directory='/tmp';").message, HasSubstr("PRAGMA"));
  EXPECT_THAT(refusal("CREATE TABLE t(a);\n.shell touch " + evil + "\n").message, HasSubstr("cut off"));
  EXPECT_FALSE(std::filesystem::exists(evil));
}

TEST_F(Load, WhatIsWrongInItIsSaid) {
  EXPECT_THAT(refusal("CREATE TABLE t(a);\nINSERT INTO u VALUES(1);\n").message, HasSubstr("no such table"));
  EXPECT_THAT(refusal("BEGIN TRANSACTION;\nCREATE TABLE t(a);\n").message, HasSubstr("no COMMIT"));
  EXPECT_THAT(refusal("BEGIN TRANSACTION;\nCREATE TABLE t(a);\nROLLBACK; -- due to errors\n").message,
              HasSubstr("met errors"));
  EXPECT_THAT(refusal("CREATE TABLE t(a);\nrubbish").message, HasSubstr("no whole statement"));
  EXPECT_THAT(refusal("  \n").message, HasSubstr("nothing in it"));
  EXPECT_THAT(refusal("SELECT 1;").message, HasSubstr("no table"));
  EXPECT_EQ(refusal("-- PostgreSQL database dump\nCREATE TABLE t(a);\n").code, Code::kUnsupported);
}

TEST_F(Load, WhatGrowsBeyondItsLimitsIsStopped) {
  std::ofstream(scratch_ / "x.sql")
      << "BEGIN TRANSACTION; CREATE TABLE t(a); WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c) "
         "INSERT INTO t SELECT hex(zeroblob(1000)) FROM c; COMMIT;\n";
  LoadJob job{.archive = scratch_ / "x.sql", .backup = scratch_ / "loaded.sqlite", .manifest = scratch_ / "m.json"};
  job.most_bytes = 10U << 20;
  const auto large = load_archive(job, {});
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().code, Code::kCorrupt);
  EXPECT_THAT(large.error().message, HasSubstr("was stopped at 10"));
  job.most_bytes = 4U << 30;
  job.within = Millis(200);
  const auto slow = load_archive(job, {});
  ASSERT_FALSE(slow);
  EXPECT_EQ(slow.error().code, Code::kCorrupt);
  EXPECT_THAT(slow.error().message, HasSubstr("was stopped after"));
  EXPECT_FALSE(std::filesystem::exists(scratch_ / "loaded.sqlite.partial"));
}

TEST_F(Load, AnotherFileThanTheChosenOneIsRefused) {
  make_site();
  sh("sqlite3 live.db .dump > a.sql");
  const auto loaded = load_archive({.archive = scratch_ / "a.sql",
                                    .sha256 = std::string(64, '0'),
                                    .backup = scratch_ / "l.sqlite",
                                    .manifest = scratch_ / "l.json"},
                                   {});
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, Code::kConflict);
}

TEST(Statements, AreCutWhereSqliteEndsThemWhateverThePieces) {
  const std::string text =
      "/* a; */ SELECT ';', \"x;\", `y;`, [z;]; -- c;\n  CREATE TRIGGER t AFTER INSERT ON u BEGIN SELECT 1; END;\n"
      "SELECT 1-1, 4/2 /* ; */ ;\n-- the end";
  for (const size_t piece : {size_t{1}, size_t{3}, text.size()}) {
    std::vector<std::string> seen;
    StatementCutter cutter(
        [&](const std::string& statement) -> Result<void> {
          seen.push_back(statement);
          return {};
        },
        1000);
    for (size_t at = 0; at < text.size(); at += piece) ASSERT_TRUE(cutter.take(text.substr(at, piece)));
    EXPECT_TRUE(cutter.finish());
    EXPECT_THAT(seen, ElementsAre("SELECT ';', \"x;\", `y;`, [z;];",
                                  "CREATE TRIGGER t AFTER INSERT ON u BEGIN SELECT 1; END;", "SELECT 1-1, 4/2   ;"));
  }
}

TEST(Statements, OneWithoutAnEndIsNotKeptForEver) {
  StatementCutter cutter([](const std::string&) { return Result<void>(); }, 100);
  EXPECT_FALSE(cutter.take(std::string(200, 'x')));
}

}  // namespace
}  // namespace backout::database::testing
