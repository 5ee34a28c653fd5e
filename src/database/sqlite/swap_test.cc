#include "database/sqlite/swap.h"

#include <sys/stat.h>

#include "database/sqlite/swap_marker.h"
#include "database/sqlite/testing.h"

namespace backout::database {
namespace {

using testing::expect_done;
using testing::holds;
using testing::number;
using testing::Paths;
using testing::Scratch;
using testing::sql;
using testing::text;
using testing::tool;

/// Another process with a connection of its own, that does what it is told: an application that was not stopped.
class Application {
 public:
  explicit Application(const std::string& file) {
    int to[2], from[2];
    if (::pipe(to) != 0 || ::pipe(from) != 0) std::abort();
    pid_ = ::fork();
    if (pid_ == 0) {
      ::close(to[1]);
      ::close(from[0]);
      serve(file, to[0], from[1]);
    }
    ::close(to[0]);
    ::close(from[1]);
    out_ = to[1];
    in_ = from[0];
  }
  Application(const Application&) = delete;
  Application& operator=(const Application&) = delete;
  ~Application() {
    ::close(out_);
    ::close(in_);
    if (pid_ > 0) testing::wait_for(pid_);
  }
  /// Runs a statement on its connection; the rows, or the error.
  std::string ask(const std::string& statement) {
    const std::string line = statement + "\n";
    EXPECT_EQ(::write(out_, line.data(), line.size()), static_cast<ssize_t>(line.size()));
    std::string answer;
    for (char c = 0; ::read(in_, &c, 1) == 1 && c != '\n';) answer += c;
    return answer;
  }
  void kill() {
    ::kill(pid_, SIGKILL);
    testing::wait_for(pid_);
    pid_ = -1;
  }

 private:
  [[noreturn]] static void serve(const std::string& file, int in, int out) {
    {
      auto connection = Connection::open(file, Open::kWrite);
      (void)connection->exec("PRAGMA busy_timeout=200");
      std::string line;
      for (char c = 0; ::read(in, &c, 1) == 1;) {
        if (c != '\n') {
          line += c;
          continue;
        }
        std::string answer;
        auto statement = connection->prepare(line);
        if (!statement) answer = statement.error().message;
        while (statement) {
          const auto row = statement->step();
          if (!row) answer = row.error().message;
          if (!row || !*row) break;
          answer += (answer.empty() ? "" : ";") + statement->text(0);
        }
        answer += "\n";
        if (::write(out, answer.data(), answer.size()) < 0) break;
        line.clear();
      }
    }
    ::_exit(0);
  }
  pid_t pid_;
  int out_, in_;
};

class Swap : public ::testing::TestWithParam<const char*> {
 protected:
  std::string mode() const { return GetParam(); }
  void SetUp() override {
    sql(paths.live,
        "PRAGMA journal_mode=" + mode() +
            "; CREATE TABLE t(id INTEGER PRIMARY KEY, v, old DEFAULT 'o'); INSERT INTO t VALUES (1, 'a', 'o1');"
            "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) INSERT INTO t SELECT i, "
            "'row', 'o' || i FROM n;");
    ASSERT_EQ(::chmod(paths.live.c_str(), 0640), 0);
    expect_done("backup", paths.backup_args());
    sql(paths.live, "ALTER TABLE t DROP COLUMN old; INSERT INTO t VALUES (5000, 'new');");
    expect_done("restore", paths.restore_args());
  }
  void rescue() { expect_done("rescue", paths.rescue_args()); }
  void expect_new() {
    EXPECT_EQ(text(paths.live, "SELECT id, v, old FROM t WHERE id IN (1, 5000)"), "1,a,o1;5000,new,o");
    EXPECT_EQ(number(paths.live, "SELECT count(*) FROM t"), 2001);
    EXPECT_EQ(text(paths.live, "PRAGMA integrity_check"), "ok");
    EXPECT_EQ(text(paths.live, "PRAGMA journal_mode"), mode());
  }
  void expect_old() {
    EXPECT_EQ(text(paths.live, "SELECT * FROM t WHERE id IN (1, 5000)"), "1,a;5000,new");
    EXPECT_EQ(text(paths.live, "PRAGMA integrity_check"), "ok");
    EXPECT_EQ(text(paths.live, "PRAGMA journal_mode"), mode());
  }
  Scratch scratch;
  Paths paths{scratch};
};
INSTANTIATE_TEST_SUITE_P(Modes, Swap, ::testing::Values("delete", "wal"));

TEST_P(Swap, RenamesWhenNobodyHoldsTheFileAndKeepsTheOldOne) {
  rescue();
  EXPECT_FALSE(holds("swap", paths.swap_args()));
  const auto ran = expect_done("swap", paths.swap_args());
  EXPECT_EQ(ran.last["how"], "rename");
  EXPECT_TRUE(holds("swap", paths.swap_args()));
  expect_new();
  struct stat st {};
  ASSERT_EQ(::stat(paths.live.c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0777U, 0640U);
  EXPECT_EQ(number(paths.kept, "SELECT count(*) FROM t WHERE id = 5000"), 1);
  EXPECT_FALSE(std::filesystem::exists(paths.beside));
  EXPECT_EQ(expect_done("swap", paths.swap_args()).last["how"], "already");

  sql(paths.live, "INSERT INTO t(v) VALUES ('written since')");
  EXPECT_TRUE(holds("swap", paths.swap_args()));
  expect_done("swap-back", paths.swap_back_args());
  EXPECT_TRUE(holds("swap-back", paths.swap_back_args()));
  EXPECT_FALSE(holds("swap", paths.swap_args()));
  expect_old();
  EXPECT_EQ(number(paths.aside, "SELECT count(*) FROM t WHERE v = 'written since'"), 1);
  EXPECT_EQ(expect_done("swap-back", paths.swap_back_args()).last["how"], "already");
}

TEST_P(Swap, WritesIntoAFileThatSomebodyHoldsAndTheySeeIt) {
  Application application(paths.live);
  EXPECT_EQ(application.ask("SELECT v FROM t WHERE id = 5000"), "new");  // its pages are in the cache now
  rescue();
  const auto ran = expect_done("swap", paths.swap_args());
  EXPECT_EQ(ran.last["how"], "copy");
  EXPECT_EQ(application.ask("SELECT old FROM t WHERE id = 1"), "o1");
  EXPECT_EQ(application.ask("INSERT INTO t(v) VALUES ('by the old connection')"), "");
  EXPECT_EQ(application.ask("PRAGMA integrity_check"), "ok");
  EXPECT_EQ(number(paths.live, "SELECT count(*) FROM t WHERE v = 'by the old connection'"), 1);
  EXPECT_TRUE(holds("swap", paths.swap_args()));
  EXPECT_EQ(number(paths.kept, "SELECT count(*) FROM t WHERE id = 5000"), 1);

  expect_done("swap-back", paths.swap_back_args());
  EXPECT_EQ(application.ask("SELECT v FROM t WHERE id = 5000"), "new");
  EXPECT_NE(application.ask("SELECT old FROM t").find("no such column"), std::string::npos);
  expect_old();
  EXPECT_EQ(number(paths.aside, "SELECT count(*) FROM t WHERE v = 'by the old connection'"), 1);
}

TEST_P(Swap, NeverMixesWithWhatACrashedProcessLeftBeside) {
  {
    Application application(paths.live);
    EXPECT_EQ(application.ask("PRAGMA wal_autocheckpoint=0").find("error"), std::string::npos);
    EXPECT_EQ(application.ask("INSERT INTO t VALUES (6000, 'only in the -wal')"), "");
    application.kill();
  }
  rescue();
  EXPECT_EQ(expect_done("swap", paths.swap_args()).last["how"], "rename");
  EXPECT_EQ(number(paths.live, "SELECT count(*) FROM t WHERE id = 6000 AND old = 'o'"), 1);
  EXPECT_EQ(number(paths.live, "SELECT count(*) FROM t"), 2002);
  EXPECT_EQ(text(paths.live, "PRAGMA integrity_check"), "ok");
  EXPECT_EQ(number(paths.kept, "SELECT count(*) FROM t WHERE id = 6000"), 1);
}

TEST_P(Swap, RefusesWhenAForgottenWriterCameAfterTheRowsWereCounted) {
  rescue();
  sql(paths.live, "INSERT INTO t VALUES (7000, 'by cron')");
  const auto ran = tool("swap", paths.swap_args());
  EXPECT_EQ(ran.status, 3);
  EXPECT_NE(ran.err.find("was written to after its rows were counted"), std::string::npos) << ran.err;
  EXPECT_FALSE(holds("swap", paths.swap_args()));
  EXPECT_EQ(number(paths.live, "SELECT count(*) FROM t WHERE id = 7000"), 1);
  EXPECT_TRUE(std::filesystem::exists(paths.beside));
  // Even a change that leaves the rows as they were is one.
  sql(paths.live, "DELETE FROM t WHERE id = 7000");
  EXPECT_EQ(tool("swap", paths.swap_args()).status, 3);
  // After another rescue it goes.
  rescue();
  expect_done("swap", paths.swap_args());
  expect_new();
}

TEST_P(Swap, TakesNothingButWhatTheRescueProved) {
  rescue();
  sql(paths.beside, "UPDATE t SET v = 'tampered' WHERE id = 1");
  const auto ran = tool("swap", paths.swap_args());
  EXPECT_EQ(ran.status, 3);
  EXPECT_NE(ran.err.find("is not what the rescue left"), std::string::npos) << ran.err;
  expect_old();
  rescue();
  expect_done("swap", paths.swap_args());
  expect_new();
}

TEST_P(Swap, ACheckpointOfTheWalIsNoChange) {
  Application application(paths.live);
  EXPECT_EQ(application.ask("INSERT INTO t VALUES (6000, 'x')"), "");
  rescue();
  sql(paths.live, "PRAGMA wal_checkpoint(TRUNCATE)");
  expect_done("swap", paths.swap_args());
  EXPECT_EQ(application.ask("SELECT count(*) FROM t"), "2002");
}

TEST_P(Swap, LeavesTheOldContentWhenAHolderDoesNotLetGo) {
  rescue();
  Application application(paths.live);
  EXPECT_EQ(application.ask("BEGIN IMMEDIATE"), "");
  const auto ran = tool("swap", paths.swap_args());
  EXPECT_EQ(ran.status, 3) << ran.err;
  EXPECT_EQ(application.ask("ROLLBACK"), "");
  EXPECT_FALSE(holds("swap", paths.swap_args()));
  expect_old();
  expect_done("swap", paths.swap_args());
  EXPECT_EQ(application.ask("SELECT count(*) FROM t"), "2001");
}

TEST_P(Swap, AReaderInTheMiddleOfATransactionKeepsItsMoment) {
  if (mode() != "wal")
    return;  // in rollback modes a reader keeps writers out: LeavesTheOldContentWhenAHolderDoesNotLetGo
  rescue();
  Application application(paths.live);
  EXPECT_EQ(application.ask("BEGIN"), "");
  EXPECT_EQ(application.ask("SELECT count(*) FROM pragma_table_info('t')"), "2");
  expect_done("swap", paths.swap_args());
  EXPECT_EQ(application.ask("SELECT count(*) FROM pragma_table_info('t')"), "2");
  EXPECT_EQ(application.ask("COMMIT"), "");
  EXPECT_EQ(application.ask("SELECT count(*) FROM pragma_table_info('t')"), "3");
}

TEST_P(Swap, AbandonedBeforeAnythingHappenedChangesNothing) {
  rescue();
  EXPECT_TRUE(holds("swap-back", paths.swap_back_args()));
  expect_done("swap-back", paths.swap_back_args());
  expect_done("discard", {{"path", paths.beside}});
  EXPECT_FALSE(std::filesystem::exists(paths.beside));
  EXPECT_EQ(tool("discard", {{"path", paths.live}}).status, 2);
  expect_old();
}

TEST_P(Swap, ThroughASymlinkReplacesTheRealFile) {
  const std::string link = scratch / "link.db";
  std::filesystem::create_symlink(paths.live, link);
  rescue();
  auto args = paths.swap_args();
  args["file"] = link;
  expect_done("swap", args);
  EXPECT_TRUE(std::filesystem::is_symlink(link));
  expect_new();
}

TEST_P(Swap, GoesForwardAgainWithTheRowsWrittenInBetween) {
  sql(paths.live,
      "ALTER TABLE t ADD COLUMN gift; UPDATE t SET gift = 'g' WHERE id = 1; CREATE TABLE extra(x); INSERT INTO extra "
      "VALUES ('kept');");
  rescue();
  expect_done("swap", paths.swap_args());
  sql(paths.live,
      "INSERT INTO t VALUES (8000, 'v1 row', 'vip'); DELETE FROM t WHERE id = 2; UPDATE t SET v = 'changed' WHERE id = "
      "1;");
  EXPECT_FALSE(holds("keep", paths.keep_args()));
  const auto kept = expect_done("keep", paths.keep_args());
  EXPECT_TRUE(holds("keep", paths.keep_args()));
  const Json part = kept.last["part"];
  EXPECT_EQ(text(part["base"], "SELECT count(*) FROM t"), "2001");

  const Json restore{{"backup", part["backup"]},
                     {"manifest", part["manifest"]},
                     {"manifest_sha256", part["manifest_sha256"]},
                     {"beside", scratch / "shop.db.backout-R2.new"}};
  expect_done("restore", restore);
  const Json again{{"base", part["base"]},           {"live", paths.live},
                   {"target", restore["beside"]},    {"pristine", part["backup"]},
                   {"record", scratch / "r2.json"},  {"conflicts", scratch / "c2.jsonl"},
                   {"archive", scratch / "a2.jsonl"}};
  const auto forward = expect_done("rescue", again);
  EXPECT_EQ(forward.last["carried"]["t"], Json::parse(R"({"insert":1,"update":1,"delete":1})"));
  EXPECT_EQ(forward.last["conflict_count"], 0);
  expect_done("swap", {{"file", paths.live},
                       {"incoming", restore["beside"]},
                       {"keep", scratch / "shop.db.backout-R2.old"},
                       {"record", again["record"]},
                       {"marker", scratch / "s2.json"}});
  EXPECT_EQ(text(paths.live, "SELECT id, v, gift FROM t WHERE id IN (1, 2, 5000, 8000)"),
            "1,changed,g;5000,new,;8000,v1 row,");
  EXPECT_EQ(text(paths.live, "SELECT x FROM extra"), "kept");
  EXPECT_EQ(forward.last["archived"]["columns"]["t"], 2000);  // all but row 5000, which has the default
}

TEST_P(Swap, KilledAfterTheNewFileWasInPlaceIsKeptAllTheSame) {
  rescue();
  expect_done("swap", paths.swap_args());
  auto marker = *load_marker(paths.marker).value();
  marker.state = "begun";  // what a power cut leaves that comes before its last word
  ASSERT_TRUE(store_marker(marker, paths.marker));
  sql(paths.live, "INSERT INTO t VALUES (8000, 'v1 row', 'vip');");
  expect_done("keep", paths.keep_args());
  EXPECT_TRUE(holds("keep", paths.keep_args()));
}

TEST_P(Swap, ThatNeverPutAnythingInPlaceLeavesNothingToKeep) {
  rescue();
  expect_done("swap", paths.swap_args());
  expect_done("swap-back", paths.swap_back_args());
  EXPECT_NE(tool("keep", paths.keep_args()).status, 0);
}

TEST_P(Swap, WritesToTheReplacedFileAreNotForgotten) {
  rescue();
  expect_done("swap", paths.swap_args());
  sql(paths.kept, "INSERT INTO t VALUES (9000, 'by a straggler')");
  const auto ran = tool("keep", paths.keep_args());
  EXPECT_EQ(ran.status, 3);
  EXPECT_NE(ran.err.find(paths.kept), std::string::npos);
}

}  // namespace
}  // namespace backout::database
