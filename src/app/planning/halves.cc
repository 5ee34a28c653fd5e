#include "app/planning/halves.h"

#include "app/planning/rung.h"
#include "base/text.h"

namespace backout::app {
namespace {

/// Empty: what migrators have noted now is what they had noted when the checkpoint was taken.
std::string other_books(const Workspace& workspace, Subject subject, const Checkpoint& checkpoint) {
  const Json saved = saved_part(checkpoint, subject);
  subject.config["books_of"] = {{"manifest", get_string(saved, "manifest")},
                                {"manifest_sha256", get_string(saved, "manifest_sha256")}};
  const auto seen = observe(workspace, subject);
  if (!seen) return "which migrations were applied since cannot be told: " + one_line(seen.error().message);
  const Json& books = get(seen->begin()->second, "books");
  if (!books.is_array()) return "which migrations were applied since cannot be told";
  std::vector<std::string> sentences;
  for (const Json& each : books)
    if (each.is_string()) sentences.push_back(each.get<std::string>());
  return join(sentences, "; ");
}

}  // namespace

void refuse_without_database(Contract& contract) {
  if (contract.database_rung == "restore" || contract.database_rung == "step-down")
    contract.refusals.push_back("--code-only: " + contract.to.str() + " cannot run on the database as it is now (" +
                                contract.database_why + ")");
}

void refuse_without_code(const Workspace& workspace, Contract& contract, const Subject& subject,
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
  const auto same = checkpoint == nullptr ? Result<schema::Comparison>(Error{Code::kNotFound, "there is no backup", ""})
                                          : decide_rung(*workspace.site().database, saved_part(*checkpoint, subject),
                                                        seen.begin()->second, "leave");
  const std::string why = !same                    ? same.error().message
                          : same->findings.empty() ? other_books(workspace, subject, *checkpoint)
                                                   : same->why();
  if (!why.empty()) contract.refusals.push_back(foreign + " (" + why + ")");
}

}  // namespace backout::app
