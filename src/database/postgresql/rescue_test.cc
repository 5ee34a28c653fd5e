#include "database/postgresql/rescue.h"

#include "database/postgresql/rescue_for_tests.h"

namespace backout::postgresql {
namespace {

constexpr const char* kShop =
    "CREATE TABLE customers (id serial PRIMARY KEY, email text UNIQUE, name text);"
    "CREATE TABLE orders (id bigserial PRIMARY KEY, customer_id int REFERENCES customers ON DELETE CASCADE, total "
    "numeric(10,2), note text);"
    "INSERT INTO customers (email, name) SELECT 'c' || i, 'name ' || i FROM generate_series(1, 50) i;"
    "INSERT INTO orders (customer_id, total, note) SELECT i % 50 + 1, i, 'n' || i FROM generate_series(1, 200) i;";

TEST_F(RescueTest, CarriesWhatUsersDid) {
  checkpoint(kShop);
  on_live(
      "INSERT INTO customers (email, name) VALUES ('new', 'N');"
      "INSERT INTO orders (customer_id, total, note) VALUES (51, 9.99, E'tab\\t newline\\n back\\\\slash'), (3, NULL, "
      "'');"
      "UPDATE orders SET total = 7 WHERE id = 5; UPDATE orders SET note = NULL WHERE id = 8;"
      "DELETE FROM customers WHERE id = 7");
  const Json counted = diff();
  EXPECT_EQ(counted["rows"]["customers"], counts(1, 0, 1));
  EXPECT_EQ(counted["rows"]["orders"], counts(2, 2, 4));
  EXPECT_EQ(counted["columns"]["orders"], Json({{"note", 1}, {"total", 1}}));
  const Json done = rescue();
  EXPECT_EQ(done["rows"], counted["rows"]);
  EXPECT_EQ(done["carried"], counted["rows"]);
  EXPECT_EQ(done["conflict_count"], 0);
  EXPECT_EQ(done["residue"], Json::object());
  EXPECT_EQ(done["keys"], Json({{"customers", "id"}, {"orders", "id"}}));
  EXPECT_EQ(done["sequences"]["orders_id_seq"], 202);
  expect_same_table("customers");
  expect_same_table("orders");
  EXPECT_TRUE(lines("conflicts.jsonl").empty());
  // And again: the same, and nothing twice.
  const Json again = rescue();
  EXPECT_EQ(again["rows"], done["rows"]);
  EXPECT_EQ(again["carried"], done["carried"]);
  EXPECT_EQ(diff()["rows"], Json::object());
  expect_same_table("orders");
}

TEST_F(RescueTest, LargeObjectsWrittenSinceStopBeforeTheDoorCloses) {
  checkpoint("CREATE TABLE t (id int PRIMARY KEY, file oid); INSERT INTO t VALUES (1, lo_from_bytea(0, 'a'))");
  Json all = args();
  all["refuse_undecided"] = true;
  EXPECT_TRUE(diff_rows(all, {}));
  on_live("INSERT INTO t VALUES (2, lo_from_bytea(0, 'b'))");
  const auto refused = diff_rows(all, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kRefused);
  EXPECT_NE(refused.error().message.find("not carried: rows written since"), std::string::npos)
      << refused.error().message;
  EXPECT_NE(refused.error().next.find("{pg_largeobject: leave}"), std::string::npos) << refused.error().next;
  all["tables"] = {{"pg_largeobject", "leave"}};
  EXPECT_TRUE(diff_rows(all, {}));
}

TEST_F(RescueTest, UpdatesOfManyOldRowsAreToldByColumn) {
  checkpoint(
      "CREATE TABLE t (id int PRIMARY KEY, v int, w int); INSERT INTO t SELECT i, i, i FROM generate_series(1, 500) i");
  on_live("UPDATE t SET v = v * 100 WHERE id % 2 = 0; UPDATE t SET w = 0 WHERE id < 9");
  EXPECT_EQ(diff()["changes"], Json::array({"t.v: 250 of 500 old rows changed since the checkpoint: carried"}));
  EXPECT_EQ(diff()["undecided"], Json::array());
}

}  // namespace
}  // namespace backout::postgresql
