// A database that goes live looks like the one it replaces.
#include "base/text.h"
#include "database/postgresql/backup_for_tests.h"
#include "database/postgresql/restore.h"

namespace backout::postgresql {
namespace {

using Dress = BackupTest;

std::string icu() { return "LOCALE_PROVIDER icu ICU_LOCALE 'en-US' LC_COLLATE 'C' LC_CTYPE 'C.UTF-8'"; }

DatabaseFacts facts_as(TestCluster& cluster, const std::string& database, const std::string& name) {
  auto connection = Connection::open(cluster.server(), "postgres");
  auto facts = read_database_facts(*connection, database);
  EXPECT_TRUE(facts) << facts.error().message;
  facts->name = name;
  return *facts;
}

void put_on(TestCluster& cluster, const std::string& database) {
  auto connection = Connection::open(cluster.server(), "postgres");
  const auto note = read_note(*connection, database);
  ASSERT_TRUE(note && *note);
  for (const std::string& statement : dress_statements(database, (*note)->dress)) {
    const auto done = connection->exec(statement);
    EXPECT_TRUE(done) << statement << ": " << done.error().message;
  }
}

TEST_F(Dress, RightsSettingsOwnerLocaleAndCommentComeBack) {
  const std::string owner = "boss_" + name_, reader = "reader_" + name_;
  cluster_.admin("CREATE ROLE " + owner + "; CREATE ROLE \"" + reader + "\" LOGIN");
  cluster_.admin("DROP DATABASE " + name_);
  cluster_.admin("CREATE DATABASE " + name_ + " TEMPLATE template0 ENCODING 'UTF8' " + icu() + " OWNER " + owner);
  for (const char* statement :
       {"ALTER DATABASE {} SET search_path = \"$user\", \"Odd, name\", public",
        "ALTER DATABASE {} SET work_mem = '8MB'", "ALTER DATABASE {} SET default_transaction_read_only = on",
        "ALTER DATABASE {} SET shop.tenant = 'it''s, ok'", "ALTER DATABASE {} SET temp_tablespaces = ''",
        "ALTER ROLE postgres IN DATABASE {} SET statement_timeout = 60000", "REVOKE CONNECT ON DATABASE {} FROM PUBLIC",
        "COMMENT ON DATABASE {} IS 'the shop''s'", "ALTER DATABASE {} CONNECTION LIMIT 77"})
    cluster_.admin(replaced(statement, "{}", name_));
  cluster_.admin("GRANT CONNECT, TEMPORARY ON DATABASE " + name_ + " TO \"" + reader + "\" WITH GRANT OPTION");
  cluster_.run(name_, "SET default_transaction_read_only = off; CREATE TABLE t (a text); INSERT INTO t VALUES ('x')");
  ASSERT_TRUE(run_backup(backup_args(), {}));
  const auto restored = run_restore(restore_args(), {});
  ASSERT_TRUE(restored) << restored.error().message;
  EXPECT_EQ(get(*restored, "notes").size(), 0U) << get(*restored, "notes").dump();
  EXPECT_EQ(restored->dump().find("tenant"), std::string::npos) << "settings may hold secrets";

  // Not before it is live.
  const auto stranger = Connection::open({"host=" + cluster_.directory() + " user=" + reader}, beside());
  ASSERT_FALSE(stranger);
  EXPECT_EQ(stranger.error().code, Code::kDenied);
  put_on(cluster_, beside());
  const DatabaseFacts wanted = facts_as(cluster_, name_, "it");
  EXPECT_EQ(wanted.provider, "icu");
  EXPECT_EQ(to_json(facts_as(cluster_, beside(), "it")), to_json(wanted));
  EXPECT_TRUE(Connection::open({"host=" + cluster_.directory() + " user=" + reader}, beside()));

  // A kept database, closed, bears no grants of ours: the copy of it looks the same again.
  const std::string kept = name_ + "__backout_R1_old", copy = name_ + "__backout_R2_new";
  cluster_.admin("ALTER DATABASE " + sql_name(beside()) + " RENAME TO " + sql_name(kept));
  cluster_.admin("ALTER DATABASE " + sql_name(kept) + " ALLOW_CONNECTIONS false");
  const Json args{{"server", cluster_.server().conninfo}, {"source", {{"template", kept}}}, {"beside", copy}};
  for (const bool was_there : {false, true}) {
    const auto copied = run_restore(args, {});
    ASSERT_TRUE(copied) << copied.error().message;
    EXPECT_EQ(get_bool(*copied, "was_there"), was_there);
  }
  EXPECT_EQ(get_string(*look_at_restored(args), "sight"), "holds");
  EXPECT_EQ(cluster_.text(copy, "SELECT a FROM t"), "x");
  put_on(cluster_, copy);
  EXPECT_EQ(to_json(facts_as(cluster_, copy, "it")), to_json(wanted));
}

TEST_F(Dress, ACopyNeedsAKeptDatabaseWithoutSessions) {
  const std::string kept = name_ + "__backout_R1_old";
  cluster_.admin("ALTER DATABASE " + name_ + " RENAME TO " + sql_name(kept));
  auto session = Connection::open(cluster_.server(), kept);
  ASSERT_TRUE(session);
  const Json args{{"server", cluster_.server().conninfo}, {"source", {{"template", kept}}}, {"beside", beside()}};
  const auto copied = run_restore(args, {});
  ASSERT_FALSE(copied);
  EXPECT_EQ(copied.error().code, Code::kBusy) << copied.error().message;
  EXPECT_FALSE(cluster_.has(beside()));
}

TEST_F(Dress, NamesAsLongAsTheServerTakesThemWorkToo) {
  const std::string longest = std::string(30, 'a') + name_.substr(name_.size() - 8) + "__backout_R123456789_new";
  ASSERT_LE(longest.size(), 63U);
  cluster_.run(name_, "CREATE TABLE t (a text)");
  ASSERT_TRUE(run_backup(backup_args(), {}));
  Json args = restore_args();
  args["beside"] = longest;
  const auto restored = run_restore(args, {});
  ASSERT_TRUE(restored) << restored.error().message;
  EXPECT_TRUE(cluster_.has(longest));
  args["beside"] = longest + "_too_long";
  EXPECT_EQ(run_restore(args, {}).error().code, Code::kInvalid);
}

}  // namespace
}  // namespace backout::postgresql
