// Table: a table, view or the like of a PostgreSQL database, and what belongs to it. Part of the Catalog, see there.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace backout::schema::postgresql {

using Names = std::vector<std::string>;

struct Grant {
  std::string grantee;    // "PUBLIC" for everybody
  std::string privilege;  // "SELECT"
  std::string column;     // empty: the whole object
  bool grantable = false;
  bool operator==(const Grant&) const = default;
};
using Grants = std::vector<Grant>;

struct Column {
  std::string name;
  std::string type;  // with its modifier: "character varying(50)", "public.mood[]"
  bool not_null = false;
  std::optional<std::string> default_text;
  std::string identity;   // "always", "by default", or empty
  std::string generated;  // the expression of a stored generated column, or empty
  std::string collation;  // empty: that of its type
  int number = 0;         // pg_attribute.attnum
  bool operator==(const Column&) const = default;
};

struct Constraint {
  std::string name;
  std::string type;        // "check", "foreign key", "primary key", "unique", "exclude", "trigger"
  std::string definition;  // pg_get_constraintdef, without DEFERRABLE and NOT VALID
  std::string expression;  // of a check
  Names columns;
  std::string parent;  // "public.users": what a foreign key points at
  Names parent_columns;
  std::string on_update, on_delete;  // "no action", "restrict", "cascade", "set null", "set default"
  bool deferrable = false, deferred = false, validated = true;
  bool operator==(const Constraint&) const = default;
};

struct Index {
  std::string name;
  std::string definition;  // pg_get_indexdef from USING on: neither the index nor the table is named in it
  Names columns;           // "" for an expression; without INCLUDE
  std::string expressions, predicate;
  bool unique = false, nulls_not_distinct = false;
  bool valid = true, ready = true;  // of a failed CREATE INDEX CONCURRENTLY, one or both are false
  bool of_constraint = false;
  bool operator==(const Index&) const = default;
};

struct Trigger {
  std::string name, definition;
  std::string timing;   // "before", "after", "instead of"
  std::string enabled;  // "origin", "disabled", "replica", "always"
  bool operator==(const Trigger&) const = default;
};

struct Policy {
  std::string name, command, using_text, check_text;
  bool permissive = true;
  Names roles;
  bool operator==(const Policy&) const = default;
};

struct Rule {
  std::string name, definition, enabled;
  bool operator==(const Rule&) const = default;
};

/// A table, view or the like.
struct Table {
  std::string schema, name;
  std::string kind;  // "table", "partitioned table", "foreign table", "view", "materialized view"
  std::string owner;
  std::string persistence = "permanent";  // or "unlogged"
  std::string partition_key, partition_bound;
  Names parents;  // inherited from, or a partition of
  bool row_security = false, force_row_security = false;
  std::string replica_identity = "default";  // "nothing", "full", "index"
  std::string definition;                    // of a view
  bool populated = true;                     // false: a materialized view WITH NO DATA
  Names options;                             // "security_invoker=true", "fillfactor=70"
  std::vector<Column> columns;
  std::vector<Constraint> constraints;
  std::vector<Index> indexes;
  std::vector<Trigger> triggers;
  std::vector<Rule> rules;
  std::vector<Policy> policies;
  Grants grants;
  int64_t oid = 0;
  std::string full_name() const { return schema + "." + name; }
  bool is_view() const { return kind == "view" || kind == "materialized view"; }
  bool operator==(const Table&) const = default;
};

}  // namespace backout::schema::postgresql
