#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "database/postgresql/down_facts.h"
#include "database/postgresql/migration_tool.h"
#include "database/postgresql/step_down.h"
#include "database/postgresql/testing.h"

namespace backout::postgresql {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(DownFactsTest, DropsAndChangedTypesAreNamed) {
  const DownFacts facts = facts_of_down(
      "BEGIN;\n--\n-- Add field gift\n--\nALTER TABLE \"shop_order\" DROP COLUMN \"gift\" CASCADE;\n"
      "DROP TABLE sales.reviews;\n"
      "ALTER TABLE shop_product ALTER COLUMN name TYPE varchar(100) USING name::varchar(100);\nCOMMIT;\n");
  EXPECT_THAT(facts.taken, ElementsAre(Taken{Taken::Kind::kColumn, "shop_order", "gift", ""},
                                       Taken{Taken::Kind::kTable, "sales.reviews", "", ""},
                                       Taken{Taken::Kind::kType, "shop_product", "name", "varchar(100)"}));
  EXPECT_THAT(facts.writes, IsEmpty());
  EXPECT_THAT(facts.unknown, IsEmpty());
  EXPECT_EQ(facts.statements, 3);
}

TEST(DownFactsTest, WritesAreNamedAndCodeIsUnknown) {
  const DownFacts facts = facts_of_down(
      "UPDATE orders SET price = price / 100; DELETE FROM notes; TRUNCATE log; INSERT INTO a VALUES (1); DO $$BEGIN "
      "END$$; SELECT f();");
  EXPECT_THAT(facts.writes, ElementsAre("UPDATE orders", "DELETE notes", "TRUNCATE log", "INSERT a"));
  EXPECT_EQ(facts.unknown.size(), 2U);
}

TEST(DownFactsTest, WhatTheParserDoesNotTakeIsUnknown) {
  EXPECT_EQ(facts_of_down("ALTER TABEL x").unknown.size(), 1U);
  EXPECT_EQ(facts_of_down("--\n-- MIGRATION NOW PERFORMS OPERATION THAT CANNOT BE WRITTEN AS SQL:\n-- Raw Python\n")
                .unknown.size(),
            1U);
}

TEST(DownFactsTest, AdditionsAndRenamesTakeNothing) {
  const DownFacts facts = facts_of_down(
      "ALTER TABLE a RENAME COLUMN mail TO email; ALTER TABLE a ADD COLUMN b text; DROP INDEX i; CREATE INDEX j ON a "
      "(b); ALTER TABLE a ALTER b SET NOT NULL");
  EXPECT_THAT(facts.taken, IsEmpty());
  EXPECT_THAT(facts.writes, IsEmpty());
  EXPECT_THAT(facts.unknown, IsEmpty());
}

const MigrationTool& tool(std::string_view kind) { return **find_tool(kind); }

TEST(MigrationToolTest, WhatCameIsUndoneNewestFirstWithinItsApp) {
  const auto downs = came_since(
      tool("django"), {"shop.0001_initial", "auth.0001_initial"},
      {"auth.0001_initial", "shop.0001_initial", "shop.0002_a", "auth.0002_b", "mail.0001_c", "shop.0003_d"});
  ASSERT_TRUE(downs) << downs.error().message;
  ASSERT_EQ(downs->size(), 4U);
  EXPECT_EQ((*downs)[0].name, "shop.0003_d");
  EXPECT_EQ((*downs)[0].before, "shop.0002_a");
  EXPECT_THAT((*downs)[0].after,
              ElementsAre("auth.0001_initial", "auth.0002_b", "mail.0001_c", "shop.0001_initial", "shop.0002_a"));
  EXPECT_EQ((*downs)[1].before, "");  // mail had none before
  EXPECT_EQ((*downs)[2].before, "auth.0001_initial");
  EXPECT_THAT((*downs)[3].after, ElementsAre("auth.0001_initial", "shop.0001_initial"));
}

TEST(MigrationToolTest, SomethingThatIsNotNotedAnyMoreIsRefused) {
  const auto downs = came_since(tool("django"), {"shop.0001_initial", "shop.0002_a"}, {"shop.0001_initial"});
  ASSERT_FALSE(downs);
  EXPECT_THAT(downs.error().message, HasSubstr("shop.0002_a was applied at the checkpoint"));
}

TEST(MigrationToolTest, DjangoIsAskedAndUnderstood) {
  const Json how{{"manage", "venv/bin/python manage.py"}};
  const Down down{.name = "shop.0002_a", .before = "shop.0001_initial", .after = {}};
  EXPECT_EQ(tool("django").down(how, down)[2], "exec venv/bin/python manage.py \"$@\"");
  EXPECT_THAT(tool("django").down(how, down), testing::Contains("0001_initial"));
  const auto listed = tool("django").listed("[X]  auth.0001_initial\n[X]  shop.0001_initial\n[ ]  shop.0002_a\n");
  ASSERT_TRUE(listed);
  EXPECT_THAT(listed->applied, ElementsAre("auth.0001_initial", "shop.0001_initial"));
  EXPECT_THAT(listed->pending, ElementsAre("shop.0002_a"));
}

TEST(MigrationToolTest, RailsAndKnexAreUnderstood) {
  // As Rails 6.1 and Knex 3 print it.
  const auto by_rails = tool("rails").listed(
      "\ndatabase: shop\n\n Status   Migration ID    Migration "
      "Name\n--------------------------------------------------\n"
      "   up     20240101000001  Create shop\n   up     20240201000001  ********** NO FILE **********\n  down    "
      "20240201000002  Rename email\n\n");
  ASSERT_TRUE(by_rails);
  EXPECT_THAT(by_rails->applied, ElementsAre("20240101000001", "20240201000001"));
  EXPECT_THAT(by_rails->pending, ElementsAre("20240201000002"));
  const auto by_knex = tool("knex").listed(
      "Using environment: production\nFound 1 Completed Migration file/files.\n20240101000001_shop.js \nFound 1 "
      "Pending "
      "Migration file/files.\n20240201000001_channel.js \n");
  ASSERT_TRUE(by_knex);
  EXPECT_THAT(by_knex->applied, ElementsAre("20240101000001_shop.js"));
  EXPECT_THAT(by_knex->pending, ElementsAre("20240201000001_channel.js"));
}

TEST(MigrationToolTest, AListThatIsNotTheCopysIsFoundOut) {
  const Listed listed{.applied = {"a.1", "a.2"}, .pending = {"a.3"}};
  EXPECT_EQ(why_not_same(listed, {"a.1", "a.2", "gone.1"}, {}), "");
  EXPECT_THAT(why_not_same(listed, {"a.1"}, {}), HasSubstr("a.2 as applied"));
  EXPECT_THAT(why_not_same(listed, {"a.1", "a.2", "a.3"}, {}), HasSubstr("a.3 as not applied"));
  EXPECT_THAT(why_not_same(listed, {"a.1", "a.2", "b.1"}, {Down{.name = "b.1", .before = "", .after = {}}}),
              HasSubstr("does not list b.1"));
}

/// A team's own command, whose list obeys: a live database, and a copy of it.
class OwnCommand : public testing::Test {
 protected:
  void SetUp() override {
    live_ = cluster_.database("live");
    copy_ = live_ + "__backout_R1_try";
    cluster_.run(live_,
                 "CREATE TABLE steps (n serial, name text); INSERT INTO steps (name) VALUES ('one'), ('two');"
                 "CREATE TABLE reviews (stars int); INSERT INTO reviews VALUES (5)");
    cluster_.admin("CREATE DATABASE " + sql_name(copy_) + " TEMPLATE " + sql_name(live_));
  }
  /// `psql`: how its down reaches a database.
  Result<std::vector<SteppedDown>> undo_with(const std::string& psql) {
    const std::string down = "sh -c \"" + psql +
                             " -XAtq -v ON_ERROR_STOP=1 -c 'SELECT pg_sleep(0.1)' -c 'DROP TABLE reviews' -c 'DELETE "
                             "FROM steps WHERE n = 2'\" sh";
    const auto connection = TRY(Connection::open(cluster_.server(), "postgres"));
    const auto calls = TRY(MigrationCalls::of(
        {{"tool", "command"},
         {"how", {{"list", "psql -XAtqc 'SELECT name FROM public.steps ORDER BY n'"}, {"down", down}}},
         {"directory", cluster_.directory()}},
        connection));
    StepDownJob job;
    job.server = cluster_.server();
    job.maintenance = "postgres";
    job.copy = copy_;
    job.live = live_;
    job.noted = {"one", "two"};
    job.downs = {Down{.name = "two", .before = "one", .after = {"one"}}};
    return step_down(job, calls, {});
  }
  std::string live_rows() {
    return cluster_.text(live_, "SELECT (SELECT count(*) FROM steps) || ' ' || (SELECT count(*) FROM reviews)");
  }

  TestCluster& cluster_ = TestCluster::the();
  std::string live_, copy_;
};

TEST_F(OwnCommand, ThatWorksOnTheCopyIsRunThere) {
  const auto done = undo_with("psql");
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(live_rows(), "2 1");
  EXPECT_EQ(cluster_.text(copy_, "SELECT to_regclass('reviews') IS NULL"), "t");
}

TEST_F(OwnCommand, WhoseDownGoesToTheLiveDatabaseDoesNothingThere) {
  for (const std::string& psql : {"psql -d " + live_,                           // as a direct URL would
                                  "PGAPPNAME=own psql -d " + live_,             // read-only still
                                  "PGOPTIONS= PGAPPNAME=own psql -d " + live_,  // the table is locked
                                  "PGOPTIONS= psql -d " + live_}) {             // its session is seen
    const auto done = undo_with(psql);
    ASSERT_FALSE(done) << psql;
    EXPECT_EQ(done.error().code, Code::kRefused) << done.error().message;
    EXPECT_THAT(done.error().message, HasSubstr("its down")) << psql;
    EXPECT_EQ(cluster_.text(copy_, "SELECT to_regclass('reviews') IS NULL"), "f");
    EXPECT_EQ(live_rows(), "2 1") << psql;
  }
}

}  // namespace
}  // namespace backout::postgresql
