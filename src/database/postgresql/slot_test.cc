// The slot of a checkpoint on a real server: what it counts, what it is not believed about, and that it never stays.
#include "database/postgresql/slot.h"

#include <thread>

#include "base/text.h"
#include "database/postgresql/slot_for_tests.h"
#include "database/postgresql/slot_stream.h"
#include "database/postgresql/verbs.h"

namespace backout::postgresql {
namespace {

constexpr const char* kFollowedShop =
    "CREATE TABLE customers (id serial PRIMARY KEY, email text UNIQUE);"
    "CREATE TABLE orders (id bigserial PRIMARY KEY, customer_id int REFERENCES customers ON DELETE CASCADE, total "
    "numeric(10,2), note text);"
    "CREATE TABLE log (line text);"
    "INSERT INTO customers (email) SELECT 'c' || i FROM generate_series(1, 50) i;"
    "INSERT INTO orders (customer_id, total, note) SELECT i % 50 + 1, i, 'n' || i FROM generate_series(1, 200) i;"
    "INSERT INTO log SELECT 'line ' || i FROM generate_series(1, 10) i;";

TEST_F(SlotTest, EveryChangeIsCountedByTheSlot) {
  const Json taken = checkpoint(kFollowedShop);
  EXPECT_EQ(slots(), get_string(get(taken, "part"), "slot"));
  EXPECT_EQ(publications(name_), slots());
  on_live(
      "INSERT INTO orders (total) VALUES (5), (6); DELETE FROM customers WHERE id = 50;"
      "INSERT INTO orders (id, total) VALUES (999, 1); DELETE FROM orders WHERE id = 999");
  Json counted = count();
  EXPECT_EQ(counted["rows"]["orders"], of_rows(2, 0, 4));
  EXPECT_EQ(counted["rows"]["customers"], of_rows(0, 0, 1));
  EXPECT_EQ(how(counted, "orders"), "slot");
  EXPECT_EQ(how(counted, "customers"), "slot");
  EXPECT_EQ(how(counted, "log"), "numbers");  // it has no key
  EXPECT_NE(why(counted, "log").find("no replica identity"), std::string::npos) << why(counted, "log");
  EXPECT_TRUE(counted["exact"]);
  // Nothing was consumed.
  EXPECT_EQ(count()["rows"], counted["rows"]);
}

TEST_F(SlotTest, RowsThatWereWrittenToAreLookedUp) {
  checkpoint(kFollowedShop);
  on_live(
      "UPDATE orders SET note = E'a\\tb\\n\\\\' WHERE id = 7; UPDATE orders SET total = total WHERE id < 5;"
      "DELETE FROM orders WHERE id = 9; INSERT INTO orders (id, total) VALUES (9, 9);"
      "DELETE FROM orders WHERE id IN (11, 12); INSERT INTO orders (total) VALUES (1);"
      "UPDATE orders SET id = 1000 WHERE id = 20; UPDATE customers SET email = 'x' WHERE id = 1;"
      "UPDATE customers SET email = 'c1' WHERE id = 1");
  Json counted = count();
  EXPECT_EQ(how(counted, "orders"), "slot");
  EXPECT_EQ(counted["rows"]["orders"], of_rows(2, 2, 3));
  EXPECT_NE(why(counted, "orders").find("fingerprints"), std::string::npos) << why(counted, "orders");
  EXPECT_FALSE(counted["rows"].contains("customers")) << counted["rows"];
  EXPECT_EQ(how(counted, "customers"), "slot");
  EXPECT_TRUE(counted["exact"]) << counted["compared"];
}

TEST_F(SlotTest, WhereOneTransactionChangedNearlyAllTheDumpSaysWhichColumns) {
  checkpoint(kFollowedShop);
  on_live("UPDATE orders SET note = 'y' WHERE id = 3");
  on_live("UPDATE orders SET total = total * 100 WHERE id % 4 = 0");
  Json counted = count();
  EXPECT_EQ(counted["rows"]["orders"], of_rows(0, 51, 0));
  EXPECT_EQ(counted["columns"]["orders"]["total"], 50);
  EXPECT_EQ(counted["undecided"], Json::array({"orders.total"}));
  EXPECT_NE(why(counted, "orders").find("by the slot, and what the dump has"), std::string::npos);
}

TEST_F(SlotTest, FingerprintsThatWereDamagedAreNotBelieved) {
  checkpoint(kFollowedShop);
  on_live("UPDATE orders SET note = 'y' WHERE id = 3; UPDATE orders SET note = note WHERE id = 4");
  const std::string file = dump() + "/" + cluster_.text(name_, "SELECT 'orders'::regclass::oid") + ".rows";
  std::string bytes = *os::read_file(file);
  ASSERT_EQ(bytes.size(), 16U * 200);
  bytes[17] = static_cast<char>(bytes[17] ^ 1);
  ASSERT_TRUE(os::write_file_atomic(file, bytes, 0600));
  const Json counted = count();
  EXPECT_EQ(get(counted, "rows")["orders"], of_rows(0, 1, 0));
  EXPECT_NE(why(counted, "orders").find("the dump"), std::string::npos) << why(counted, "orders");
}

TEST_F(SlotTest, StatementsOfUsersGoOnWithIt) {
  checkpoint(std::string(kFollowedShop) +
             "CREATE TABLE nothing (id int PRIMARY KEY); ALTER TABLE nothing REPLICA IDENTITY NOTHING;"
             "CREATE TABLE later (id int PRIMARY KEY DEFERRABLE); CREATE UNLOGGED TABLE quick (id int PRIMARY KEY);"
             "CREATE TABLE whole (line text); ALTER TABLE whole REPLICA IDENTITY FULL;"
             "INSERT INTO nothing VALUES (1); INSERT INTO later VALUES (1); INSERT INTO quick VALUES (1); INSERT INTO "
             "whole VALUES ('a')");
  on_live(
      "UPDATE nothing SET id = 2; UPDATE later SET id = 2; UPDATE quick SET id = 2; UPDATE whole SET line = 'b'; "
      "UPDATE log SET line = 'x'; DELETE FROM log");
  Json counted = count();
  for (const char* table : {"nothing", "later", "quick", "log"}) EXPECT_NE(how(counted, table), "slot") << table;
  EXPECT_EQ(counted["rows"]["nothing"], of_rows(1, 0, 1));
}

TEST_F(SlotTest, WhatAStreamDoesNotShowIsCountedInAnotherWay) {
  checkpoint(std::string(kFollowedShop) +
             "CREATE TABLE rewritten (id int PRIMARY KEY, v int); CREATE TABLE emptied (id int PRIMARY KEY);"
             "CREATE TABLE rekeyed (id int PRIMARY KEY, v int NOT NULL); CREATE TABLE outside (id int PRIMARY KEY);"
             "CREATE TABLE gone (id int PRIMARY KEY); CREATE TABLE renamed (id int PRIMARY KEY, v int);"
             "CREATE TABLE wider (id int PRIMARY KEY, v int);"
             "INSERT INTO rewritten SELECT i, i FROM generate_series(1, 9) i; INSERT INTO emptied VALUES (1), (2);"
             "INSERT INTO rekeyed VALUES (1, 1); INSERT INTO outside VALUES (1); INSERT INTO gone VALUES (1); INSERT "
             "INTO renamed VALUES (1, 1); INSERT INTO wider VALUES (1, 1)");
  const std::string name = slots();
  on_live(
      "ALTER TABLE rewritten ALTER v TYPE int USING v + 1; TRUNCATE emptied; INSERT INTO emptied VALUES (1);"
      "ALTER TABLE rekeyed DROP CONSTRAINT rekeyed_pkey, ADD PRIMARY KEY (v); INSERT INTO rekeyed VALUES (2, 2);"
      "ALTER PUBLICATION " +
      name +
      " DROP TABLE outside; INSERT INTO outside VALUES (2);"
      "ALTER PUBLICATION " +
      name +
      " ADD TABLE outside;"
      "DROP TABLE gone; CREATE TABLE gone (id int PRIMARY KEY); INSERT INTO gone VALUES (1), (2);"
      "INSERT INTO wider VALUES (2, 2); ALTER TABLE wider ADD w text DEFAULT 'w'; ALTER TABLE wider DROP v; INSERT "
      "INTO "
      "wider VALUES (3, 'x'); UPDATE wider SET w = 'y' WHERE id = 1");
  Json counted = count();
  EXPECT_NE(how(counted, "rewritten"), "slot");
  EXPECT_NE(why(counted, "rewritten").find("rewritten, which no slot shows"), std::string::npos) << counted["compared"];
  EXPECT_NE(why(counted, "emptied").find("rewritten"), std::string::npos);
  EXPECT_NE(why(counted, "rekeyed").find("not by the slot"), std::string::npos);
  EXPECT_NE(why(counted, "outside").find("taken out of the publication"), std::string::npos);
  EXPECT_NE(why(counted, "gone").find("another table"), std::string::npos);
  EXPECT_EQ(how(counted, "wider"), "slot");
  EXPECT_EQ(counted["rows"]["wider"], of_rows(2, 0, 0)) << counted["compared"];
  EXPECT_EQ(counted["rows"]["outside"], of_rows(1, 0, 0));
  EXPECT_EQ(how(counted, "orders"), "slot");
}

TEST_F(SlotTest, LongValuesRenamedKeysAndPartitions) {
  checkpoint(
      "CREATE TABLE long (id int PRIMARY KEY, body text, n int); ALTER TABLE long ALTER body SET STORAGE EXTERNAL;"
      "INSERT INTO long SELECT i, repeat('x', 9000), 0 FROM generate_series(1, 5) i;"
      "CREATE TABLE p (id int, v text, PRIMARY KEY (id)) PARTITION BY RANGE (id);"
      "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (100); CREATE TABLE p2 PARTITION OF p FOR VALUES FROM "
      "(100) TO (200); INSERT INTO p SELECT i, 'v' FROM generate_series(90, 110) i;"
      "CREATE TABLE two (a text, b int, v int, PRIMARY KEY (b, a)); INSERT INTO two VALUES (E'x\\ty', 1, 1), ('z', 2, "
      "2)");
  on_live(
      "UPDATE long SET n = 1 WHERE id = 2; UPDATE long SET body = body WHERE id = 3; DELETE FROM long WHERE id = 4;"
      "UPDATE p SET id = 150 WHERE id = 95; UPDATE p SET v = 'w' WHERE id = 96; DELETE FROM p WHERE id = 101;"
      "UPDATE two SET v = 9 WHERE b = 1; UPDATE two SET b = 3 WHERE b = 2; ALTER TABLE two RENAME a TO c; INSERT INTO "
      "two VALUES ('n', 7, 7)");
  Json args = source();
  args["server"] = cluster_.server().conninfo;
  args["live"] = name_;
  args["renamed"] = {{"public.two", {{"table", "public.two"}, {"columns", {{"a", "c"}}}}}};
  const auto counted = count_since(args, {});
  ASSERT_TRUE(counted) << counted.error().message;
  EXPECT_EQ(get(*counted, "rows")["long"], of_rows(0, 1, 1));
  EXPECT_EQ(get(*counted, "rows")["p"], of_rows(1, 1, 2));
  EXPECT_EQ(get(*counted, "rows")["two"], of_rows(2, 1, 1));
  for (const char* table : {"long", "p", "two"}) EXPECT_EQ(how(*counted, table), "slot") << why(*counted, table);
}

TEST_F(SlotTest, TransactionsOnBothSidesOfEitherMomentAreToldApart) {
  on_live(kFollowedShop);
  // Ended before the slot can be made: the server waits for it.
  auto early = Connection::open(cluster_.server(), name_);
  ASSERT_TRUE(early && early->exec("BEGIN; INSERT INTO public.orders (total) VALUES (1)"));
  std::thread ends([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(400));
    EXPECT_TRUE(early->exec("COMMIT"));
  });
  checkpoint();
  ends.join();
  EXPECT_FALSE(count()["rows"].contains("orders"));
  auto late = Connection::open(cluster_.server(), name_);
  ASSERT_TRUE(late && late->exec("BEGIN; SAVEPOINT a; INSERT INTO public.orders (total) VALUES (2); RELEASE a"));
  on_live("INSERT INTO orders (total) VALUES (3)");
  EXPECT_EQ(count()["rows"]["orders"], of_rows(1, 0, 0));
  ASSERT_TRUE(late->exec("SET synchronous_commit = off; COMMIT"));
  EXPECT_EQ(count()["rows"]["orders"], of_rows(2, 0, 0));
  ASSERT_TRUE(late->exec("BEGIN; INSERT INTO public.orders (total) VALUES (4); PREPARE TRANSACTION 'two'"));
  EXPECT_EQ(count()["rows"]["orders"], of_rows(2, 0, 0));
  ASSERT_TRUE(late->exec("COMMIT PREPARED 'two'"));
  EXPECT_EQ(count()["rows"]["orders"], of_rows(3, 0, 0));
}

TEST_F(SlotTest, AServerThatIsStartedAnewKeepsIt) {
  checkpoint(kFollowedShop);
  on_live("INSERT INTO orders (total) VALUES (3)");
  cluster_.crash();
  on_live("DELETE FROM orders WHERE id = 3");
  const Json counted = count();
  EXPECT_EQ(get(counted, "rows")["orders"], of_rows(1, 0, 1));
  EXPECT_EQ(how(counted, "orders"), "slot");
}

TEST_F(SlotTest, WhatTheServerHasThrownAwayIsCountedInAnotherWay) {
  checkpoint(kFollowedShop);
  on_live("INSERT INTO orders (total) VALUES (3)");
  cluster_.admin("ALTER SYSTEM SET max_slot_wal_keep_size = '1MB'");
  cluster_.admin("SELECT pg_reload_conf()");
  for (int i = 0; i < 4; ++i) {
    on_live("CREATE TABLE filler AS SELECT repeat('x', 1000) FROM generate_series(1, 10000); DROP TABLE filler");
    cluster_.admin("SELECT pg_switch_wal()");
    cluster_.admin("CHECKPOINT");
  }
  const Json counted = count();
  cluster_.admin("ALTER SYSTEM RESET max_slot_wal_keep_size");
  cluster_.admin("SELECT pg_reload_conf()");
  EXPECT_EQ(how(counted, "orders"), "numbers");
  EXPECT_NE(why(counted, "orders").find("thrown away"), std::string::npos) << why(counted, "orders");
  EXPECT_EQ(get(counted, "rows")["orders"], of_rows(1, 0, 0));
}

TEST_F(SlotTest, ACheckpointGoesOnWithoutOneAndSaysWhy) {
  on_live(kFollowedShop);
  auto writes = Connection::open(cluster_.server(), name_);
  ASSERT_TRUE(writes && writes->exec("SET application_name = 'forgotten'; BEGIN; INSERT INTO public.log VALUES ('x')"));
  const Json taken = checkpoint();
  const std::string said = get(taken, "notes").dump();
  EXPECT_NE(said.find("a transaction that writes does not end: process"), std::string::npos) << said;
  EXPECT_NE(said.find("forgotten"), std::string::npos) << said;
  EXPECT_EQ(slots() + publications(name_), "");
  ASSERT_TRUE(writes->exec("COMMIT"));
  on_live("INSERT INTO orders (total) VALUES (3)");
  const Json counted = count();
  EXPECT_EQ(how(counted, "orders"), "numbers");
  EXPECT_NE(why(counted, "orders").find("does not end"), std::string::npos);
}

TEST_F(SlotTest, ARoleThatMayNotSaysSo) {
  on_live(kFollowedShop);
  const std::string role = "plain_" + random_hex(4);
  cluster_.admin("CREATE ROLE " + role + " LOGIN");
  auto connection = Connection::open({"host=" + cluster_.directory() + " user=" + role}, name_);
  ASSERT_TRUE(connection) << connection.error().message;
  const auto hindrance = no_slot_because(*connection);
  ASSERT_TRUE(hindrance && *hindrance);
  EXPECT_EQ((*hindrance)->why, "the role " + role + " may not make a replication slot");
  cluster_.admin("ALTER ROLE " + role + " REPLICATION");
  EXPECT_EQ((*no_slot_because(*connection))->next, "GRANT CREATE ON DATABASE \"" + name_ + "\" TO \"" + role + "\"");
  cluster_.admin("DROP ROLE " + role);
}

TEST_F(SlotTest, TheNextCheckpointAndTheSwapEndIt) {
  checkpoint(kFollowedShop);
  const std::string first = slots();
  Json args = followed_backup();
  args["directory"] = dump() + "2";
  args["manifest"] = manifest() + "2";
  ASSERT_TRUE(run_backup(args, {}));
  EXPECT_NE(slots(), first);
  EXPECT_EQ(publications(name_), slots());
  // The dump has the publication, and what is restored from it and swapped in must not.
  args = {{"server", cluster_.server().conninfo},
          {"source", {{"backup", dump() + "2"}, {"manifest", manifest() + "2"}}},
          {"beside", beside()}};
  ASSERT_TRUE(run_verb("restore", args, {}));
  Json rescue{{"live", name_},
              {"target", beside()},
              {"record", dump() + ".r"},
              {"conflicts", dump() + ".c"},
              {"archive", dump() + ".a"},
              {"server", cluster_.server().conninfo}};
  ASSERT_TRUE(run_verb("rescue", rescue, {}));
  const std::string kept = name_ + "__backout_R1_old";
  const auto swapped = run_verb("swap",
                                {{"server", cluster_.server().conninfo},
                                 {"maintenance", "postgres"},
                                 {"database", name_},
                                 {"incoming", beside()},
                                 {"keep", kept},
                                 {"marker", dump() + ".m"},
                                 {"catalog", dump() + ".k"},
                                 {"rescue", rescue}},
                                {});
  ASSERT_TRUE(swapped) << swapped.error().message;
  EXPECT_EQ(slots() + publications(name_), "");
  EXPECT_EQ(cluster_.text("postgres", "SELECT count(*) FROM pg_replication_slots WHERE database = " + sql_text(kept)),
            "0");
  // The way back of a swap, and then the checkpoint counts by what there is.
  ASSERT_TRUE(run_verb("swap-back",
                       {{"server", cluster_.server().conninfo},
                        {"maintenance", "postgres"},
                        {"database", name_},
                        {"keep", kept},
                        {"aside", name_ + "__backout_R1_undone"},
                        {"marker", dump() + ".m"}},
                       {}));
  on_live("INSERT INTO orders (total) VALUES (3)");
  args = source();
  args["backup"] = dump() + "2";
  args["manifest"] = manifest() + "2";
  args["server"] = cluster_.server().conninfo;
  args["live"] = name_;
  const auto counted = count_since(args, {});
  ASSERT_TRUE(counted);
  EXPECT_EQ(how(*counted, "orders"), "numbers");
  EXPECT_NE(why(*counted, "orders").find("it was dropped"), std::string::npos);
}

TEST_F(SlotTest, ATableThatLosesItsKeyIsSeen) {
  checkpoint(kFollowedShop);
  on_live("ALTER TABLE orders DROP CONSTRAINT orders_pkey");
  auto connection = Connection::open(cluster_.server(), name_);
  EXPECT_EQ(*refused_by_publication(*connection), std::vector<std::string>{"public.orders"});
  EXPECT_FALSE(connection->exec("UPDATE public.orders SET total = 1 WHERE id = 1"));
  const auto dropped = run_drop_slots({{"server", cluster_.server().conninfo}, {"database", name_}}, {});
  ASSERT_TRUE(dropped);
  EXPECT_EQ(get(*dropped, "dropped").size(), 1U);
  EXPECT_TRUE(connection->exec("UPDATE public.orders SET total = 1 WHERE id = 1"));
  EXPECT_EQ(slots() + publications(name_), "");
}

}  // namespace
}  // namespace backout::postgresql
