// The table of facts, in the order of FactId.
#include "model/fact.h"

namespace backout {
namespace {

constexpr std::string_view kOpen = "no condition on it holds, and the rule is told as open";
constexpr std::string_view kNo = "no";
using enum FactScale;
using enum FactRole;

// clang-format off
constexpr FactKind kKinds[] = {
  {FactId::kSeverity, "severity", kLevels, kHarm, false, "sev4|sev3|sev2|sev1", {}, kOpen, "How severe is it: sev1 (down, corruption, login, payments, a hole), sev2, sev3 or sev4 (cosmetic)?"},
  {FactId::kUsers, "users", kPercent, kHarm, false, "", {}, kOpen, "What share of the users is hit?"},
  {FactId::kData, "data", kLevels, kHarm, false, "none|stale|wrong-writes|corruption", {}, kOpen, "Is data being corrupted: none, stale (wrong reads), wrong-writes or corruption (or loss)?"},
  {FactId::kAge, "age", kDuration, kWayBack, false, "", {}, kOpen, "How long ago was it deployed?"},
  {FactId::kMigration, "migration", kLevels, kWayBack, false, "none|additive|backfill|breaking|destructive", 3, "breaking", "What did it do to the schema: none, additive, backfill, breaking or destructive?"},
  {FactId::kHotfix, "hotfix", kDuration, kWayBack, false, "", kNever, "none in sight", "How long until a hotfix could serve?"},

  {FactId::kErrorRate, "error_rate", kPercent, kHarm, false, "", {}, kOpen, "What share of the requests fails?"},
  {FactId::kLatency, "latency", kFactor, kHarm, false, "", {}, kOpen, "How much slower is it: 1.5x is half as slow again?"},
  {FactId::kUnhealthyFor, "unhealthy_for", kDuration, kHarm, false, "", {}, kOpen, "How long has the health check failed without a break?"},
  {FactId::kTroubleFor, "trouble_for", kDuration, kHarm, false, "", {}, kOpen, "How long has the trouble lasted?"},
  {FactId::kRowsLost, "rows_lost", kCount, kWayBack, false, "", {}, kOpen, "How many rows would going back lose?"},

  {FactId::kDown, "down", kYesNo, kHarm, true, "", 0, kNo, "Is it down, or does it crash?"},
  {FactId::kCrashLoop, "crash_loop", kYesNo, kHarm, true, "", 0, kNo, "Does it start, crash and start again?"},
  {FactId::kWontStart, "wont_start", kYesNo, kHarm, true, "", 0, kNo, "Does it fail to start?"},
  {FactId::kMigrationsFailed, "migrations_failed", kYesNo, kHarm, true, "", 0, kNo, "Did its migrations fail?"},
  {FactId::kAuth, "auth", kYesNo, kHarm, true, "", 0, kNo, "Is logging in broken?"},
  {FactId::kPayments, "payments", kYesNo, kHarm, true, "", 0, kNo, "Are payments broken?"},
  {FactId::kCore, "core", kYesNo, kHarm, true, "", 0, kNo, "Is core functionality broken altogether (forms, the flows that users come for)?"},
  {FactId::kDatabaseErrors, "database_errors", kYesNo, kHarm, true, "", 0, kNo, "Do queries of critical operations fail?"},
  {FactId::kDatabaseDown, "database_down", kYesNo, kHarm, true, "", 0, kNo, "Can the database not be reached at all?"},
  {FactId::kSearch, "search", kYesNo, kHarm, true, "", 0, kNo, "Is search completely broken?"},
  {FactId::kAdmin, "admin", kYesNo, kHarm, true, "", 0, kNo, "Is the admin panel out of reach?"},
  {FactId::kMail, "mail", kYesNo, kHarm, true, "", 0, kNo, "Is mail broken?"},
  {FactId::kCalendar, "calendar", kYesNo, kHarm, true, "", 0, kNo, "Is the calendar or scheduling broken?"},
  {FactId::kSecurity, "security", kYesNo, kHarm, true, "", 0, kNo, "Did it open a hole, or was one used?"},
  {FactId::kMajor, "major", kYesNo, kHarm, true, "", 0, kNo, "Is a major feature broken?"},
  {FactId::kUnexpected, "unexpected", kYesNo, kHarm, true, "", 0, kNo, "Does a critical feature behave in an unexpected way?"},
  {FactId::kMinor, "minor", kYesNo, kHarm, true, "", 0, kNo, "Is something minor wrong: cosmetic, with a workaround, an edge case?"},

  {FactId::kExternal, "external", kYesNo, kOther, false, "", 0, kNo, "Is it an external service, and not the release?"},
  {FactId::kControlClean, "control_clean", kYesNo, kOther, false, "", 0, kNo, "Does the old release beside it serve well?"},
  {FactId::kOtherDeploy, "other_deploy", kYesNo, kOther, false, "", 0, kNo, "Was something else deployed at about the same time?"},
  {FactId::kCanary, "canary", kYesNo, kOther, false, "", 0, kNo, "Does it serve only a part of the users, beside the old release?"},
  {FactId::kFlag, "flag", kYesNo, kOther, false, "", 0, kNo, "Does a flag switch off what is broken?"},
  {FactId::kHotfixTested, "hotfix_tested", kYesNo, kOther, false, "", 0, kNo, "Is the hotfix tested?"},
  {FactId::kLossAcceptable, "loss_acceptable", kYesNo, kOther, false, "", 0, kNo, "May what was written since the deploy be lost?"},

  {FactId::kTargetVerified, "target_verified", kYesNo, kOther, false, "", 0, "not verified: never without a person", "Was the release to go back to looked at: is it there, and what it was?"},
  {FactId::kTargetBad, "target_bad", kYesNo, kOther, false, "", 0, kNo, "Is the release to go back to known to be bad?"},
  {FactId::kTargetYoung, "target_young", kYesNo, kOther, false, "", 0, kNo, "Had the release to go back to hardly served?"},
  {FactId::kSchemaFits, "schema_fits", kYesNo, kOther, false, "", {}, "as `migration` says", "Does the old code run on today's schema?"},
  {FactId::kRestore, "restore", kYesNo, kWayBack, false, "", {}, kOpen, "Must the database be restored, or stepped down, to go back?"},
  {FactId::kSecurityFix, "security_fix", kYesNo, kOther, false, "", 0, kNo, "Does the release mend a security hole?"},
  {FactId::kFreeze, "freeze", kYesNo, kOther, false, "", 0, kNo, "Is there a change freeze?"},
  {FactId::kRollbackRunning, "rollback_running", kYesNo, kOther, false, "", 0, kNo, "Is a rollback running already?"},
  {FactId::kBackwards, "backwards", kYesNo, kOther, false, "", 0, kNo, "Did the release itself come by a rollback?"},
  {FactId::kRecentRollback, "recent_rollback", kYesNo, kOther, false, "", 0, kNo, "Was there an automatic rollback within the hour?"},
};
// clang-format on
static_assert(std::size(kKinds) == kFactCount);

}  // namespace

std::span<const FactKind> all_fact_kinds() { return kKinds; }
const FactKind& kind_of(FactId id) { return kKinds[static_cast<size_t>(id)]; }

std::optional<FactId> fact_named(std::string_view name) {
  for (const FactKind& kind : kKinds)
    if (kind.name == name) return kind.id;
  return std::nullopt;
}

}  // namespace backout
