#include "database/sqlite/backup.h"

#include "database/sqlite/testing.h"

namespace backout::database {
namespace {

using testing::expect_done;
using testing::holds;
using testing::Paths;
using testing::Scratch;
using testing::sql;
using testing::tool;

constexpr char kShop[] =
    "CREATE TABLE users(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, photo BLOB);"
    "CREATE TABLE notes(body TEXT);"
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)"
    "  INSERT INTO users(name, photo) SELECT 'user ' || i, randomblob(200) FROM n;"
    "INSERT INTO notes VALUES ('a'), (NULL), ('b'); DELETE FROM notes WHERE body = 'a';";

class Backup : public ::testing::Test {
 protected:
  Scratch scratch;
  Paths paths{scratch};
};

TEST_F(Backup, HasTheContentOfTheLiveDatabaseAndSaysSoInItsManifest) {
  sql(paths.live, kShop);
  const auto ran = expect_done("backup", paths.backup_args());
  EXPECT_EQ(testing::content(paths.backup), testing::content(paths.live));
  const auto& part = ran.last["part"];
  EXPECT_EQ(part["driver"], "sqlite");
  EXPECT_EQ(part["tables"]["users"], 3000);
  EXPECT_EQ(part["tables"]["notes"], 2);
  EXPECT_EQ(std::filesystem::status(paths.backup).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  EXPECT_EQ(std::filesystem::status(paths.manifest).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  EXPECT_TRUE(holds("backup", paths.backup_args()));
  EXPECT_FALSE(holds("verify-backup", paths.verify_args()));
  EXPECT_EQ(expect_done("verify-backup", paths.verify_args()).last["rows"], 3002);
  EXPECT_TRUE(holds("verify-backup", paths.verify_args()));
  EXPECT_TRUE(testing::files_like(scratch.path(), ".partial").empty());
  EXPECT_TRUE(testing::files_like(scratch.path(), ".scratch").empty());
}

TEST_F(Backup, IsOfOneMomentWhileAWriterGoesOnInWalMode) {
  sql(paths.live, std::string("PRAGMA journal_mode=WAL;") + kShop);
  std::atomic<bool> stop = false;
  std::thread writer([&] {
    auto connection = Connection::open(paths.live, Open::kWrite);
    while (!stop) {
      // Both tables in one transaction: a copy of two moments would have different counts.
      (void)connection->exec(
          "BEGIN IMMEDIATE; INSERT INTO users(name) VALUES ('late'); INSERT INTO notes VALUES ('late'); COMMIT");
    }
  });
  for (int i = 0; i < 5; ++i) {
    std::filesystem::remove(paths.manifest);
    expect_done("backup", paths.backup_args());
    EXPECT_EQ(testing::number(paths.backup, "SELECT (SELECT count(*) FROM users) - (SELECT count(*) FROM notes)"),
              2998);
    expect_done("verify-backup", paths.verify_args());
  }
  stop = true;
  writer.join();
}

TEST_F(Backup, TakenBeforeIsNotTakenAgain) {
  sql(paths.live, kShop);
  const auto first = expect_done("backup", paths.backup_args());
  sql(paths.live, "DELETE FROM users");
  const auto second = expect_done("backup", paths.backup_args());
  EXPECT_EQ(first.last, second.last);
  EXPECT_EQ(testing::number(paths.backup, "SELECT count(*) FROM users"), 3000);
}

TEST_F(Backup, OneFlippedByteIsFoundAnywhereAndSaidWhere) {
  sql(paths.live, kShop);
  expect_done("backup", paths.backup_args());
  const auto size = static_cast<int64_t>(std::filesystem::file_size(paths.backup));
  for (const int64_t at : {int64_t{30}, int64_t{5000}, size / 2, size - 100}) {
    testing::flip_byte(paths.backup, at);
    const auto ran = tool("verify-backup", paths.verify_args());
    EXPECT_EQ(ran.status, 1) << at;
    const int64_t block = at / static_cast<int64_t>(kManifestBlock) * static_cast<int64_t>(kManifestBlock);
    EXPECT_NE(ran.err.find("damaged at bytes " + std::to_string(block) + " to"), std::string::npos) << ran.err;
    EXPECT_FALSE(holds("backup", paths.backup_args()));
    EXPECT_NE(tool("restore", paths.restore_args()).status, 0);
    EXPECT_FALSE(std::filesystem::exists(paths.beside));
    testing::flip_byte(paths.backup, at);
  }
  expect_done("verify-backup", paths.verify_args());
}

TEST_F(Backup, ChangedContentIsFoundEvenWhenTheBytesMatchTheirHash) {
  sql(paths.live, kShop);
  expect_done("backup", paths.backup_args());
  auto manifest = *load_manifest(paths.manifest);
  sql(paths.backup, "UPDATE users SET name = 'somebody else' WHERE id = 1500");
  ASSERT_TRUE(measure_file(paths.backup, manifest));
  ASSERT_TRUE(store_manifest(manifest, paths.manifest));
  const auto ran = tool("verify-backup", paths.verify_args());
  EXPECT_EQ(ran.status, 1);
  EXPECT_NE(ran.err.find("table users: the content of its rows"), std::string::npos) << ran.err;
}

TEST_F(Backup, TruncationIsFound) {
  sql(paths.live, kShop);
  expect_done("backup", paths.backup_args());
  for (const int64_t size : {int64_t{400'000}, int64_t{100}, int64_t{0}}) {
    std::filesystem::resize_file(paths.backup, static_cast<uintmax_t>(size));
    const auto ran = tool("verify-backup", paths.verify_args());
    EXPECT_EQ(ran.status, 1);
    EXPECT_NE(ran.err.find(std::to_string(size) + " bytes, the manifest says"), std::string::npos) << ran.err;
  }
}

TEST_F(Backup, AManifestThatIsNotTheRecordedOneIsRefused) {
  sql(paths.live, kShop);
  const auto ran = expect_done("backup", paths.backup_args());
  testing::flip_byte(paths.manifest, 100);
  auto args = paths.verify_args();
  args["manifest_sha256"] = ran.last["part"]["manifest_sha256"];
  EXPECT_NE(tool("verify-backup", args).status, 0);
}

TEST_F(Backup, RestoresBesideByteForByte) {
  sql(paths.live, kShop);
  expect_done("backup", paths.backup_args());
  EXPECT_FALSE(holds("restore", paths.restore_args()));
  expect_done("restore", paths.restore_args());
  EXPECT_EQ(testing::slurp(paths.beside), testing::slurp(paths.backup));
  EXPECT_TRUE(holds("restore", paths.restore_args()));
}

TEST_F(Backup, KeepsEveryKindOfValue) {
  sql(paths.live,
      "CREATE TABLE v(a, b INTEGER, c REAL, d TEXT, e BLOB, g AS (b + 1));"
      "INSERT INTO v VALUES (9007199254740993, 9223372036854775807, 0.1, 'x', x'00ff'), (1e308, -9223372036854775808, "
      "-0.0, '', x''),"
      " (NULL, NULL, NULL, NULL, NULL), ('1', 1, 1, '1', '1'), (x'31', 2, 2.5, CAST(x'ff41' AS TEXT), 'text in blob');"
      "CREATE TABLE w(k TEXT, n INTEGER, PRIMARY KEY (n, k)) WITHOUT ROWID; INSERT INTO w VALUES ('b', 1), ('a', 1), "
      "('a', 0);");
  expect_done("backup", paths.backup_args());
  expect_done("verify-backup", paths.verify_args());
  EXPECT_EQ(testing::content(paths.backup), testing::content(paths.live));
}

TEST_F(Backup, OfAFileThatIsNoDatabaseFailsAndLeavesNothing) {
  std::ofstream(paths.live) << std::string(5000, 'x');
  const auto ran = tool("backup", paths.backup_args());
  EXPECT_EQ(ran.status, 1);
  EXPECT_FALSE(std::filesystem::exists(paths.backup));
  EXPECT_TRUE(testing::files_like(scratch.path(), ".partial").empty());
  EXPECT_EQ(
      tool("backup", {{"file", scratch / "nothing"}, {"backup", paths.backup}, {"manifest", paths.manifest}}).status,
      1);
}

}  // namespace
}  // namespace backout::database
