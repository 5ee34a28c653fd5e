// kill -9 at random moments of every verb, from a printed seed: the invariants hold at once, and a second try finishes.
// BACKOUT_STORM=<kills per verb> for longer storms, BACKOUT_SEED=<n> to repeat one.
#include <chrono>
#include <random>

#include "database/sqlite/files.h"
#include "database/sqlite/testing.h"

namespace backout::database {
namespace {

using testing::content;
using testing::expect_done;
using testing::holds;
using testing::Paths;
using testing::Scratch;
using testing::sql;
using testing::text;

int from_environment(const char* name, int otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr ? otherwise : std::atoi(value);
}

class Storm : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    seed_ =
        static_cast<unsigned>(from_environment("BACKOUT_SEED", static_cast<int>(std::random_device()() & 0x7fffffff)));
    random_.seed(seed_);
    std::printf("BACKOUT_SEED=%u\n", seed_);
    SCOPED_TRACE(seed_);
    sql(paths.live, std::string("PRAGMA journal_mode=") + GetParam() +
                        "; CREATE TABLE users(id INTEGER PRIMARY KEY AUTOINCREMENT, mail TEXT UNIQUE, old TEXT);"
                        "CREATE TABLE orders(id INTEGER PRIMARY KEY AUTOINCREMENT, user INT NOT NULL REFERENCES "
                        "users(id), what TEXT NOT NULL);"
                        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) INSERT INTO "
                        "users SELECT i, 'u' || i, 'old' || i FROM n;"
                        "INSERT INTO orders SELECT id, id, hex(randomblob(50)) FROM users;");
    v1_ = content(paths.live);
    expect_done("backup", paths.backup_args());
    sql(paths.live,
        "ALTER TABLE users DROP COLUMN old; CREATE TABLE extra(x); INSERT INTO extra VALUES (1);"
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) INSERT INTO users(mail) SELECT "
        "'new' || i FROM n;"
        "INSERT INTO orders(user, what) SELECT id, 'late' FROM users WHERE id > 3000; UPDATE orders SET what = "
        "'changed' WHERE id % 7 = 0; DELETE FROM orders WHERE id % 11 = 0;");
    v2_ = content(paths.live);
  }

  /// Runs the verb as a process and kills it somewhere in the time that an undisturbed run takes. True: it was too
  /// late.
  bool run_and_kill(const std::string& verb, const Json& args, std::chrono::microseconds usual) {
    const pid_t pid = testing::start_tool(scratch, verb, args);
    std::this_thread::sleep_for(
        std::chrono::microseconds(std::uniform_int_distribution<long>(0, usual.count() * 5 / 4)(random_)));
    ::kill(pid, SIGKILL);
    return testing::wait_for(pid) == 0;
  }

  std::chrono::microseconds undisturbed(const std::string& verb, const Json& args) {
    const auto began = std::chrono::steady_clock::now();
    EXPECT_EQ(testing::wait_for(testing::start_tool(scratch, verb, args)), 0)
        << testing::slurp(scratch / "tool-output.txt");
    return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - began);
  }

  void expect_no_scraps() {
    for (const char* scrap : {".partial", ".scratch", ".work", "-journal"})
      EXPECT_TRUE(testing::files_like(scratch.path(), scrap).empty()) << scrap;
  }

  int kills() const { return from_environment("BACKOUT_STORM", 8); }

  Scratch scratch;
  Paths paths{scratch};
  std::string v1_, v2_;
  unsigned seed_ = 0;
  std::mt19937 random_;
};
INSTANTIATE_TEST_SUITE_P(Modes, Storm, ::testing::Values("delete", "wal"));

TEST_P(Storm, Backup) {
  Paths other = paths;
  other.backup = scratch / "other.sqlite";
  other.manifest = scratch / "other.manifest.json";
  const auto usual = undisturbed("backup", other.backup_args());
  const auto verifying = undisturbed("verify-backup", other.verify_args());
  for (int i = 0; i < kills(); ++i) {
    std::filesystem::remove(other.backup);
    std::filesystem::remove(other.manifest);
    std::filesystem::remove(other.backup + ".verified.json");
    const bool late = run_and_kill("backup", other.backup_args(), usual);
    if (late) {
      EXPECT_TRUE(holds("backup", other.backup_args()));
    }
    if (holds("backup", other.backup_args())) {
      EXPECT_EQ(content(other.backup), v2_);
    }
    EXPECT_EQ(content(paths.live), v2_);
    expect_done("backup", other.backup_args());
    EXPECT_TRUE(holds("backup", other.backup_args()));
    if (!run_and_kill("verify-backup", other.verify_args(), verifying))
      expect_done("verify-backup", other.verify_args());
    EXPECT_TRUE(holds("verify-backup", other.verify_args()));
    EXPECT_EQ(content(other.backup), v2_);
    expect_no_scraps();
  }
}

TEST_P(Storm, RestoreAndRescue) {
  const auto restoring = undisturbed("restore", paths.restore_args());
  const auto rescuing = undisturbed("rescue", paths.rescue_args());
  const std::string expected = content(paths.beside), archive = testing::slurp(paths.archive);
  EXPECT_NE(expected, v1_);
  for (int i = 0; i < kills(); ++i) {
    remove_database(paths.beside);
    std::filesystem::remove(paths.record);
    std::filesystem::remove(paths.archive);
    run_and_kill("restore", paths.restore_args(), restoring);
    if (std::filesystem::exists(paths.beside)) {
      EXPECT_EQ(content(paths.beside), v1_);
    }
    expect_done("restore", paths.restore_args());
    for (int again = 0; again < 2; ++again) run_and_kill("rescue", paths.rescue_args(), rescuing);
    if (holds("rescue", paths.rescue_args())) {
      EXPECT_EQ(content(paths.beside), expected);
    }
    const auto ran = expect_done("rescue", paths.rescue_args());
    EXPECT_EQ(ran.last["carried"]["orders"]["insert"], ran.last["rows"]["orders"]["insert"]);
    EXPECT_EQ(content(paths.beside), expected);
    EXPECT_EQ(testing::slurp(paths.archive), archive);
    EXPECT_EQ(content(paths.live), v2_);
    expect_no_scraps();
  }
}

class SwapStorm : public Storm {
 protected:
  void storm(bool held) {
    expect_done("restore", paths.restore_args());
    expect_done("rescue", paths.rescue_args());
    const std::string rescued = content(paths.beside), copy = scratch / "rescued-copy";
    std::filesystem::copy_file(paths.beside, copy);
    std::chrono::microseconds usual(60'000);
    for (int i = 0; i < (kills() + 1) / 2; ++i) {
      if (!std::filesystem::exists(paths.beside)) std::filesystem::copy_file(copy, paths.beside);
      int pipe_ends[2];
      ASSERT_EQ(::pipe(pipe_ends), 0);
      pid_t holder = -1;
      if (held && (holder = ::fork()) == 0) {  // an idle connection, until the pipe closes
        ::close(pipe_ends[1]);
        auto connection = Connection::open(paths.live, Open::kWrite);
        (void)connection->integer("SELECT count(*) FROM orders");
        char c = 0;
        (void)!::read(pipe_ends[0], &c, 1);
        ::_exit(0);
      }
      ::close(pipe_ends[0]);
      one_round("swap", paths.swap_args(), rescued, v2_, rescued, usual);
      EXPECT_EQ(content(paths.kept), v2_);
      expect_done("keep", paths.keep_args());
      EXPECT_EQ(content(expect_done("keep", paths.keep_args()).last["part"]["base"]), rescued);
      one_round("swap-back", paths.swap_back_args(), v2_, v2_, rescued, usual);
      EXPECT_EQ(content(paths.aside), rescued);
      ::close(pipe_ends[1]);
      if (holder > 0) testing::wait_for(holder);
      for (const auto& path : {paths.kept, paths.aside, paths.marker}) remove_database(path);
      std::filesystem::remove_all(paths.forward);
      expect_no_scraps();
    }
  }

  void one_round(const std::string& verb, const Json& args, const std::string& wanted, const std::string& old,
                 const std::string& fresh, std::chrono::microseconds usual) {
    for (int kill = 0; kill < 3; ++kill) {
      run_and_kill(verb, args, usual);
      ASSERT_TRUE(std::filesystem::exists(paths.live));
      const bool done = holds(verb, args);
      const std::string now = content(paths.live);
      ASSERT_TRUE(now == old || now == fresh) << "a mix of old and new after a kill in " << verb;
      EXPECT_EQ(text(paths.live, "PRAGMA integrity_check"), "ok");
      if (verb == "swap") {
        EXPECT_EQ(done, now == wanted);
      }
    }
    expect_done(verb, args);
    EXPECT_TRUE(holds(verb, args));
    EXPECT_EQ(content(paths.live), wanted);
    EXPECT_EQ(text(paths.live, "PRAGMA journal_mode"), GetParam());
  }
};
INSTANTIATE_TEST_SUITE_P(Modes, SwapStorm, ::testing::Values("delete", "wal"));

TEST_P(SwapStorm, ByRename) { storm(false); }
TEST_P(SwapStorm, IntoAFileThatIsHeld) { storm(true); }

}  // namespace
}  // namespace backout::database
