// A migration that only rewrites rows, which no schema shows.
#include "database/postgresql/rewritten_rows.h"

#include <gmock/gmock.h>

#include "database/postgresql/backup_for_tests.h"
#include "database/postgresql/manifest.h"
#include "database/postgresql/observe.h"
#include "database/postgresql/rung.h"

namespace backout::postgresql {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Json old_rows(int changed, int rows, const Json& more = Json::object()) {
  Json seen{{"changed", changed}, {"rows", rows}, {"exact", true}, {"known", true}, {"settled", false}, {"why", ""}};
  seen.update(more);
  return {{"old_rows", {{"o", seen}}}, {"exact", seen["exact"]}, {"rows", {{"o", {{"update", changed}}}}}};
}

schema::Comparison weighed(const Json& counted) {
  schema::Comparison comparison;
  weigh_rows(counted, comparison);
  return comparison;
}

TEST(RewrittenRows, NearlyAllOldRowsAreNoWriteOfUsers) {
  const auto rewritten = weighed(old_rows(180, 200));
  EXPECT_EQ(rewritten.rung, schema::Rung::kRestore);
  EXPECT_THAT(rewritten.why(), HasSubstr("rows-rewritten o (180 of 200 old rows of o changed since the checkpoint, "
                                         "probably by the migration)"));
  EXPECT_TRUE(rewritten.findings.front().harms.has(schema::Harm::kSilent));
  EXPECT_EQ(weighed(old_rows(179, 200)).rung, schema::Rung::kLeave);
  EXPECT_EQ(weighed(old_rows(19, 19)).rung, schema::Rung::kLeave);
  EXPECT_EQ(weighed(old_rows(20, 20)).rung, schema::Rung::kRestore);
  EXPECT_EQ(weighed(old_rows(200, 200, {{"settled", true}})).rung, schema::Rung::kLeave);
  EXPECT_THAT(weighed(old_rows(200, 200, {{"exact", false}})).why(), HasSubstr("about 200 of 200"));
}

TEST(RewrittenRows, WhatIsNotKnownIsSaid) {
  const schema::Comparison same;
  EXPECT_THAT(doubts_about_rows(old_rows(3, 200), same), IsEmpty());
  EXPECT_THAT(doubts_about_rows(old_rows(100, 200), same), ElementsAre(HasSubstr("100 of 200 old rows of o changed")));
  const Json uncounted = old_rows(200, 200, {{"known", false}, {"exact", false}, {"why", "it takes too long"}});
  EXPECT_EQ(weighed(uncounted).rung, schema::Rung::kLeave);
  EXPECT_THAT(doubts_about_rows(uncounted, same), ElementsAre(HasSubstr("rows of o is not known: it takes too long")));
  EXPECT_THAT(doubts_about_rows({{"failed", "the dump is gone"}}, same), ElementsAre(HasSubstr("the dump is gone")));

  schema::Comparison books;
  books.findings.push_back(
      {"migrator-tolerates", true, "Django (django_migrations)", "shop.0002_cents (says nothing): words"});
  EXPECT_THAT(doubts_about_rows(old_rows(3, 200), books),
              ElementsAre(HasSubstr("Django (django_migrations): shop.0002_cents came with the release")));
  EXPECT_THAT(doubts_about_rows({{"exact", true}, {"rows", Json::object()}}, books), IsEmpty());
  books.findings.push_back({"column-added", true, "o.note", ""});
  EXPECT_THAT(doubts_about_rows(old_rows(3, 200), books), IsEmpty()) << "the schema shows what it did";
}

class RewrittenRowsLive : public BackupTest {
 protected:
  Json saved() {
    const auto taken = load_manifest(manifest());
    Json part = source();
    part["catalog"] = taken ? taken->catalog : Json();
    return part;
  }
  Json seen(const Json& tables = Json::object()) {
    const auto looked = observe({{"server", cluster_.server().conninfo},
                                 {"database", name_},
                                 {"tables", tables},
                                 {"against", saved()},
                                 {"count_rows_ms", 20'000}});
    EXPECT_TRUE(looked) << looked.error().message;
    return looked ? *looked : Json();
  }
};

TEST_F(RewrittenRowsLive, ADatabaseWhoseRowsAMigrationRewroteIsNotLeftAlone) {
  cluster_.run(name_,
               "CREATE TABLE o (id serial PRIMARY KEY, price int, cur text DEFAULT 'EUR');"
               "CREATE TABLE log (line text); INSERT INTO o (price) SELECT 2 FROM generate_series(1, 200);"
               "INSERT INTO log SELECT 'line ' || i FROM generate_series(1, 30) i");
  ASSERT_TRUE(run_backup(backup_args(), {}));
  cluster_.run(name_, "INSERT INTO o (price) SELECT 3 FROM generate_series(1, 300); DELETE FROM o WHERE id = 7");
  EXPECT_EQ(decide_rung(saved(), seen())->rung, schema::Rung::kLeave) << "users wrote";
  cluster_.run(name_, "UPDATE o SET price = price * 100");
  const auto decided = decide_rung(saved(), seen());
  ASSERT_TRUE(decided) << decided.error().message;
  EXPECT_EQ(decided->rung, schema::Rung::kRestore);
  EXPECT_THAT(decided->why(), HasSubstr("199 of 200 old rows of o changed since the checkpoint"));

  for (const char* what : {"o", "public.o", "o.price"})
    EXPECT_EQ(decide_rung(saved(), seen({{what, "carry"}}))->rung, schema::Rung::kLeave) << what;
  for (const char* what : {"o", "o.price"})
    EXPECT_EQ(decide_rung(saved(), seen({{what, "leave"}}))->rung, schema::Rung::kRestore) << what;
  const auto asked = decide_rung(saved(), seen(), "leave");
  ASSERT_TRUE(asked) << asked.error().message;
  EXPECT_EQ(asked->rung, schema::Rung::kLeave);
  EXPECT_THAT(asked->why(), HasSubstr("asked for with --rung leave, though 199 of 200"));

  cluster_.run(name_, "UPDATE log SET line = upper(line)");
  EXPECT_THAT(decide_rung(saved(), seen({{"o", "carry"}}))->why(), HasSubstr("about 30 of 30 old rows of log"));
}

}  // namespace
}  // namespace backout::postgresql
