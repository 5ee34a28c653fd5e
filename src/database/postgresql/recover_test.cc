// Points in time, out of a real pgBackRest repository.
#include "database/postgresql/recover.h"

#include <gmock/gmock.h>

#include "base/text.h"
#include "database/postgresql/archived_for_tests.h"

namespace backout::postgresql {
namespace {

using ::testing::HasSubstr;

TEST_F(PointTest, IsNotedWithoutADumpAndProvedByRestoringIt) {
  const auto taken = run("backup", checkpoint_args());
  ASSERT_TRUE(taken) << taken.error().message;
  const Json& part = get(*taken, "part");
  EXPECT_EQ(get_string(part, "backup"), "");
  EXPECT_FALSE(os::exists(scratch_ / "shop.dump"));
  const Json& point = get(part, "point");
  EXPECT_TRUE(get_bool(point, "archived")) << point.dump();
  EXPECT_TRUE(get_bool(point, "quiet"));
  EXPECT_THAT(get_string(point, "label"), HasSubstr("F"));
  EXPECT_THAT(get_string(point, "name"), HasSubstr("backout_2"));
  EXPECT_EQ(get_string(*look_at("backup", checkpoint_args()), "sight"), "holds");
  EXPECT_EQ(get_string(*look_at("prove-point", prove_args()), "sight"), "does-not-hold");
  cluster_.run(name_, "DELETE FROM items; DELETE FROM orders WHERE id > 7");
  const auto proved = run("prove-point", prove_args());
  ASSERT_TRUE(proved) << proved.error().message;
  EXPECT_EQ(get_string(*proved, "compared"), "exact");
  EXPECT_EQ(get_int(*proved, "rows"), 6001);
  EXPECT_THAT(get(*proved, "notes").dump(), HasSubstr("seen is unlogged"));
  EXPECT_EQ(get_string(*look_at("prove-point", prove_args()), "sight"), "holds");
  EXPECT_THAT(os::read_file(manifest())->find("not-to-be-seen"), std::string::npos);
}

TEST_F(PointTest, BecomesADumpThatIsRestoredBeside) {
  ASSERT_TRUE(run("backup", checkpoint_args()));
  const std::string then = sum(name_);
  cluster_.run(name_, "UPDATE orders SET note = 'bad'; INSERT INTO orders (note) VALUES ('new'); DROP TABLE items");
  EXPECT_EQ(get_string(*look_at("recover", recover_args()), "sight"), "does-not-hold");
  const auto recovered = run("recover", recover_args());
  ASSERT_TRUE(recovered) << recovered.error().message;
  EXPECT_EQ(get_string(*recovered, "compared"), "exact");
  EXPECT_EQ(get_string(*look_at("recover", recover_args()), "sight"), "holds");
  const auto restored = run("restore", restore_args());
  ASSERT_TRUE(restored) << restored.error().message;
  EXPECT_EQ(sum(beside()), then);
  EXPECT_EQ(cluster_.text(beside(), "SELECT count(*) FROM items"), "3000");
  ASSERT_TRUE(run("discard", with_server({{"database", beside()}})));
}

/// Customers: each order that is there in the end was confirmed, and each that was confirmed is.
class Writers {
 public:
  Writers(const Server& server, const std::string& database, int count) {
    for (int i = 0; i < count; ++i)
      threads_.emplace_back([this, server, database](const std::stop_token& stop) {
        auto connection = Connection::open(server, database);
        if (connection) (void)connection->exec("SET search_path = public");
        while (connection && !stop.stop_requested())
          if (connection->exec("INSERT INTO orders (note) VALUES ('w'); UPDATE items SET n = n + 1 WHERE id = 1 + " +
                               std::to_string(confirmed_ % 3000)))
            ++confirmed_;
      });
  }
  int confirmed() const { return confirmed_; }

 private:
  std::atomic<int> confirmed_ = 0;
  std::vector<std::jthread> threads_;
};

TEST_F(PointTest, WhileOthersWriteIsThatOfTheSnapshot) {
  std::optional<Writers> writers(std::in_place, cluster_.server(), name_, 3);
  while (writers->confirmed() < 50) std::this_thread::sleep_for(Millis(5));
  const auto taken = run("backup", checkpoint_args(true));
  ASSERT_TRUE(taken) << taken.error().message;
  EXPECT_NE(get_string(get(*taken, "part"), "backup"), "");
  const auto recovered = run("recover", recover_args());
  writers.reset();
  ASSERT_TRUE(recovered) << recovered.error().message;
  // A commit may be on disk, and not be seen by others yet: then it is told, not passed over.
  EXPECT_THAT(get_string(*recovered, "compared"), ::testing::AnyOf("exact", ::testing::StartsWith("but for ")));
  EXPECT_EQ(get(*recovered, "notes").dump().find("told apart") == std::string::npos,
            get_string(*recovered, "compared") == "exact");
}

TEST_F(PointTest, InTimeHasWhatWasCommittedUntilThen) {
  cluster_.run(name_, "INSERT INTO orders (note) VALUES ('before')");
  const std::string time = cluster_.text(name_, "SELECT clock_timestamp()"), then = sum(name_);
  cluster_.run(name_, "INSERT INTO orders (note) VALUES ('after')");
  const auto recovered = run("recover", to_time_args(time));
  ASSERT_TRUE(recovered) << recovered.error().message;
  EXPECT_THAT(get_string(*recovered, "compared"), HasSubstr("the schema alone"));
  const auto restored = run("restore", restore_args());
  ASSERT_TRUE(restored) << restored.error().message;
  EXPECT_EQ(sum(beside()), then);
  ASSERT_TRUE(run("discard", with_server({{"database", beside()}})));
  // Nothing was written since: the end of the log is the state.
  std::filesystem::remove(scratch_ / "point.manifest.json");
  const auto now = run("recover", to_time_args(cluster_.text(name_, "SELECT clock_timestamp()")));
  ASSERT_TRUE(now) << now.error().message;
  EXPECT_EQ(get_int(*now, "rows"), 6002);
  for (const auto& [when, why] :
       {std::pair{"2001-01-01 00:00:00+00", "was taken after"}, {"2001-99-01", "out of range"}}) {
    std::filesystem::remove(scratch_ / "point.manifest.json");
    const auto none = run("recover", to_time_args(when));
    ASSERT_FALSE(none);
    EXPECT_THAT(none.error().message, HasSubstr(why));
  }
}

TEST_F(PointTest, ThatIsNotArchivedIsNotProvedAndSaid) {
  std::ofstream(cluster_.directory() + "/stuck") << "x";
  Json args = checkpoint_args();
  args["pgbackrest"]["archive_wait_ms"] = 1'000;
  const auto taken = run("backup", args);
  ASSERT_TRUE(taken) << taken.error().message;
  EXPECT_THAT(get(*taken, "notes").dump(), HasSubstr("is not in the archive after 1.0 s"));
  Json soon = prove_args();
  soon["pgbackrest"]["archive_wait_ms"] = 300;
  const auto proved = run("prove-point", soon);
  ASSERT_FALSE(proved);
  EXPECT_THAT(proved.error().message, HasSubstr("is not in the archive"));
  const auto recovered = run("recover", recover_args());
  std::filesystem::remove(cluster_.directory() + "/stuck");
  ASSERT_FALSE(recovered);
  EXPECT_THAT(recovered.error().message, HasSubstr("the archived log ends before position"));
  EXPECT_EQ(recovered.error().code, Code::kNotFound);
  // The server catches up: what was noted can be brought back after all.
  cluster_.run("postgres", "SELECT pg_switch_wal()");
  cluster_.as_postgres("$P check");
  EXPECT_TRUE(run("recover", recover_args()));
}

/// One file of the repository, gone or with other content for as long as this lives.
class Damaged {
 public:
  Damaged(std::string path, const std::optional<std::string>& content) : path_(std::move(path)) {
    std::filesystem::rename(path_, path_ + ".whole");
    if (!content) return;
    std::ofstream(path_) << *content;
    std::filesystem::permissions(path_, std::filesystem::perms(0644));
  }
  Damaged(const Damaged&) = delete;
  Damaged& operator=(const Damaged&) = delete;
  ~Damaged() { std::filesystem::rename(path_ + ".whole", path_); }

 private:
  std::string path_;
};

TEST_F(PointTest, DamageInTheRepositoryIsSaid) {
  ASSERT_TRUE(run("backup", checkpoint_args()));
  const auto manifest_json = parse_json(*os::read_file(manifest()));
  const std::string segment = get_string(get(*manifest_json, "point"), "segment");
  const auto found = [&](const std::string& script) {
    return std::string(trimmed(cluster_.as_postgres("find $D/repo/" + script)));
  };
  const std::string in_archive = found("archive -name '" + segment + "-*'");
  {
    const Damaged missing(in_archive, std::nullopt);
    const auto recovered = run("recover", recover_args());
    ASSERT_FALSE(recovered);
    EXPECT_THAT(recovered.error().message, HasSubstr("the archived log ends before position"));
    EXPECT_FALSE(recovered.error().next.empty());
  }
  {
    const Damaged broken(in_archive, "x");
    const auto recovered = run("recover", recover_args());
    ASSERT_FALSE(recovered);
    EXPECT_THAT(recovered.error().message, HasSubstr("or a part of it is missing or damaged"));
  }
  const std::string of_backup = found("backup/shop/*F/pg_data/base -name '*.lz4' -size +40k | sort | head -n 1");
  {
    std::string bytes = *os::read_file(of_backup);
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
    const Damaged broken(of_backup, bytes);
    const auto recovered = run("recover", recover_args());
    ASSERT_FALSE(recovered);
    EXPECT_EQ(recovered.error().code, Code::kCorrupt) << recovered.error().message;
    EXPECT_THAT(recovered.error().message, HasSubstr("does not restore"));
  }
  EXPECT_EQ(get_string(*look_at("recover", recover_args()), "sight"), "does-not-hold");
  EXPECT_TRUE(run("recover", recover_args()));
}

TEST_F(PointTest, WrongNamesAreSaid) {
  Json args = checkpoint_args();
  args["pgbackrest"]["stanza"] = "shoe";
  args["pgbackrest"]["archive_wait_ms"] = 500;
  const auto taken = run("backup", args);
  ASSERT_TRUE(taken) << taken.error().message;
  EXPECT_THAT(get(*taken, "notes").dump(), HasSubstr("no backup of the stanza shoe"));
  ASSERT_TRUE(run("discard-side", prove_args()));
  const std::tuple<const char*, Json, const char*, Code> wrong[] = {
      {"stanza", "shoe", "no backup of the stanza shoe: missing stanza path", Code::kNotFound},
      {"config", "/nowhere.conf", "unable to open missing file", Code::kInvalid},
      {"command", Json::array({"/nowhere/pgbackrest"}), "nowhere/pgbackrest", Code::kNotFound},
      {"user", "nobody-here", "nobody-here", Code::kInvalid},
      {"directory", cluster_.sides() + std::string(80, 'x'), "too long", Code::kInvalid}};
  std::filesystem::remove(manifest());
  ASSERT_TRUE(run("backup", checkpoint_args()));
  for (const auto& [key, value, words, code] : wrong) {
    Json recover = recover_args();
    recover["pgbackrest"][key] = value;
    const auto recovered = run("recover", recover);
    ASSERT_FALSE(recovered) << key;
    EXPECT_THAT(recovered.error().message, HasSubstr(words));
    EXPECT_EQ(recovered.error().code, code) << recovered.error().message;
    EXPECT_FALSE(recovered.error().next.empty()) << key;
  }
}

/// pgbackrest, with something said or done before or after it when it restores.
class LyingRepository : public PointTest {
 protected:
  Json recover_by(const std::string& script) {
    const std::string path = std::filesystem::path(scratch_ / "pgbackrest").lexically_normal();
    std::ofstream(path) << "#!/bin/sh\nreal() { pgbackrest \"$@\"; }\ncase \" $* \" in *' restore '*) ;; *) exec "
                           "pgbackrest \"$@\" ;; esac\n"
                           "for word; do case $word in --pg1-path=*) data=${word#*=} ;; esac; done\n"
                        << script << "\n";
    std::filesystem::permissions(path, std::filesystem::perms(0755));
    std::filesystem::permissions(std::string(scratch_ / ""), std::filesystem::perms(0755));
    Json args = recover_args();
    args["pgbackrest"]["command"] = {path};
    return args;
  }
};

TEST_F(LyingRepository, IsNotBelieved) {
  ASSERT_TRUE(run("backup", checkpoint_args()));
  const std::pair<const char*, const char*> lies[] = {
      {"exit 0", "there is no PG_VERSION"},
      {"mkdir -p $data/global; echo 15 >$data/PG_VERSION; : >$data/global/pg_control", "there is no backup_label"},
      {"real \"$@\" || exit; rm $data/backup_label", "there is no backup_label"},
      {"real \"$@\" || exit; rm $data/recovery.signal", "there is no recovery.signal"},
      {"real \"$@\" || exit; echo 14 >$data/PG_VERSION", "of PostgreSQL 14"},
      {"real \"$@\" || exit; mv $data/pg_wal $data/../w; ln -s /tmp $data/pg_wal", "a link that leads out"},
      {"real \"$@\" || exit; : >$data/base/1/1259", "does not come up"},
      {"real \"$@\" || exit; rm -rf $data/base/1", "does not come up"},
      {"echo 'ERROR: [082]: something' >&2; exit 82", "[082]: something"},
      {"dd if=/dev/zero of=$data.x 2>/dev/null; echo 'ERROR: [049]: No space left on device' >&2; exit 49",
       "No space"}};
  for (const auto& [script, words] : lies) {
    if (std::string_view(script).starts_with("dd")) continue;
    Json args = recover_by(script);
    const auto recovered = run("recover", args);
    ASSERT_FALSE(recovered) << script;
    EXPECT_THAT(recovered.error().message, HasSubstr(words)) << script;
    EXPECT_EQ(ArchivedCluster::at_work(), 0) << script;
  }
}

TEST_F(LyingRepository, AFullDiskLeavesNothing) {
  if (::geteuid() != 0) GTEST_SKIP() << "mounting a small disk needs root";
  ASSERT_TRUE(run("backup", checkpoint_args()));
  const std::string disk = std::filesystem::path(scratch_ / "d").lexically_normal();
  std::filesystem::create_directories(disk);
  const auto mounted = [&](const std::string& size) {
    ASSERT_TRUE(os::run_process({.argv = {"mount", "-t", "tmpfs", "-o", "size=" + size, "tmpfs", disk}})->ok());
  };
  const auto gone = [&] { (void)os::run_process({.argv = {"umount", disk}}); };
  mounted("20m");
  Json args = recover_args();
  args["pgbackrest"]["directory"] = disk;
  const auto small = run("recover", args);
  gone();
  ASSERT_FALSE(small);
  EXPECT_EQ(small.error().code, Code::kNoSpace) << small.error().message;
  EXPECT_THAT(small.error().message, HasSubstr("nothing was changed"));
  mounted("300m");
  args = recover_by("head -c 280m /dev/zero >$data.full 2>/dev/null; real \"$@\"");
  args["pgbackrest"]["directory"] = disk;
  const auto filled = run("recover", args);
  EXPECT_TRUE(std::filesystem::is_empty(disk));
  gone();
  ASSERT_FALSE(filled);
  EXPECT_EQ(filled.error().code, Code::kNoSpace) << filled.error().message;
}

}  // namespace
}  // namespace backout::postgresql
