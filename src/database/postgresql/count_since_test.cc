// Counting without a restored copy, against rows that the test reads from both sides itself.
//
// BACKOUT_COUNT_CASES: random databases (6); BACKOUT_RANDOM_SEED: where to begin (1).
#include "database/postgresql/count_since.h"

#include <random>

#include "base/text.h"
#include "database/postgresql/backup_for_tests.h"
#include "database/postgresql/manifest.h"

namespace backout::postgresql {
namespace {

int number_from(const char* name, int otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::atoi(text);
}

Json three(int insert, int update, int remove) { return {{"insert", insert}, {"update", update}, {"delete", remove}}; }

class CountSince : public BackupTest {
 protected:
  void checkpoint(const std::string& statements) {
    cluster_.run(name_, statements);
    checkpoint();
  }
  void checkpoint() {
    const auto taken = run_backup(backup_args(), {});
    ASSERT_TRUE(taken) << taken.error().message;
  }
  void on_live(const std::string& statements) { cluster_.run(name_, statements); }
  Json args() {
    Json all = source();
    all["server"] = cluster_.server().conninfo;
    all["live"] = name_;
    return all;
  }
  Json count(const Json& more = Json::object()) {
    Json all = args();
    all.update(more);
    const auto counted = count_since(all, {});
    EXPECT_TRUE(counted) << counted.error().message;
    return counted ? *counted : Json();
  }
  static std::string how(const Json& counted, const std::string& table) {
    const Json& compared = get(get(counted, "compared"), table);
    return get_string(compared, "how") + (get_bool(compared, "exact") ? "" : " about");
  }
  /// Changes the manifest as an older or another checkpoint would have it.
  void rewrite(const std::function<void(Manifest&)>& change) {
    auto loaded = load_manifest(manifest());
    ASSERT_TRUE(loaded);
    change(*loaded);
    ASSERT_TRUE(store_manifest(*loaded, manifest()));
  }
};

constexpr const char* kCountedShop =
    "CREATE TABLE customers (id serial PRIMARY KEY, email text UNIQUE);"
    "CREATE TABLE orders (id bigserial PRIMARY KEY, customer_id int REFERENCES customers ON DELETE CASCADE, total "
    "numeric(10,2), placed timestamptz DEFAULT now(), note text);"
    "CREATE TABLE log (line text);"
    "INSERT INTO customers (email) SELECT 'c' || i FROM generate_series(1, 50) i;"
    "INSERT INTO orders (customer_id, total, note) SELECT i % 50 + 1, i, E'n\\t' || i FROM generate_series(1, 200) i;"
    "INSERT INTO log SELECT 'line ' || i FROM generate_series(1, 10) i;";

TEST_F(CountSince, RowsThatWereOnlyAddedOrOnlyTakenAwayAreCountedByTheirTransactions) {
  checkpoint(kCountedShop);
  on_live("INSERT INTO orders (customer_id, total) VALUES (1, 5), (2, 6); DELETE FROM customers WHERE id = 50");
  Json counted = count();
  EXPECT_EQ(counted["rows"]["orders"], three(2, 0, 4));
  EXPECT_EQ(counted["rows"]["customers"], three(0, 0, 1));
  EXPECT_FALSE(counted["rows"].contains("log"));
  EXPECT_EQ(how(counted, "orders"), "numbers");
  EXPECT_EQ(how(counted, "customers"), "numbers");
  EXPECT_EQ(how(counted, "log"), "numbers");
  EXPECT_TRUE(counted["exact"]);
}

TEST_F(CountSince, WhatChangedRowsWereIsLookedUpInTheDump) {
  checkpoint(kCountedShop);
  on_live(
      "UPDATE orders SET note = E'a\\tb\\nc\\\\d' WHERE id = 7; UPDATE orders SET total = total WHERE id < 5;"
      "DELETE FROM orders WHERE id = 9; INSERT INTO orders (id, total) VALUES (9, 9);"
      "DELETE FROM orders WHERE id IN (11, 12); INSERT INTO orders (total) VALUES (1);"
      "UPDATE orders SET id = 1000 WHERE id = 20");
  Json counted = count();
  EXPECT_EQ(how(counted, "orders"), "dump");
  // A row that has another key now was taken away and added.
  EXPECT_EQ(counted["rows"]["orders"], three(2, 2, 3));
  EXPECT_EQ(counted["columns"]["orders"]["note"], 2);
  EXPECT_TRUE(counted["exact"]) << counted["compared"];
}

TEST_F(CountSince, AMigrationIsNoWriteOfUsers) {
  checkpoint(kCountedShop);
  on_live(
      "ALTER TABLE orders ADD COLUMN gift text DEFAULT 'no'; UPDATE orders SET gift = 'yes';"
      "ALTER TABLE orders RENAME note TO remark; UPDATE orders SET remark = 'r' WHERE id = 3;"
      "ALTER TABLE log RENAME TO lines; INSERT INTO lines VALUES ('new');"
      "ALTER TABLE customers ALTER id TYPE bigint");
  const Json renamed{{"public.orders", {{"table", "public.orders"}, {"columns", {{"note", "remark"}}}}},
                     {"public.log", {{"table", "public.lines"}, {"columns", Json::object()}}}};
  Json counted = count({{"renamed", renamed}});
  EXPECT_EQ(counted["rows"]["orders"], three(0, 1, 0));
  EXPECT_EQ(counted["rows"]["log"], three(1, 0, 0));
  EXPECT_FALSE(counted["rows"].contains("customers")) << counted["rows"];
  EXPECT_TRUE(counted["exact"]) << counted["compared"];
}

TEST_F(CountSince, AColumnThatTheMigrationRewroteIsToldBeforeAnythingIsRestored) {
  checkpoint(kCountedShop);
  on_live("UPDATE orders SET total = total * 100; INSERT INTO orders (total) VALUES (500)");
  Json counted = count();
  EXPECT_EQ(counted["undecided"], Json::array({"orders.total"}));
  EXPECT_EQ(counted["rows"]["orders"], three(1, 200, 0));
  EXPECT_EQ(count({{"tables", {{"orders.total", "leave"}}}})["rows"]["orders"], three(1, 0, 0));
}

TEST_F(CountSince, HalfAColumnThatOneTransactionRewroteIsForAPersonToDecide) {
  checkpoint(kCountedShop);
  on_live("DO $$ BEGIN FOR i IN 1..60 LOOP UPDATE orders SET note = 'x' WHERE id = i; COMMIT; END LOOP; END $$");
  on_live("UPDATE orders SET total = 1 WHERE id = 3");
  on_live("UPDATE orders SET total = total * 100 WHERE id % 2 = 0");
  Json counted = count();
  EXPECT_EQ(counted["undecided"], Json::array({"orders.total"}));
  EXPECT_EQ(counted["changes"], Json::array({"orders.note: 60 of 200 old rows changed since the checkpoint: carried"}));
  counted = count({{"tables", {{"orders.total", "carry"}}}});
  EXPECT_EQ(counted["undecided"], Json::array());
}

TEST_F(CountSince, WhatFreezingRewritingAndSubtransactionsDoChangesNothing) {
  checkpoint(kCountedShop);
  on_live("INSERT INTO orders (total) VALUES (1)");
  on_live(
      "DO $$ BEGIN FOR i IN 1..3 LOOP BEGIN INSERT INTO orders (total) VALUES (i); EXCEPTION WHEN OTHERS THEN NULL; "
      "END; END LOOP; END $$");
  for (const char* upkeep : {"VACUUM FREEZE orders", "VACUUM FULL orders", "CLUSTER orders USING orders_pkey"}) {
    on_live(upkeep);
    Json counted = count();
    EXPECT_EQ(counted["rows"]["orders"], three(4, 0, 0)) << upkeep;
    EXPECT_EQ(how(counted, "orders"), "numbers");
  }
  on_live("BEGIN; TRUNCATE log; COMMIT");
  on_live("BEGIN; CREATE TABLE fresh (id int PRIMARY KEY); INSERT INTO fresh VALUES (1); COMMIT");
  Json counted = count();
  EXPECT_EQ(counted["rows"]["log"], three(0, 0, 10));
  EXPECT_EQ(counted["new_tables"], Json::array({"fresh"}));
}

TEST_F(CountSince, ATransactionThatWasOpenAtTheCheckpointIsCounted) {
  cluster_.run(name_, kCountedShop);
  auto early = Connection::open(cluster_.server(), name_);
  ASSERT_TRUE(early);
  ASSERT_TRUE(early->exec("BEGIN; SAVEPOINT a; INSERT INTO public.orders (total) VALUES (1); RELEASE SAVEPOINT a"));
  checkpoint();
  ASSERT_TRUE(early->exec("INSERT INTO public.log VALUES ('late'); COMMIT"));
  Json counted = count();
  EXPECT_EQ(counted["rows"]["orders"], three(1, 0, 0));
  EXPECT_EQ(counted["rows"]["log"], three(1, 0, 0));
  EXPECT_TRUE(counted["exact"]);
}

TEST_F(CountSince, WhereTransactionNumbersTellNothingItSaysSo) {
  checkpoint(kCountedShop);
  on_live("INSERT INTO orders (total) VALUES (1), (2); DELETE FROM orders WHERE id = 1; ");
  rewrite([](Manifest& manifest) {
    manifest.snapshot = "1:1:";
    manifest.horizon["timeline"] = 7;
  });
  Json counted = count();
  EXPECT_EQ(how(counted, "customers"), "hash");
  EXPECT_EQ(how(counted, "orders"), "counters about");
  EXPECT_FALSE(counted["exact"]);
  // A checkpoint of an earlier version: no horizon at all, and it was of another database.
  rewrite([](Manifest& manifest) {
    manifest.horizon = Json::object();
    manifest.catalog["origin"] = "1/1";
  });
  counted = count();
  EXPECT_EQ(how(counted, "customers"), "hash");
  EXPECT_EQ(how(counted, "orders"), "balance about");
  EXPECT_EQ(counted["rows"]["orders"], three(1, 0, 0));
  EXPECT_NE(get_string(counted["compared"]["orders"], "why").find("not the database"), std::string::npos);
}

TEST_F(CountSince, AnOldCheckpointIsCountedByTransactionsToo) {
  checkpoint(kCountedShop);
  rewrite([](Manifest& manifest) { manifest.horizon = Json::object(); });
  on_live("INSERT INTO orders (total) VALUES (1); UPDATE log SET line = 'x' WHERE line = 'line 1'");
  Json counted = count();
  EXPECT_EQ(counted["rows"]["orders"], three(1, 0, 0));
  EXPECT_EQ(how(counted, "orders"), "numbers");
  EXPECT_EQ(how(counted, "log"), "numbers about");  // without a key nothing says which row it was
  // Its dump does not say in which time zone it has times.
  on_live("DELETE FROM orders WHERE id = 5");
  EXPECT_EQ(how(count(), "orders"), "numbers about");
}

TEST_F(CountSince, InATimeThatIsTooShortItEstimates) {
  checkpoint(kCountedShop);
  on_live("INSERT INTO orders (total) VALUES (1)");
  Json counted = count({{"limit_ms", 0}});
  EXPECT_FALSE(counted["exact"]);
  EXPECT_EQ(how(counted, "orders"), "counters about");
}

TEST_F(CountSince, PartitionsAreCountedWithTheirTable) {
  checkpoint(
      "CREATE TABLE p (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);"
      "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (100);"
      "CREATE TABLE \"P 2\" PARTITION OF p FOR VALUES FROM (100) TO (200);"
      "INSERT INTO p SELECT i, 'v' FROM generate_series(90, 110) i; CREATE TABLE free (id int PRIMARY KEY, v text)");
  on_live("UPDATE p SET v = 'w' WHERE id IN (95, 105); DELETE FROM p WHERE id = 99; INSERT INTO p VALUES (1, 'x')");
  Json counted = count();
  EXPECT_EQ(counted["rows"], Json({{"p", three(1, 2, 1)}}));
  EXPECT_EQ(how(counted, "p"), "dump");
  on_live("CREATE TABLE p3 PARTITION OF p FOR VALUES FROM (200) TO (300)");
  counted = count();
  EXPECT_EQ(how(counted, "p"), "counters about");  // rows of another table may have come with it
}

// What claims to be exact is what reading all rows of both sides gives.
class CountRandom : public CountSince {
 protected:
  using Rows = std::map<std::string, std::multiset<std::string>>;  // key -> rows
  std::mt19937 random;
  int below(int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); }
  struct Kind {
    const char *name, *columns, *key;
  };
  static constexpr Kind kTables[] = {
      {"a", "id int PRIMARY KEY, v int, w text, at timestamptz DEFAULT '2024-03-01 12:00+02'", "id"},
      {"b", "id bigserial PRIMARY KEY, v int, w text, x numeric DEFAULT 1.50, j jsonb DEFAULT '{\"a\": [1]}'", "id"},
      {"c", "id uuid PRIMARY KEY, v int, w text, f float8 DEFAULT 0.1", "id"},
      {"d", "id text, v int, w text, PRIMARY KEY (id, w)", "id || '/' || w"},
      {"e", "id int, v int, w text", ""}};

  static std::string id_of(const Kind& table, int id) {
    if (table.name[0] == 'c') return "'00000000-0000-0000-0000-" + fmt::format("{:012d}", id) + "'";
    return table.name[0] == 'd' ? fmt::format("E'k\\t{}'", id) : std::to_string(id);
  }
  std::string write(int round) {
    const Kind& table = kTables[below(5)];
    const std::string id = id_of(table, below(40) + (below(3) == 0 ? 40 * round : 0));
    switch (below(8)) {
      case 0: return fmt::format("DELETE FROM {} WHERE id = {}", table.name, id);
      case 1: return fmt::format("UPDATE {} SET v = {} WHERE id = {}", table.name, below(5), id);
      case 2: return fmt::format("UPDATE {} SET v = v WHERE v = {}", table.name, below(5));
      case 3: return fmt::format("UPDATE {} SET id = {} WHERE id = {}", table.name, id_of(table, below(80)), id);
      case 4: return fmt::format("UPDATE {} SET w = w || E'\\n\\\\' WHERE id = {}", table.name, id);
      default:
        return fmt::format("INSERT INTO {} (id, v, w) VALUES ({}, {}, 'w{}')", table.name, id, below(5), below(3));
    }
  }
  void writes(int count, int round) {
    std::string sql = "DO $do$ BEGIN ";
    for (int i = 0; i < count; ++i) sql += "BEGIN " + write(round) + "; EXCEPTION WHEN OTHERS THEN NULL; END; ";
    on_live(sql + "END $do$");
  }
  Rows read(const Kind& table) {
    Rows rows;
    auto connection = Connection::open(cluster_.server(), name_);
    const std::string key = table.key[0] == 0 ? "t::text" : table.key;
    const auto seen = connection->query(fmt::format("SELECT {}, t::text FROM public.{} t", key, table.name));
    for (int i = 0; i < seen->count(); ++i) rows[seen->text(i, 0)].insert(seen->text(i, 1));
    return rows;
  }
  static Json differences(const Rows& before, const Rows& after) {
    int inserted = 0, updated = 0, removed = 0;
    for (const auto& [key, rows] : after) {
      const auto then = before.find(key);
      const int had = then == before.end() ? 0 : static_cast<int>(then->second.size());
      inserted += std::max(0, static_cast<int>(rows.size()) - had);
      if (had > 0 && rows.size() == 1 && had == 1 && *rows.begin() != *then->second.begin()) ++updated;
    }
    for (const auto& [key, rows] : before) {
      const auto now = after.find(key);
      removed +=
          std::max(0, static_cast<int>(rows.size()) - (now == after.end() ? 0 : static_cast<int>(now->second.size())));
    }
    return three(inserted, updated, removed);
  }
};

TEST_F(CountRandom, ExactFiguresAreExact) {
  const int first = number_from("BACKOUT_RANDOM_SEED", 1), cases = number_from("BACKOUT_COUNT_CASES", 6);
  int exact = 0, all = 0;
  std::map<std::string, int> ways;
  for (int seed = first; seed < first + cases; ++seed) {
    SCOPED_TRACE("BACKOUT_RANDOM_SEED=" + std::to_string(seed));
    random.seed(static_cast<unsigned>(seed));
    name_ = cluster_.database("shop");
    for (const Kind& table : kTables) on_live(fmt::format("CREATE TABLE {} ({})", table.name, table.columns));
    writes(80, 0);
    std::filesystem::remove_all(dump());
    std::filesystem::remove(manifest());
    checkpoint();
    std::map<std::string, Rows> before;
    for (const Kind& table : kTables) before[table.name] = read(table);
    if (seed % 3 == 0) rewrite([](Manifest& manifest) { manifest.horizon["timeline"] = 9; });
    for (int round = 0; round < 4; ++round) {
      writes(1 + below(12), round + 1);
      if (below(4) == 0) on_live("VACUUM FREEZE a");
      if (below(4) == 0) on_live("VACUUM FULL b");
      if (below(6) == 0) on_live("BEGIN; DELETE FROM c; ROLLBACK");
      if (below(6) == 0) on_live("ALTER TABLE d ALTER v TYPE int USING v::int");
      Json counted = count();
      for (const Kind& table : kTables) {
        ++all;
        ++ways[how(counted, table.name)];
        if (!get_bool(get(counted["compared"], table.name), "exact")) continue;
        ++exact;
        const Json& said = get(counted["rows"], table.name);
        EXPECT_EQ(said.is_null() ? three(0, 0, 0) : said, differences(before[table.name], read(table)))
            << table.name << " " << counted["compared"][table.name];
      }
    }
    cluster_.admin("DROP DATABASE " + sql_name(name_));
  }
  std::string told;
  for (const auto& [way, times] : ways) told += fmt::format("{} {}, ", way, times);
  EXPECT_GT(exact * 2, all) << told;
  std::printf("%d of %d exact: %s\n", exact, all, told.c_str());
}

}  // namespace
}  // namespace backout::postgresql
