#include "database/sqlite/rung.h"

namespace backout::database {

Result<schema::Comparison> decide_rung(const Json& saved, const Json& seen, const std::string& forced) {
  if (!get(saved, "schema").is_object())
    return Error{Code::kNotFound, "the checkpoint has no copy of the database",
                 "roll back to a release with one (backout releases), or the code alone: --code-only"};
  if (!get_bool(seen, "exists"))
    return Error{Code::kNotFound, "there is no database at " + get_string(seen, "file"),
                 "put the file back (the checkpoint has it: " + get_string(saved, "backup") + "), then plan again"};
  const auto wanted = TRY(schema::snapshot_from_json(get(saved, "schema")).with_context("the checkpoint's schema"));
  const auto there =
      TRY(schema::snapshot_from_json(get(seen, "schema")).with_context("the schema of " + get_string(seen, "file")));
  schema::Comparison comparison = compare(wanted, there);
  if (forced.empty()) return comparison;
  const schema::Rung rung = TRY(schema::rung_of(forced));
  if (rung == schema::Rung::kStepDown)
    return Error{Code::kRefused, "an SQLite database is not stepped down", "restore it: --rung restore"};
  if (rung == schema::Rung::kLeave && comparison.rung != rung)
    return Error{Code::kRefused, "the database cannot be left alone: " + comparison.why(), "plan without --rung"};
  if (rung != comparison.rung) comparison.ladder = "asked for with --rung " + forced;
  comparison.rung = rung;
  return comparison;
}

}  // namespace backout::database
