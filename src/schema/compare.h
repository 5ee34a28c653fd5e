// compare: does code written for one schema work on another? Rules, each with a name and what would break.
//
// The question is always "the code that goes live was written for `wanted`; the database is as `there`". It fits when
// nothing differs, or when the only additions are tables, views, plain indexes and columns that the code need not know.
// Whatever is not known to be harmless does not fit: a wrong "restore" costs seconds, a wrong "leave" costs the
// service. Pure. The rules follow from SQLite's documented behaviour and are listed in docs/design/sqlite.md.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "schema/harm.h"
#include "schema/snapshot.h"

namespace backout::schema {

/// Rungs of the database ladder that this version climbs.
enum class Rung { kLeave, kStepDown, kRestore };
std::string_view name_of(Rung rung);  // "leave", "step-down", "restore"
/// kInvalid for another word.
Result<Rung> rung_of(std::string_view name);

/// What the schemas alone cannot answer, and who can.
struct Question {
  enum class Kind {
    kReplay,      // do the code's statements run on the new schema?
    kDeletes,     // does the code delete rows of these tables, empty them, or change these columns?
    kKeyChanges,  // does it empty them, or change these columns?
    kProbe,       // is it so in the rows that are there?
  };
  Kind kind = Kind::kReplay;
  std::vector<std::string> tables = {};
  std::vector<std::string> columns = {};  // "public.users.id"
  std::string probe = {};                 // a query; no row: nothing stands in the way
};

struct Finding {
  std::string rule;    // "column-removed"
  bool fits = false;   // the code still works
  std::string object;  // "orders.coupon"
  std::string breaks;  // what breaks; or, when it fits, what to know
  Harms harms = {};    // empty where the rules of a database do not tell them apart
  std::optional<Question> question = {};
};

struct Comparison {
  Rung rung = Rung::kLeave;
  std::vector<Finding> findings;  // those that do not fit first
  std::string evidence = {};      // "214 statements tried: 212 held, 2 broke"; empty: none were
  std::string ladder = {};        // why this rung and not its neighbour; empty: nothing to say
  /// One line: "same schema", "2 additions the code need not know: ...", "column-removed orders.coupon: ...".
  std::string why() const;
  /// Decides the rung, and sorts. For whoever adds or changes findings.
  void conclude();
};

Comparison compare(const Snapshot& wanted, const Snapshot& there);

Json to_json(const Comparison& comparison);
/// Without harms and questions. kCorrupt when it is not what to_json made.
Result<Comparison> comparison_from_json(const Json& value);

}  // namespace backout::schema
