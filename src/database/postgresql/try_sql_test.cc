#include "database/postgresql/try_sql.h"

#include <gmock/gmock.h>

#include "database/postgresql/backup_for_tests.h"

namespace backout::postgresql {
namespace {

using ::testing::HasSubstr;

class TrySql : public BackupTest {
 protected:
  void SetUp() override {
    BackupTest::SetUp();
    cluster_.run(name_,
                 "CREATE TABLE orders (id serial PRIMARY KEY, note text); INSERT INTO orders(note) VALUES ('a')");
  }
  Result<Json> tried(const std::string& sql) {
    return run_try_sql({{"server", cluster_.server().conninfo},
                        {"database", name_},
                        {"scratch", name_ + "__backout_try"},
                        {"directory", scratch_ / "try"},
                        {"sql", sql}},
                       {});
  }
  void nothing_is_left() {
    EXPECT_EQ(ours("\\_\\_backout%"), "");
    EXPECT_FALSE(os::exists(scratch_ / "try"));
    EXPECT_EQ(cluster_.text(name_,
                            "SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = "
                            "'orders'::regclass AND attnum > 0"),
              "id note");
    EXPECT_EQ(cluster_.text(name_, "SELECT string_agg(note, ' ') FROM orders"), "a");
  }
};

TEST_F(TrySql, SaysWhatARollbackWouldDoAfterwards) {
  const auto harmless = tried("ALTER TABLE orders ADD gift text; UPDATE orders SET gift = 'x';");
  ASSERT_TRUE(harmless) << harmless.error().message;
  EXPECT_TRUE(get_bool(*harmless, "applied")) << get_string(*harmless, "why_not");
  EXPECT_EQ(get_string(get(*harmless, "comparison"), "rung"), "leave");
  EXPECT_EQ(get_int(*harmless, "rows"), 1);
  nothing_is_left();

  const auto harmful = tried("BEGIN;\nALTER TABLE orders DROP note;\nCOMMIT;\n");
  ASSERT_TRUE(harmful) << harmful.error().message;
  EXPECT_TRUE(get_bool(*harmful, "applied")) << get_string(*harmful, "why_not");
  EXPECT_EQ(get_string(get(*harmful, "comparison"), "rung"), "restore");
  nothing_is_left();
}

TEST_F(TrySql, SaysWhereItFailsAndReachesNothingElse) {
  const auto broken = tried("ALTER TABLE orders ADD gift text;\n\nALTER TABLE order ADD more text;\n");
  ASSERT_TRUE(broken) << broken.error().message;
  EXPECT_FALSE(get_bool(*broken, "applied", true));
  EXPECT_THAT(get_string(*broken, "why_not"), HasSubstr("line 3"));
  nothing_is_left();

  EXPECT_FALSE(get_bool(*tried("CREATE INDEX CONCURRENTLY ON orders(note);"), "applied", true));
  EXPECT_FALSE(get_bool(*tried("CREATE ROLE somebody SUPERUSER;"), "applied", true));
  EXPECT_FALSE(get_bool(*tried("COPY orders TO PROGRAM 'cat >" + (scratch_ / "leak") + "';"), "applied", true));
  EXPECT_FALSE(get_bool(*tried("GRANT SELECT ON orders TO nobody_of_that_name; SELECT 1;"), "applied", true));
  EXPECT_FALSE(get_bool(*tried("INSERT INTO orders(note) VALUES ('cut off"), "applied", true));
  EXPECT_FALSE(os::exists(scratch_ / "leak"));
  nothing_is_left();
}

}  // namespace
}  // namespace backout::postgresql
