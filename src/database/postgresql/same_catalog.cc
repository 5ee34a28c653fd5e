#include "database/postgresql/same_catalog.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace backout::postgresql {
namespace {

namespace sp = schema::postgresql;

bool in_a_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.'; }

/// The end of the quoted text that begins at `at`.
size_t after_quoted(std::string_view text, size_t at) {
  const char quote = text[at];
  for (size_t i = at + 1; i < text.size(); ++i) {
    if (text[i] != quote) continue;
    if (i + 1 < text.size() && text[i + 1] == quote)
      ++i;
    else
      return i + 1;
  }
  return text.size();
}

/// The end of the type that begins at `at`: public.mood, character varying(50)[], "Odd".
size_t after_type(std::string_view text, size_t at) {
  static constexpr std::array<std::string_view, 6> kMore = {" varying",        " precision", " without time zone",
                                                            " with time zone", "[]",         " bit"};
  while (at < text.size() && (in_a_word(text[at]) || text[at] == '"'))
    at = text[at] == '"' ? after_quoted(text, at) : at + 1;
  for (bool more = true; more;) {
    more = false;
    if (at < text.size() && text[at] == '(' && at + 1 < text.size() &&
        std::isdigit(static_cast<unsigned char>(text[at + 1])) != 0) {
      at = std::min(text.find(')', at), text.size() - 1) + 1;
      more = true;
    }
    for (const std::string_view word : kMore)
      if (text.substr(at).starts_with(word)) at += word.size(), more = true;
  }
  return at;
}

void loosen(std::string& text) { text = loosened(text); }
void loosen(std::optional<std::string>& text) {
  if (text) text = loosened(*text);
}

void loosen(sp::Constraint& constraint) {
  if (constraint.type != "check" && constraint.type != "exclude") return;
  loosen(constraint.definition);
  loosen(constraint.expression);
}

/// What can be compared between two databases, field by field.
void make_comparable(sp::Table& table) {
  table.oid = 0;
  for (sp::Column& column : table.columns) {
    column.number = 0;
    loosen(column.default_text);
    loosen(column.generated);
  }
  if (!table.parents.empty() && table.partition_bound.empty())
    std::sort(table.columns.begin(), table.columns.end(),
              [](const sp::Column& a, const sp::Column& b) { return a.name < b.name; });
  loosen(table.partition_bound);
  loosen(table.partition_key);
  loosen(table.definition);
  for (sp::Constraint& constraint : table.constraints) loosen(constraint);
  std::erase_if(table.indexes, [](const sp::Index& index) { return !index.valid; });
  for (sp::Index& index : table.indexes) {
    loosen(index.definition);
    loosen(index.expressions);
    loosen(index.predicate);
  }
  for (sp::Trigger& trigger : table.triggers) loosen(trigger.definition);
  for (sp::Rule& rule : table.rules) loosen(rule.definition);
  for (sp::Policy& policy : table.policies) {
    loosen(policy.using_text);
    loosen(policy.check_text);
  }
}

sp::Catalog comparable(sp::Catalog catalog) {
  catalog.whole = {};
  catalog.origin.clear();
  for (auto& each : catalog.schemas) each.oid = 0;
  for (auto& each : catalog.tables) make_comparable(each);
  for (auto& each : catalog.enums) each.oid = 0;
  for (auto& each : catalog.domains) {
    each.oid = 0;
    loosen(each.default_text);
    for (sp::Constraint& constraint : each.constraints) loosen(constraint);
  }
  for (auto& each : catalog.composites) {
    each.oid = 0;
    for (sp::Column& column : each.columns) column.number = 0;
  }
  for (auto& each : catalog.sequences) each.oid = 0;
  for (auto& each : catalog.functions) each.oid = 0;
  for (auto& each : catalog.extensions) each.version.clear();
  for (auto& each : catalog.others) loosen(each.definition);
  return catalog;
}

/// Definitions that the server makes up from a parsed form: they may be worded otherwise with the same meaning.
sp::Table without_wording(sp::Table table) {
  table.definition.clear();
  for (sp::Trigger& trigger : table.triggers) trigger.definition.clear();
  for (sp::Rule& rule : table.rules) rule.definition.clear();
  for (sp::Policy& policy : table.policies) policy.using_text.clear(), policy.check_text.clear();
  return table;
}
sp::Other without_wording(sp::Other other) {
  other.definition.clear();
  return other;
}
template <class T>
T without_wording(T item) {
  return item;
}

/// The parts of a table that differ, by name.
template <class T>
void differing_parts(const std::vector<T>& found, const std::vector<T>& wanted, const std::string& what,
                     std::vector<std::string>& out) {
  for (const T& item : wanted) {
    const T* there = sp::find_named(found, item.name);
    if (there == nullptr)
      out.push_back(what + " " + item.name + " is missing");
    else if (!(*there == item))
      out.push_back(what + " " + item.name + " is another");
  }
  for (const T& item : found)
    if (sp::find_named(wanted, item.name) == nullptr) out.push_back(what + " " + item.name + " was not there");
}

std::vector<std::string> parts_that_differ(const sp::Table& found, const sp::Table& wanted) {
  std::vector<std::string> parts;
  differing_parts(found.columns, wanted.columns, "column", parts);
  differing_parts(found.constraints, wanted.constraints, "constraint", parts);
  differing_parts(found.indexes, wanted.indexes, "index", parts);
  differing_parts(found.triggers, wanted.triggers, "trigger", parts);
  differing_parts(found.rules, wanted.rules, "rule", parts);
  differing_parts(found.policies, wanted.policies, "policy", parts);
  if (parts.empty() && found.columns != wanted.columns) parts.emplace_back("its columns are in another order");
  if (found.grants != wanted.grants) parts.emplace_back("its rights");
  if (found.owner != wanted.owner) parts.emplace_back("its owner is " + found.owner);
  return parts;
}
template <class T>
std::vector<std::string> parts_that_differ(const T&, const T&) {
  return {};
}

template <class T>
void compare_lists(const std::vector<T>& found, const std::vector<T>& wanted, const std::string& what,
                   CatalogDifferences& out) {
  for (const T& item : wanted) {
    const std::string name = what + " " + item.full_name();
    const T* there = sp::find(found, item.full_name());
    if (there == nullptr) {
      out.faults.push_back(name + " is missing");
      continue;
    }
    if (*there == item) continue;
    const T a = without_wording(*there), b = without_wording(item);
    if (a == b) {
      out.notes.push_back("the definition of " + name + " reads otherwise than in the source");
      continue;
    }
    std::string why;
    for (const std::string& part : parts_that_differ(a, b)) why += (why.empty() ? ": " : ", ") + part;
    out.faults.push_back(name + " is not as in the source" + why);
  }
  for (const T& item : found)
    if (sp::find(wanted, item.full_name()) == nullptr)
      out.faults.push_back(what + " " + item.full_name() + " was not in the source");
}

}  // namespace

std::string loosened(std::string_view expression) {
  std::string out;
  for (size_t i = 0; i < expression.size();) {
    const char c = expression[i];
    if (c == '\'' || c == '"') {
      const size_t end = after_quoted(expression, i);
      out += expression.substr(i, end - i);
      i = end;
    } else if (expression.substr(i).starts_with("::")) {
      i = after_type(expression, i + 2);
    } else if (c == '(' || c == ')' || std::isspace(static_cast<unsigned char>(c)) != 0) {
      ++i;
    } else {
      out += c;
      ++i;
    }
  }
  return out;
}

CatalogDifferences differences_of(const sp::Catalog& found, const sp::Catalog& wanted) {
  const sp::Catalog a = comparable(found), b = comparable(wanted);
  CatalogDifferences out;
  compare_lists(a.schemas, b.schemas, "schema", out);
  compare_lists(a.tables, b.tables, "table", out);
  compare_lists(a.enums, b.enums, "type", out);
  compare_lists(a.domains, b.domains, "domain", out);
  compare_lists(a.composites, b.composites, "type", out);
  compare_lists(a.sequences, b.sequences, "sequence", out);
  compare_lists(a.functions, b.functions, "function", out);
  compare_lists(a.extensions, b.extensions, "extension", out);
  compare_lists(a.publications, b.publications, "publication", out);
  compare_lists(a.others, b.others, "object", out);
  return out;
}

}  // namespace backout::postgresql
