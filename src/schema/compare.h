// compare: does code written for one schema work on another? Rules, each with a name and what would break.
//
// The question is always "the code that goes live was written for `wanted`; the database is as `there`". It fits when
// nothing differs, or when the only additions are tables, views, plain indexes and columns that the code need not know.
// Whatever is not known to be harmless does not fit: a wrong "restore" costs seconds, a wrong "leave" costs the
// service. Pure. The rules follow from SQLite's documented behaviour and are listed in docs/design/sqlite.md.
#pragma once
#include <string>
#include <vector>

#include "schema/snapshot.h"

namespace backout::schema {

/// Rungs of the database ladder that this version climbs.
enum class Rung { kLeave, kRestore };
std::string_view name_of(Rung rung);  // "leave", "restore"

struct Finding {
  std::string rule;    // "column-removed"
  bool fits = false;   // the code still works
  std::string object;  // "orders.coupon"
  std::string breaks;  // what breaks; or, when it fits, what to know
};

struct Comparison {
  Rung rung = Rung::kLeave;
  std::vector<Finding> findings;  // those that do not fit first
  /// One line: "same schema", "2 additions the code need not know: ...", "column-removed orders.coupon: ...".
  std::string why() const;
};

Comparison compare(const Snapshot& wanted, const Snapshot& there);

Json to_json(const Comparison& comparison);

}  // namespace backout::schema
