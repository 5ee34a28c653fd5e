// Random histories: what the slot says is what reading all rows of both sides gives.
//
// BACKOUT_COUNT_CASES: databases (4); BACKOUT_RANDOM_SEED: where to begin (1).
#include <random>

#include "base/text.h"
#include "database/postgresql/slot_for_tests.h"

namespace backout::postgresql {
namespace {

class SlotRandom : public SlotTest {
 protected:
  std::mt19937 random_;
  int below(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }
  static constexpr const char* kNames[] = {"a", "b", "c", "d"};
  static std::string id_of(char table, int id) {
    if (table == 'c') return "'00000000-0000-0000-0000-" + fmt::format("{:012d}", id) + "'";
    return table == 'd' ? fmt::format("E'k\\t{}'", id) : std::to_string(id);
  }
  std::string write(int round) {
    const char table = kNames[below(4)][0];
    const std::string id = id_of(table, below(40) + (below(3) == 0 ? 40 * round : 0));
    switch (below(9)) {
      case 0: return fmt::format("DELETE FROM {} WHERE id = {}", table, id);
      case 1: return fmt::format("UPDATE {} SET v = {} WHERE id = {}", table, below(5), id);
      case 2: return fmt::format("UPDATE {} SET v = v WHERE v = {}", table, below(5));
      case 3: return fmt::format("UPDATE {} SET id = {} WHERE id = {}", table, id_of(table, below(80)), id);
      case 4: return fmt::format("UPDATE {} SET w = w || E'\\n\\\\' WHERE id = {}", table, id);
      case 5: return fmt::format("UPDATE {} SET w = repeat(w || 'long', 3000) WHERE id = {}", table, id);
      default: return fmt::format("INSERT INTO {} (id, v, w) VALUES ({}, {}, 'w{}')", table, id, below(5), below(3));
    }
  }
  std::string some_writes(int count, int round) {
    std::string sql = "DO $do$ BEGIN ";
    for (int i = 0; i < count; ++i) sql += "BEGIN " + write(round) + "; EXCEPTION WHEN OTHERS THEN NULL; END; ";
    return sql + "END $do$";
  }
  std::map<std::string, std::string> read(const char* table) {
    std::map<std::string, std::string> rows;
    auto connection = Connection::open(cluster_.server(), name_);
    const std::string key = table[0] == 'd' ? "id || '/' || v" : "id::text";
    const auto seen = connection->query(fmt::format("SELECT {}, t::text FROM public.{} t", key, table));
    for (int i = 0; i < seen->count(); ++i) rows[seen->text(i, 0)] = seen->text(i, 1);
    return rows;
  }
  static Json differences(const std::map<std::string, std::string>& before,
                          const std::map<std::string, std::string>& after) {
    int inserted = 0, updated = 0, removed = 0;
    for (const auto& [key, row] : after) {
      const auto then = before.find(key);
      if (then == before.end())
        ++inserted;
      else if (then->second != row)
        ++updated;
    }
    for (const auto& [key, row] : before)
      if (!after.contains(key)) ++removed;
    return of_rows(inserted, updated, removed);
  }
};

TEST_F(SlotRandom, CountsAreThoseOfBruteForce) {
  const auto number = [](const char* name, int otherwise) {
    const char* text = std::getenv(name);
    return text == nullptr ? otherwise : std::atoi(text);
  };
  const int first = number("BACKOUT_RANDOM_SEED", 1), cases = number("BACKOUT_COUNT_CASES", 4);
  int by_slot = 0, all = 0;
  for (int seed = first; seed < first + cases; ++seed) {
    SCOPED_TRACE("BACKOUT_RANDOM_SEED=" + std::to_string(seed));
    random_.seed(static_cast<unsigned>(seed));
    name_ = cluster_.database("shop");
    on_live(
        "CREATE TABLE a (id int PRIMARY KEY, v int, w text); CREATE TABLE b (id bigint PRIMARY KEY, v int, w text);"
        "CREATE TABLE c (id uuid PRIMARY KEY, v int, w text); CREATE TABLE d (id text, v int, w text, PRIMARY KEY (v, "
        "id));"
        "ALTER TABLE b REPLICA IDENTITY FULL; ALTER TABLE a ALTER w SET STORAGE EXTERNAL");
    on_live(some_writes(80, 0));
    std::filesystem::remove_all(dump());
    std::filesystem::remove(manifest());
    checkpoint();
    std::map<std::string, std::map<std::string, std::string>> before;
    for (const char* table : kNames) before[table] = read(table);
    for (int round = 0; round < 4; ++round) {
      on_live(some_writes(1 + below(15), round + 1));
      if (below(4) == 0) on_live("ALTER TABLE c ADD x" + std::to_string(round) + " int");
      if (below(6) == 0) on_live("BEGIN; DELETE FROM c; ROLLBACK");
      if (below(8) == 0) on_live("TRUNCATE d");
      const Json counted = count();
      for (const char* table : kNames) {
        ++all;
        if (how(counted, table) == "slot") ++by_slot;
        if (how(counted, table).ends_with("about")) continue;
        const auto now = cluster_.text(name_, "SELECT count(*) FROM information_schema.columns WHERE table_name = 'c'");
        if (table[0] == 'c' && now != "3") continue;  // its rows' texts have another form now
        const Json& said = get(get(counted, "rows"), table);
        EXPECT_EQ(said.is_null() ? of_rows(0, 0, 0) : said, differences(before[table], read(table)))
            << table << " " << get(counted, "compared")[table];
      }
    }
    (void)drop_slots(cluster_.server(), name_);
    cluster_.admin("DROP DATABASE " + sql_name(name_));
  }
  std::printf("%d of %d tables by the slot\n", by_slot, all);
  EXPECT_GT(by_slot * 4, all * 3);
}

}  // namespace
}  // namespace backout::postgresql
