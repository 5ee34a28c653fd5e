#include "database/postgresql/earlier.h"

#include <algorithm>

#include "database/postgresql/row_merge.h"
#include "os/file.h"

namespace backout::postgresql {
namespace {

Json without_only(Json args) {
  if (args.is_object()) args.erase("only");
  return args;
}

/// The file as JSON; null when it is not there or not whole.
Json read_if_there(const std::string& path) {
  const auto text = os::read_file(path);
  if (!text) return nullptr;
  const auto json = parse_json(*text);
  return json ? *json : Json(nullptr);
}

Json& object_at(Json& object, const char* key) {
  Json& value = object[key];
  if (!value.is_object()) value = Json::object();
  return value;
}

void add_counts(Json& to, const std::string& table, const Json& counts) {
  RowCounts sum = row_counts(get(to, table));
  sum += row_counts(counts);
  to[table] = to_json(sum);
}

void take_higher(Json& to, const Json& from) {
  for (const auto& [name, value] : from.items())
    if (value.is_number() && (!to.contains(name) || to[name] < value)) to[name] = value;
}

void add_missing(Json& to, const Json& from) {
  if (!to.is_array()) to = Json::array();
  if (!from.is_array()) return;
  for (const Json& item : from)
    if (std::find(to.begin(), to.end(), item) == to.end()) to.push_back(item);
}

}  // namespace

Result<Earlier> Earlier::find(Connection& target, const Json& args, const std::string& record) {
  Earlier earlier;
  earlier.args_ = without_only(args);
  earlier.record_ = record;
  earlier.target_oid_ = TRY(target.integer(
      "SELECT oid::pg_catalog.int8 FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()"));
  const auto ours = [&](const Json& written) {
    return written.is_object() && get_int(written, "target_oid") == earlier.target_oid_ &&
           get(written, "args") == earlier.args_;
  };
  const Json written = read_if_there(record), pending = read_if_there(record + ".pending");
  if (ours(written)) {
    earlier.evidence_ = get(written, "evidence");
    earlier.marks_ = get(written, "marks");
  }
  if (!ours(pending)) return earlier;
  const auto status =
      target.text("SELECT coalesce(pg_catalog.pg_xact_status($1::pg_catalog.xid8), '')", {get_string(pending, "xid")});
  if (status && *status == "committed") earlier.evidence_ = get(pending, "evidence");
  return earlier;
}

void Earlier::add_to(Json& evidence, const std::set<std::string>& only) const {
  if (!evidence_.is_object()) return;
  const auto now = [&](const std::string& table) { return only.empty() || only.contains(table); };
  for (const auto& [table, counts] : get(evidence_, "carried").items()) {
    if (now(table)) add_counts(object_at(evidence, "rows"), table, counts);
    add_counts(object_at(evidence, "carried"), table, counts);
  }
  for (const auto& [table, columns] : get(evidence_, "columns").items())
    take_higher(object_at(object_at(evidence, "columns"), table.c_str()), columns);
  take_higher(object_at(evidence, "sequences"), get(evidence_, "sequences"));
  for (const char* list : {"rewritten", "changes", "undecided", "not_carried", "new_tables", "dropped_tables"})
    add_missing(evidence[list], get(evidence_, list));
  if (get(evidence_, "cascaded").is_object() && !evidence.contains("cascaded"))
    evidence["cascaded"] = get(evidence_, "cascaded");
  const auto keep_others = [&](Json& to, const Json& from) {
    if (!from.is_object()) return;
    for (const auto& [table, value] : from.items())
      if (!now(table)) to[table] = value;
  };
  for (const char* key : {"rows", "left", "keys", "unkeyed", "compared"})
    keep_others(object_at(evidence, key), get(evidence_, key));
  Json& archived = object_at(evidence, "archived");
  for (const char* key : {"tables", "columns"})
    keep_others(object_at(archived, key), get(get(evidence_, "archived"), key));
}

void Earlier::add_residue(Json& evidence, const Json& residue, const std::set<std::string>& only) const {
  evidence["residue"] = residue;
  if (only.empty() || !evidence_.is_object()) return;
  for (const auto& [table, counts] : get(evidence_, "residue").items())
    if (!only.contains(table)) evidence["residue"][table] = counts;
}

Result<void> Earlier::keep_pending(Connection& target, const Json& evidence) const {
  const std::string xid = TRY(target.text("SELECT pg_catalog.pg_current_xact_id()"));
  const Json pending{{"args", args_}, {"target_oid", target_oid_}, {"xid", xid}, {"evidence", evidence}};
  return os::write_file_atomic(record_ + ".pending", canonical(pending) + "\n", 0600);
}

Result<void> Earlier::finish(const Json& evidence, const Json& marks, const std::set<std::string>& only) const {
  Json kept = marks;
  if (!only.empty() && marks_.is_object()) {
    // Of tables that were not read again, the marks are those of when they were.
    bool older = false;
    for (const auto& [name, table] : get(marks_, "tables").items()) {
      if (only.contains(get_string(table, "shown"))) continue;
      kept["tables"][name] = table;
      older = true;
    }
    if (older && get(marks_, "server") != get(marks, "server")) kept["server"] = nullptr;
  }
  const Json record{{"args", args_}, {"evidence", evidence}, {"marks", kept}, {"target_oid", target_oid_}};
  TRY_VOID(os::write_file_atomic(record_, canonical(record) + "\n", 0600));
  return os::remove_file(record_ + ".pending");
}

}  // namespace backout::postgresql
