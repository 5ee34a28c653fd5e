// A random schema with rows, the statements of the code that was written for
// it, and a random migration of it.
#pragma once
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "base/text.h"

namespace backout::postgresql {

class RandomShop {
 public:
  explicit RandomShop(unsigned seed) : random_(seed) {
    const int tables = 2 + below(2);
    for (int i = 0; i < tables; ++i) make_table(i);
  }

  /// Makes the schema and its rows; the code is the role app.
  std::string schema_sql() const {
    std::string sql =
        "CREATE TYPE mood AS ENUM ('sad', 'ok', 'glad'); CREATE "
        "FUNCTION tax(x bigint) RETURNS bigint LANGUAGE sql AS "
        "'SELECT x * 2';";
    for (const Table& table : tables_) {
      sql += "CREATE TABLE " + table.name + "(id " + table.id + " PRIMARY KEY";
      for (const Column& column : table.columns) {
        sql += ", " + column.name + " " + column.type + (column.not_null ? " NOT NULL" : "");
        if (!column.default_text.empty()) sql += " DEFAULT " + column.default_text;
        if (column.unique) sql += " CONSTRAINT " + table.name + "_" + column.name + "_u UNIQUE";
        if (column.check)
          sql += " CONSTRAINT " + table.name + "_" + column.name + "_c CHECK (" + check_of(column) + ")";
        if (!column.parent.empty())
          sql += " CONSTRAINT " + table.name + "_" + column.name + "_f REFERENCES " + column.parent + column.action;
      }
      sql += ");";
      if (table.index) sql += "CREATE INDEX " + table.name + "_i ON " + table.name + "(" + table.columns[0].name + ");";
    }
    const Table& first = tables_[0];
    sql += "CREATE VIEW seen AS SELECT id, " + first.columns[0].name + " FROM " + first.name + ";";
    for (const Table& table : tables_)
      for (int row = 1; row <= 4; ++row) sql += insert(table, row, "", "") + ";";
    return sql +
           "GRANT USAGE ON SCHEMA public TO app; GRANT ALL ON ALL TABLES "
           "IN SCHEMA public TO app; GRANT ALL ON ALL "
           "SEQUENCES IN SCHEMA public TO app;";
  }

  /// Reads and writes that touch every column of every table, with what
  /// constraints allow and what they refuse.
  std::vector<std::string> statements() {
    std::vector<std::string> out;
    reads(out);
    int row = 10;
    for (const Table& table : tables_) {
      out.push_back(insert(table, ++row, "", "") + " RETURNING id");
      out.push_back(insert_required(table, ++row) + " RETURNING *");
      out.push_back(insert_required(table, ++row));
      for (const Column& column : table.columns) {
        out.push_back(insert(table, ++row, column.name, "NULL"));
        out.push_back(insert(table, ++row, column.name, extreme(column)));
        out.push_back(insert(table, ++row, column.name, value(column, 1)));  // a row has it already
        out.push_back("UPDATE " + table.name + " SET " + column.name + " = " + value(column, ++row) + " WHERE id = 2");
        out.push_back("SELECT count(*) FROM " + table.name + " WHERE " + column.name + " = " + value(column, 2));
        if (column.unique)
          out.push_back(insert(table, ++row, column.name, value(column, 1)) + " ON CONFLICT (" + column.name +
                        ") DO NOTHING");
      }
      out.push_back(replaced(insert(table, ++row, "", ""), "(", "(id, ", "(", "(1, "));  // refused: it is there
      if (table.id == "serial") continue;
      ++row;  // an identity column takes a number that is given, too
      const std::string numbered = std::to_string(row + 1000) + ", ";
      out.push_back(replaced(insert(table, row, "", ""), "(", "(id, ", "(", "(" + numbered));
    }
    risky(out);
    for (auto table = tables_.rbegin(); table != tables_.rend(); ++table)
      out.push_back("DELETE FROM " + table->name + " WHERE id = 3");
    if (below(3) > 0) out.push_back("DELETE FROM " + tables_[0].name + " WHERE id = 1");
    reads(out);
    return out;
  }

  std::string migration() {
    std::string sql = one_migration();
    if (below(4) == 0) sql += "; " + one_migration();
    if (below(3) > 0) sql += "; " + written_;  // by the new release
    return sql;
  }

 private:
  struct Column {
    std::string name, type, default_text, parent, action;
    bool not_null = false, unique = false, check = false;
  };
  struct Table {
    std::string name, id;
    bool index = false;
    std::vector<Column> columns;
  };

  int below(int limit) { return static_cast<int>(random_() % static_cast<unsigned>(limit)); }
  template <class T>
  const T& one_of(const std::vector<T>& list) {
    return list[static_cast<size_t>(below(static_cast<int>(list.size())))];
  }

  static std::string replaced(std::string text, const std::string& a, const std::string& b, const std::string& c,
                              const std::string& d) {
    const size_t first = text.find(a);
    text.replace(first, a.size(), b);
    const size_t second = text.find(c, first + b.size());
    return text.replace(second, c.size(), d);
  }

  void make_table(int number) {
    Table table{.name = "t" + std::to_string(number),
                .id = below(2) == 0 ? "serial" : "int GENERATED BY DEFAULT AS IDENTITY"};
    table.index = below(2) == 0;
    std::vector<std::string> names{"title", "note", "price", "state", "born", "flag", "amount", "code"};
    std::shuffle(names.begin(), names.end(), random_);
    const int columns = 2 + below(3);
    for (int i = 0; i < columns; ++i) {
      Column column{.name = names[static_cast<size_t>(i)]};
      column.type = one_of<std::string>(
          {"int", "bigint", "text", "varchar(20)", "varchar(20)", "numeric(8,2)", "boolean", "timestamp", "mood"});
      column.not_null = below(3) == 0;
      const bool plain = column.type == "int" || column.type == "text" || column.type == "varchar(20)";
      if (below(3) == 0) column.default_text = value(column, 900 + i);
      if (plain && column.default_text.empty()) column.unique = below(4) == 0;
      if (plain) column.check = below(4) == 0;
      table.columns.push_back(column);
    }
    if (number > 0 && below(4) > 0)
      table.columns.push_back({.name = "ref",
                               .type = "int",
                               .parent = "t" + std::to_string(below(number)),
                               .action = one_of<std::string>({"", " ON DELETE CASCADE", " ON DELETE SET NULL"})});
    tables_.push_back(table);
  }

  static std::string check_of(const Column& column) {
    return column.type == "int" ? column.name + " > -3" : "length(" + column.name + ") < 18";
  }

  /// Different for different rows, as far as the type can.
  static std::string value(const Column& column, int row) {
    if (!column.parent.empty()) return std::to_string(row % 2 + 1);
    const std::string n = std::to_string(row);
    if (column.type == "int" || column.type == "bigint") return n;
    if (column.type == "numeric(8,2)") return n + ".25";
    if (column.type == "boolean") return row % 2 == 0 ? "true" : "false";
    if (column.type == "timestamp") return "'2024-01-01 10:00:" + std::to_string(10 + row % 50) + "'";
    if (column.type == "mood") return row % 2 == 0 ? "'sad'" : "'glad'";
    return "'v" + n + "'";
  }
  static std::string extreme(const Column& column) {
    if (!column.parent.empty()) return "777";
    if (column.type == "int") return "-2147483648";
    if (column.type == "bigint") return "9223372036854775807";
    if (column.type == "numeric(8,2)") return "999999.99";
    if (column.type == "text" || column.type == "varchar(20)") return "'Zzzzzzzzzzzzzzzzzzzz'";
    return value(column, 3);
  }

  static std::string insert(const Table& table, int row, const std::string& name, const std::string& instead) {
    std::vector<std::string> names, values;
    for (const Column& column : table.columns) {
      names.push_back(column.name);
      values.push_back(column.name == name ? instead : value(column, row));
    }
    return "INSERT INTO " + table.name + "(" + join(names, ", ") + ") VALUES (" + join(values, ", ") + ")";
  }
  static std::string insert_required(const Table& table, int row) {
    std::vector<std::string> names, values;
    for (const Column& column : table.columns)
      if (column.not_null && column.default_text.empty())
        names.push_back(column.name), values.push_back(value(column, row));
    if (names.empty()) return "INSERT INTO " + table.name + " DEFAULT VALUES";
    return "INSERT INTO " + table.name + "(" + join(names, ", ") + ") VALUES (" + join(values, ", ") + ")";
  }

  void reads(std::vector<std::string>& out) {
    for (const Table& table : tables_) {
      std::vector<std::string> names{"id"};
      for (const Column& column : table.columns) names.push_back(column.name);
      out.push_back("SELECT " + join(names, ", ") + " FROM " + table.name + " ORDER BY id");
      out.push_back("SELECT * FROM " + table.name + " ORDER BY id");
      for (const Column& column : table.columns) {
        if (column.parent.empty()) continue;
        const Table& parent = tables_[static_cast<size_t>(column.parent[1] - '0')];
        std::vector<std::string> both;
        for (const Column& each : table.columns)
          if (!has(parent, each.name)) both.push_back(each.name);  // unqualified, as people write
        out.push_back("SELECT " + join(both, ", ") + " FROM " + table.name + " c JOIN " + parent.name +
                      " p ON c.ref = p.id ORDER BY c.id");
      }
    }
    out.push_back("SELECT * FROM seen ORDER BY id");
    out.push_back("SELECT tax(21)");
  }

  static bool has(const Table& table, const std::string& name) {
    return std::any_of(table.columns.begin(), table.columns.end(),
                       [&](const Column& each) { return each.name == name; });
  }

  /// What an added column can break although it is nullable.
  void risky(std::vector<std::string>& out) {
    const std::string &a = tables_[0].name, &b = tables_[1].name;
    const std::string first = tables_[0].columns[0].name;
    const std::vector<std::string> all{
        "SELECT * FROM " + a + " x JOIN " + b + " y ON x.id = y.id ORDER BY x.id",
        "SELECT count(*) FROM " + a + " NATURAL JOIN " + b,
        "SELECT DISTINCT * FROM " + b + " ORDER BY id",
        "SELECT row_to_json(x) FROM " + a + " x ORDER BY id",
        "SELECT md5(x.*::text) FROM " + a + " x ORDER BY id",
        "SELECT id FROM " + a + " x WHERE EXISTS (SELECT 1 FROM " + b + " y WHERE " +
            (has(tables_[1], first) ? "x." : "") + first + " IS NOT NULL) ORDER BY id",
        "SELECT * FROM " + a + " EXCEPT SELECT * FROM " + a,
        "SELECT (x).id FROM (SELECT * FROM " + a + ") x ORDER BY 1",
        "WITH w AS (SELECT * FROM " + b + ") SELECT count(*) FROM w",
        "UPDATE " + b + " SET " + tables_[1].columns[0].name + " = " + tables_[1].columns[0].name +
            " WHERE id = 4 RETURNING *",
    };
    for (const auto& sql : all)
      if (below(12) == 0) out.push_back(sql);
  }

  std::string one_migration() {
    const Table& table = one_of(tables_);
    const Table& other = one_of(tables_);
    const Column& column = one_of(table.columns);
    const std::string t = "ALTER TABLE " + table.name + " ", c = column.name, n = "x" + std::to_string(below(1000));
    const std::string alter = t + "ALTER " + c + " ";
    const bool has_mood = column.type == "mood";
    written_ = "UPDATE " + table.name + " SET " + n + " = 1; INSERT INTO " + n + " VALUES (1), (2)" +
               (has_mood ? "; UPDATE " + table.name + " SET " + c + " = 'new' WHERE id = 2" : "");
    const bool text = column.type == "text" || column.type == "varchar(20)";
    const std::vector<std::string> harmless{
        t + "ADD " + n + " text",
        t + "ADD " + n + " int DEFAULT 5",
        t + "ADD " + n + " int NOT NULL DEFAULT 0",
        t + "ADD " + n + " int NOT NULL DEFAULT 1 CHECK (" + n + " > 0)",
        t + "ADD " + n + " text UNIQUE",
        t + "ADD " + n + " int REFERENCES " + other.name + " ON DELETE SET NULL",
        t + "ADD " + n + " int REFERENCES " + other.name,
        t + "ADD " + n + " text GENERATED ALWAYS AS (lower('A' || 'b')) STORED",
        t + "ADD " + (has(table, "title") ? n : "title") + " text",
        t + "ADD " + (has(table, "note") ? n : "note") + " text",
        "CREATE TABLE " + n + "(id serial PRIMARY KEY, title text)",
        "CREATE TABLE " + n + "(id int REFERENCES " + table.name + " ON DELETE CASCADE)",
        "CREATE TABLE " + n + "(id int REFERENCES " + table.name + ")",
        "CREATE INDEX " + n + " ON " + table.name + "(" + c + ")",
        "CREATE INDEX " + n + " ON " + table.name + "(" + c + ") WHERE " + c + " IS NOT NULL",
        "DROP INDEX IF EXISTS " + table.name + "_i",
        "CREATE VIEW " + n + " AS SELECT * FROM " + table.name,
        "CREATE FUNCTION " + n + "(x int) RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "ALTER TYPE mood ADD VALUE 'new'",
        "GRANT SELECT ON " + table.name + " TO PUBLIC",
        "COMMENT ON TABLE " + table.name + " IS 'x'",
        "CREATE TYPE " + n + " AS ENUM ('a'); " + t + "ADD " + n + "_e " + n + " DEFAULT 'a'",
        column.type == "varchar(20)" ? alter + "TYPE varchar(40)" : t + "ADD " + n + " date",
    };
    const std::vector<std::string> harmful{
        t + "ADD " + n + " int NOT NULL DEFAULT 0; " + t + "ALTER " + n + " DROP DEFAULT",
        t + "ADD " + n + " int DEFAULT 0 UNIQUE",
        t + "ADD " + n + " int DEFAULT 0 CHECK (" + n + " > 0) NOT VALID",
        t + "ADD " + n + " int GENERATED ALWAYS AS (id / (id - id)) STORED",
        t + "DROP " + c + " CASCADE",
        t + "RENAME " + c + " TO " + n,
        t + "RENAME TO " + n,
        "DROP TABLE " + table.name + " CASCADE",
        "DROP TABLE " + table.name + " CASCADE; CREATE TABLE " + table.name + "(id int)",
        "DELETE FROM " + table.name + " WHERE " + c + " IS NULL; " + alter + "SET NOT NULL",
        alter + "DROP NOT NULL",
        alter + "DROP DEFAULT",
        alter + "SET DEFAULT " + (column.type == "mood" ? "'ok'" : value(column, 1)),
        alter + "TYPE text USING " + c + "::text",
        column.type == "int" ? alter + "TYPE bigint" : t + "DROP " + c + " CASCADE",
        column.type == "timestamp" ? alter + "TYPE timestamptz" : t + "RENAME " + c + " TO " + n,
        text ? alter + "TYPE varchar(8)" : t + "DROP " + c + " CASCADE",
        column.type == "numeric(8,2)" ? alter + "TYPE numeric(8,1)" : t + "DROP " + c + " CASCADE",
        t + "ADD CONSTRAINT " + n + " CHECK (" + c + " IS NULL) NOT VALID",
        t + "DROP CONSTRAINT IF EXISTS " + table.name + "_" + c + "_c",
        t + "DROP CONSTRAINT IF EXISTS " + table.name + "_" + c + "_u",
        t + "DROP CONSTRAINT IF EXISTS " + table.name + "_ref_f",
        t + "ADD CONSTRAINT " + n + " UNIQUE (" + c + ")",
        "CREATE UNIQUE INDEX " + n + " ON " + table.name + "(" + c + ")",
        t + "RENAME CONSTRAINT " + table.name + "_pkey TO " + n,
        t + "ENABLE ROW LEVEL SECURITY",
        "REVOKE SELECT ON " + table.name + " FROM app",
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN "
        "NULL; END'; CREATE TRIGGER f BEFORE INSERT ON " +
            table.name + " FOR EACH ROW EXECUTE FUNCTION f()",
        has_mood ? "ALTER TYPE mood RENAME VALUE 'sad' TO 'blue'" : "DROP VIEW seen",
        "DROP VIEW seen",
        "CREATE OR REPLACE VIEW seen AS SELECT id, " + tables_[0].columns[0].name + " FROM " + tables_[0].name +
            " WHERE id > 2",
        "CREATE OR REPLACE FUNCTION tax(x bigint) RETURNS bigint LANGUAGE sql "
        "AS 'SELECT x * 3'",
        "CREATE FUNCTION tax(x int) RETURNS text LANGUAGE sql AS 'SELECT "
        "''a'''",
        "DROP FUNCTION tax",
        "CREATE RULE r AS ON INSERT TO " + table.name + " DO INSTEAD NOTHING",
        table.id == "serial" ? "ALTER SEQUENCE " + table.name + "_id_seq INCREMENT 10"
                             : t + "ALTER id SET GENERATED ALWAYS",
    };
    return below(5) < 3 ? one_of(harmless) : one_of(harmful);
  }

  std::mt19937 random_;
  std::vector<Table> tables_;
  std::string written_;
};

}  // namespace backout::postgresql
