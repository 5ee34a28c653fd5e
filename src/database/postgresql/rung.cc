#include "database/postgresql/rung.h"

#include "base/text.h"
#include "database/postgresql/rewritten_rows.h"
#include "schema/postgresql/catalog.h"
#include "schema/postgresql/compare.h"

namespace backout::postgresql {

namespace {

Result<schema::Comparison> comparison_of(const Json& saved, const Json& seen) {
  if (get(saved, "catalog").empty())
    return Error{Code::kNotFound, "the checkpoint has no dump of the database",
                 "roll back to a release with one (backout releases), or the code alone: --code-only"};
  if (!get_bool(seen, "exists"))
    return Error{
        Code::kNotFound, "there is no database " + get_string(seen, "database"),
        "restore one by hand (the checkpoint has a dump: " + get_string(saved, "backup") + "), then plan again"};
  if (get(seen, "comparison").is_object()) return schema::comparison_from_json(get(seen, "comparison"));
  const auto wanted =
      TRY(schema::postgresql::catalog_from_json(get(saved, "catalog")).with_context("the checkpoint's catalogue"));
  const auto there = TRY(schema::postgresql::catalog_from_json(get(seen, "schema")).with_context("the catalogue"));
  return schema::postgresql::compare(wanted, there);
}

/// What undoing would be; where nobody could look, why.
Json downs_of(const Json& saved, const Json& seen) {
  Json downs = get(seen, "downs");
  if (downs.is_object() && get_string(saved, "backup").empty() && get(saved, "point").is_object())
    return {{"possible", false},
            {"why_not", "what undoing leaves is compared with the checkpoint's dump, and pgBackRest's is none"},
            {"way_out", "restore: --rung restore; the next time: database.postgresql.pgbackrest.dump: true"}};
  if (downs.is_object() || get_string(seen, "migrator").empty() || !get_string(saved, "habits").empty()) return downs;
  return {{"possible", false},
          {"why_not",
           "what comes back is no checkpoint that says which migrations were applied (it may be the database "
           "that the last run kept)"},
          {"way_out", "restore: --rung restore"}};
}

Error not_possible(const Json& downs) {
  if (!downs.is_object())
    return {Code::kRefused, "the database cannot be stepped down: no tool is named that could",
            "name it, database: {migrations: {django: {manage: ...}}}, or restore: --rung restore"};
  return {Code::kRefused, "the database cannot be stepped down: " + get_string(downs, "why_not"),
          get_string(downs, "way_out")};
}

/// A person may leave alone what only looks as if a migration had rewritten it.
void leave_rewritten(schema::Comparison& comparison) {
  std::vector<std::string> told;
  for (const schema::Finding& finding : comparison.findings)
    if (finding.rule == kRowsRewritten) told.push_back(finding.breaks);
  if (told.empty()) return;
  std::erase_if(comparison.findings, [](const schema::Finding& finding) { return finding.rule == kRowsRewritten; });
  comparison.conclude();
  comparison.ladder = "asked for with --rung leave, though " + join(told, "; ");
}

/// Between the code that fits and the restore: what came can be undone, and that costs nothing that a restore would
/// not.
void step_down_if_better(schema::Comparison& comparison, const Json& downs) {
  if (!downs.is_object()) return;
  if (!get_bool(downs, "possible")) {
    comparison.ladder = "not stepped down: " + get_string(downs, "why_not") + " (" + get_string(downs, "way_out") + ")";
  } else if (!get_bool(downs, "wins")) {
    comparison.ladder = "not stepped down: " + get_string(downs, "why");
  } else {
    comparison.rung = schema::Rung::kStepDown;
    comparison.ladder = get_string(downs, "why");
  }
}

}  // namespace

Result<schema::Comparison> decide_rung(const Json& saved, const Json& seen, const std::string& forced) {
  schema::Comparison comparison = TRY(comparison_of(saved, seen));
  const Json downs = downs_of(saved, seen);
  if (forced.empty()) {
    if (comparison.rung == schema::Rung::kRestore) step_down_if_better(comparison, downs);
    return comparison;
  }
  const schema::Rung rung = TRY(schema::rung_of(forced));
  if (rung == schema::Rung::kLeave) leave_rewritten(comparison);
  if (rung == schema::Rung::kLeave && comparison.rung != rung)
    return Error{Code::kRefused, "the database cannot be left alone: " + comparison.why(), "plan without --rung"};
  if (rung == schema::Rung::kStepDown && !get_bool(downs, "possible")) return not_possible(downs);
  if (rung != comparison.rung) comparison.ladder = "asked for with --rung " + forced;
  comparison.rung = rung;
  return comparison;
}

Result<std::string> schema_hash_of(const Json& saved) {
  return hash_of_objects(
      TRY(schema::postgresql::catalog_from_json(get(saved, "catalog")).with_context("the checkpoint's catalogue")));
}

}  // namespace backout::postgresql
