// Random schemas, random migrations, random writes: the rescue against what the rules say, worked out row by row.
//
// BACKOUT_RANDOM_CASES: how many (150); BACKOUT_RANDOM_SEED: where to begin (1).
#include <map>
#include <random>

#include "base/text.h"
#include "database/postgresql/rescue_for_tests.h"
#include "database/postgresql/row_buckets.h"

namespace backout::postgresql {
namespace {

int from_environment(const char* name, int otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::atoi(text);
}

constexpr int kCasesTogether = 25;  // schemas of one database

struct RandomTable {
  std::string schema, name, key;     // SQL names of the key's columns; empty: none
  std::string parent, action;        // by its own number; empty: none
  bool relaxed = false;              // live lost a constraint
  std::vector<std::string> columns;  // that both have
  std::string full() const { return schema + "." + name; }
};
using Content = std::map<std::string, std::vector<std::string>>;  // key -> rows

class RescueRandom : public RescueTest {
 protected:
  std::mt19937 random;
  int below(int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); }
  bool one_in(int n) { return below(n) == 0; }
  std::string value(int n, int null_in = 8) { return one_in(null_in) ? "NULL" : std::to_string(below(n) + 1); }
  std::vector<RandomTable> all;
  std::string create, migrate, first, later;

  void add_schema(int number) {
    const std::string schema = "s" + std::to_string(number);
    create += "CREATE SCHEMA " + schema + ";";
    const size_t begin = all.size();
    const int tables = 2 + below(3);
    for (int i = 0; i < tables; ++i) {
      RandomTable table{.schema = schema, .name = "t" + std::to_string(i)};
      static const char* const kKeys[] = {"k", "k", "k", "k", "k, g", ""};
      table.key = kKeys[below(6)];
      table.columns = {"k", "g", "u", "c", "n", "p", "f"};
      std::string columns =
          "k int NOT NULL, g text NOT NULL DEFAULT '', u int UNIQUE, c int CHECK (c <> 3), n int NOT NULL "
          "DEFAULT 1, f text DEFAULT 'f', extra int DEFAULT 7";
      if (!table.key.empty()) columns += ", PRIMARY KEY (" + table.key + ")";
      std::vector<std::string> parents;
      for (size_t j = begin; j < all.size(); ++j)
        if (all[j].key == "k") parents.push_back(all[j].name);
      if (table.key == "k" && one_in(3)) parents = {table.name};
      columns += ", p int";
      if (!parents.empty()) {
        static const char* const kActions[] = {"",
                                               "",
                                               "ON DELETE CASCADE",
                                               "ON DELETE SET NULL",
                                               "ON DELETE RESTRICT",
                                               "ON DELETE CASCADE ON UPDATE CASCADE",
                                               "DEFERRABLE INITIALLY DEFERRED"};
        table.parent = parents[static_cast<size_t>(below(static_cast<int>(parents.size())))];
        table.action = kActions[below(7)];
        columns += " CONSTRAINT fk REFERENCES " + schema + "." + table.parent + " " + table.action;
      }
      create += "CREATE TABLE " + table.full() + " (" + columns + ");";
      all.push_back(table);
    }
    for (size_t i = begin; i < all.size(); ++i) first += writes(all[i], 12, true);
    for (size_t i = begin; i < all.size(); ++i) migrate += migration(all[i]);
    for (int i = 0; i < 4; ++i)
      later += writes(all[begin + static_cast<size_t>(below(static_cast<int>(all.size() - begin)))], 10, false);
  }

  std::string migration(RandomTable& table) {
    std::string sql;
    const auto alter = [&](const std::string& what) { sql += "ALTER TABLE " + table.full() + " " + what + ";"; };
    const auto relax = [&](const std::string& what) { alter(what), table.relaxed = true; };
    if (one_in(4)) relax("DROP CONSTRAINT " + table.name + "_u_key");
    if (one_in(4)) relax("DROP CONSTRAINT " + table.name + "_c_check");
    if (one_in(4)) relax("ALTER n DROP NOT NULL");
    if (!table.parent.empty() && one_in(4)) relax("DROP CONSTRAINT fk");
    if (one_in(4)) alter("ADD COLUMN fresh int DEFAULT 5");
    if (!table.key.empty() && one_in(5)) alter("DROP COLUMN extra");
    if (!table.key.empty() && one_in(5)) alter("ALTER u TYPE bigint");
    if (!table.key.empty() && one_in(5)) alter("ALTER n DROP DEFAULT, ALTER n TYPE text, ALTER n SET DEFAULT '1'");
    return sql;
  }

  /// Statements that may fail, each by itself.
  std::string writes(const RandomTable& table, int count, bool inserts_only) {
    std::string sql = "DO $do$ BEGIN SET CONSTRAINTS ALL IMMEDIATE;";
    for (int i = 0; i < count; ++i) {
      std::string one;
      const int kind = inserts_only ? 0 : below(4);
      const std::string where = " WHERE k = " + std::to_string(below(14) + 1);
      if (kind <= 0 || kind == 3) {
        one = "INSERT INTO " + table.full() + " (k, g, u, c, n, p) VALUES (" + std::to_string(below(14) + 1) + ", '" +
              (one_in(3) ? "é" : "") + "', " + value(10) + ", " + value(6) + ", " +
              (one_in(6) ? "NULL" : "'" + std::to_string(below(4)) + "'") + ", " + value(14, 3) + ")";
      } else if (kind == 1) {
        one = "UPDATE " + table.full() + " SET " +
              (one_in(3)   ? "u = " + value(10)
               : one_in(3) ? "c = " + value(6) + ", f = 'x'"
               : one_in(2) ? "p = " + value(14, 3)
                           : "n = " + std::string(one_in(2) ? "NULL" : "'9'")) +
              where;
        if (one_in(5))  // two swap a value
          one = "DECLARE a int := " + std::to_string(below(14) + 1) + "; b int := " + std::to_string(below(14) + 1) +
                "; x int; y int; BEGIN SELECT u INTO STRICT x FROM " + table.full() +
                " WHERE k = a; SELECT u INTO STRICT y "
                "FROM " +
                table.full() + " WHERE k = b; UPDATE " + table.full() + " SET u = NULL WHERE k = a; UPDATE " +
                table.full() + " SET u = x WHERE k = b; UPDATE " + table.full() + " SET u = y WHERE k = a; END";
      } else {
        one = "DELETE FROM " + table.full() + where;
      }
      sql += " BEGIN " + one + "; EXCEPTION WHEN OTHERS THEN NULL; END;";
    }
    return sql + " END $do$;";
  }

  static std::string row_of(const RandomTable& table, bool key) {
    std::vector<std::string> parts;
    for (const std::string& column :
         key && !table.key.empty() ? split(replaced(table.key, " ", ""), ',') : table.columns)
      parts.push_back("coalesce(" + column + "::text, 'NULL')");
    return "concat_ws('|', " + join(parts, ", ") + ")";
  }
  static Content content(Connection& database, const RandomTable& table) {
    Content out;
    auto rows = database.query("SELECT " + row_of(table, true) + ", " + row_of(table, false) + " FROM " + table.full());
    if (!rows) {
      ADD_FAILURE() << rows.error().message;
      return out;
    }
    for (int row = 0; row < rows->count(); ++row) out[rows->text(row, 0)].push_back(rows->text(row, 1));
    return out;
  }
  Connection connect(const std::string& database) { return Connection::open(cluster.server(), database).value(); }
  static std::string key_text(const RandomTable& table, const Json& line) {
    std::vector<std::string> parts;
    const Json& from = table.key.empty() ? line["key"] : line["key"];
    for (const std::string& column : table.key.empty() ? table.columns : split(replaced(table.key, " ", ""), ','))
      parts.push_back(from[column].is_null() ? "NULL" : from[column].get<std::string>());
    return join(parts, "|");
  }

  void check_table(const RandomTable& table, const Content& base, const Content& now, const Content& after) {
    SCOPED_TRACE("table " + table.full());
    std::map<std::string, size_t> reported;
    for (const Json& line : lines("conflicts.jsonl"))
      if (line["table"] == table.full()) ++reported[key_text(table, line)];
    std::set<std::string> keys;
    for (const Content* side : {&base, &now, &after})
      for (const auto& [key, rows] : *side) keys.insert(key);
    const auto rows = [](const Content& side, const std::string& key) {
      const auto found = side.find(key);
      return found == side.end() ? std::vector<std::string>() : found->second;
    };
    for (const std::string& key : keys) {
      const auto wanted = rows(now, key), there = rows(after, key), before = rows(base, key);
      if (table.key.empty()) {
        const size_t off = wanted.size() > there.size() ? wanted.size() - there.size() : there.size() - wanted.size();
        EXPECT_EQ(off, reported[key]) << key;
      } else if (wanted == there) {
        EXPECT_EQ(reported[key], 0U) << key;
      } else {
        EXPECT_EQ(reported[key], 1U) << key << " is " << testing::PrintToString(there) << " instead of "
                                     << testing::PrintToString(wanted);
        EXPECT_EQ(there, before) << key;
      }
    }
  }

  /// A row that was not carried cannot be: tried alone, it is refused.
  void check_refused(const Json& line, const std::map<std::string, RandomTable>& by_name, Connection& there) {
    const RandomTable& table = by_name.at(line["table"].get<std::string>());
    if (line["why"].get<std::string>().starts_with("gives way")) return;
    const std::string operation = line["operation"];
    std::string where;
    for (const std::string& column : split(replaced(table.key, " ", ""), ','))
      if (!table.key.empty())
        where +=
            (where.empty() ? " WHERE " : " AND ") + column + " = " + sql_text(line["key"][column].get<std::string>());
    std::string sql;
    if (operation == "delete") {
      std::string count;
      for (const auto& [name, child] : by_name)
        if (child.schema == table.schema && child.parent == table.name)
          count += (count.empty() ? "" : " + ") +
                   ("(SELECT count(*) FROM " + name + " WHERE p = " + line["key"]["k"].get<std::string>() + ")");
      ASSERT_FALSE(count.empty()) << line;
      EXPECT_NE(there.integer("SELECT " + count).value(), 0) << line;
      return;
    }
    std::vector<std::string> names, values, sets;
    for (const auto& [name, text] : line["live"].items()) {
      names.push_back(name);
      values.push_back(text.is_null() ? "NULL" : sql_text(text.get<std::string>()));
      sets.push_back(name + " = " + values.back());
    }
    if (operation == "insert") {
      sql = "INSERT INTO " + table.full() + " (" + join(names, ", ") + ") VALUES (" + join(values, ", ") + ")";
    } else {
      sql = "UPDATE " + table.full() + " SET " + join(sets, ", ") + where;
    }
    (void)there.exec("BEGIN");
    EXPECT_FALSE(there.exec(sql) && there.exec("SET CONSTRAINTS ALL IMMEDIATE")) << line << "\n" << sql;
    (void)there.exec("ROLLBACK");
  }

  struct Renamed {
    std::string there, back;
    Json names = Json::object();
  };
  /// Some tables of live get another name, some another column, some both.
  Renamed rename_some() {
    Renamed out;
    for (const RandomTable& table : all) {
      const bool itself = one_in(4);
      const std::string now = itself ? table.schema + ".other_" + table.name : table.full();
      Json columns = Json::object();
      if (itself) {
        out.there += "ALTER TABLE " + table.full() + " RENAME TO other_" + table.name + ";";
        out.back += "ALTER TABLE " + now + " RENAME TO " + table.name + ";";
      }
      for (const std::string column : {"k", "u", "f"}) {
        if (!one_in(6)) continue;
        columns[column] = "other_" + column;
        out.there += "ALTER TABLE " + now + " RENAME " + column + " TO other_" + column + ";";
        out.back = "ALTER TABLE " + now + " RENAME other_" + column + " TO " + column + ";" + out.back;
      }
      if (itself || !columns.empty()) out.names[table.full()] = {{"table", now}, {"columns", columns}};
    }
    return out;
  }

  void agrees(int cases);
};

void RescueRandom::agrees(int cases) {
  const int seed = from_environment("BACKOUT_RANDOM_SEED", 1);
  int64_t carried = 0, conflicts = 0;
  for (int done = 0; done < cases && !HasFailure(); done += kCasesTogether) {
    SCOPED_TRACE("BACKOUT_RANDOM_SEED=" + std::to_string(seed + done));
    random.seed(static_cast<unsigned>(seed + done));
    all.clear();
    create.clear(), migrate.clear(), first.clear(), later.clear();
    for (int i = 0; i < kCasesTogether; ++i) add_schema(i);
    if (!live.empty()) cluster.admin("DROP DATABASE " + sql_name(live) + " WITH (FORCE)");
    if (!target.empty()) cluster.admin("DROP DATABASE " + sql_name(target) + " WITH (FORCE)");
    target.clear();
    checkpoint(create + first);
    std::vector<Content> base;
    {
      auto before = connect(target);
      for (const RandomTable& table : all) base.push_back(content(before, table));
    }
    on_live(migrate);
    on_live(later);
    const auto [renames, back, renamed] = rename_some();
    on_live(renames);
    const Json evidence = rescue({{"renamed", renamed}});
    on_live(back);
    if (evidence.is_null()) break;
    conflicts += evidence["conflict_count"].get<int64_t>();
    for (const Json& counts : evidence["carried"])
      for (const Json& count : counts) carried += count.get<int64_t>();
    auto now = connect(live), after = connect(target);
    std::map<std::string, RandomTable> by_name;
    std::set<std::string> relaxed;
    for (size_t i = 0; i < all.size(); ++i) {
      check_table(all[i], base[i], content(now, all[i]), content(after, all[i]));
      by_name[all[i].full()] = all[i];
      if (all[i].relaxed) relaxed.insert(all[i].schema);
    }
    for (const Json& line : lines("conflicts.jsonl")) {
      EXPECT_TRUE(relaxed.contains(by_name.at(line["table"].get<std::string>()).schema)) << line;
      check_refused(line, by_name, after);
    }
  }
  std::printf("seed %d: %d schemas, %lld rows carried, %lld conflicts\n", seed, cases, static_cast<long long>(carried),
              static_cast<long long>(conflicts));
  if (HasFailure()) std::printf("again with BACKOUT_RANDOM_SEED=%d\n", seed);
}

TEST_F(RescueRandom, AgreesWithTheRulesRowByRow) { agrees(from_environment("BACKOUT_RANDOM_CASES", 150)); }

TEST_F(RescueRandom, AgreesWhenTablesOfAnySizeAreHashed) {
  const BucketLimits before = bucket_limits();
  bucket_limits() = {.small_bytes = 0, .rows = 1, .always = true};
  agrees(from_environment("BACKOUT_RANDOM_CASES", 150) / 3);
  bucket_limits() = before;
}

}  // namespace
}  // namespace backout::postgresql
