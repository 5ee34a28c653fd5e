#include "database/sqlite/observe.h"

#include "database/sqlite/testing.h"

namespace backout::database {
namespace {

using testing::Scratch;
using testing::sql;

std::set<std::string> names_in(const std::string& directory) {
  const auto names = testing::files_like(directory, "");
  return {names.begin(), names.end()};
}

TEST(Observe, SaysWhatIsThereAndLeavesNothingBehindInAnyMode) {
  for (const char* mode : {"delete", "wal", "truncate"}) {
    Scratch scratch;
    const std::string file = scratch / "a b%c?.db";
    sql(file, std::string("PRAGMA journal_mode=") + mode +
                  "; PRAGMA user_version=7; CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT NOT NULL)");
    const auto before = names_in(scratch.path());
    const std::string bytes = testing::slurp(file);
    const auto seen = observe(file);
    ASSERT_TRUE(seen) << seen.error().message;
    EXPECT_EQ((*seen)["exists"], true);
    EXPECT_EQ((*seen)["user_version"], 7);
    EXPECT_EQ((*seen)["journal_mode"], std::string(mode) == "wal" ? "wal" : "delete");
    EXPECT_EQ((*seen)["schema"]["tables"][0]["name"], "t");
    EXPECT_GT((*seen)["free_bytes"], 0);
    EXPECT_EQ((*seen)["holders"]["list"], Json::array());
    EXPECT_EQ(names_in(scratch.path()), before);
    EXPECT_EQ(testing::slurp(file), bytes);
  }
}

TEST(Observe, OfAFileThatIsNotThereIsAnAnswer) {
  Scratch scratch;
  const auto seen = observe(scratch / "nothing");
  ASSERT_TRUE(seen);
  EXPECT_EQ((*seen)["exists"], false);
  EXPECT_TRUE(names_in(scratch.path()).empty());
}

TEST(Observe, SeesWhatIsOnlyInTheWalOfALivingOrACrashedProcess) {
  for (const bool alive : {true, false}) {
    Scratch scratch;
    const std::string file = scratch / "x.db";
    sql(file, "PRAGMA journal_mode=WAL; CREATE TABLE first(x)");
    int ready[2], stop[2];
    ASSERT_EQ(::pipe(ready), 0);
    ASSERT_EQ(::pipe(stop), 0);
    const pid_t pid = ::fork();
    if (pid == 0) {
      auto connection = Connection::open(file, Open::kWrite);
      (void)connection->exec("PRAGMA wal_autocheckpoint=0; CREATE TABLE second(x)");
      char c = 'r';
      (void)!::write(ready[1], &c, 1);
      ::close(stop[1]);
      (void)!::read(stop[0], &c, 1);
      ::_exit(0);
    }
    char c = 0;
    ASSERT_EQ(::read(ready[0], &c, 1), 1);
    if (!alive) {
      ::kill(pid, SIGKILL);
      testing::wait_for(pid);
      std::filesystem::remove(file + "-shm");
    }
    const auto before = names_in(scratch.path());
    const auto seen = observe(file);
    ASSERT_TRUE(seen) << seen.error().message;
    EXPECT_EQ((*seen)["schema"]["tables"].size(), 2U);
    EXPECT_EQ((*seen)["holders"]["list"].size(), alive ? 1U : 0U);
    if (alive) {
      EXPECT_EQ((*seen)["holders"]["list"][0]["pid"], pid);
    }
    EXPECT_EQ(names_in(scratch.path()), before);
    ::close(stop[1]);
    if (alive) testing::wait_for(pid);
  }
}

TEST(Observe, LooksPastAHotJournalWithoutRollingItBack) {
  Scratch scratch;
  const std::string file = scratch / "x.db";
  sql(file,
      "CREATE TABLE t(x); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) INSERT INTO t "
      "SELECT hex(randomblob(100)) FROM n");
  const pid_t pid = ::fork();
  if (pid == 0) {
    auto connection = Connection::open(file, Open::kWrite);
    (void)connection->exec(
        "PRAGMA cache_size=5; BEGIN; UPDATE t SET x = 'half'; CREATE TABLE never(x); INSERT INTO never SELECT * FROM "
        "t");
    ::kill(::getpid(), SIGKILL);
  }
  testing::wait_for(pid);
  ASSERT_TRUE(std::filesystem::exists(file + "-journal"));
  const std::string journal = testing::slurp(file + "-journal"), bytes = testing::slurp(file);
  const auto seen = observe(file);
  ASSERT_TRUE(seen) << seen.error().message;
  EXPECT_EQ((*seen)["schema"]["tables"].size(), 1U);
  EXPECT_EQ(testing::slurp(file + "-journal"), journal);
  EXPECT_EQ(testing::slurp(file), bytes);
  EXPECT_EQ(testing::number(file, "SELECT count(*) FROM t WHERE x = 'half'"), 0);
}

TEST(Observe, TellsWhatAMigratorNotedAndTakesNoOtherTableForItsBook) {
  Scratch scratch;
  const std::string file = scratch / "x.db";
  sql(file,
      "CREATE TABLE django_migrations(id INTEGER PRIMARY KEY, app TEXT, name TEXT); CREATE TABLE migrations(bird TEXT);"
      "INSERT INTO django_migrations(app, name) VALUES('shop', '0001_initial')");
  const auto applied = [&] {
    const auto seen = observe(file);
    EXPECT_TRUE(seen) << (seen ? "" : seen.error().message);
    return seen ? get(*seen, "applied") : Json();
  };
  const Json before = applied();
  EXPECT_EQ(before.size(), 1U) << before;
  EXPECT_EQ(get_string(before, "django_migrations").substr(0, 7), "1 row (");
  sql(file, "INSERT INTO migrations VALUES('stork')");
  EXPECT_EQ(applied(), before);
  sql(file, "INSERT INTO django_migrations(app, name) VALUES('shop', '0002_fill')");
  EXPECT_NE(applied(), before);
  sql(file, "DROP TABLE migrations; CREATE TABLE migrations(id INTEGER PRIMARY KEY, migration TEXT, batch INTEGER)");
  EXPECT_TRUE(applied().contains("migrations"));
}

TEST(Observe, OfSomethingElseSaysSo) {
  Scratch scratch;
  std::ofstream(scratch / "x.db") << std::string(4096, 'x');
  const auto seen = observe(scratch / "x.db");
  ASSERT_FALSE(seen);
  EXPECT_EQ(seen.error().code, Code::kCorrupt);
}

}  // namespace
}  // namespace backout::database
