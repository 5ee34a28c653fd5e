// The rules by which two catalogues are compared, one table a family. A rule is a name, a verdict, what it harms and
// words; the families' code only says where a rule holds. docs/design/postgresql.md lists them, and a test compares.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "schema/compare.h"
#include "schema/postgresql/catalog.h"

namespace backout::schema::postgresql {

enum class Fit : bool { kNo, kYes };

struct RuleText {
  std::string_view name;
  Fit fit;
  std::string_view harms;   // letters of schema::Harms
  std::string_view breaks;  // what breaks, or what to know
};

/// Gathers findings of one family.
class Findings {
 public:
  Findings(std::span<const RuleText> rules, std::vector<Finding>& into) : rules_(rules), into_(into) {}
  /// `detail` is put in front of the rule's words. REQUIRES: a rule of this family.
  Finding& add(std::string_view rule, const std::string& object, const std::string& detail = "");

 private:
  std::span<const RuleText> rules_;
  std::vector<Finding>& into_;
};

/// What is compared, and whether oids and attribute numbers of both mean the same things.
struct Sides {
  const Catalog& wanted;
  const Catalog& there;
  bool same_database() const { return !wanted.origin.empty() && wanted.origin == there.origin; }
};

/// A family: its rules, and the code that applies them.
struct Family {
  std::string_view name;
  std::span<const RuleText> rules;
  void (*compare)(const Sides& sides, Findings& findings);
};
/// All of them, in the order in which findings are told.
std::span<const Family> families();

extern const Family kTables, kColumns, kConstraints, kIndexes, kTypes, kSequences, kViews, kFunctions, kTriggers,
    kPrivileges, kPartitions, kSettings, kMigratorFamily, kEvidence;

/// The table that code which knows `table` meets: of the same name, else renamed. nullptr: there is none.
const Table* counterpart(const Sides& sides, const Table& table);
/// Of the same name, else (within the same database) of the same attribute number, else nullptr.
const Column* counterpart(const Sides& sides, const Table& wanted, const Table& there, const Column& column);
/// The table of `wanted` that `table` was; nullptr: it is new.
const Table* predecessor(const Sides& sides, const Table& table);

}  // namespace backout::schema::postgresql
