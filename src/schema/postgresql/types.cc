#include "schema/postgresql/types.h"

#include <charconv>
#include <set>

#include "base/text.h"
#include "schema/postgresql/rules.h"

namespace backout::schema::postgresql {
namespace {

/// "character varying(50)[]" in its parts.
struct TypeParts {
  std::string base;  // without the modifier: "timestamp without time zone"
  std::vector<int> modifiers;
  std::string array;
};

TypeParts parts_of_type(std::string_view text) {
  TypeParts out;
  out.base = std::string(text);
  while (out.base.ends_with("[]")) out.base.resize(out.base.size() - 2), out.array += "[]";
  const size_t open = out.base.find('('), close = out.base.find(')');
  if (open == std::string::npos || close == std::string::npos || out.base.starts_with('"')) return out;
  for (const auto& each : split(std::string_view(out.base).substr(open + 1, close - open - 1), ',')) {
    int value = 0;
    std::from_chars(each.data(), each.data() + each.size(), value);
    out.modifiers.push_back(value);
  }
  out.base.erase(open, close - open + 1);
  return out;
}

/// Between two bases. What is in no line here is "type-changed".
struct Transition {
  std::string_view from, to, rule;
};
constexpr Transition kTransitions[] = {
    {"smallint", "integer", "type-wider-integer"},
    {"smallint", "bigint", "type-wider-integer"},
    {"integer", "bigint", "type-wider-integer"},
    {"bigint", "integer", "type-narrowed"},
    {"bigint", "smallint", "type-narrowed"},
    {"integer", "smallint", "type-narrowed"},
    {"numeric", "real", "type-rounds"},
    {"numeric", "double precision", "type-rounds"},
    {"double precision", "real", "type-rounds"},
    {"real", "double precision", "type-rounds"},
    {"timestamp without time zone", "timestamp with time zone", "type-time-zone"},
    {"timestamp with time zone", "timestamp without time zone", "type-time-zone"},
    {"json", "jsonb", "type-json"},
    {"jsonb", "json", "type-json"},
    {"text", "public.citext", "type-case"},
    {"public.citext", "text", "type-case"},
    {"character varying", "public.citext", "type-case"},
    {"public.citext", "character varying", "type-case"},
};

/// The same base, or two that are text of some length.
std::string_view rule_of_modifiers(const TypeParts& was, const TypeParts& is) {
  const auto one = [](const TypeParts& parts) { return parts.modifiers.empty() ? 0 : parts.modifiers[0]; };
  if (was.base == "text" || was.base == "character varying" || was.base == "bit varying") {
    if (is.modifiers.empty()) return "type-widened";
    return !was.modifiers.empty() && one(is) >= one(was) ? "type-widened" : "type-narrowed";
  }
  if (was.base == "numeric" && was.modifiers.size() == 2 && is.modifiers.size() == 2 &&
      was.modifiers[1] == is.modifiers[1])
    return one(is) > one(was) ? "type-widened" : "type-narrowed";
  if (was.base == "numeric" || was.base.starts_with("time") || was.base == "interval") return "type-rounds";
  return "type-changed";
}

// What changes under the types of columns that users made: enums, domains, composite types.
constexpr RuleText kTypeRules[] = {
    {"enum-value-added", Fit::kNo, "R1",
     "statements work; code that knows all labels fails on a row that has the new one, and no label can be taken away"},
    {"enum-value-removed", Fit::kNo, "WD", "writing or comparing with it is refused (22P02)"},
    {"enum-value-renamed", Fit::kNo, "RW", "the old label is refused (22P02), the new one unknown to the code"},
    {"enum-order", Fit::kNo, "X", "ORDER BY and < give another result"},
    {"enum-removed", Fit::kNo, "RW", "casts and statements that name it fail (42704)"},
    {"enum-renamed", Fit::kNo, "RW", "casts and statements that name it fail (42704)"},
    {"enum-added", Fit::kYes, "", "the code does not know it"},
    {"domain-removed", Fit::kNo, "RW", "casts and statements that name it fail (42704)"},
    {"domain-added", Fit::kYes, "", "the code does not know it"},
    {"domain-tightened", Fit::kNo, "W", "values that the code writes can be refused (23514, 23502)"},
    {"domain-relaxed", Fit::kNo, "X1",
     "values may be there that the code does not expect, and it no longer refuses them"},
    {"domain-type", Fit::kNo, "RWXU", "values are stored, compared and decoded in another way"},
    {"domain-default", Fit::kNo, "X", "INSERTs that leave such a column out get another value"},
    {"composite-removed", Fit::kNo, "RW", "casts and statements that name it fail (42704)"},
    {"composite-added", Fit::kYes, "", "the code does not know it"},
    {"composite-changed", Fit::kNo, "RWX", "row values have other fields, by position too"},
};

/// Rows that hold one of the labels; a statement that returns one of them, at most.
std::string probe_for(const Catalog& catalog, const Enum& type, const std::vector<std::string>& labels) {
  const auto quoted = [](const std::string& text, char mark) {
    return mark + replaced(text, std::string(1, mark), std::string(2, mark)) + mark;
  };
  std::vector<std::string> texts, selects;
  for (const auto& label : labels) texts.push_back(quoted(label, '\''));
  for (const Table& table : catalog.tables) {
    if (table.kind != "table" && table.kind != "partitioned table") continue;
    for (const Column& column : table.columns) {
      const std::string which = quoted(column.name, '"');
      const bool array = column.type == type.full_name() + "[]";
      if (!array && column.type != type.full_name()) continue;
      selects.push_back("(SELECT 1 FROM " + quoted(table.schema, '"') + "." + quoted(table.name, '"') + " WHERE " +
                        (array ? which + "::text[] && ARRAY[" + join(texts, ", ") + "]"
                               : which + "::text IN (" + join(texts, ", ") + ")") +
                        " LIMIT 1)");
    }
  }
  return selects.empty() ? "SELECT 1 WHERE false" : join(selects, " UNION ALL ");
}

void compare_labels(const Sides& sides, const Enum& type, const Enum& other, Findings& findings) {
  std::vector<std::string> removed, added, kept_before, kept_after;
  const auto has = [](const Names& list, const std::string& label) {
    return std::find(list.begin(), list.end(), label) != list.end();
  };
  for (const auto& label : type.labels) (has(other.labels, label) ? kept_before : removed).push_back(label);
  for (const auto& label : other.labels) (has(type.labels, label) ? kept_after : added).push_back(label);
  const std::string name = type.full_name();
  if (kept_before != kept_after) findings.add("enum-order", name);
  if (!removed.empty() && removed.size() == added.size() && type.labels.size() == other.labels.size()) {
    for (size_t i = 0; i < removed.size(); ++i)
      findings.add("enum-value-renamed", name, "'" + removed[i] + "', now '" + added[i] + "'");
    return;
  }
  for (const auto& label : removed) findings.add("enum-value-removed", name, "'" + label + "'");
  if (!added.empty())
    findings.add("enum-value-added", name, "'" + join(added, "', '") + "'").question =
        Question{.kind = Question::Kind::kProbe, .probe = probe_for(sides.there, other, added)};
}

void compare_domain(const Domain& domain, const Domain& other, Findings& findings) {
  const std::string name = domain.full_name();
  if (domain.type != other.type || domain.collation != other.collation)
    findings.add("domain-type", name, "was " + domain.type + ", is " + other.type);
  if (domain.default_text != other.default_text) findings.add("domain-default", name);
  const auto missing = [](const Domain& from, const Domain& in) {
    return std::any_of(from.constraints.begin(), from.constraints.end(), [&](const Constraint& each) {
      return std::none_of(in.constraints.begin(), in.constraints.end(),
                          [&](const Constraint& its) { return its.definition == each.definition; });
    });
  };
  if ((!domain.not_null && other.not_null) || missing(other, domain)) findings.add("domain-tightened", name);
  if ((domain.not_null && !other.not_null) || missing(domain, other)) findings.add("domain-relaxed", name);
}

void compare_all_types(const Sides& sides, Findings& findings) {
  const auto renamed = [&](const Enum& type) -> const Enum* {
    for (const Enum& each : sides.there.enums)
      if (find(sides.wanted.enums, each.full_name()) == nullptr &&
          (sides.same_database() ? each.oid == type.oid : each.labels == type.labels))
        return &each;
    return nullptr;
  };
  std::set<const Enum*> met;
  for (const Enum& type : sides.wanted.enums) {
    if (const Enum* other = find(sides.there.enums, type.full_name())) {
      compare_labels(sides, type, *other, findings);
    } else if (const Enum* another = renamed(type)) {
      met.insert(another);
      findings.add("enum-renamed", type.full_name(), "now " + shown(another->full_name()));
    } else {
      findings.add("enum-removed", type.full_name());
    }
  }
  for (const Enum& type : sides.there.enums)
    if (!met.contains(&type) && find(sides.wanted.enums, type.full_name()) == nullptr)
      findings.add("enum-added", type.full_name());
  for (const Domain& domain : sides.wanted.domains) {
    if (const Domain* other = find(sides.there.domains, domain.full_name())) {
      compare_domain(domain, *other, findings);
    } else {
      findings.add("domain-removed", domain.full_name());
    }
  }
  for (const Domain& domain : sides.there.domains)
    if (find(sides.wanted.domains, domain.full_name()) == nullptr) findings.add("domain-added", domain.full_name());
  const auto same_fields = [](const Column& a, const Column& b) {
    return a.name == b.name && a.type == b.type && a.collation == b.collation;
  };
  for (const Composite& type : sides.wanted.composites) {
    const Composite* other = find(sides.there.composites, type.full_name());
    if (other == nullptr) {
      findings.add("composite-removed", type.full_name());
    } else if (!std::equal(type.columns.begin(), type.columns.end(), other->columns.begin(), other->columns.end(),
                           same_fields)) {
      findings.add("composite-changed", type.full_name());
    }
  }
  for (const Composite& type : sides.there.composites)
    if (find(sides.wanted.composites, type.full_name()) == nullptr) findings.add("composite-added", type.full_name());
}

}  // namespace

std::string_view rule_of_types(std::string_view wanted, std::string_view there) {
  if (wanted == there) return "";
  const TypeParts was = parts_of_type(wanted), is = parts_of_type(there);
  if (was.array != is.array) return "type-changed";
  const auto is_text = [](const TypeParts& parts) { return parts.base == "text" || parts.base == "character varying"; };
  if (was.base == is.base || (is_text(was) && is_text(is))) return rule_of_modifiers(was, is);
  for (const Transition& each : kTransitions)
    if (each.from == was.base && each.to == is.base) return each.rule;
  return "type-changed";
}

const Family kTypes{"types", kTypeRules, &compare_all_types};

}  // namespace backout::schema::postgresql
