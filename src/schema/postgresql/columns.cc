#include "schema/postgresql/expression.h"
#include "schema/postgresql/rules.h"
#include "schema/postgresql/types.h"

namespace backout::schema::postgresql {
namespace {

constexpr RuleText kColumnRules[] = {
    {"column-added", Fit::kYes, "L",
     "statements that name their columns do not see it. SELECT * gets one value more, a name may become ambiguous in a "
     "join (42702), and INSERT ... SELECT * and UNION no longer match: the code's own statements tell"},
    {"column-added-required", Fit::kNo, "W",
     "NOT NULL without a default: INSERTs by the code do not give it a value and are refused (23502)"},
    {"column-added-default", Fit::kNo, "W",
     "its default runs code of users, or takes from a sequence that not everybody who inserts may use"},
    {"column-added-generated", Fit::kNo, "WU",
     "its expression is computed for rows that the code writes, and may fail"},
    {"column-added-row-type", Fit::kNo, "RXU",
     "functions or columns have whole rows of the table as their type, which have a field more now"},
    {"column-removed", Fit::kNo, "RWD", "statements that name it fail (42703), and its values are gone"},
    {"column-renamed", Fit::kNo, "RW", "statements that name it fail (42703)"},
    {"column-recreated", Fit::kNo, "XD", "it was dropped and made again under its name: its old values are gone"},
    {"column-order", Fit::kNo, "X", "SELECT *, and INSERT without a list of columns, put values into other columns"},
    {"column-default", Fit::kNo, "X", "INSERTs that leave it out get another value"},
    {"column-default-removed", Fit::kNo, "W", "INSERTs that leave it out are refused (23502)"},
    {"column-default-added", Fit::kYes, "", "it is NOT NULL, so the code always gave it a value"},
    {"column-not-null", Fit::kNo, "W", "writing NULL, or leaving it out, is refused (23502)"},
    {"column-nullable", Fit::kNo, "RX1", "it may hold NULLs that the code does not expect, and no longer refuses them"},
    {"column-generated", Fit::kNo, "WX",
     "it is computed now, or no longer is: writing it is refused (428C9), or needed"},
    {"column-generated-otherwise", Fit::kNo, "X", "it is computed in another way"},
    {"column-identity-always", Fit::kNo, "W", "INSERTs that give it a value are refused (428C9)"},
    {"column-identity-loosened", Fit::kYes, "", "it takes values that are given, too"},
    {"column-identity", Fit::kNo, "WX", "it numbers rows in another way, or no longer does"},
    {"column-collation", Fit::kNo, "X", "it sorts and compares in another way"},
    {"type-widened", Fit::kYes, "1L",
     "it takes all that it took; longer values may be there that do not fit on the way back"},
    {"type-narrowed", Fit::kNo, "W", "values that the code writes may no longer fit (22001, 22003)"},
    {"type-wider-integer", Fit::kNo, "X1L",
     "statements work; clients decode another type (a string in node-pg, an error in strict drivers)"},
    {"type-rounds", Fit::kNo, "X", "values are rounded in another way, silently"},
    {"type-time-zone", Fit::kNo, "X", "the same value is another moment, depending on the session's time zone"},
    {"type-json", Fit::kNo, "RX", "key order, duplicate keys and white space are kept or lost; operators differ"},
    {"type-case", Fit::kNo, "X", "upper and lower case are told apart in another way"},
    {"type-changed", Fit::kNo, "RWXU", "values are stored, compared and decoded in another way (42883, 42804)"},
};

/// Whoever may insert may take from the sequence. Identity columns need no right to theirs.
bool everybody_may_use(const Catalog& catalog, const Table& table, const std::string& sequence_name) {
  const Sequence* sequence = find(catalog.sequences, sequence_name);
  if (sequence == nullptr) return false;
  const auto may = [&](const std::string& role) {
    return std::any_of(sequence->grants.begin(), sequence->grants.end(), [&](const Grant& grant) {
      return (grant.grantee == role || grant.grantee == "PUBLIC") && grant.privilege != "SELECT";
    });
  };
  return std::all_of(table.grants.begin(), table.grants.end(),
                     [&](const Grant& grant) { return grant.privilege != "INSERT" || may(grant.grantee); });
}

void compare_new_column(const Sides& sides, const Table& table, const Column& column, Findings& findings) {
  const std::string name = table.full_name() + "." + column.name;
  const Domain* domain = find(sides.there.domains, column.type);
  std::string default_text = column.default_text.value_or("");
  if (default_text.empty() && domain != nullptr) default_text = domain->default_text.value_or("");
  if (is_null_constant(default_text)) default_text.clear();
  const bool required = column.not_null || (domain != nullptr && domain->not_null);
  const std::string sequence = sequence_of(default_text);
  if (!column.generated.empty()) {
    if (!cannot_fail(column.generated, table.columns)) {
      findings.add("column-added-generated", name);
      return;
    }
  } else if (required && default_text.empty() && column.identity.empty()) {
    findings.add("column-added-required", name);
    return;
  } else if (!sequence.empty() ? !everybody_may_use(sides.there, table, sequence) : calls_users_code(default_text)) {
    // A constant of a users' type has its name in it, too, and calls its input function at most.
    if (!sequence.empty() || !is_constant(default_text)) {
      findings.add("column-added-default", name);
      return;
    }
  }
  if (domain != nullptr && !domain->constraints.empty() && !default_text.empty() && !is_constant(default_text)) {
    findings.add("column-added-default", name);
    return;
  }
  findings.add("column-added", name).question = Question{Question::Kind::kReplay, {table.full_name()}};
}

/// `text` has the full name, and not as the beginning of a longer one.
bool names_table(const std::string& text, const std::string& full_name) {
  for (size_t at = text.find(full_name); at != std::string::npos; at = text.find(full_name, at + 1)) {
    const char next = at + full_name.size() < text.size() ? text[at + full_name.size()] : ' ';
    if (next == ' ' || next == ',' || next == ')' || next == '[') return true;
  }
  return false;
}

bool has_row_type_users(const Catalog& catalog, const std::string& table) {
  return std::any_of(catalog.functions.begin(), catalog.functions.end(),
                     [&](const Function& each) {
                       return names_table(each.arguments, table) || names_table(each.result, table);
                     }) ||
         std::any_of(catalog.tables.begin(), catalog.tables.end(), [&](const Table& each) {
           return std::any_of(each.columns.begin(), each.columns.end(),
                              [&](const Column& column) { return names_table(column.type, table); });
         });
}

void compare_default(const Column& column, const Column& other, const std::string& name, Findings& findings) {
  const bool was = column.default_text && !is_null_constant(*column.default_text);
  const bool is = other.default_text && !is_null_constant(*other.default_text);
  if (column.default_text == other.default_text || (!was && !is)) return;
  if (column.identity != other.identity || column.generated != other.generated) return;  // said there
  if (was && !is && other.not_null) {
    findings.add("column-default-removed", name, "was " + *column.default_text);
  } else if (!was && is && column.not_null && other.not_null) {
    findings.add("column-default-added", name);
  } else {
    findings.add(
        "column-default", name,
        (was ? "was " + *column.default_text : "had none") + ", " + (is ? "is " + *other.default_text : "has none"));
  }
}

void compare_identity(const Column& column, const Column& other, const std::string& name, Findings& findings) {
  if (column.identity == other.identity) return;
  if (other.identity == "always") {
    findings.add("column-identity-always", name);
  } else if (column.identity == "always" && other.identity == "by default") {
    findings.add("column-identity-loosened", name);
  } else {
    findings.add("column-identity", name);
  }
}

void compare_old_column(const Column& column, const Column& other, const std::string& name, Findings& findings) {
  if (const std::string_view rule = rule_of_types(column.type, other.type); !rule.empty())
    findings.add(rule, name, "was " + column.type + ", is " + other.type);
  if (!column.not_null && other.not_null) findings.add("column-not-null", name);
  if (column.not_null && !other.not_null) findings.add("column-nullable", name);
  if (column.generated.empty() != other.generated.empty()) {
    findings.add("column-generated", name);
  } else if (column.generated != other.generated) {
    findings.add("column-generated-otherwise", name, "was " + column.generated + ", is " + other.generated);
  }
  if (column.type == other.type && column.collation != other.collation) findings.add("column-collation", name);
  compare_identity(column, other, name, findings);
  compare_default(column, other, name, findings);
}

void compare_columns_of(const Sides& sides, const Table& table, const Table& other, Findings& findings) {
  const bool same_table = sides.same_database() && table.oid == other.oid;
  std::vector<const Column*> met;
  for (const Column& column : table.columns) {
    const std::string name = table.full_name() + "." + column.name;
    const Column* now = counterpart(sides, table, other, column);
    if (now == nullptr) {
      findings.add("column-removed", name);
      continue;
    }
    met.push_back(now);
    if (now->name != column.name) {
      findings.add("column-renamed", name, "now " + now->name);
    } else if (same_table && now->number != column.number) {
      findings.add("column-recreated", name);
    }
    compare_old_column(column, *now, name, findings);
  }
  // Columns are in the order of their numbers: new ones between old ones move what comes after them.
  const bool in_order = std::is_sorted(met.begin(), met.end());
  const bool new_ones_last = met.empty() || met.back() - other.columns.data() < static_cast<long>(met.size());
  if (!in_order || !new_ones_last) findings.add("column-order", table.full_name());
  for (const Column& column : other.columns)
    if (std::find(met.begin(), met.end(), &column) == met.end()) compare_new_column(sides, other, column, findings);
  if (other.columns.size() > met.size() && has_row_type_users(sides.wanted, table.full_name()))
    findings.add("column-added-row-type", table.full_name());
}

void compare_all_columns(const Sides& sides, Findings& findings) {
  for (const Table& table : sides.wanted.tables) {
    if (table.is_view()) continue;
    const Table* other = find(sides.there.tables, table.full_name());
    if (other != nullptr && !other->is_view()) compare_columns_of(sides, table, *other, findings);
  }
}

}  // namespace

const Family kColumns{"columns", kColumnRules, &compare_all_columns};

}  // namespace backout::schema::postgresql
