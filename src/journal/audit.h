// What reads the whole journal: walking the chains, refilling the read models, exporting. Each works on one snapshot,
// or inside the caller's write transaction.
#pragma once
#include <functional>
#include <string_view>

#include "journal/journal.h"
#include "journal/store.h"

namespace backout::journal {

/// Every gap, broken link and changed byte with site and seq; heads and read models that do not follow from the events;
/// and what the database itself finds. Faults are found in one pass, each reported once. REQUIRES: a read transaction.
Result<VerifyReport> verify_journal(Store& store);

/// Empties the read models and folds every event again. REQUIRES: a write transaction.
Result<void> rebuild_models(Store& store);

/// One line per event, then {"events": n, "journal": id, "sites": {site: {"hash", "seq"}}}. REQUIRES: a read
/// transaction.
Result<void> export_journal(Store& store, const std::string& journal_id,
                            const std::function<Result<void>(std::string_view line)>& line);

}  // namespace backout::journal
