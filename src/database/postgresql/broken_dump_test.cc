// What lies, breaks, or is cut off: dumps, programs, disks, this program.
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "database/postgresql/backup_for_tests.h"
#include "database/postgresql/restore.h"

namespace backout::postgresql {
namespace {

using BrokenDump = BackupTest;

constexpr const char* kOrders =
    "CREATE TABLE orders (id int PRIMARY KEY, total numeric, note text);"
    "INSERT INTO orders SELECT i, i, repeat(md5(i::text), 4) FROM generate_series(1, 20000) i";

/// The largest file of a dump: its data.
std::string data_file(const std::string& directory) {
  std::string largest;
  uintmax_t most = 0;
  for (const auto& entry : std::filesystem::directory_iterator(directory))
    if (entry.path().filename() != "toc.dat" && entry.file_size() > most)
      largest = entry.path(), most = entry.file_size();
  return largest;
}

void flip_in(const std::string& path, std::streamoff at) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(at);
  const int old = file.get();
  file.seekp(at);
  file.put(static_cast<char>(old ^ 1));
}

TEST_F(BrokenDump, ChangedAfterwardsIsSeenBeforeAnythingIsMade) {
  cluster_.run(name_, kOrders);
  ASSERT_TRUE(run_backup(backup_args(), {}));
  const std::string file = data_file(dump());
  const auto size = std::filesystem::file_size(file);
  flip_in(file, static_cast<std::streamoff>(size / 2));
  auto restored = run_restore(restore_args(), {});
  ASSERT_FALSE(restored);
  EXPECT_EQ(restored.error().code, Code::kCorrupt);
  EXPECT_THAT(restored.error().message, ::testing::HasSubstr("is damaged"));
  EXPECT_EQ(get_string(*look_at_backup(backup_args()), "sight"), "does-not-hold");
  flip_in(file, static_cast<std::streamoff>(size / 2));
  EXPECT_EQ(get_string(*look_at_backup(backup_args()), "sight"), "holds");

  std::filesystem::resize_file(file, size - 1);
  restored = run_restore(restore_args(), {});
  ASSERT_FALSE(restored);
  EXPECT_THAT(restored.error().message, ::testing::HasSubstr("the manifest says"));
  std::filesystem::remove(file);
  EXPECT_THAT(run_restore(restore_args(), {}).error().message, ::testing::HasSubstr("is missing"));
  EXPECT_EQ(ours("\\_\\_%"), "");

  // What was damaged is taken anew.
  ASSERT_TRUE(run_backup(backup_args(), {}));
  EXPECT_TRUE(run_verify_backup(verify_args(), {}));
  // A checkpoint knows its manifest.
  Json args = verify_args();
  args["manifest_sha256"] = std::string(64, '0');
  const auto other = run_verify_backup(args, {});
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, Code::kCorrupt);
  EXPECT_THAT(other.error().message, ::testing::HasSubstr("is not the one that the checkpoint recorded"));
}

// pg_restore takes such files and exits with 0.
TEST_F(BrokenDump, APgDumpThatLosesRowsOrChangesThemIsCaughtByTheProof) {
  cluster_.run(name_, kOrders);
  const std::string plainly =
      "for a; do [ \"$a\" = --compress=1 ] && a=--compress=0; set -- \"$@\" \"$a\"; shift; done\n"
      "for a; do case $a in --file=*) D=${a#--file=};; esac; done\n"
      "$REAL \"$@\" || exit\nF=$(ls -S \"$D\"/*.dat | grep -v toc.dat | head -n 1)\n";
  Json args = backup_args();
  args["programs"] = lying("pg_dump", plainly + "head -n 500 \"$F\" >\"$D/cut\"; mv \"$D/cut\" \"$F\"; exit 0");
  auto made = run_backup(args, {});
  ASSERT_TRUE(made) << made.error().message;
  auto verified = run_verify_backup(verify_args(), {});
  ASSERT_FALSE(verified);
  EXPECT_EQ(verified.error().code, Code::kCorrupt);
  EXPECT_THAT(verified.error().message, ::testing::HasSubstr("table public.orders: 500 rows, the manifest says 20000"));
  EXPECT_EQ(run_restore(restore_args(), {}).error().code, Code::kCorrupt);
  EXPECT_EQ(ours("\\_\\_%"), "");

  std::filesystem::remove(manifest());
  lying("pg_dump", plainly + "sed -i '7s/\\t.*\\t/\\t7.00\\t/' \"$F\"; exit 0");
  made = run_backup(args, {});
  ASSERT_TRUE(made) << made.error().message;
  verified = run_verify_backup(verify_args(), {});
  ASSERT_FALSE(verified);
  EXPECT_THAT(verified.error().message, ::testing::HasSubstr("public.orders: the content of its rows is not"));

  lying("pg_dump", "exit 0");
  std::filesystem::remove(manifest());
  made = run_backup(args, {});
  ASSERT_FALSE(made);
  EXPECT_THAT(made.error().message, ::testing::HasSubstr("no table of contents"));
  EXPECT_FALSE(std::filesystem::exists(dump()));
}

TEST_F(BrokenDump, APgRestoreThatDoesNothingIsCaught) {
  cluster_.run(name_, kOrders);
  ASSERT_TRUE(run_backup(backup_args(), {}));
  Json args = restore_args();
  args["programs"] = lying("pg_restore", "exit 0");
  const auto restored = run_restore(args, {});
  ASSERT_FALSE(restored);
  EXPECT_EQ(restored.error().code, Code::kCorrupt);
  EXPECT_THAT(restored.error().message, ::testing::HasSubstr("table public.orders is missing"));
  EXPECT_EQ(ours("\\_\\_%"), "");
}

TEST_F(BrokenDump, APgRestoreThatLeavesSomethingElseThanRowsOutIsCaught) {
  cluster_.run(name_,
               "CREATE TABLE orders (id serial PRIMARY KEY, total int CHECK (total >= 0)); CREATE INDEX by_total ON "
               "orders (total); INSERT INTO orders(total) SELECT generate_series(1, 50)");
  ASSERT_TRUE(run_backup(backup_args(), {}));
  const auto fault_after = [&](const std::string& sql) {
    Json args = restore_args();
    args["programs"] = lying("pg_restore",
                             "for a; do case $a in --dbname=*) D=${a#--dbname=};; esac; done\n$REAL \"$@\" || exit\n"
                             "exec /usr/lib/postgresql/15/bin/psql -Xq -v ON_ERROR_STOP=1 \"$D\" -c '" +
                                 sql + "'");
    const auto restored = run_restore(args, {});
    EXPECT_EQ(ours("\\_\\_%"), "");
    return restored ? "it was restored" : restored.error().message;
  };
  using ::testing::HasSubstr;
  EXPECT_THAT(fault_after("ALTER SEQUENCE public.orders_id_seq RESTART WITH 7"), HasSubstr("orders_id_seq is at 7"));
  EXPECT_THAT(fault_after("DROP SEQUENCE public.orders_id_seq CASCADE"), HasSubstr("orders_id_seq is missing"));
  EXPECT_THAT(fault_after("DROP INDEX public.by_total"), HasSubstr("index by_total is missing"));
  EXPECT_THAT(fault_after("ALTER TABLE public.orders DROP CONSTRAINT orders_total_check"),
              HasSubstr("orders_total_check"));
  EXPECT_THAT(fault_after("CREATE TABLE public.more (a int)"), HasSubstr("public.more is not in the manifest"));
  EXPECT_THAT(fault_after("ALTER TABLE public.orders SET UNLOGGED"), HasSubstr("it is unlogged"));
}

TEST_F(BrokenDump, ProgramsOlderThanTheServerAreRefusedBeforeAnything) {
  const std::string directory = scratch_ / "bin";
  std::filesystem::create_directories(directory);
  for (const std::string program : {"/pg_dump", "/pg_restore"}) {
    std::ofstream(directory + program) << "#!/bin/sh\necho \"$0 (PostgreSQL) 14.9 (Debian 14.9-1)\"\n";
    std::filesystem::permissions(directory + program, std::filesystem::perms::owner_all);
  }
  Json args = backup_args();
  args["programs"] = directory;
  const auto made = run_backup(args, {});
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Code::kUnsupported);
  EXPECT_THAT(made.error().message, ::testing::HasSubstr("is version 14, the server is 15"));
  ASSERT_TRUE(run_backup(backup_args(), {}));
  args = restore_args();
  args["programs"] = directory;
  EXPECT_EQ(run_restore(args, {}).error().code, Code::kUnsupported);
}

class Killed : public BackupTest, public ::testing::WithParamInterface<int> {};

/// Runs in a process of its own that is killed after `after`. Whether it was killed before its end.
template <class Act>
bool killed_after(Millis after, Act act) {
  const pid_t child = ::fork();
  if (child == 0) {
    act();
    ::_exit(0);
  }
  std::this_thread::sleep_for(after);
  ::kill(child, SIGKILL);
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFSIGNALED(status);
}

TEST_P(Killed, AtAnyInstantAndRunAgain) {
  cluster_.run(name_, kOrders);
  const Millis after(GetParam());
  killed_after(after, [&] { (void)run_backup(backup_args(), {}); });
  auto made = run_backup(backup_args(), {});
  ASSERT_TRUE(made) << made.error().message;
  killed_after(after, [&] { (void)run_verify_backup(verify_args(), {}); });
  const auto verified = run_verify_backup(verify_args(), {});
  ASSERT_TRUE(verified) << verified.error().message;
  killed_after(after, [&] { (void)run_restore(restore_args(), {}); });
  const auto restored = run_restore(restore_args(), {});
  ASSERT_TRUE(restored) << restored.error().message;
  EXPECT_EQ(cluster_.text(beside(), "SELECT count(*) FROM orders"), "20000");
  EXPECT_EQ(ours("\\_\\_%"), beside());
  for (const auto& entry : std::filesystem::directory_iterator(scratch_.path()))
    EXPECT_EQ(entry.path().string().find(".partial"), std::string::npos) << entry.path();
}

INSTANTIATE_TEST_SUITE_P(BrokenDump, Killed, ::testing::Values(40, 120, 200, 300, 450));

TEST_F(BrokenDump, AFullDiskLeavesNothing) {
  cluster_.run(name_, kOrders);
  const std::string small = scratch_ / "small";
  std::filesystem::create_directories(small);
  if (::mount("tmpfs", small.c_str(), "tmpfs", 0, "size=1200k,mode=0700") != 0)
    GTEST_SKIP() << "no small disk can be mounted here";
  Json args = backup_args();
  args["directory"] = small + "/shop.dump";
  const auto refused = run_backup(args, {});
  // It is expected to fit, and does not: what random text packs to nobody knows before.
  cluster_.run(name_,
               "TRUNCATE orders; INSERT INTO orders SELECT i, i, gen_random_uuid() || '' || gen_random_uuid() "
               "FROM generate_series(1, 19000) i");
  const auto filled = run_backup(args, {});
  const auto left = std::distance(std::filesystem::directory_iterator(small), {});
  ::umount(small.c_str());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kNoSpace);
  EXPECT_THAT(refused.error().message, ::testing::HasSubstr("are free; nothing was changed"));
  ASSERT_FALSE(filled);
  EXPECT_EQ(filled.error().code, Code::kNoSpace) << filled.error().message;
  EXPECT_EQ(left, 0);
  EXPECT_FALSE(std::filesystem::exists(manifest()));
}

}  // namespace
}  // namespace backout::postgresql
