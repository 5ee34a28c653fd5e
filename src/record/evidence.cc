#include "record/evidence.h"

#include <algorithm>

#include "base/text.h"

namespace backout::record {
namespace {

/// {"insert": 3, "update": 1} or a bare number.
int64_t sum_of(const Json& counts) {
  if (counts.is_number()) return counts.get<int64_t>();
  return get_int(counts, "insert") + get_int(counts, "update") + get_int(counts, "delete");
}

TableRows& table_of(Report& report, const std::string& name) {
  for (TableRows& table : report.rows)
    if (table.table == name) return table;
  report.rows.push_back({.table = name});
  return report.rows.back();
}

std::string words_of(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_array()) return canonical(value);
  std::vector<std::string> words;
  for (const Json& item : value) words.push_back(words_of(item));
  return join(words, ", ");
}

/// One conflict for people: "orders 17 (update): another row has its e-mail".
std::string sentence(const Json& item) {
  const std::string table = get_string(item, "table"), why = get_string(item, "why");
  if (table.empty() || why.empty()) return words_of(item);
  std::string text = table;
  if (const Json& key = get(item, "key"); !key.is_null()) text += " " + words_of(key);
  if (const std::string operation = get_string(item, "operation"); !operation.empty()) text += " (" + operation + ")";
  return text + ": " + why;
}

/// "3 rows (1 inserted, 2 updated)"
std::string rows_in(const Json& counts) {
  std::vector<std::string> kinds;
  for (const auto& [member, word] :
       {std::pair("insert", "inserted"), std::pair("update", "updated"), std::pair("delete", "deleted")})
    if (const int64_t count = get_int(counts, member); count > 0) kinds.push_back(fmt::format("{} {}", count, word));
  return counted(sum_of(counts), "row") + (kinds.empty() ? "" : " (" + join(kinds, ", ") + ")");
}

void add_tables(const Json& tables, std::string_view what, std::vector<std::string>& list) {
  if (!tables.is_object()) return;
  for (const auto& [table, counts] : tables.items())
    if (sum_of(counts) > 0) list.push_back(fmt::format("{}: {} {}", table, rows_in(counts), what));
}

std::vector<std::string> left_behind(const Json& evidence) {
  std::vector<std::string> list;
  const Json& residue = get(evidence, "residue");
  if (residue.is_array())
    for (const Json& item : residue) list.push_back(sentence(item));
  const Json& left = get(evidence, "left");
  Json differing = residue.is_object() ? residue : Json::object();
  for (const auto& [table, counts] : left.items()) differing.erase(table);
  add_tables(differing, "that users wrote differ in what serves now", list);
  for (const char* said : {"changes", "not_carried"})
    for (const Json& sentence : get(evidence, said))
      if (sentence.is_string()) list.push_back(sentence.get<std::string>());
  add_tables(left, "left where they are: as configured, or because a migrator keeps its books there", list);
  if (const std::string file = get_string(evidence, "conflicts_file"); !file.empty())
    list.push_back("both sides of every row that could not be carried over: " + file);
  if (const std::string file = get_string(get(evidence, "archived"), "file"); !file.empty())
    list.push_back("values that this version has no place for, for the next upgrade: " + file);
  return list;
}

/// What leftovers (queues, sessions, caches) were found and where they are; the last word on each one counts.
void take_leftover(const Json& evidence, std::vector<std::string>& residue) {
  const std::string name = get_string(evidence, "leftover");
  if (name.empty()) return;
  const std::string begin = "leftover " + name + ": ";
  std::erase_if(residue, [&](const std::string& line) { return line.starts_with(begin); });
  if (const std::string told = get_string(evidence, "leftover_told"); !told.empty()) residue.push_back(begin + told);
}

}  // namespace

void take_evidence(const Json& evidence, Report& report) {
  if (const Json& rows = get(evidence, "rows"); rows.is_object()) {
    for (TableRows& table : report.rows) table.inserted = table.updated = table.deleted = 0;
    for (const auto& [name, counts] : rows.items()) {
      TableRows& table = table_of(report, name);
      table.inserted = get_int(counts, "insert");
      table.updated = get_int(counts, "update");
      table.deleted = get_int(counts, "delete");
    }
  }
  if (const Json& carried = get(evidence, "carried"); carried.is_object()) {
    for (TableRows& table : report.rows) table.carried = 0;
    for (const auto& [name, counts] : carried.items()) table_of(report, name).carried = sum_of(counts);
  }
  if (const Json& conflicts = get(evidence, "conflicts"); conflicts.is_array()) {
    report.conflicts.clear();
    for (const Json& item : conflicts) report.conflicts.push_back(sentence(item));
    report.conflict_count =
        std::max(get_int(evidence, "conflict_count"), static_cast<int64_t>(report.conflicts.size()));
  }
  if (std::vector<std::string> left = left_behind(evidence); !left.empty()) {
    for (std::string& line : report.residue)
      if (line.starts_with("leftover ")) left.push_back(std::move(line));
    report.residue = std::move(left);
  }
  take_leftover(evidence, report.residue);
}

namespace {
void take_sentences(const Json& list, std::vector<std::string>& sentences) {
  for (const Json& each : list)
    if (each.is_string() && std::find(sentences.begin(), sentences.end(), each) == sentences.end())
      sentences.push_back(each.get<std::string>());
}
}  // namespace

void take_left_behind(const Json& evidence, std::vector<std::string>& sentences) {
  take_sentences(get(evidence, "left_behind"), sentences);
}

void take_not_carried(const Json& evidence, std::vector<std::string>& sentences) {
  take_sentences(get(evidence, "not_carried"), sentences);
}

}  // namespace backout::record
