#include "database/postgresql/migration_tool.h"

#include <algorithm>

#include "base/text.h"
#include "database/postgresql/migration_tools.h"

namespace backout::postgresql {
namespace {

/// "shop.0004_gift" as "shop" and "0004_gift".
std::pair<std::string, std::string> app_and_name(const std::string& migration) {
  const size_t dot = migration.find('.');
  if (dot == std::string::npos) return {migration, ""};
  return {migration.substr(0, dot), migration.substr(dot + 1)};
}

/// What the tool is to go back to: for Django, of the same app.
std::string before_of(const MigrationTool& tool, const std::vector<std::string>& now, size_t at) {
  if (tool.kind != "django") return at == 0 ? "" : now[at - 1];
  const std::string app = app_and_name(now[at]).first;
  for (size_t i = at; i-- > 0;)
    if (app_and_name(now[i]).first == app) return now[i];
  return "";
}

bool has(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::vector<std::string> strings_of(const Json& list) {
  std::vector<std::string> out;
  for (const Json& each : list)
    if (each.is_string()) out.push_back(each.get<std::string>());
  return out;
}

}  // namespace

Json to_json(const Down& down) {
  return {{"name", down.name}, {"before", down.before}, {"after", down.after},
          {"sql", down.sql},   {"by_us", down.by_us},   {"file", down.file}};
}

Down down_from_json(const Json& value) {
  return {.name = get_string(value, "name"),
          .before = get_string(value, "before"),
          .after = strings_of(get(value, "after")),
          .sql = get_string(value, "sql"),
          .by_us = get_bool(value, "by_us"),
          .file = get_string(value, "file")};
}

Argv user_words(const std::string& command, std::vector<std::string> arguments) {
  Argv argv{"sh", "-c", "exec " + command + " \"$@\"", "sh"};
  argv.insert(argv.end(), std::make_move_iterator(arguments.begin()), std::make_move_iterator(arguments.end()));
  return argv;
}

Result<const MigrationTool*> find_tool(std::string_view kind) {
  for (const MigrationTool& (*tool)() :
       {&django_tool, &rails_tool, &knex_tool, &prisma_tool, &alembic_tool, &sql_tool, &own_tool})
    if (tool().kind == kind) return &tool();
  return Error{Code::kInvalid, "no migration tool is called '" + one_line(kind) + "'", ""};
}

Result<std::vector<Down>> came_since(const MigrationTool& tool, const std::vector<std::string>& then,
                                     const std::vector<std::string>& now) {
  for (const std::string& name : then)
    if (!has(now, name))
      return Error{Code::kRefused, one_line(name) + " was applied at the checkpoint, and is not noted any more",
                   "restore instead: --rung restore"};
  std::vector<std::string> left = now;
  std::vector<Down> downs;
  for (size_t at = now.size(); at-- > 0;) {
    if (has(then, now[at])) continue;
    std::erase(left, now[at]);
    Down down{.name = now[at], .before = before_of(tool, now, at), .after = left};
    std::sort(down.after.begin(), down.after.end());
    downs.push_back(std::move(down));
  }
  return downs;
}

std::string why_not_same(const Listed& listed, const std::vector<std::string>& noted, const std::vector<Down>& downs) {
  for (const std::string& name : listed.applied)
    if (!has(noted, name)) return "it lists " + one_line(name) + " as applied, which the copy does not note";
  for (const std::string& name : listed.pending)
    if (has(noted, name)) return "it lists " + one_line(name) + " as not applied, which the copy notes as applied";
  for (const Down& down : downs)
    if (has(noted, down.name) && !has(listed.applied, down.name))
      return "it does not list " + one_line(down.name) + ", which is to be undone";
  return "";
}

std::string without_comments(const std::string& sql) {
  std::string out;
  for (const std::string& line : split(sql, '\n'))
    if (const auto text = trimmed(line); !text.empty() && !text.starts_with("--")) out += std::string(text) + "\n";
  return out;
}

}  // namespace backout::postgresql
