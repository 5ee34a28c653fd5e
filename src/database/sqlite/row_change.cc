#include "database/sqlite/row_change.h"

#include <cmath>
#include <optional>

#include "base/text.h"
#include "database/sqlite/value.h"

namespace backout::database {
namespace {

std::optional<std::string> bytes_of(const std::string& hex) {
  std::string out;
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  if (hex.size() % 2 != 0 || hex.find_first_not_of("0123456789abcdef") != std::string::npos) return std::nullopt;
  for (size_t i = 0; i < hex.size(); i += 2) out += static_cast<char>(digit(hex[i]) * 16 + digit(hex[i + 1]));
  return out;
}

}  // namespace

Result<Change> change_of(const Json& line) {
  Change change{get_string(line, "table"), get_string(line, "operation"), {}, {}, get(line, "key"), line};
  const Json &live = get(line, "live"), &base = get(line, "base");
  if (change.operation == "insert" && live.is_object()) {
    change.row = live;
  } else if (change.operation == "update" && live.is_object()) {
    change.row = live;
    change.base = base;
  } else if (change.operation == "delete" && change.key.is_object()) {
    change.row = base;
    change.base = base;
  } else if (change.operation.empty() && get(line, "row").is_object()) {
    change.operation = "insert";
    change.row = get(line, "row");
  } else if (change.operation.empty() && get(line, "columns").is_object() && change.key.is_object()) {
    change.operation = "update";
    change.row = get(line, "columns");
    change.base = Json::object();
    for (const auto& [name, value] : change.row.items()) change.base[name] = nullptr;
  } else {
    return Error{Code::kCorrupt, "it is not a row that backout wrote", ""};
  }
  return change;
}

bool is_rowid(const std::string& name) { return name == "rowid" || name == "_rowid_" || name == "oid"; }

bool same_value(const Json& a, const Json& b) {
  return a.is_number_integer() == b.is_number_integer() && a.type_name() == std::string(b.type_name()) && a == b;
}

Result<void> bind_value(Statement& statement, int at, const Json& value) {
  int code = SQLITE_OK;
  if (value.is_null()) {
    code = sqlite3_bind_null(statement.raw(), at);
  } else if (value.is_number_integer()) {
    code = sqlite3_bind_int64(statement.raw(), at, value.get<int64_t>());
  } else if (value.is_number_float()) {
    code = sqlite3_bind_double(statement.raw(), at, value.get<double>());
  } else if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    code = sqlite3_bind_text64(statement.raw(), at, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  } else if (const std::string real = get_string(value, "real"); !real.empty()) {
    code = sqlite3_bind_double(statement.raw(), at, real == "inf" ? HUGE_VAL : -HUGE_VAL);
  } else {
    const bool text = value.contains("text");
    const auto bytes = bytes_of(get_string(value, text ? "text" : "blob"));
    if (!bytes) return Error{Code::kCorrupt, "a value that is none: " + shortened(value.dump(), 60), ""};
    code = text ? sqlite3_bind_text64(statement.raw(), at, bytes->data(), bytes->size(), SQLITE_TRANSIENT, SQLITE_UTF8)
                : sqlite3_bind_blob64(statement.raw(), at, bytes->data(), bytes->size(), SQLITE_TRANSIENT);
  }
  return code == SQLITE_OK ? Result<void>() : Error{Code::kInternal, "a value cannot be bound", ""};
}

}  // namespace backout::database
