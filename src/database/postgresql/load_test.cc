// A team's own archives, made by the real pg_dump.
#include "database/postgresql/load.h"

#include <gmock/gmock.h>

#include "database/archive/pg_archive.h"
#include "database/postgresql/backup_for_tests.h"
#include "database/postgresql/names.h"
#include "database/postgresql/restore.h"
#include "os/file.h"
#include "os/process.h"

namespace backout::postgresql {
namespace {

constexpr const char* kTeamShop = R"(
CREATE TABLE orders (id serial PRIMARY KEY, note text CHECK (note <> 'a;b'), "odd ""name" int);
INSERT INTO orders (note) SELECT E'it''s\t\\ row ' || i || E'\n;' FROM generate_series(1, 2000) i;
CREATE FUNCTION odd() RETURNS text LANGUAGE sql AS $body$ SELECT 'x;y'; -- ; $$ '
$body$;
CREATE FUNCTION atomic(a int) RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT CASE a WHEN 1 THEN 2 ELSE 3 END; SELECT 4; END;
CREATE VIEW v AS SELECT ';' || note AS n FROM orders;
COMMENT ON TABLE orders IS E'back\\slash; and "quote"';
)";

class LoadedArchive : public BackupTest {
 protected:
  void SetUp() override {
    BackupTest::SetUp();
    cluster_.run(name_, kTeamShop);
  }
  std::string archive(const std::string& options, const std::string& file) {
    const std::string path = scratch_ / file;
    const auto made =
        os::run_process({.argv = {"sh", "-c", "/usr/lib/postgresql/15/bin/pg_dump -d \"$1\" " + options + " -f " + path,
                                  "sh", cluster_.server().conninfo + " dbname=" + name_}});
    EXPECT_TRUE(made && made->ok()) << made->why_not_ok();
    return path;
  }
  Json load_args(const std::string& path) {
    const bool directory = std::filesystem::is_directory(path);
    return {{"server", cluster_.server().conninfo},
            {"archive", path},
            {"sha256", directory ? *archive::sha256_of_directory(path) : *os::sha256_of_file(path)},
            {"taken_at", "2026-03-01T14:02:11.123Z"},
            {"beside", name_ + "__backout_R1_archive"},
            {"like", name_},
            {"directory", dump()},
            {"manifest", manifest()}};
  }
  std::string why_not(const std::string& text) {
    const std::string path = scratch_ / "wrong.sql";
    std::ofstream(path) << "--\n-- PostgreSQL database dump\n--\n"
                        << text << "\n--\n-- PostgreSQL database dump complete\n--\n";
    const auto loaded = run_load(load_args(path), {});
    return loaded ? "loaded" : loaded.error().message;
  }
};

TEST_F(LoadedArchive, InEveryFormBecomesABackupThatRestores) {
  const std::string text = archive("", "shop.sql");
  const std::pair<std::string, std::string> forms[] = {
      {"--inserts", "inserts.sql"}, {"-Fc", "shop.pgc"}, {"-Fd", "shop.dir"}, {"-Ft", "shop.tar"}};
  std::vector<std::string> all{text};
  for (const auto& [options, file] : forms) all.push_back(archive(options, file));
  for (const std::string& plain : {text, scratch_ / "shop.pgc", scratch_ / "shop.tar"}) {
    ASSERT_TRUE(os::run_process({.argv = {"sh", "-c", "gzip -c " + plain + " >" + plain + ".gz"}})->ok());
    all.push_back(plain + ".gz");
  }
  for (const std::string& path : all) {
    const Json args = load_args(path);
    EXPECT_EQ(get_string(*look_at_load(args), "sight"), "does-not-hold");
    const auto loaded = run_load(args, {});
    ASSERT_TRUE(loaded) << path << ": " << loaded.error().message;
    EXPECT_EQ(get_int(*loaded, "rows"), 2000) << path;
    EXPECT_EQ(get_string(get(*loaded, "part"), "taken_at"), "2026-03-01T14:02:11.123Z");
    EXPECT_EQ(get(*loaded, "complaints").size(), 0U) << loaded->dump();
    EXPECT_EQ(get_string(*look_at_load(args), "sight"), "holds");
    EXPECT_EQ(ours("\\_\\_%"), "");
    const auto restored = run_restore(restore_args(), {});
    ASSERT_TRUE(restored) << path << ": " << restored.error().message;
    for (const char* sum : {"SELECT md5(string_agg(note, ',' ORDER BY id)) FROM orders", "SELECT odd() || atomic(1)"})
      EXPECT_EQ(cluster_.text(beside(), sum), cluster_.text(name_, sum)) << path;
    ASSERT_TRUE(run_discard({{"server", cluster_.server().conninfo}, {"database", beside()}}, {}));
    std::filesystem::remove(manifest());
  }
}

TEST_F(LoadedArchive, TextThatReachesBeyondItsDatabaseIsRefused) {
  using ::testing::HasSubstr;
  const std::string made = scratch_ / "made";
  EXPECT_THAT(why_not("\\! touch " + made), HasSubstr("a command of psql"));
  EXPECT_THAT(why_not("SELECT 1 \\! touch " + made), HasSubstr("a command of psql"));
  EXPECT_THAT(why_not("SELECT 1 \\gexec"), HasSubstr("a command of psql"));
  EXPECT_THAT(why_not("\\connect " + name_), HasSubstr("another database"));
  EXPECT_THAT(why_not("DROP DATABASE " + name_ + ";"), HasSubstr("reaches beyond"));
  EXPECT_THAT(why_not("/* x */ alter -- y\n role postgres PASSWORD 'x';"), HasSubstr("reaches beyond"));
  EXPECT_THAT(why_not("CREATE TABLE x (a text); COPY x FROM PROGRAM 'touch " + made + "';"), HasSubstr("COPY"));
  EXPECT_FALSE(std::filesystem::exists(made));
  EXPECT_THAT(why_not("CREATE TABLE x (a text); INSERT INTO nowhere VALUES (1);"), HasSubstr("does not exist"));
  EXPECT_THAT(why_not("CREATE TABLE x (a text); COPY x FROM stdin;\n1\n2"), HasSubstr("cut off among the rows"));
  EXPECT_THAT(why_not("CREATE TABLE x (a text); INSERT INTO x VALUES ('1"), HasSubstr("cut off"));
  EXPECT_THAT(why_not("SELECT 1;"), HasSubstr("no table"));
  EXPECT_THAT(why_not("CREATE TABLE x (a text); ALTER TABLE x OWNER TO nobody_here;"), "loaded");
  EXPECT_TRUE(cluster_.has(name_));
  EXPECT_EQ(ours("\\_\\_%"), "");

  const std::string text = archive("", "shop.sql");
  std::filesystem::resize_file(text, std::filesystem::file_size(text) / 2);
  const auto cut = run_load(load_args(text), {});
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().code, Code::kCorrupt) << cut.error().message;
  Json args = load_args(text);
  args["sha256"] = std::string(64, '0');
  EXPECT_FALSE(run_load(args, {}));
}

TEST_F(LoadedArchive, OneThatIsTooMuchForTheRoleSaysNothingOfTheArchive) {
  const std::string text = archive("", "shop.sql");
  cluster_.admin("DROP ROLE IF EXISTS meek; CREATE ROLE meek LOGIN");
  Json args = load_args(text);
  args["server"] = "host=" + cluster_.directory() + " port=5432 user=meek";
  const auto denied = run_load(args, {});
  ASSERT_FALSE(denied);
  EXPECT_EQ(denied.error().code, Code::kDenied) << denied.error().message;
  args = load_args(text);
  args["programs"] = scratch_ / "nowhere";
  EXPECT_EQ(run_load(args, {}).error().code, Code::kUnavailable);
}

TEST_F(LoadedArchive, WhatAKilledTestLeftIsDroppedAndWhatIsAtWorkIsNot) {
  const std::string left = name_for_test(name_), busy = name_for_test(name_);
  cluster_.admin("CREATE DATABASE " + sql_name(left));
  const std::string half = unfinished_name(name_for_test(name_));
  cluster_.admin("CREATE DATABASE " + sql_name(half));
  auto session = open_maintenance_for(cluster_.server(), "postgres", busy);
  ASSERT_TRUE(session);
  const std::string at_work = unfinished_name(busy);
  EXPECT_TRUE(at_work.starts_with(busy)) << at_work << " is too long to be told whose it is";
  cluster_.admin("CREATE DATABASE " + sql_name(at_work));
  const Json args{{"server", cluster_.server().conninfo}, {"database", name_}};
  EXPECT_EQ(get_int(*run_discard_tests(args, {}), "removed"), 2);
  EXPECT_FALSE(cluster_.has(left) || cluster_.has(half));
  EXPECT_TRUE(cluster_.has(at_work));
  { const auto gone = std::move(session); }
  for (int tries = 0; tries < 200 && cluster_.has(at_work); ++tries) EXPECT_TRUE(run_discard_tests(args, {}));
  EXPECT_FALSE(cluster_.has(at_work));
  EXPECT_TRUE(cluster_.has(name_));
}

}  // namespace
}  // namespace backout::postgresql
