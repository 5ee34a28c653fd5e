#include "database/postgresql/halving.h"

namespace backout::postgresql {

std::optional<RowRefusal> row_refusal(const std::string& sqlstate, const Error& error) {
  const auto is = [&](std::string_view start) { return sqlstate.starts_with(start); };
  if (is("23505") || is("23P01")) return RowRefusal{"unique", error.message};
  if (is("23502")) return RowRefusal{"not-null", error.message};
  if (is("23503")) return RowRefusal{"missing-parent", error.message};
  if (is("23001")) return RowRefusal{"still-referenced", error.message};
  if (is("23")) return RowRefusal{"check", error.message};
  if (is("22") || is("42804") || is("42846")) return RowRefusal{"type", error.message};
  // A function in a CHECK, an index or a computed column that fails, or is not found without a search_path; a row that
  // is too wide for the index.
  if (is("P0") || is("42883") || is("42P01") || is("54000")) return RowRefusal{"check", error.message};
  return std::nullopt;
}

Result<void> in_halves(Connection& target, int64_t first, int64_t last,
                       const std::function<std::string(const std::string& range)>& statement,
                       const std::function<Result<void>(int64_t n, const RowRefusal&)>& refused) {
  const std::string range = "s.n BETWEEN " + std::to_string(first) + " AND " + std::to_string(last);
  const auto done = target.exec("SAVEPOINT backout_half; " + statement(range) + "; RELEASE SAVEPOINT backout_half");
  if (done) return {};
  const auto refusal = row_refusal(target.sqlstate(), done.error());
  if (!refusal) return done.error();
  TRY_VOID(target.exec("ROLLBACK TO SAVEPOINT backout_half; RELEASE SAVEPOINT backout_half"));
  if (first == last) return refused(first, *refusal);
  const int64_t middle = first + (last - first) / 2;
  TRY_VOID(in_halves(target, first, middle, statement, refused));
  return in_halves(target, middle + 1, last, statement, refused);
}

}  // namespace backout::postgresql
