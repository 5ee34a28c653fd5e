#include "database/sqlite/driver.h"

#include <sched.h>
#include <sys/mount.h>

#include "base/text.h"
#include "conformance/conformance.h"
#include "database/sqlite/rung.h"
#include "database/sqlite/testing.h"

namespace backout::database {
namespace {

using testing::Scratch;
using testing::sql;

class SqliteDriver : public ::testing::Test {
 protected:
  Json observed() {
    const auto seen = driver->observe(subject(), *host, {});
    EXPECT_TRUE(seen) << seen.error().message;
    return seen.value_or(Json());
  }
  Json subject() const { return {{"file", file}, {"tables", {{"sessions", "leave"}}}}; }
  driver::Offering offering(RunKind kind, const std::string& run, const Json& saved = Json::object()) {
    std::filesystem::create_directories(scratch / run);
    return {.kind = kind,
            .site = SiteId("shop/production"),
            .from = Version("v2"),
            .to = Version("v1"),
            .subject = subject(),
            .hosts = {"local"},
            .seen = {{"local", observed()}},
            .saved = saved,
            .run_directory = scratch / run,
            .public_url = ""};
  }
  std::vector<Step> steps(RunKind kind, const std::string& run, const Json& saved = Json::object()) {
    const auto offered = driver->offer(offering(kind, run, saved));
    EXPECT_TRUE(offered) << offered.error().message;
    return offered.value_or(std::vector<Step>());
  }
  /// As the executor does: look, act through the command, look again. The evidence of the last line.
  Json act(const Action& action) {
    const auto command = driver->command(action, *host);
    EXPECT_TRUE(command) << command.error().message;
    const auto ran = host->run(*command);
    EXPECT_TRUE(ran && ran->ok()) << action.verb << ": " << (ran ? ran->err : ran.error().message);
    const auto sight = driver->verify(action, *host, {});
    EXPECT_EQ(sight.kind, SightKind::kHolds) << action.verb << ": " << sight.why;
    return Json::parse(split(trimmed(ran->out), '\n').back());
  }
  /// Runs effects and looks in order; evidence by step id.
  std::map<std::string, Json> run(const std::vector<Step>& list) {
    std::map<std::string, Json> evidence;
    for (const auto& step : list) {
      EXPECT_TRUE(step.has_probe && step.repeatable) << step.id.str();
      if (step.kind == StepKind::kEffect) {
        EXPECT_EQ(driver->verify(step.action, *host, {}).kind, SightKind::kDoesNotHold) << step.id.str();
        evidence[step.id.str()] = act(step.action);
      } else {
        EXPECT_EQ(driver->verify(step.action, *host, {}).kind, SightKind::kHolds) << step.id.str();
      }
    }
    return evidence;
  }
  static std::vector<std::string> ids(const std::vector<Step>& list) {
    std::vector<std::string> out;
    for (const auto& step : list) out.push_back(std::string(name_of(step.phase)) + ":" + step.id.str());
    return out;
  }

  Scratch scratch;
  std::string file = scratch / "Shop DB.sqlite3";
  std::unique_ptr<host::Host> host = host::make_local_host(host::HostName("local"), scratch / "target");
  std::unique_ptr<driver::Driver> driver = make_sqlite_driver(std::filesystem::read_symlink("/proc/self/exe"));
};

constexpr char kV1[] =
    "CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, v, old DEFAULT 'o'); INSERT INTO t(v) VALUES ('a'), ('b'); "
    "CREATE TABLE sessions(id TEXT PRIMARY KEY);";

TEST_F(SqliteDriver, TakesACheckpointAndProvesIt) {
  sql(file, kV1);
  const auto list = steps(RunKind::kCheckpoint, "C-1");
  EXPECT_EQ(ids(list),
            (std::vector<std::string>{"prepare:backup-shop-db.sqlite3", "prepare:verify-backup-shop-db.sqlite3"}));
  EXPECT_EQ(list[1].needs, std::vector<StepId>{list[0].id});
  const auto evidence = run(list);
  const Json part = evidence.at("backup-shop-db.sqlite3").at("part");
  EXPECT_EQ(part["driver"], "sqlite");
  EXPECT_EQ(part["file"], file);
  EXPECT_EQ(part["schema_hash"], observed()["schema_hash"]);
  // The same part comes from a look: a resumed run has it too.
  EXPECT_EQ(driver->verify(list[0].action, *host, {}).evidence["part"], part);
}

TEST_F(SqliteDriver, LeavesADatabaseThatTheOldCodeFitsAndOnlySavesIt) {
  sql(file, kV1);
  const Json part = run(steps(RunKind::kDeploy, "C-1")).at("backup-shop-db.sqlite3").at("part");
  sql(file, "ALTER TABLE t ADD COLUMN gift TEXT; CREATE TABLE extra(x)");
  EXPECT_EQ(decide_rung(part, observed())->rung, schema::Rung::kLeave);
  EXPECT_EQ(ids(steps(RunKind::kRollback, "R-1", part)),
            (std::vector<std::string>{"prepare:save-shop-db.sqlite3", "prepare:verify-save-shop-db.sqlite3"}));
}

TEST_F(SqliteDriver, RestoresRescuesAndSwapsWhenItDoesNotAndComesBackTheSameWay) {
  sql(file, std::string("PRAGMA journal_mode=WAL;") + kV1);
  const Json part = run(steps(RunKind::kDeploy, "C-1")).at("backup-shop-db.sqlite3").at("part");
  sql(file,
      "ALTER TABLE t DROP COLUMN old; ALTER TABLE t ADD COLUMN gift; INSERT INTO t(v, gift) VALUES ('new', 'g'); "
      "INSERT INTO sessions VALUES ('s')");
  const auto decided = decide_rung(part, observed());
  EXPECT_EQ(decided->rung, schema::Rung::kRestore);
  EXPECT_NE(decided->why().find("column-removed t.old"), std::string::npos);

  const auto back = steps(RunKind::kRollback, "R-1", part);
  EXPECT_EQ(ids(back), (std::vector<std::string>{"prepare:save-shop-db.sqlite3", "prepare:verify-save-shop-db.sqlite3",
                                                 "prepare:restore-shop-db.sqlite3", "prepare:count-shop-db.sqlite3",
                                                 "last rows:rescue-shop-db.sqlite3", "switch:swap-shop-db.sqlite3",
                                                 "check:schema-is-shop-db.sqlite3", "settle:keep-shop-db.sqlite3"}));
  const auto done = run(back);
  EXPECT_EQ(done.at("rescue-shop-db.sqlite3")["carried"]["t"]["insert"], 1);
  EXPECT_EQ(done.at("rescue-shop-db.sqlite3")["left"]["sessions"]["insert"], 1);
  EXPECT_EQ(testing::text(file, "SELECT * FROM t ORDER BY id"), "1,a,o;2,b,o;3,new,o");
  sql(file, "INSERT INTO t(v, old) VALUES ('between', 'p')");

  const Json forward_part = done.at("keep-shop-db.sqlite3").at("part");
  const auto there = run(steps(RunKind::kForward, "R-2", forward_part));
  EXPECT_EQ(there.at("rescue-shop-db.sqlite3")["carried"]["t"]["insert"], 1);
  EXPECT_EQ(testing::text(file, "SELECT id, v, gift FROM t ORDER BY id"), "1,a,;2,b,;3,new,g;4,between,");
  EXPECT_EQ(testing::text(file, "SELECT * FROM sessions"), "s");
  EXPECT_EQ(testing::text(file, "PRAGMA journal_mode"), "wal");

  // And back once more, from what the way forward kept.
  const auto again = run(steps(RunKind::kRollback, "R-3", there.at("keep-shop-db.sqlite3").at("part")));
  EXPECT_EQ(again.at("rescue-shop-db.sqlite3")["conflict_count"], 0);
  EXPECT_EQ(testing::text(file, "SELECT * FROM t ORDER BY id"), "1,a,o;2,b,o;3,new,o;4,between,p");
}

TEST_F(SqliteDriver, UndoesEveryStepThatChangedSomething) {
  sql(file, kV1);
  const Json part = run(steps(RunKind::kDeploy, "C-1")).at("backup-shop-db.sqlite3").at("part");
  sql(file, "ALTER TABLE t DROP COLUMN old");
  const std::string before = testing::content(file);
  auto list = steps(RunKind::kRollback, "R-1", part);
  list.pop_back();  // keep is after the door has opened
  run(list);
  EXPECT_NE(testing::content(file), before);
  for (auto step = list.rbegin(); step != list.rend(); ++step)
    if (step->undo) act(*step->undo);
  EXPECT_EQ(testing::content(file), before);
  EXPECT_TRUE(testing::files_like(scratch.path(), ".new").empty());
}

/// The files under `directory`, and what each database among them holds.
std::map<std::string, std::string> files_in(const std::string& directory) {
  std::map<std::string, std::string> found;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory))
    if (entry.is_regular_file()) found[entry.path()] = "";
  for (auto& [path, content] : found)
    if (testing::slurp(path).starts_with("SQLite format 3")) content = testing::content(path);
  return found;
}

TEST_F(SqliteDriver, ConformsInEachEffectOfARestore) {
  const std::string world = scratch / "world", before = scratch / "before";
  std::filesystem::create_directory(world);
  file = world + "/shop.db";
  sql(file, std::string(kV1) +
                "WITH RECURSIVE n(i) AS (SELECT 3 UNION ALL SELECT i + 1 FROM n WHERE i < 600) "
                "INSERT INTO t(id, v) SELECT i, hex(randomblob(50)) FROM n");
  const auto copy = [](const std::string& from, const std::string& to) {
    std::filesystem::remove_all(to);
    std::filesystem::copy(from, to, std::filesystem::copy_options::recursive);
  };
  std::vector<std::string> conformed;
  const auto go_through = [&](const std::vector<Step>& list) {
    std::map<std::string, Json> evidence;
    for (const Step& step : list) {
      if (step.kind != StepKind::kEffect) continue;
      copy(world, before);
      const auto found = files_in(world);
      evidence[step.id.str()] = act(step.action);
      const auto made = files_in(world);
      if (made == found) continue;
      conformance::conforms(*driver, {.action = step.action,
                                      .undo = step.undo,
                                      .reset = [&] { copy(before, world); },
                                      .done =
                                          [&] {
                                            const auto now = files_in(world);
                                            return std::includes(now.begin(), now.end(), made.begin(), made.end());
                                          },
                                      .as_before = [&] { return files_in(world)[file] == found.at(file); },
                                      .kills = 2});
      conformed.push_back(step.action.verb);
      copy(before, world);
      evidence[step.id.str()] = act(step.action);
    }
    return evidence;
  };
  const Json part = go_through(steps(RunKind::kDeploy, "world/C-1")).at("backup-shop.db").at("part");
  sql(file, "ALTER TABLE t DROP COLUMN old; INSERT INTO t(v) VALUES ('since')");
  go_through(steps(RunKind::kRollback, "world/R-1", part));
  EXPECT_EQ(join(conformed, " "), "backup verify-backup backup verify-backup restore diff rescue swap keep");
}

TEST_F(SqliteDriver, SaysWhyThereIsNoWay) {
  EXPECT_EQ(driver->offer(offering(RunKind::kCheckpoint, "C-1")).error().code, Code::kNotFound);
  sql(file, kV1);
  const auto nothing_saved = driver->offer(offering(RunKind::kRollback, "R-1"));
  EXPECT_EQ(nothing_saved.error().code, Code::kNotFound);
  EXPECT_FALSE(nothing_saved.error().next.empty());
  EXPECT_EQ(driver->command({"sqlite", "observe", {}}, *host).error().code, Code::kInvalid);
}

/// Runs `work` on a small file system of its own; its result is a set of bits, one for each thing that went wrong.
int on_a_small_disk(const Scratch& scratch, const char* size, const std::function<int(const testing::Paths&)>& work) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    if (::unshare(CLONE_NEWNS) != 0 || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("tmpfs", scratch.path().c_str(), "tmpfs", 0, size) != 0)
      ::_exit(77);
    ::_exit(work(testing::Paths(scratch)));
  }
  return testing::wait_for(pid);
}

constexpr char kAMegabyte[] =
    "CREATE TABLE t(id INTEGER PRIMARY KEY, v); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i "
    "< 1200) INSERT INTO t SELECT i, randomblob(800) FROM n";

TEST_F(SqliteDriver, AFullDiskIsSaidAheadAndNothingIsLeft) {
  const int wrong = on_a_small_disk(scratch, "size=2m", [&](const testing::Paths& paths) {
    sql(paths.live, kAMegabyte);
    const std::string before = testing::content(paths.live);
    const auto refused = testing::tool("backup", paths.backup_args());
    const bool clear = refused.status == 1 && refused.err.find("are free; nothing was changed") != std::string::npos;
    const bool kept = testing::content(paths.live) == before && testing::files_like(scratch.path(), ".partial").empty();
    return (clear ? 0 : 1) + (kept ? 0 : 2);
  });
  if (wrong == 77) GTEST_SKIP() << "needs the right to mount";
  EXPECT_EQ(wrong, 0);
}

TEST_F(SqliteDriver, ADiskThatFillsUpDuringTheRescueLosesNothingAndASecondTryWorks) {
  const int wrong = on_a_small_disk(scratch, "size=8m", [&](const testing::Paths& paths) {
    sql(paths.live, kAMegabyte);
    testing::expect_done("backup", paths.backup_args());
    sql(paths.live, "INSERT INTO t SELECT id + 10000, v FROM t");
    const std::string before = testing::content(paths.live);
    testing::expect_done("restore", paths.restore_args());
    {
      std::ofstream ballast(scratch / "ballast");
      const auto room = std::filesystem::space(scratch.path()).available;
      ballast << std::string(room > 300'000 ? room - 300'000 : 0, 'x');
    }
    const auto full = testing::tool("rescue", paths.rescue_args());
    const bool clear = full.status == 1 && full.err.find("make room") != std::string::npos;
    const bool kept = testing::content(paths.live) == before && !testing::holds("rescue", paths.rescue_args()) &&
                      testing::files_like(scratch.path(), ".partial").empty();
    std::filesystem::remove(scratch / "ballast");
    const bool works =
        testing::tool("rescue", paths.rescue_args()).status == 0 && testing::content(paths.beside) == before;
    return (clear ? 0 : 1) + (kept ? 0 : 2) + (works ? 0 : 4);
  });
  if (wrong == 77) GTEST_SKIP() << "needs the right to mount";
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace backout::database
