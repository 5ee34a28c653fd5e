// What is written between the rescue and the swap: a forgotten cron job, a worker that nobody stopped.
#include "database/postgresql/swap_verbs.h"

#include <gmock/gmock.h>

#include "database/postgresql/verbs_for_tests.h"

namespace backout::postgresql {
namespace {

using ::testing::HasSubstr;

class BetweenRescueAndSwap : public PostgresqlVerbs {
 protected:
  void SetUp() override {
    PostgresqlVerbs::SetUp();
    saved_ = lived(offered(RunKind::kCheckpoint, {}, "C-1"));
  }
  /// A rollback up to the swap; then `between`; the swap's evidence, or its error.
  Result<Json> swapped(const std::string& between, const driver::Progress& progress = {}) {
    for (const Step& step : offered(RunKind::kRollback, saved_, "R-1")) {
      if (step.action.verb == "swap") {
        swap_ = step;
        if (!between.empty()) write(between);
        return run_verb("swap", step.action.args, progress);
      }
      if (step.kind == StepKind::kEffect) verb(step.action.verb, step.action.args);
    }
    return Error{Code::kInternal, "nothing was swapped", ""};
  }
  void write(const std::string& sql) { cluster_.run(database_, sql); }
  std::string rows(const std::string& table) {
    return text("SELECT coalesce(string_agg(t::text, ' ' ORDER BY t::text COLLATE \"C\"), '') FROM " + table + " t");
  }
  std::vector<Json> lines(const std::string& name) {
    std::vector<Json> out;
    const auto all = os::read_file(get_string(get(swap_.action.args, "rescue"), name));
    std::istringstream file(all.value_or(""));
    for (std::string line; std::getline(file, line);) out.push_back(Json::parse(line));
    return out;
  }
  bool still_live() {
    return text("SELECT count(*) FROM information_schema.columns WHERE column_name = 'note'") == "0";
  }
  Json saved_;
  Step swap_;
};

TEST_F(BetweenRescueAndSwap, RowsInsertedUpdatedAndDeletedAreThere) {
  migrate();
  const auto done = swapped(
      "INSERT INTO customer(mail) VALUES ('late@x'); INSERT INTO orders(client, channel) VALUES (4, 'shop'); "
      "UPDATE customer SET mail = 'late-c@x' WHERE id = 3; DELETE FROM orders WHERE id = 2");
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(get_int(*done, "again"), 1);
  EXPECT_EQ(rows("client"), "(1,a@x) (2,B@x) (3,late-c@x) (4,late@x)");
  EXPECT_EQ(rows("orders"), "(3,3,none) (4,4,none)");
  EXPECT_EQ(text("INSERT INTO orders(client, note) VALUES (4, 'cake') RETURNING id"), "5") << "no id is given twice";
  EXPECT_EQ(text("INSERT INTO client(email) VALUES ('d@x') RETURNING id"), "5");
  const Json carried = get(*done, "carried");
  EXPECT_EQ(get(carried, "client"), Json({{"insert", 2}, {"update", 2}, {"delete", 0}})) << "both times together";
  EXPECT_EQ(get(carried, "orders"), Json({{"insert", 2}, {"update", 0}, {"delete", 2}}));
  EXPECT_EQ(lines("archive").size(), 2U) << "the column that only the new release has, of both orders";
}

TEST_F(BetweenRescueAndSwap, RowsOfOneTableAreCarriedAndThoseOfOthersAreNotReadAgain) {
  migrate();
  write("ALTER TABLE customer ADD phone text; UPDATE customer SET phone = '112' WHERE id = 3");
  const auto done = swapped("INSERT INTO orders(client) VALUES (1)");
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(get_int(*done, "again"), 1);
  EXPECT_EQ(rows("orders"), "(2,2,milk) (3,3,none) (4,1,none)");
  EXPECT_EQ(get(get(*done, "carried"), "client"), Json({{"insert", 1}, {"update", 1}, {"delete", 0}}));
  ASSERT_EQ(lines("archive").size(), 4U) << "orders of now, and customers of before";
  EXPECT_EQ(get_string(lines("archive").front(), "table"), "client");
}

TEST_F(BetweenRescueAndSwap, IdsTakenWithoutARowAreNotGivenAgain) {
  write("CREATE SEQUENCE tickets; CREATE SEQUENCE down INCREMENT -1");
  saved_ = lived(offered(RunKind::kCheckpoint, {}, "C-2"));
  migrate();
  std::string taken;
  for (const Step& step : offered(RunKind::kRollback, saved_, "R-1")) {
    if (step.action.verb == "swap")
      taken = text(
          "SELECT concat_ws(' ', nextval('orders_id_seq'), nextval('client_id_seq'), nextval('tickets'), "
          "nextval('tickets'), nextval('down'))");
    if (step.kind != StepKind::kEffect) continue;
    const Json evidence = verb(step.action.verb, step.action.args);
    if (step.action.verb == "swap") {
      EXPECT_EQ(get_int(evidence, "again"), 0) << "no table was written to";
    }
  }
  EXPECT_EQ(taken, "4 4 1 2 -1");
  EXPECT_EQ(text("INSERT INTO orders(client, note) VALUES (1, 'cake') RETURNING id"), "5");
  EXPECT_EQ(text("SELECT concat_ws(' ', nextval('client_id_seq'), nextval('tickets'), nextval('down'))"), "5 3 -2");
}

TEST_F(BetweenRescueAndSwap, TablesWithoutAKeyToo) {
  write(
      "CREATE TABLE visits (page text, at int); INSERT INTO visits VALUES ('a', 1), ('a', 1), ('b', 2);"
      "CREATE TABLE clicks (page text, at int DEFAULT 0); INSERT INTO clicks VALUES ('x')");
  saved_ = lived(offered(RunKind::kCheckpoint, {}, "C-2"));
  migrate();
  write("INSERT INTO visits VALUES ('a', 1); ALTER TABLE clicks DROP at");
  const auto done = swapped(
      "INSERT INTO visits VALUES ('a', 1), ('c', 3); DELETE FROM visits WHERE page = 'b'; "
      "INSERT INTO clicks VALUES ('late')");
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(rows("visits"), "(a,1) (a,1) (a,1) (a,1) (c,3)");
  EXPECT_EQ(rows("clicks"), "(x,0)") << "its rows cannot be told apart: it is as it was";
  bool archived = false;
  for (const Json& line : lines("archive")) archived = archived || line.dump().find("late") != std::string::npos;
  EXPECT_TRUE(archived) << "and what was written is in the archive";
}

TEST_F(BetweenRescueAndSwap, ATransactionThatIsOpenIsEndedAndWasNeverConfirmed) {
  migrate();
  auto session = Connection::open(cluster_.server(), database_);
  ASSERT_TRUE(session);
  ASSERT_TRUE(session->exec("BEGIN; INSERT INTO public.customer(mail) VALUES ('never@x')"));
  const auto done = swapped("");
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_GE(get_int(*done, "ended"), 1);
  EXPECT_FALSE(session->exec("COMMIT"));
  EXPECT_EQ(rows("client"), "(1,a@x) (2,B@x) (3,c@x)");
  EXPECT_EQ(text("INSERT INTO client(email) VALUES ('d@x') RETURNING id"), "5") << "the id that it took is gone";
}

TEST_F(BetweenRescueAndSwap, AWriterThatComesBackEachTimeStopsItAndTheLiveDatabaseServes) {
  migrate();
  int came = 0;
  // Between the snapshot of a rescue and the next look at the counters.
  const driver::Progress writer = [&](std::string_view words) {
    if (words.starts_with("comparing the result"))
      write("INSERT INTO customer(mail) VALUES ('w" + std::to_string(++came) + "@x')");
  };
  const auto refused = swapped("INSERT INTO customer(mail) VALUES ('w0@x')", writer);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kBusy);
  EXPECT_THAT(refused.error().message, HasSubstr("is written to all the time: customer"));
  EXPECT_THAT(refused.error().next, HasSubstr("backout resume"));
  EXPECT_GE(came, 3);
  EXPECT_TRUE(still_live());
  write("INSERT INTO customer(mail) VALUES ('after@x')");
  EXPECT_FALSE(cluster_.has(database_ + "__backout_R-1_old"));
  EXPECT_EQ(get_string(*look_at("swap", swap_.action.args), "sight"), "does-not-hold");

  const std::string all = text("SELECT count(*) FROM customer");
  const auto done = run_verb("swap", swap_.action.args, {});  // as a resume does, when the writer has stopped
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(text("SELECT count(*) FROM client"), all);
  EXPECT_EQ(text("SELECT count(*) FROM client WHERE email = 'after@x'"), "1");
  EXPECT_EQ(get_string(*look_at("swap", swap_.action.args), "sight"), "holds");
}

TEST_F(BetweenRescueAndSwap, WhatIsWrittenToAnotherTableWhileOneIsCarriedAgainIsNotForgotten) {
  migrate();
  int came = 0;
  const driver::Progress writer = [&](std::string_view words) {
    if (words.starts_with("rows were written") && came++ == 0) write("INSERT INTO orders(client) VALUES (1)");
  };
  const auto done = swapped("INSERT INTO customer(mail) VALUES ('late@x')", writer);
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(came, 2);
  EXPECT_EQ(get_int(*done, "again"), 2);
  EXPECT_EQ(rows("orders"), "(2,2,milk) (3,3,none) (4,1,none)");
  EXPECT_EQ(rows("client"), "(1,a@x) (2,B@x) (3,c@x) (4,late@x)");
}

TEST_F(BetweenRescueAndSwap, AServerThatWasStartedAnewCountsFromNothingAndAllIsLookedAtOnceMore) {
  migrate();
  for (const Step& step : offered(RunKind::kRollback, saved_, "R-1")) {
    if (step.action.verb == "swap") {
      write("INSERT INTO orders(client) VALUES (1)");
      cluster_.crash();
      const Json done = verb("swap", step.action.args);
      EXPECT_EQ(get_int(done, "again"), 1);
      EXPECT_EQ(rows("orders"), "(2,2,milk) (3,3,none) (4,1,none)");
      return;
    }
    if (step.kind == StepKind::kEffect) verb(step.action.verb, step.action.args);
  }
}

TEST_F(BetweenRescueAndSwap, TheRestoredOneLooksLikeTheOneItReplaces) {
  const std::string name = sql_name(database_), app = "app_" + random_hex(4);
  cluster_.admin("CREATE ROLE " + app + " LOGIN; ALTER DATABASE " + name + " OWNER TO " + app);
  for (const std::string& statement :
       {"COMMENT ON DATABASE " + name + " IS 'the shop'", "ALTER DATABASE " + name + " CONNECTION LIMIT 40",
        "REVOKE ALL ON DATABASE " + name + " FROM PUBLIC", "GRANT CONNECT ON DATABASE " + name + " TO " + app,
        "ALTER DATABASE " + name + " SET work_mem = '8MB'",
        "ALTER ROLE " + app + " IN DATABASE " + name + " SET statement_timeout = '9s'"})
    cluster_.admin(statement);
  saved_ = lived(offered(RunKind::kCheckpoint, {}, "C-2"));
  migrate();
  const auto looks = [&] {
    return cluster_.text(
        "postgres",
        "SELECT concat_ws(' | ', pg_get_userbyid(datdba), datallowconn, datconnlimit, datacl, "
        "shobj_description(d.oid, 'pg_database'), (SELECT string_agg(setrole::regrole || ' ' || setconfig::text, ' ' "
        "ORDER "
        "BY setrole) FROM pg_db_role_setting WHERE setdatabase = d.oid)) FROM pg_database d WHERE datname = " +
            sql_text(database_));
  };
  const std::string before = looks();
  EXPECT_THAT(before, HasSubstr("the shop"));
  const Json kept = lived(offered(RunKind::kRollback, saved_, "R-1"));
  EXPECT_EQ(looks(), before);
  EXPECT_TRUE(Connection::open({"host=" + cluster_.directory() + " user=" + app}, database_));
  lived(offered(RunKind::kForward, kept, "R-2"));
  EXPECT_EQ(looks(), before);
}

TEST_F(BetweenRescueAndSwap, WhatWasCarriedIntoADatabaseThatIsGoneIsNotCarried) {
  migrate();
  const auto steps = offered(RunKind::kRollback, saved_, "R-1");
  Step restoring, carrying;
  for (const Step& step : steps) {
    if (step.action.verb == "restore") restoring = step;
    if (step.action.verb == "rescue") carrying = step;
    if (step.kind == StepKind::kEffect && step.action.verb != "swap" && step.action.verb != "keep")
      verb(step.action.verb, step.action.args);
  }
  EXPECT_EQ(get_string(*look_at("rescue", carrying.action.args), "sight"), "holds");
  verb(restoring.undo->verb, restoring.undo->args);
  EXPECT_EQ(get_string(*look_at("rescue", carrying.action.args), "sight"), "does-not-hold");
  verb("restore", restoring.action.args);
  EXPECT_EQ(get_string(*look_at("rescue", carrying.action.args), "sight"), "does-not-hold") << "it is another one";
  const Json again = verb("rescue", carrying.action.args);
  EXPECT_EQ(get(get(again, "carried"), "client"), Json({{"insert", 1}, {"update", 1}, {"delete", 0}}));
}

TEST_F(BetweenRescueAndSwap, TheSchemaThatServesIsLookedAt) {
  migrate();
  Step look;
  for (const Step& step : offered(RunKind::kRollback, saved_, "R-1")) {
    if (step.action.verb == "schema-is") look = step;
    if (step.kind == StepKind::kEffect) verb(step.action.verb, step.action.args);
  }
  EXPECT_EQ(get_string(*look_at("schema-is", look.action.args), "sight"), "holds");
  write("ALTER TABLE orders ADD by_somebody_else int");
  EXPECT_EQ(get_string(*look_at("schema-is", look.action.args), "sight"), "does-not-hold");
}

TEST_F(BetweenRescueAndSwap, WhatIsKeptIsTheOneThatWasReplacedAndClosed) {
  migrate();
  Step keeping;
  for (const Step& step : offered(RunKind::kRollback, saved_, "R-1")) {
    if (step.action.verb == "keep") keeping = step;
    if (step.kind == StepKind::kEffect && step.action.verb != "keep") verb(step.action.verb, step.action.args);
  }
  const std::string kept = sql_name(get_string(keeping.action.args, "keep"));
  const auto refused = [&] {
    const auto done = run_verb("keep", keeping.action.args, {});
    EXPECT_EQ(get_string(*look_at("keep", keeping.action.args), "sight"), "does-not-hold");
    return done ? Error{Code::kInternal, "it was kept", ""} : done.error();
  };
  cluster_.admin("ALTER DATABASE " + kept + " ALLOW_CONNECTIONS true");
  EXPECT_EQ(refused().code, Code::kConflict) << refused().message;
  EXPECT_THAT(refused().next, HasSubstr("ALLOW_CONNECTIONS false"));
  cluster_.admin("ALTER DATABASE " + kept + " ALLOW_CONNECTIONS false");
  cluster_.admin("ALTER DATABASE " + kept + " RENAME TO aside");
  EXPECT_EQ(refused().code, Code::kNotFound) << refused().message;
  cluster_.admin("CREATE DATABASE " + kept + " ALLOW_CONNECTIONS false");
  EXPECT_EQ(refused().code, Code::kConflict) << refused().message;
  EXPECT_THAT(refused().message, HasSubstr("not the database that was replaced"));
  cluster_.admin("DROP DATABASE " + kept);
  cluster_.admin("ALTER DATABASE aside RENAME TO " + kept);
  verb("keep", keeping.action.args);
  EXPECT_EQ(get_string(*look_at("keep", keeping.action.args), "sight"), "holds");
}

TEST_F(BetweenRescueAndSwap, WhatIsWrittenAfterTheSwapIsNamedWhenItIsTakenBackAndNoIdIsGivenTwice) {
  migrate();
  const auto done = swapped("");
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(text("INSERT INTO client(email) VALUES ('cron@x') RETURNING id"), "4");
  EXPECT_EQ(text("SELECT nextval('orders_id_seq')"), "4");
  const Json back = verb(swap_.undo->verb, swap_.undo->args);
  const std::string aside = get_string(swap_.undo->args, "aside");
  ASSERT_EQ(get(back, "not_carried").size(), 1U) << back;
  EXPECT_EQ(get(back, "not_carried")[0],
            "client: rows written after the swap did not come back with the old database; they are in " + aside +
                ", which is closed");
  cluster_.admin("ALTER DATABASE " + sql_name(aside) + " ALLOW_CONNECTIONS true");
  EXPECT_EQ(cluster_.text(aside, "SELECT email FROM client WHERE id = 4"), "cron@x");
  EXPECT_TRUE(still_live());
  EXPECT_EQ(get_string(*look_at("swap-back", swap_.undo->args), "sight"), "holds");
  EXPECT_EQ(text("INSERT INTO customer(mail) VALUES ('after@x') RETURNING id"), "5");
  EXPECT_EQ(text("INSERT INTO orders(client) VALUES (1) RETURNING id"), "5");
  EXPECT_EQ(get(verb(swap_.undo->verb, swap_.undo->args), "not_carried"), get(back, "not_carried")) << "and once more";
}

TEST_F(BetweenRescueAndSwap, NothingIsNamedWhenNothingWasWrittenAfterTheSwap) {
  migrate();
  const auto done = swapped("INSERT INTO customer(mail) VALUES ('late@x')");
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(text("SELECT count(*) FROM client"), "4");
  EXPECT_FALSE(verb(swap_.undo->verb, swap_.undo->args).contains("not_carried"));
  EXPECT_EQ(text("INSERT INTO customer(mail) VALUES ('after@x') RETURNING id"), "5");
}

TEST_F(BetweenRescueAndSwap, ARowThatTheOldSchemaRefusesIsReportedAndNotSwallowed) {
  write("ALTER TABLE orders ADD CHECK (id < 100)");
  saved_ = lived(offered(RunKind::kCheckpoint, {}, "C-2"));
  migrate();
  write("ALTER TABLE orders DROP CONSTRAINT orders_id_check");
  const auto done = swapped("INSERT INTO orders(id, client) VALUES (100, 1), (50, 1)");
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(rows("orders"), "(2,2,milk) (3,3,none) (50,1,none)");
  EXPECT_EQ(get_int(*done, "conflict_count"), 1);
  ASSERT_EQ(lines("conflicts").size(), 1U);
  EXPECT_THAT(lines("conflicts").front().dump(), HasSubstr("100"));
}

}  // namespace
}  // namespace backout::postgresql
