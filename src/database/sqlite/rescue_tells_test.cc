// What a rescue says of the rows and values that it does not carry, and what it asks first.
#include "database/sqlite/rescue_for_tests.h"

namespace backout::database {
namespace {

using testing::counts;
using testing::number;
using testing::Rescue;
using testing::sql;
using testing::text;
using testing::tool;

TEST_F(Rescue, ADroppedOrRenamedTableIsNotATableFullOfDeletedRows) {
  checkpoint("CREATE TABLE old_name(id INTEGER PRIMARY KEY, v); INSERT INTO old_name VALUES (1, 'a');");
  const Json evidence = rescue_after("ALTER TABLE old_name RENAME TO new_name; INSERT INTO new_name VALUES (2, 'b');");
  EXPECT_EQ(evidence["dropped_tables"], Json::array({"old_name"}));
  EXPECT_EQ(number(paths.beside, "SELECT count(*) FROM old_name"), 1);
  EXPECT_EQ(evidence["archived"]["tables"]["new_name"], 2);
}

TEST_F(Rescue, SaysWhenAMigrationRatherThanUsersRewroteAColumn) {
  checkpoint(
      "CREATE TABLE p(id INTEGER PRIMARY KEY, price INT, name TEXT); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT "
      "i + 1 FROM n WHERE i < 50) INSERT INTO p SELECT i, i, 'n' FROM n;");
  const Json evidence =
      rescue_after("UPDATE p SET price = price * 100; UPDATE p SET name = 'm' WHERE id = 3; CREATE TABLE marker(x);");
  ASSERT_EQ(evidence["rewritten"].size(), 1U);
  EXPECT_NE(evidence["rewritten"][0].get<std::string>().find("p.price: 50 of 50"), std::string::npos);
  EXPECT_EQ(evidence["undecided"], Json::array({"p.price"}));

  Json count = paths.diff_args();
  EXPECT_EQ(tool("diff", count).status, 0) << "to count is not to carry";
  count["refuse_undecided"] = true;
  const auto refused = tool("diff", count);
  EXPECT_EQ(refused.status, 3);
  EXPECT_NE(refused.err.find("p.price"), std::string::npos) << refused.err;
  EXPECT_NE(refused.err.find("leave"), std::string::npos) << refused.err;
  for (const char* name : {"p", "p.price", "P.Price"})
    for (const char* choice : {"carry", "leave"}) {
      count["tables"] = {{name, choice}};
      EXPECT_EQ(tool("diff", count).status, 0) << name << ": " << choice;
    }
}

TEST_F(Rescue, LeavesAColumnAsTheCheckpointHasItAndCarriesTheRestOfItsRows) {
  paths.tables = {{"p.price", "leave"}};
  checkpoint(
      "CREATE TABLE p(id INTEGER PRIMARY KEY, price INT DEFAULT 7, name TEXT); INSERT INTO p VALUES (1, 10, 'a'), (2, "
      "20, "
      "'b');");
  const Json evidence = rescue_after(
      "UPDATE p SET price = price * 100; UPDATE p SET name = 'c' WHERE id = 2; INSERT INTO p VALUES (3, 3000, 'd');"
      "CREATE TABLE marker(x);");
  EXPECT_EQ(text(paths.beside, "SELECT * FROM p ORDER BY id"), "1,10,a;2,20,c;3,7,d");
  EXPECT_EQ(evidence["rows"]["p"], counts(1, 1, 0));
  EXPECT_EQ(evidence["residue"], Json::object());
  EXPECT_EQ(lines(paths.archive).size(), 3U) << "the values of now are in the archive";
  EXPECT_NE(evidence["not_carried"][0].get<std::string>().find("p.price: left, as configured"), std::string::npos);
}

TEST_F(Rescue, SaysWhatOfTheLiveDatabaseHasNoPlaceInTheRestoredOne) {
  checkpoint(
      "CREATE TABLE o(id INTEGER PRIMARY KEY, note TEXT); INSERT INTO o VALUES (1, 'old'); CREATE TABLE gone(id "
      "INTEGER "
      "PRIMARY KEY);");
  const Json evidence = rescue_after(
      "ALTER TABLE o RENAME COLUMN note TO remark; UPDATE o SET remark = 'new'; INSERT INTO o VALUES (2, 'r'); ALTER "
      "TABLE "
      "gone RENAME TO moved; INSERT INTO moved VALUES (5);");
  EXPECT_EQ(
      evidence["not_carried"],
      Json::array({"o.note: the live database has no such column: old rows keep the value of the checkpoint, and 1 "
                   "new row could only have its default",
                   "o: the values of remark in 2 rows go to the archive: the restored schema has no place for them",
                   "gone: the live database has no such table (dropped, or renamed): it stays as at the checkpoint",
                   "moved: new; to the archive: 1 row"}));
}

}  // namespace
}  // namespace backout::database
