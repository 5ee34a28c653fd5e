// Rows exported from one database and applied to another, and counted by restoring where nothing cheaper is exact.
#include "database/postgresql/apply_rows.h"

#include <sys/stat.h>

#include "database/postgresql/backup_for_tests.h"
#include "database/postgresql/export_rows.h"
#include "database/postgresql/keep.h"
#include "database/postgresql/manifest.h"

namespace backout::postgresql {
namespace {

class RowsOut : public BackupTest {
 protected:
  static constexpr const char* kShop =
      "CREATE TABLE customers (id serial PRIMARY KEY, email text UNIQUE);"
      "CREATE TABLE orders (id bigserial PRIMARY KEY, customer_id int REFERENCES customers ON DELETE CASCADE, total "
      "numeric(10,2), at timestamptz DEFAULT now(), note text);"
      "CREATE TABLE log (line text);"
      "CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.note = upper(NEW.note); RETURN NEW; "
      "END "
      "$$; CREATE TRIGGER shouting BEFORE INSERT OR UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION shout();"
      "INSERT INTO customers (email) SELECT 'c' || i FROM generate_series(1, 20) i;"
      "INSERT INTO orders (customer_id, total, note) SELECT i % 20 + 1, i, 'n' || i FROM generate_series(1, 60) i;"
      "INSERT INTO log VALUES ('a'), ('a'), ('b');";
  static constexpr const char* kWrites =
      "INSERT INTO customers (email) VALUES (E'new\\t\\\\one'); INSERT INTO orders (customer_id, total, note) VALUES "
      "(21, 9.90, 'hello'), (3, NULL, NULL); UPDATE orders SET total = 7 WHERE id = 5;"
      "DELETE FROM orders WHERE id = 8; DELETE FROM customers WHERE id = 7; INSERT INTO log VALUES ('a'), ('c'); "
      "UPDATE customers SET email = 'swap' WHERE id = 1; UPDATE customers SET email = 'c1' WHERE id = 2; "
      "UPDATE customers SET email = 'c2' WHERE id = 1";

  void SetUp() override {
    BackupTest::SetUp();
    cluster_.run(name_, kShop);
    const auto taken = run_backup(backup_args(), {});
    ASSERT_TRUE(taken) << taken.error().message;
    other_ = name_ + "_other";
    cluster_.admin("CREATE DATABASE " + sql_name(other_) + " TEMPLATE " + sql_name(name_));
  }
  void TearDown() override {
    EXPECT_EQ(ours("\\_\\_backout\\_%\\_rows"), "") << "a scratch database is left";
    cluster_.admin("DROP DATABASE " + sql_name(other_));
    BackupTest::TearDown();
  }
  Json args() {
    Json all = source();
    all["server"] = cluster_.server().conninfo;
    all["live"] = name_;
    all["scratch"] = name_ + "__backout_T1_rows";
    return all;
  }
  std::string directory() { return scratch_ / "out"; }
  Json exported() {
    Json all = args();
    all["directory"] = directory();
    const auto done = export_rows(all, {});
    EXPECT_TRUE(done) << done.error().message;
    return done ? *done : Json();
  }
  Json applied(const Json& more = Json::object()) {
    Json all{{"server", cluster_.server().conninfo}, {"live", other_}, {"from", directory()}};
    all["conflicts"] = scratch_ / "not-applied.jsonl";
    all.update(more);
    const auto done = apply_rows(all, {});
    EXPECT_TRUE(done) << done.error().message;
    return done ? *done : Json();
  }
  std::string content(const std::string& database) {
    std::string all;
    for (const char* table : {"customers", "orders", "log"})
      all += cluster_.text(database, std::string("SELECT coalesce(string_agg(t::text, E'\\n' ORDER BY t::text COLLATE "
                                                 "\"C\"), '') FROM ") +
                                         table + " t") +
             "\n--\n";
    return all;
  }
  std::string other_;
};

TEST_F(RowsOut, WhatIsExportedHereIsAppliedThereAndTwiceIsOnce) {
  cluster_.run(name_, kWrites);
  Json out = exported();
  EXPECT_EQ(out["rows"]["orders"], Json({{"insert", 2}, {"update", 1}, {"delete", 4}})) << out["rows"];
  EXPECT_EQ(out["files"]["customers"], 4);
  EXPECT_EQ(out["files"]["log"], 2);
  struct stat seen {};
  ASSERT_EQ(::stat((directory() + "/orders.jsonl").c_str(), &seen), 0);
  EXPECT_EQ(seen.st_mode & 0777U, 0600U);
  const std::string before = content(other_);
  Json would = applied({{"dry_run", true}});
  EXPECT_EQ(would["applied"], out["rows"]) << would;
  EXPECT_EQ(content(other_), before) << "a dry run changed something";
  Json done = applied();
  EXPECT_EQ(done["applied"], out["rows"]);
  EXPECT_EQ(done["conflict_count"], 0) << done["conflicts"];
  EXPECT_EQ(content(other_), content(name_));
  EXPECT_EQ(cluster_.text(other_, "SELECT nextval('orders_id_seq')"), "63");
  EXPECT_EQ(cluster_.text(other_, "SELECT tgenabled FROM pg_trigger WHERE tgname = 'shouting'"), "O");
  Json again = applied();
  EXPECT_EQ(again["applied"], Json::object());
  EXPECT_EQ(again["already"], Json({{"customers", 4}, {"log", 2}, {"orders", 7}}));
  EXPECT_EQ(again["conflict_count"], 0) << again["conflicts"];
}

TEST_F(RowsOut, WhatIsThereAlreadyIsNeverOverwritten) {
  cluster_.run(name_, kWrites);
  exported();
  cluster_.run(other_,
               "INSERT INTO orders (id, note) VALUES (61, 'mine'); UPDATE orders SET note = 'mine' WHERE id = 5; "
               "UPDATE orders SET note = 'mine' WHERE id = 8");
  Json done = applied();
  EXPECT_EQ(done["conflicts_by_kind"]["orders"], Json({{"base-changed", 2}, {"unique", 1}})) << done;
  EXPECT_EQ(cluster_.text(other_, "SELECT count(*) FROM orders WHERE note = 'MINE'"), "3");
  // What did not go in is a file of rows itself.
  cluster_.run(other_, "DELETE FROM orders WHERE id = 61");
  done = applied(
      {{"from", std::string(scratch_ / "not-applied.jsonl")}, {"conflicts", std::string(scratch_ / "again.jsonl")}});
  EXPECT_EQ(done["applied"]["orders"], Json({{"insert", 1}, {"update", 0}, {"delete", 0}})) << done;
}

TEST_F(RowsOut, AChangedFileAndForeignRowsAreRefused) {
  cluster_.run(name_, kWrites);
  exported();
  std::ofstream(directory() + "/orders.jsonl", std::ios::app) << "{}\n";
  const Json args{{"server", cluster_.server().conninfo}, {"live", other_}, {"from", directory()}};
  auto refused = apply_rows(args, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kCorrupt);
  Json all = this->args();
  all["directory"] = directory();
  EXPECT_EQ(export_rows(all, {}).error().code, Code::kConflict);  // something lies there
}

TEST_F(RowsOut, WhereNothingCheaperIsExactItRestores) {
  cluster_.run(name_, kWrites);
  auto loaded = load_manifest(manifest());
  ASSERT_TRUE(loaded);
  loaded->catalog["origin"] = "1/1";
  ASSERT_TRUE(store_manifest(*loaded, manifest()));
  Json all = args();
  Json counted = *count_rows(all, {});
  EXPECT_FALSE(counted["exact"]);
  all["exact"] = true;
  counted = *count_rows(all, {});
  EXPECT_TRUE(counted["exact"]);
  EXPECT_EQ(counted["rows"]["orders"], Json({{"insert", 2}, {"update", 1}, {"delete", 4}}));
  EXPECT_EQ(counted["compared"]["orders"]["how"], "merge");
}

TEST_F(RowsOut, KeptDatabasesAreListedWithTheirSize) {
  const std::string kept = name_ + "__backout_RUN-0007_old";
  cluster_.admin("CREATE DATABASE " + sql_name(kept));
  const Json listed = *list_kept({{"server", cluster_.server().conninfo}, {"database", name_}});
  ASSERT_EQ(listed["kept"].size(), 1U);
  EXPECT_EQ(listed["kept"][0]["run"], "RUN-0007");
  EXPECT_GT(listed["kept"][0]["size"], 1000000);
  cluster_.admin("DROP DATABASE " + sql_name(kept));
}

}  // namespace
}  // namespace backout::postgresql
