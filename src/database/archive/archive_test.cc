// Archives as teams have them, whole and in every way not: cut off, followed by something, packed, no files at all.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/text.h"
#include "database/archive/choose.h"
#include "database/archive/trailer.h"
#include "os/process.h"

namespace backout::archive {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Archives : public ::testing::Test {
 protected:
  Archives() : home_(::testing::TempDir() + "/backout-archive-XXXXXX") {
    if (::mkdtemp(home_.data()) == nullptr) std::abort();
  }
  ~Archives() override { fs::remove_all(home_); }

  std::string write(const std::string& name, const std::string& content) {
    std::ofstream(home_ + "/" + name, std::ios::binary) << content;
    return home_ + "/" + name;
  }
  void sh(const std::string& script) {
    const auto ran = os::run_process({.argv = {"sh", "-euc", script}, .cwd = home_});
    ASSERT_TRUE(ran && ran->ok()) << (ran ? ran->err : ran.error().message);
  }
  Found find(const std::string& name) {
    const auto all = find_archives(home_, "");
    EXPECT_TRUE(all);
    for (const Found& found : *all)
      if (found.name == name) return found;
    ADD_FAILURE() << name << " was not found";
    return {};
  }
  Examined look(const std::string& name, uint64_t room = 0) { return examine(find(name), {room, {}}); }

  std::string home_;
};

const std::string kPgDump =
    "--\n-- PostgreSQL database dump\n--\n\nSET statement_timeout = 0;\nCREATE TABLE t (a integer);\n"
    "COPY t (a) FROM stdin;\n1\n\\.\n\n--\n-- PostgreSQL database dump complete\n--\n\n";

TEST(ArchiveKind, IsKnownByContentNotByName) {
  using namespace std::string_literals;
  EXPECT_EQ(kind_of("SQLite format 3\0...."s), Kind::kSqlite);
  EXPECT_EQ(kind_of("PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n"), Kind::kSql);
  EXPECT_EQ(kind_of("/* ours */\n-- nightly\ncreate table t(a);"), Kind::kSql);
  EXPECT_EQ(kind_of(kPgDump), Kind::kPgSql);
  EXPECT_EQ(kind_of("--\n-- PostgreSQL database cluster dump\n--"), Kind::kPgSql);
  EXPECT_EQ(kind_of("\\restrict abc\n"), Kind::kPgSql);
  EXPECT_EQ(kind_of("-- MySQL dump 10.13\n"), Kind::kMysqlSql);
  EXPECT_EQ(kind_of("PGDMP\x01\x0e"), Kind::kPgCustom);
  EXPECT_EQ(kind_of(" \n\t"), Kind::kEmpty);
  EXPECT_EQ(kind_of("hello"), Kind::kUnknown);
  EXPECT_EQ(kind_of("-- only words\n"), Kind::kUnknown);
  EXPECT_EQ(kind_of("CREATE\0"s), Kind::kUnknown);
}

TEST(ArchiveName, SaysWhenInTheUsualForms) {
  const auto noon = wall_from_millis(1'795'262'400'000);  // 2026-11-21T12:00:00Z
  for (const char* name : {"shop-2026-11-21T12:00:00Z.sql", "20261121T120000Z.db", "shop_20261121_120000Z.gz"}) {
    const auto time = time_in(name);
    ASSERT_TRUE(time) << name;
    EXPECT_EQ(time->from, noon) << name;
  }
  for (const char* name : {"shop-2026-11-21.sql.gz", "shop.20261121.sql", "v2.3-2026_11_21-0300.dump"}) {
    const auto time = time_in(name);
    ASSERT_TRUE(time) << name;
    EXPECT_LE(time->from, noon) << name;
    EXPECT_GE(time->to, noon - std::chrono::hours(9)) << name;
  }
  for (const char* name : {"shop.sql", "shop-2026-13-01.sql", "shop-2026-02-30.sql", "build-120261121.sql", "1.2.3"})
    EXPECT_FALSE(time_in(name)) << name;
}

TEST(ArchiveName, ADisagreementWithTheFileIsDoubtAndTheLaterOneCounts) {
  const WallTime written = wall_from_millis(1'795'262'400'000);
  EXPECT_EQ(taken("shop-2026-11-21.sql", written).doubt, "");
  EXPECT_EQ(taken("shop-2026-11-21.sql", written).at, written);
  const Taken copied = taken("shop-2026-10-01.sql", written);
  EXPECT_THAT(copied.doubt, HasSubstr("its name says 2026-10-01"));
  EXPECT_LT(copied.at, written);
  EXPECT_EQ(copied.latest, written);
  const Taken skewed = taken("shop-2027-01-01.sql", written);
  EXPECT_THAT(skewed.doubt, HasSubstr("one of the two is wrong"));
  EXPECT_GT(skewed.latest, written);
}

TEST(ArchiveEnd, ShowsWhetherADumpIsWhole) {
  const auto pg = [](const std::string& text) { return fault_of_end(Kind::kPgSql, text, text); };
  EXPECT_EQ(pg(kPgDump), "");
  EXPECT_EQ(pg(kPgDump + "\\unrestrict k3y\n\n"), "");
  EXPECT_THAT(pg(kPgDump.substr(0, kPgDump.size() - 40)), HasSubstr("cut off"));
  EXPECT_THAT(pg(kPgDump + "DROP TABLE t;\n"), HasSubstr("comes something else: 'DROP TABLE t;'"));
  const auto sql = [](const std::string& text) { return fault_of_end(Kind::kSql, text, text); };
  const std::string begun = "BEGIN TRANSACTION;\nCREATE TABLE t(a);\n";
  EXPECT_EQ(sql(begun + "COMMIT;\n"), "");
  EXPECT_THAT(sql(begun), HasSubstr("no COMMIT"));
  EXPECT_THAT(sql(begun + "ROLLBACK; -- due to errors\n"), HasSubstr("met errors"));
  EXPECT_THAT(sql(begun + "COMMIT;\ngarbage"), HasSubstr("something else"));
  EXPECT_EQ(sql("CREATE TABLE t(a);\nINSERT INTO t VALUES(1);\n"), "");
  EXPECT_FALSE(marks_its_end(Kind::kSql, "CREATE TABLE t(a);\nINSERT INTO t VALUES(1);\n"));
  EXPECT_TRUE(marks_its_end(Kind::kSql, begun));
  const std::string long_head = "-- " + std::string(2000, 'x') + "\nPRAGMA foreign_keys=OFF;\n" + begun;
  EXPECT_THAT(sql(long_head), HasSubstr("no COMMIT")) << "a script's own words before it change nothing";
  EXPECT_EQ(sql(long_head + "COMMIT;\n"), "");
  EXPECT_THAT(sql("CREATE TABLE t(a);\nINSERT INTO t VAL"), HasSubstr("has no end"));
  EXPECT_THAT(fault_of_end(Kind::kMysqlSql, "", "INSERT;\n"), HasSubstr("mysqldump"));
  EXPECT_EQ(fault_of_end(Kind::kMysqlSql, "", "INSERT;\n-- Dump completed on 2026-11-21\n"), "");
}

TEST_F(Archives, WhatIsNoFileIsToldAndNeverOpened) {
  ASSERT_EQ(::mkfifo((home_ + "/pipe.sql").c_str(), 0600), 0);
  fs::create_symlink("/etc/passwd", home_ + "/link.sql");
  write("whole.sql", "CREATE TABLE t(a);\n");
  fs::create_symlink("whole.sql", home_ + "/latest.sql");
  write("empty.sql", "");
  write("whole.sql.sha256", "x");
  write(".hidden.sql", "CREATE TABLE t(a);");
  fs::create_directory(home_ + "/older");
  EXPECT_THAT(find("pipe.sql").fault, HasSubstr("FIFO"));
  EXPECT_THAT(find("link.sql").fault, HasSubstr("symlink to /etc/passwd"));
  EXPECT_THAT(find("empty.sql").fault, HasSubstr("0 bytes"));
  EXPECT_EQ(find("whole.sql").fault, "");
  EXPECT_EQ(find_archives(home_, "")->size(), 4U);
  EXPECT_EQ(find_archives(home_, "wh*.sql")->size(), 1U);
  EXPECT_EQ(examine(find("pipe.sql"), {}).finding, Finding::kBad);
  const auto gone = find_archives(home_ + "/nowhere", "");
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code, Code::kNotFound);
}

TEST_F(Archives, AFileThatGoesAwayOrMayNotBeReadIsBad) {
  const std::string path = write("a.sql", "CREATE TABLE t(a);\n");
  const Found before = find("a.sql");
  fs::remove(path);
  EXPECT_EQ(examine(before, {}).finding, Finding::kBad);
  if (::geteuid() == 0) return;  // root may read everything
  write("b.sql", "CREATE TABLE t(a);\n");
  ::chmod((home_ + "/b.sql").c_str(), 0);
  EXPECT_THAT(find("b.sql").fault, HasSubstr("cannot be opened"));
}

TEST_F(Archives, APackedDumpIsReadToItsEnd) {
  write("d.sql", kPgDump);
  sh("gzip -k d.sql; cat d.sql.gz d.sql.gz > twice.sql.gz; head -c 60 d.sql.gz > cut.sql.gz; cp d.sql.gz tail.sql.gz; "
     "echo rubbish >> tail.sql.gz; cp d.sql.gz padded.sql.gz; head -c 512 /dev/zero >> padded.sql.gz; "
     "cp d.sql.gz flipped.sql.gz; printf '\\377\\376' | dd of=flipped.sql.gz bs=1 seek=50 conv=notrunc status=none; "
     "head -c 100 d.sql | gzip > inner.sql.gz; zstd -q d.sql -o d.sql.zst; head -c 70 d.sql.zst > cut.sql.zst");
  const Examined whole = look("d.sql.gz");
  EXPECT_EQ(whole.finding, Finding::kWhole) << whole.why;
  EXPECT_EQ(whole.kind, Kind::kPgSql);
  EXPECT_EQ(whole.unpacked, kPgDump.size());
  EXPECT_EQ(look("padded.sql.gz").finding, Finding::kWhole);
  EXPECT_EQ(look("twice.sql.gz").unpacked, 2 * kPgDump.size());
  EXPECT_THAT(look("cut.sql.gz").why, HasSubstr("cut off: the gzip stream has no end"));
  EXPECT_THAT(look("tail.sql.gz").why, HasSubstr("after the end of the gzip stream"));
  EXPECT_THAT(look("flipped.sql.gz").why, HasSubstr("damaged"));
  EXPECT_THAT(look("inner.sql.gz").why, HasSubstr("cut off"));
  EXPECT_EQ(look("d.sql.zst").finding, Finding::kWhole) << look("d.sql.zst").why;
  EXPECT_THAT(look("cut.sql.zst").why, HasSubstr("zstd stream is cut off or damaged"));
}

TEST_F(Archives, ABombStopsWhereTheRoomEnds) {
  sh("head -c 50000000 /dev/zero | tr '\\0' ' ' | gzip -9 > bomb.sql.gz");
  const Examined bomb = look("bomb.sql.gz", 1'000'000);
  EXPECT_EQ(bomb.finding, Finding::kUntested);
  EXPECT_THAT(bomb.why, HasSubstr("unpacks to more than 1.0 MB"));
}

TEST_F(Archives, NamesMayHoldAnyByte) {
  write("new\nline\x1b[31m.sql", "CREATE TABLE t(a);\n");
  EXPECT_EQ(look("new\nline\x1b[31m.sql").finding, Finding::kWhole);
}

std::vector<Found> nights() {
  std::vector<Found> all;
  for (const int day : {5, 4, 3, 2, 1}) {
    Found found{.name = std::to_string(day)};
    found.when.at = found.when.latest = wall_from_millis(day * 86'400'000LL);
    all.push_back(found);
  }
  return all;
}

TEST(ArchiveChoice, TakesTheNewestThatPassesAndTellsWhatItPassedOver) {
  std::vector<std::string> asked;
  const Chosen chosen = choose(nights(), wall_from_millis(4 * 86'400'000LL + 1), [&](const Found& found) {
    asked.push_back(found.name);
    return std::string(found.name == "4" ? "cut off" : "");
  });
  ASSERT_TRUE(chosen.index);
  EXPECT_EQ(*chosen.index, 2U);
  EXPECT_THAT(asked, ElementsAre("4", "3"));
  ASSERT_EQ(chosen.skipped.size(), 2U);
  EXPECT_THAT(chosen.skipped[0].why, HasSubstr("taken after 1970-01-05"));
  EXPECT_EQ(chosen.skipped[1].why, "cut off");
}

TEST(ArchiveChoice, NoneIsFitWhenNoneIs) {
  const Chosen chosen = choose(nights(), std::nullopt, [](const Found&) { return "bad"; });
  EXPECT_FALSE(chosen.index);
  EXPECT_EQ(chosen.skipped.size(), 5U);
}

TEST(ArchiveChoice, OneThatMayHaveBeenCopiedLaterIsNotTakenOnItsNameAlone) {
  std::vector<Found> all = nights();
  all.resize(1);
  all[0].when.latest = wall_from_millis(9 * 86'400'000LL);
  all[0].when.doubt = "its name says otherwise";
  const Chosen chosen = choose(all, wall_from_millis(6 * 86'400'000LL), [](const Found&) { return ""; });
  EXPECT_FALSE(chosen.index);
  EXPECT_THAT(chosen.skipped.at(0).why, HasSubstr("touch -d"));
}

}  // namespace
}  // namespace backout::archive
