// What belongs to a database and is in no dump of pg_dump without --create: encoding and locale, owner, rights,
// settings and comment of the database itself; the roles it leans on; and what a dump holds only in passing: versions
// of extensions, positions of sequences.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/json.h"
#include "database/postgresql/connection.h"

namespace backout::postgresql {

struct Grant {
  std::string grantee;    // empty: everybody (PUBLIC)
  std::string privilege;  // CONNECT, CREATE, TEMPORARY
  bool grantable = false;
  bool operator==(const Grant&) const = default;
};

struct Setting {
  std::string role;  // empty: for everybody in this database
  std::string name, value;
  bool operator==(const Setting&) const = default;
};

struct DatabaseFacts {
  std::string name, owner, encoding;
  std::string provider;                                          // libc, icu, builtin
  std::string collate, ctype, locale, rules, collation_version;  // locale, rules: of ICU and builtin
  std::string tablespace, comment;
  int64_t connection_limit = -1;
  std::vector<Grant> grants;
  std::vector<Setting> settings;
  bool operator==(const DatabaseFacts&) const = default;
};

/// Of a database of the server by its name; connected to any of them. kNotFound.
Result<DatabaseFacts> read_database_facts(Connection& connection, const std::string& database);

/// A role that owns something in the database, or was granted something there. No password, ever.
struct Role {
  std::string name;
  bool owns = false;
  Json attributes;  // {"superuser", "createdb", ..., "member_of"}
};
/// Of the connection's database.
Result<std::vector<Role>> read_roles(Connection& connection);

/// Name to version, without plpgsql, which template0 has already.
Result<std::map<std::string, std::string>> read_extensions(Connection& connection);

struct SequencePosition {
  int64_t last_value = 0;
  bool is_called = false;
  int64_t increment = 1;
  bool operator==(const SequencePosition&) const = default;
};
/// By name as in Content. Sequences heed no snapshot: they are read as they are now.
Result<std::map<std::string, SequencePosition>> read_sequences(Connection& connection);

Json to_json(const DatabaseFacts& facts);
Result<DatabaseFacts> database_facts_from_json(const Json& value);
Json to_json(const std::vector<Role>& roles);
std::vector<Role> roles_from_json(const Json& value);
Json to_json(const std::map<std::string, SequencePosition>& sequences);
std::map<std::string, SequencePosition> sequences_from_json(const Json& value);

}  // namespace backout::postgresql
