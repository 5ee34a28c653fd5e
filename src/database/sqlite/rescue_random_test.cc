// Random users on random rows: whatever they did under the constraints that both versions share can be carried back,
// all of it, without a single conflict. BACKOUT_SEED=<n> repeats a run.
#include <random>

#include "database/sqlite/testing.h"

namespace backout::database {
namespace {

class RandomUsers : public ::testing::Test {
 protected:
  int pick(int from, int to) { return std::uniform_int_distribution<int>(from, to)(random_); }
  std::string word() { return std::string(1, static_cast<char>('a' + pick(0, 25))); }

  std::string one_statement() {
    const std::string id = std::to_string(pick(1, 40)), other = std::to_string(pick(1, 40));
    switch (pick(0, 9)) {
      case 0: return "INSERT OR IGNORE INTO users(name, boss) VALUES ('" + word() + word() + "', " + other + ")";
      case 1: return "INSERT OR IGNORE INTO users(id, name) VALUES (" + id + ", '" + word() + "')";
      case 2: return "UPDATE OR IGNORE users SET name = '" + word() + "' WHERE id = " + id;
      case 3: return "UPDATE OR IGNORE users SET id = " + other + " WHERE id = " + id;
      case 4: return "DELETE FROM users WHERE id = " + id;
      case 5: return "INSERT OR IGNORE INTO seats VALUES ('" + word() + "', " + id + ", " + other + ")";
      case 6: return "UPDATE OR IGNORE seats SET row = row + 1, room = '" + word() + "' WHERE row = " + id;
      case 7: return "DELETE FROM seats WHERE row > " + std::to_string(pick(20, 60));
      case 8:  // not INSERT OR REPLACE: that breaks references even while SQLite enforces them
        return "DELETE FROM users WHERE id = " + id + "; INSERT OR IGNORE INTO users(id, name, boss) VALUES (" + id +
               ", '" + word() + "', " + other + ")";
      default:  // two rows exchange what must be unique
        return "UPDATE users SET name = name || '~' WHERE id = " + id +
               "; UPDATE OR IGNORE users SET name = (SELECT rtrim(name, '~') FROM users WHERE id = " + id +
               ") WHERE id = " + other;
    }
  }
  /// Each statement alone may be refused by a constraint, as it would be for an application.
  void let_users_work(const std::string& file, int statements) {
    auto connection = Connection::open(file, Open::kWrite);
    (void)connection->exec("PRAGMA foreign_keys=ON; PRAGMA synchronous=OFF");
    for (int i = 0; i < statements; ++i) (void)connection->exec(one_statement());
  }

  std::mt19937 random_;
};

TEST_F(RandomUsers, LoseNothingAndMeetNoConflictUnderTheSameConstraints) {
  const char* given = std::getenv("BACKOUT_SEED");
  const unsigned first =
      given == nullptr ? std::random_device()() & 0x7fffffff : static_cast<unsigned>(std::atoi(given));
  std::printf("BACKOUT_SEED=%u\n", first);
  for (unsigned round = 0; round < 25 && !HasFailure(); ++round) {
    SCOPED_TRACE("BACKOUT_SEED=" + std::to_string(first + round));
    random_.seed(first + round);
    const testing::Scratch scratch;
    const testing::Paths paths(scratch);
    testing::sql(paths.live,
                 "CREATE TABLE users(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE COLLATE NOCASE, boss INT "
                 "REFERENCES users(id) ON DELETE SET NULL ON UPDATE CASCADE, old TEXT DEFAULT 'o');"
                 "CREATE TABLE seats(room TEXT, row INT, user INT REFERENCES users(id) ON DELETE CASCADE ON UPDATE "
                 "CASCADE, PRIMARY KEY (room, row), UNIQUE (row, user));");
    let_users_work(paths.live, pick(0, 300));
    testing::expect_done("backup", paths.backup_args());
    testing::sql(paths.live,
                 "ALTER TABLE users DROP COLUMN old; ALTER TABLE seats ADD COLUMN colour TEXT DEFAULT 'red'; CREATE "
                 "TABLE extra(x)");
    let_users_work(paths.live, pick(0, 300));
    testing::expect_done("restore", paths.restore_args());
    const auto rescued = testing::expect_done("rescue", paths.rescue_args());
    ASSERT_EQ(rescued.status, 0);
    EXPECT_EQ(rescued.last["conflict_count"], 0) << rescued.last["conflicts"];
    EXPECT_EQ(rescued.last["carried"], rescued.last["rows"]);
    for (const char* query :
         {"SELECT id, name, boss FROM users ORDER BY id", "SELECT room, row, user FROM seats ORDER BY room, row"})
      EXPECT_EQ(testing::text(paths.beside, query), testing::text(paths.live, query));
    EXPECT_EQ(testing::text(paths.beside, "PRAGMA foreign_key_check"), "");
    const std::string highest =
        "SELECT max((SELECT coalesce(max(seq), 0) FROM sqlite_sequence), (SELECT coalesce(max(id), 0) FROM users))";
    EXPECT_GE(testing::number(paths.beside, "SELECT coalesce(max(seq), 0) FROM sqlite_sequence"),
              testing::number(paths.live, highest));
  }
}

}  // namespace
}  // namespace backout::database
