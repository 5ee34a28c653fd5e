// The driver's own way, against a real server: what offer() says, done by the tool's verbs one after the other, there,
// undone, and done again.
#include "database/postgresql/verbs.h"

#include "database/postgresql/verbs_for_tests.h"

namespace backout::postgresql {
namespace {

constexpr const char* kOldRows =
    "SELECT string_agg(o.id || c.email || o.note, ' ' ORDER BY o.id) FROM orders o JOIN client c ON c.id = o.client";

TEST_F(PostgresqlVerbs, ThereUndoneThereAgainAndForward) {
  const Json saved = lived(offered(RunKind::kCheckpoint, {}, "C-1"));
  ASSERT_TRUE(saved.is_object());
  migrate();

  const auto first = offered(RunKind::kRollback, saved, "R-1");
  lived(first);
  EXPECT_EQ(text(kOldRows), "2B@xmilk 3c@xnone");
  undo(first);
  EXPECT_EQ(text("SELECT string_agg(id || channel, ' ' ORDER BY id) FROM orders"), "2web 3web");
  EXPECT_FALSE(cluster_.has(database_ + "__backout_R-1_new"));

  const Json kept = lived(offered(RunKind::kRollback, saved, "R-2"));
  EXPECT_EQ(text(kOldRows), "2B@xmilk 3c@xnone");
  EXPECT_EQ(text("INSERT INTO orders(client, note) VALUES (1, 'cake') RETURNING id"), "4") << "no id is given twice";
  EXPECT_EQ(text("INSERT INTO client(email) VALUES ('d@x') RETURNING id"), "4");

  lived(offered(RunKind::kForward, kept, "R-3"));
  EXPECT_EQ(text("SELECT string_agg(o.id || c.mail || o.channel, ' ' ORDER BY o.id) FROM orders o JOIN customer c ON "
                 "c.id = o.client"),
            "2B@xweb 3c@xweb 4a@xweb");
  EXPECT_EQ(text("SELECT mail FROM customer WHERE id = 4"), "d@x");
}

TEST_F(PostgresqlVerbs, ATeamsOwnArchiveInThePlaceOfTheDump) {
  Json saved = lived(offered(RunKind::kCheckpoint, {}, "C-1"));
  ASSERT_TRUE(saved.is_object());
  const std::string path = directory_ + "/night.sql.gz";
  const auto dumped =
      os::run_process({.argv = {"sh", "-c", "/usr/lib/postgresql/15/bin/pg_dump | gzip >" + path},
                       .env = {{"PGHOST", cluster_.directory()}, {"PGUSER", "postgres"}, {"PGDATABASE", database_}}});
  ASSERT_TRUE(dumped && dumped->ok());
  migrate();
  saved["names"] = saved["catalog"];
  saved["backup"] = "/nowhere";
  saved["archive"] = {{"path", path}, {"name", "night.sql.gz"}, {"kind", "SQL"}, {"sha256", *os::sha256_of_file(path)}};
  const auto steps = offered(RunKind::kRollback, saved, "R-1");
  lived(steps);
  EXPECT_EQ(text(kOldRows), "2B@xmilk 3c@xnone");
  undo(steps);
  EXPECT_EQ(text("SELECT string_agg(id || channel, ' ' ORDER BY id) FROM orders"), "2web 3web");
  EXPECT_EQ(cluster_.text("postgres", "SELECT count(*) FROM pg_database WHERE datname LIKE '%\\_archive%'"), "0");
}

TEST_F(PostgresqlVerbs, ANameWithoutAValueStopsItBeforeAnythingIsClosed) {
  subject_.erase("fill");
  const Json saved = lived(offered(RunKind::kCheckpoint, {}, "C-1"));
  migrate();
  for (const Step& step : offered(RunKind::kRollback, saved, "R-1")) {
    if (step.action.verb != "diff") {
      if (step.phase == Phase::kPrepare) verb(step.action.verb, step.action.args);
      continue;
    }
    const auto counted = run_verb("diff", step.action.args, {});
    ASSERT_FALSE(counted);
    EXPECT_EQ(counted.error().code, Code::kRefused);
    EXPECT_NE(counted.error().message.find("orders.note"), std::string::npos) << counted.error().message;
    EXPECT_NE(counted.error().next.find("fill"), std::string::npos) << counted.error().next;
    return;
  }
  FAIL() << "nothing was counted";
}

TEST_F(PostgresqlVerbs, ASecretIsInNoStep) {
  subject_["secrets"] = {{"PGPASSWORD", "$A_PLACE_OF_THE_PASSWORD"}};
  ::setenv("A_PLACE_OF_THE_PASSWORD", "tea-and-biscuits", 1);
  for (const Step& step : offered(RunKind::kCheckpoint, {}, "C-1")) {
    EXPECT_EQ(step.action.args.dump().find("tea-and-biscuits"), std::string::npos);
    EXPECT_EQ(get_string(get(step.action.args, "secrets"), "PGPASSWORD"), "$A_PLACE_OF_THE_PASSWORD");
  }
  ::unsetenv("A_PLACE_OF_THE_PASSWORD");
}

TEST_F(PostgresqlVerbs, WrongArgumentsAreErrors) {
  EXPECT_EQ(run_verb("swop", {}, {}).error().code, Code::kInvalid);
  for (const char* name :
       {"backup", "verify-backup", "restore", "diff", "rescue", "swap", "swap-back", "keep", "discard"}) {
    const auto done = run_verb(name, {{"server", cluster_.server().conninfo}}, {});
    ASSERT_FALSE(done) << name;
    EXPECT_EQ(done.error().code, Code::kInvalid) << name << ": " << done.error().message;
  }
  Json stranger = {{"server", cluster_.server().conninfo}, {"database", database_}};
  EXPECT_EQ(run_verb("discard", stranger, {}).error().code, Code::kInvalid) << "not ours";
  EXPECT_TRUE(cluster_.has(database_));
}

}  // namespace
}  // namespace backout::postgresql
