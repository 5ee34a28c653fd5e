// Catalog: what a PostgreSQL database promises to the code that uses it.
//
// A pure value, read from a real database by src/database/postgresql and kept in checkpoints as JSON. User objects
// only: not those of the system, nor those that belong to an extension. Names are as the server spells them; SQL texts
// are the server's own (pg_get_expr and its like) under an empty search_path, so names of users' objects in them have
// their schema. Lists are sorted by name, except columns, labels and arguments, whose order is part of the promise.
// Positions of sequences and counts of rows are not part of it. oids and attribute numbers are: they tell a rename from
// a new thing; but they mean something only within one database, and no hash covers them.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "schema/postgresql/table.h"

namespace backout::schema::postgresql {

struct Enum {
  std::string schema, name;
  Names labels;
  Grants grants;
  int64_t oid = 0;
  std::string full_name() const { return schema + "." + name; }
  bool operator==(const Enum&) const = default;
};

struct Domain {
  std::string schema, name, type, collation;
  bool not_null = false;
  std::optional<std::string> default_text;
  std::vector<Constraint> constraints;
  Grants grants;
  int64_t oid = 0;
  std::string full_name() const { return schema + "." + name; }
  bool operator==(const Domain&) const = default;
};

struct Composite {
  std::string schema, name;
  std::vector<Column> columns;
  int64_t oid = 0;
  std::string full_name() const { return schema + "." + name; }
  bool operator==(const Composite&) const = default;
};

struct Sequence {
  std::string schema, name, owner, type;
  int64_t start = 1, increment = 1, minimum = 1, maximum = 1, cache = 1;
  bool cycle = false;
  std::string persistence = "permanent";
  std::string owned_by;  // "public.users.id"
  Grants grants;
  int64_t oid = 0;
  std::string full_name() const { return schema + "." + name; }
  bool operator==(const Sequence&) const = default;
};

struct Function {
  std::string schema, name;
  std::string identity;   // types of its arguments: what its name is made unique by
  std::string arguments;  // with names, modes and defaults
  std::string result, kind, language, owner;
  std::string body;  // SHA-256 of it
  std::string volatility, parallel;
  bool strict = false, security_definer = false, leakproof = false;
  bool as_builtin = false;  // the server has one of this name itself
  Names settings;
  Grants grants;
  int64_t oid = 0;
  std::string full_name() const { return schema + "." + name + "(" + identity + ")"; }
  bool operator==(const Function&) const = default;
};

struct Schema {
  std::string name, owner;
  Grants grants;
  int64_t oid = 0;
  const std::string& full_name() const { return name; }
  bool operator==(const Schema&) const = default;
};

struct Extension {
  std::string name, version, schema;
  const std::string& full_name() const { return name; }
  bool operator==(const Extension&) const = default;
};

struct Publication {
  std::string name;
  bool all_tables = false;
  Names actions;  // "insert", "update", "delete", "truncate"
  Names tables;
  const std::string& full_name() const { return name; }
  bool operator==(const Publication&) const = default;
};

/// Operators, casts, ranges, event triggers and the like: compared as a whole.
struct Other {
  std::string kind, name, definition;
  std::string full_name() const { return kind + " " + name; }
  bool operator==(const Other&) const = default;
};

struct Role {
  std::string name;
  bool login = false, superuser = false, bypass_rls = false, replication = false;
  int64_t connection_limit = -1;
  Names member_of;
  const std::string& full_name() const { return name; }
  bool operator==(const Role&) const = default;
};

/// ALTER ROLE or ALTER DATABASE ... SET.
struct Setting {
  std::string role;   // empty: every role
  bool here = false;  // in this database only
  std::string name, value;
  std::string full_name() const { return (role.empty() ? "" : role + ": ") + name; }
  bool operator==(const Setting&) const = default;
};

/// Of the database as a whole; a database restored beside gets these by hand, not from a dump.
struct Whole {
  int64_t server_version = 0;  // 150020
  std::string encoding, collate, ctype, locale_provider, icu_locale, collation_version;
  std::string owner;
  int64_t connection_limit = -1;
  Grants grants;
  std::vector<Setting> settings;
  std::vector<Role> roles;
  bool operator==(const Whole&) const = default;
};

struct Catalog {
  std::vector<Schema> schemas;
  std::vector<Table> tables;
  std::vector<Enum> enums;
  std::vector<Domain> domains;
  std::vector<Composite> composites;
  std::vector<Sequence> sequences;
  std::vector<Function> functions;
  std::vector<Extension> extensions;
  std::vector<Publication> publications;
  std::vector<Other> others;
  Whole whole;
  std::string origin;  // which database of which cluster the oids are of
  bool operator==(const Catalog&) const = default;
};

/// The element of that full name; nullptr when there is none.
template <class T>
const T* find(const std::vector<T>& list, const std::string& full_name) {
  for (const T& item : list)
    if (item.full_name() == full_name) return &item;
  return nullptr;
}
/// By plain name: columns, constraints, triggers, ...
template <class T>
const T* find_named(const std::vector<T>& list, const std::string& name) {
  for (const T& item : list)
    if (item.name == name) return &item;
  return nullptr;
}

/// Without the schema where it is public.
std::string shown(const std::string& full_name);

Json to_json(const Catalog& catalog);
/// kCorrupt when it is not what to_json made.
Result<Catalog> catalog_from_json(const Json& value);
/// SHA-256 over the canonical JSON without oids and attribute numbers: equal when nothing that code can see differs.
std::string hash_of(const Catalog& catalog);
/// The same without `whole`: what a dump of the database restores.
std::string hash_of_objects(const Catalog& catalog);

}  // namespace backout::schema::postgresql
