// Sites: the matrix over everything that one journal knows. It needs no backout.yaml, looks at no host, and is never
// kept by hand: each line comes from the read models of the journal, so its price does not grow with what happened.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/site/workspace.h"

namespace backout::app {

struct SiteLine {
  SiteId site;
  std::optional<Release> current;                // none: the journal was never told
  std::optional<Release> known_good;             // the current one if it is, else back_to
  std::optional<Release> back_to;                // what a rollback without a version would take; none: there is nothing
  std::optional<WallTime> last_good;             // when a known-good release served last: now, if one does; none: never
  std::optional<journal::RollbackRow> rollback;  // the newest
  std::optional<journal::RunRow> unfinished;
  std::vector<journal::RollbackRow> unresolved;  // of the newest few: what they left has no recorded cause
};

/// The journal of `where`, which must be there: a look at the matrix makes none. backout.yaml is read only to find it.
Result<std::unique_ptr<journal::Journal>> journal_at(const Where& where);

/// By name.
Result<std::vector<SiteLine>> site_matrix(journal::Journal& journal, WallTime now);

Json to_json(const journal::RollbackRow& rollback);
Json to_json(const SiteLine& line);

}  // namespace backout::app
