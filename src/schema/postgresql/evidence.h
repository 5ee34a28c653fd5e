// Evidence: what trying the code's own statements on the new schema showed, and what it changes in a comparison. Pure.
#pragma once
#include <map>
#include <set>
#include <string>
#include <vector>

#include "schema/compare.h"

namespace backout::schema::postgresql {

/// One thing that a statement showed: a rule of the family "evidence".
struct Shown {
  std::string_view rule;
  std::string object;  // the statement, shortened
  std::string detail;
};

struct Evidence {
  size_t tried = 0, held = 0, broke = 0, unknown = 0;
  size_t no_evidence = 0;  // failed on the old schema as well
  bool all_read = true;    // every text was understood
  std::vector<Shown> shown;
  std::set<std::string> deleted_from, emptied;  // full names of tables
  std::set<std::string> updated;                // "public.users.name"
  std::map<std::string, bool> probes;           // query -> it returned a row
  /// "214 statements tried: 212 held, 2 broke".
  std::string words() const;
};

/// Answers the questions of the comparison, and adds what broke. Never clears what is silently wrong by itself.
void weigh(Comparison& comparison, const Evidence& evidence);

}  // namespace backout::schema::postgresql
