// The statements that a release runs: what is tried on another schema, as evidence.
//
// From pg_stat_statements, which keeps them with $1 for their constants, or from a file. Only what reads or changes
// rows is kept: other commands are never parametrised there, and may hold passwords.
#pragma once
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "database/postgresql/connection.h"

namespace backout::postgresql {

struct Statements {
  std::vector<std::string> texts;
  std::string source;                             // "pg_stat_statements", a file's name, or empty: none
  std::string why_none;                           // for people, where there are none
  std::string search_path = "\"$user\", public";  // under which their names are looked up
};

/// None, with the reason, where pg_stat_statements is not installed, not loaded or not ours to read. Not inside of a
/// transaction.
Result<Statements> read_statements(Connection& connection);
/// One statement a line; empty lines and those that start with -- or # are left out. kInvalid: none is left.
Result<Statements> statements_from_file(const std::string& name, std::string_view text);
/// The first word says that it reads or changes rows.
bool is_evidence(std::string_view sql);

Json to_json(const Statements& statements);
Result<Statements> statements_from_json(const Json& value);

}  // namespace backout::postgresql
