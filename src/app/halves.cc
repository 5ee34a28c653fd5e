#include "app/halves.h"

#include "app/rung.h"

namespace backout::app {

void refuse_without_database(Contract& contract) {
  if (contract.database_rung == "restore" || contract.database_rung == "step-down")
    contract.refusals.push_back("--code-only: " + contract.to.str() + " cannot run on the database as it is now (" +
                                contract.database_why + ")");
}

void refuse_without_code(const DatabaseConfig& database, Contract& contract, const Subject& subject,
                         const Checkpoint* checkpoint, const Seen& seen) {
  const std::string foreign =
      "--db-only: " + contract.from.str() + " would be left on a database it was not written for";
  if (contract.database_rung == "step-down") {
    contract.refusals.push_back(foreign);
    return;
  }
  if (contract.database_rung != "restore") {
    contract.refusals.push_back("--db-only: the database would be left alone, and nothing done: add --rung restore");
    return;
  }
  // Asked for with "leave", rows that only look as if a migration had rewritten them say nothing against it.
  const auto same = checkpoint == nullptr
                        ? Result<schema::Comparison>(Error{Code::kNotFound, "there is no backup", ""})
                        : decide_rung(database, saved_part(*checkpoint, subject), seen.begin()->second, "leave");
  if (same && same->findings.empty()) return;
  contract.refusals.push_back(foreign + " (" + (same ? same->why() : same.error().message) + ")");
}

}  // namespace backout::app
