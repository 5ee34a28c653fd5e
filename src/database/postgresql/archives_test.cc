// A team's own archives, as the real pg_dump makes them: whole, cut off, changed, emptied, of a newer version. What
// pg_restore takes for whole and is not must be found by us, or be told as what the test cannot see.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "database/archive/examine.h"
#include "database/postgresql/testing.h"

namespace backout::postgresql {
namespace {

namespace fs = std::filesystem;
using archive::Examined;
using archive::Finding;
using archive::Kind;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kNoChecksums = "it has no checksums: a changed byte would not show";

std::string read_file(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

/// One database, dumped once in every form; a test copies what it damages.
class PgArchives : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    directory = TestCluster::the().directory() + "/archives";
    fs::create_directories(directory + "/dumped");
    const std::string name = TestCluster::the().database("shop");
    TestCluster::the().run(
        name,
        "CREATE TABLE orders (id serial PRIMARY KEY, who text, note text);"
        "INSERT INTO orders (who, note) SELECT 'c' || n, md5(n::text) FROM generate_series(1, 5000) n;"
        "CREATE TABLE nothing_in_it (a integer); CREATE TABLE lines (a integer); INSERT INTO lines VALUES (1), (2);"
        "SELECT lo_from_bytea(0, 'a large object'), lo_from_bytea(0, '')");
    sh("export PGHOST=" + TestCluster::the().directory() + " PGUSER=postgres PGDATABASE=" + name + "\ncd " + directory +
       "/dumped\n"
       "pg_dump -Fc -f c.dump; pg_dump -Fc -Z0 -f c0.dump; pg_dump -Fd -f d.dir; pg_dump -Fd -Z0 -f d0.dir\n"
       "pg_dump -Fd -Z0 --inserts -f inserts.dir; pg_dump -Ft -f t.tar; pg_dump -f p.sql; pg_dumpall -f all.sql\n"
       "gzip -k c.dump t.tar p.sql; zstd -q c.dump");
  }
  static void sh(const std::string& script) {
    const auto ran = os::run_process({.argv = {"sh", "-euc", script}});
    ASSERT_TRUE(ran && ran->ok()) << (ran ? ran->err : ran.error().message);
  }
  void SetUp() override { fs::create_directory(work); }
  void TearDown() override { fs::remove_all(work); }

  /// What is found of an archive that lies there alone, and what reading it to its end says.
  Examined look(const std::string& name) const {
    const auto all = archive::find_archives(work, "");
    EXPECT_TRUE(all && all->size() == 1) << name;
    return all && all->size() == 1 ? archive::examine(all->front(), {}) : Examined{};
  }
  Examined of(const std::string& name) const {
    fs::remove_all(work);
    fs::create_directory(work);
    fs::copy(directory + "/dumped/" + name, work + "/" + name, fs::copy_options::recursive);
    return look(name);
  }
  Examined of_bytes(const std::string& name, const std::string& bytes) const {
    fs::remove_all(work);
    fs::create_directory(work);
    std::ofstream(work + "/" + name, std::ios::binary) << bytes;
    return look(name);
  }
  /// `part` of the directory archive `name` holds these bytes instead.
  Examined with_part(const std::string& name, const std::string& part, const std::string& bytes) const {
    fs::remove_all(work);
    fs::create_directory(work);
    fs::copy(directory + "/dumped/" + name, work + "/" + name, fs::copy_options::recursive);
    std::ofstream(work + "/" + name + "/" + part, std::ios::binary) << bytes;
    return look(name);
  }
  static std::string bytes_of(const std::string& name) { return read_file(directory + "/dumped/" + name); }
  static std::vector<std::string> parts_of(const std::string& name) {
    std::vector<std::string> parts;
    for (const auto& entry : fs::directory_iterator(directory + "/dumped/" + name))
      parts.push_back(entry.path().filename());
    return parts;
  }
  /// Every length at which something ends or begins, and some between.
  static std::vector<size_t> cuts(size_t size) {
    std::vector<size_t> lengths;
    for (const size_t begin : {1, 4, 5, 10, 11, 30, 100, 600, 3000}) lengths.push_back(begin);
    for (size_t part = 1; part < 8; ++part) lengths.push_back(size * part / 8);
    for (const size_t end : {1, 2, 5, 6, 20, 200, 512, 1024, 1025, 1536}) lengths.push_back(size - end);
    std::erase_if(lengths, [&](size_t length) { return length == 0 || length >= size; });
    return lengths;
  }

  static inline std::string directory;
  const std::string work = directory + "/work";
};

TEST_F(PgArchives, EveryFormIsFoundAndReadToItsEnd) {
  const std::map<std::string, Kind> forms = {
      {"c.dump", Kind::kPgCustom},     {"c0.dump", Kind::kPgCustom},        {"c.dump.gz", Kind::kPgCustom},
      {"c.dump.zst", Kind::kPgCustom}, {"d.dir", Kind::kPgDirectory},       {"d0.dir", Kind::kPgDirectory},
      {"t.tar", Kind::kPgTar},         {"inserts.dir", Kind::kPgDirectory}, {"t.tar.gz", Kind::kPgTar},
      {"p.sql", Kind::kPgSql},         {"p.sql.gz", Kind::kPgSql},          {"all.sql", Kind::kPgSql}};
  for (const auto& [name, kind] : forms) {
    const Examined whole = of(name);
    EXPECT_EQ(whole.finding, Finding::kWhole) << name << ": " << whole.why;
    EXPECT_EQ(whole.kind, kind) << name;
    EXPECT_EQ(whole.sha256.size(), 64U) << name;
    const bool sql = kind == Kind::kPgSql;
    EXPECT_THAT(whole.tested, Contains(sql ? "its end is there" : "pg_restore reads all of its data")) << name;
    const bool sums = name == "c.dump" || name == "d.dir" || name.ends_with(".gz") || name.ends_with(".zst");
    EXPECT_EQ(std::count(whole.tested.begin(), whole.tested.end(), kNoChecksums), sums ? 0 : 1) << name;
  }
}

TEST_F(PgArchives, WhereverItIsCutOffItIsBad) {
  for (const char* name : {"c.dump", "c0.dump", "t.tar", "p.sql", "p.sql.gz", "all.sql", "c.dump.gz", "t.tar.gz"}) {
    const std::string whole = bytes_of(name);
    for (const size_t length : cuts(whole.size())) {
      if (whole.substr(length).find_first_not_of("-\n") == std::string::npos) continue;  // of SQL: a frame, empty lines
      EXPECT_EQ(of_bytes(name, whole.substr(0, length)).finding, Finding::kBad) << name << " cut at " << length;
    }
    EXPECT_EQ(of_bytes(name, "").finding, Finding::kBad) << name;
  }
}

TEST_F(PgArchives, OnePackedAfterItWasCutOffIsBadToo) {
  for (const char* name : {"c.dump", "t.tar", "p.sql"}) {
    of_bytes(name, bytes_of(name).substr(0, bytes_of(name).size() / 2));
    sh("gzip " + work + "/" + name);
    EXPECT_EQ(look(name).finding, Finding::kBad) << name << ".gz";
  }
}

TEST_F(PgArchives, AChangedByteIsBadWhereThereAreChecksums) {
  for (const char* name : {"c.dump", "p.sql.gz", "c.dump.gz", "t.tar.gz"}) {
    const std::string whole = bytes_of(name);
    for (int i = 1; i < 16; ++i) {
      std::string changed = whole;
      changed[whole.size() * static_cast<size_t>(i) / 16] ^= 0x10;
      EXPECT_EQ(of_bytes(name, changed).finding, Finding::kBad) << name << ", byte " << whole.size() * i / 16;
    }
  }
}

TEST_F(PgArchives, EachFileOfADirectoryIsLookedAt) {
  for (const char* name : {"d.dir", "d0.dir", "inserts.dir"})
    for (const std::string& part : parts_of(name)) {
      const std::string whole = bytes_of(std::string(name) + "/" + part);
      const bool plain_object = part.starts_with("blob_") && !part.ends_with(".gz");
      if (whole.empty() || plain_object) continue;  // nothing tells where a large object ends
      for (const size_t length : {size_t{0}, size_t{1}, whole.size() / 2, whole.size() - 1}) {
        const Examined cut = with_part(name, part, whole.substr(0, length));
        EXPECT_EQ(cut.finding, Finding::kBad) << name << "/" << part << " cut at " << length << " of " << whole.size();
      }
      if (!part.ends_with(".gz")) continue;
      std::string changed = whole;
      changed[0] ^= 1;  // pg_restore would read it as data without compression
      EXPECT_THAT(with_part(name, part, changed).why, HasSubstr("damaged")) << part;
    }
}

TEST_F(PgArchives, ALargeObjectThatTheListNoLongerNamesIsMissed) {
  const std::string list = bytes_of("d.dir/blobs.toc");
  const Examined one_less = with_part("d.dir", "blobs.toc", list.substr(list.find('\n') + 1));
  EXPECT_EQ(one_less.finding, Finding::kBad);
  EXPECT_THAT(one_less.why, HasSubstr("would be left out"));
}

TEST_F(PgArchives, ATarFileCutInTheMiddleIsNotGivenToPgRestore) {  // which would read for ever
  const std::string whole = bytes_of("t.tar");
  EXPECT_THAT(of_bytes("t.tar", whole.substr(0, whole.size() / 2)).why, HasSubstr("cut off in the middle of "));
  EXPECT_THAT(of_bytes("t.tar", whole.substr(0, whole.size() - 1024)).why, HasSubstr("end of the tar file"));
  EXPECT_THAT(of_bytes("t.tar", whole + "rubbish" + std::string(600, 'x')).why, HasSubstr("something else"));
  std::string changed = whole;
  changed[130] ^= 1;
  EXPECT_THAT(of_bytes("t.tar", changed).why, HasSubstr("header of the tar file is damaged"));
}

TEST_F(PgArchives, OneOfANewerPgDumpIsUntestedNotBad) {
  for (const char* name : {"c.dump", "d.dir"}) {
    const bool one_file = std::string(name) == "c.dump";
    std::string newer = bytes_of(one_file ? "c.dump" : "d.dir/toc.dat");
    newer[6] = 99;  // 1.99
    const Examined seen = one_file ? of_bytes(name, newer) : with_part(name, "toc.dat", newer);
    EXPECT_EQ(seen.finding, Finding::kUntested) << name;
    EXPECT_THAT(seen.why, HasSubstr("a newer pg_dump wrote it")) << name;
    EXPECT_THAT(seen.tested, Not(Contains("pg_restore reads all of its data")));
  }
}

TEST_F(PgArchives, ADirectoryThatIsEmptyIsNoneAndOneWithoutDataIsBad) {
  fs::create_directory(work + "/d.dir");
  EXPECT_TRUE(archive::find_archives(work, "")->empty());
  for (const std::string& part : parts_of("d.dir")) {
    if (part == "blobs.toc") continue;
    of("d.dir");
    fs::remove(work + "/d.dir/" + part);
    const auto found = archive::find_archives(work, "");
    if (part == "toc.dat")
      EXPECT_TRUE(found->empty());
    else
      EXPECT_EQ(archive::examine(found->at(0), {}).finding, Finding::kBad) << part;
  }
}

}  // namespace
}  // namespace backout::postgresql
