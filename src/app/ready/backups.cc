#include "app/ready/backups.h"

#include "app/backups/backups.h"
#include "base/text.h"

namespace backout::app::ready {

std::vector<Finding> look_at_backups(const Workspace& workspace) {
  const auto warning = [](const std::string& what, const std::string& next) {
    return std::vector<Finding>{{"backups", Severity::kWarning, "", "", one_line(what), next, Json::object()}};
  };
  const auto health = backup_health(workspace);
  if (!health)
    return warning(health.error().message,
                   one_line(health.error().next.empty() ? "backout backups" : health.error().next));
  if (!health->configured) return {};
  if (!health->problem.empty()) return warning(health->problem, "mend it, then look: backout backups");
  if (!health->newest_is_bad.empty())
    return warning("the newest backup is not to be relied on: " + health->newest_is_bad, "see them: backout backups");
  if (!health->newest_good)
    return warning("no backup in " + health->directory + " was tested and found good",
                   "test them: backout backups check");
  if (health->overdue)
    return warning("the newest backup is older than database.backups.every says", "make one: backout backups take");
  return {{"backups", Severity::kOk, "", "", in_words(*health->newest_good), "", Json::object()}};
}

}  // namespace backout::app::ready
