#include "decide/collected.h"

namespace backout::decide {

std::set<FactId> collected_by(const std::vector<std::string>& signals, bool checks) {
  // The journal, the plan and `ready` know these of every site.
  std::set<FactId> facts{FactId::kSeverity,        FactId::kAge,
                         FactId::kMigration,       FactId::kRowsLost,
                         FactId::kWontStart,       FactId::kMigrationsFailed,
                         FactId::kOtherDeploy,     FactId::kTargetVerified,
                         FactId::kTargetBad,       FactId::kTargetYoung,
                         FactId::kSchemaFits,      FactId::kRestore,
                         FactId::kRollbackRunning, FactId::kBackwards,
                         FactId::kRecentRollback};
  if (checks) facts.insert(FactId::kUnhealthyFor);
  for (const std::string& kind : signals) {
    const bool routes = kind == "access_log";
    const bool requests = routes || kind == "prometheus" || kind == "metrics" || kind == "probe";
    if (requests)
      facts.insert({FactId::kErrorRate, FactId::kLatency, FactId::kTroubleFor, FactId::kDown, FactId::kControlClean,
                    FactId::kCanary});
    if (routes)
      facts.insert({FactId::kUsers, FactId::kAuth, FactId::kPayments, FactId::kCore, FactId::kSearch, FactId::kAdmin,
                    FactId::kMail, FactId::kCalendar});
    if (kind == "restarts") facts.insert(FactId::kCrashLoop);
  }
  return facts;
}

}  // namespace backout::decide
