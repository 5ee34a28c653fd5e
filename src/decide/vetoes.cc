#include "decide/vetoes.h"

#include <iterator>

namespace backout::decide {
namespace {

constexpr VetoKind kVetoes[] = {
    {VetoId::kTargetMissing, "target-missing", true, "there is no release to go back to, or it is not what it was"},
    {VetoId::kTargetUnverified, "target-unverified", false, "nobody has looked at the release to go back to"},
    {VetoId::kTargetBad, "target-bad", true, "the release to go back to is known to be bad"},
    {VetoId::kTargetYoung, "target-young", true,
     "the release to go back to had hardly served: it is not known to be good"},
    {VetoId::kBackwards, "backwards", true, "this release came by a rollback: never from one to the next backwards"},
    {VetoId::kRecentRollback, "recent-rollback", false, "there was an automatic rollback of this site within the hour"},
    {VetoId::kRollbackRunning, "rollback-running", true, "a rollback is running already"},
    {VetoId::kFreeze, "freeze", true, "there is a change freeze"},
    {VetoId::kSchema, "schema", true, "the old code does not run on today's schema"},
    {VetoId::kDestructive, "migration-destructive", true, "the migration cannot be undone: what it dropped is gone"},
    {VetoId::kNewFormat, "new-format", true,
     "data was written wrongly, behind a migration that old code does not know: going back does not mend it"},
    {VetoId::kSecurityFix, "security-fix", true, "the release mends a security hole: going back opens it again"},
    {VetoId::kNotTheRelease, "not-the-release", true, "it is probably not the release: going back is unlikely to help"},
    {VetoId::kExternal, "external", true, "an external service is at fault: going back does not help"},
};
static_assert(std::size(kVetoes) == kVetoCount);

bool is(const Facts& facts, FactId id, bool yes) { return facts.known(id) && (*facts[id].value > 0) == yes; }

}  // namespace

const VetoKind& kind_of(VetoId id) { return kVetoes[static_cast<int>(id)]; }

VetoSet vetoes_of(const Facts& facts, bool has_target, double posterior) {
  static const double backfill = level_of(FactId::kMigration, "backfill");
  static const double destructive = level_of(FactId::kMigration, "destructive");
  static const double wrong_writes = level_of(FactId::kData, "wrong-writes");
  const double migration = facts.value(FactId::kMigration).value_or(0);
  const bool fits = is(facts, FactId::kSchemaFits, true);
  VetoSet set = 0;
  const auto add = [&](bool holds, VetoId id) { set |= holds ? bit(id) : 0; };
  const bool missing = !has_target || is(facts, FactId::kTargetVerified, false);
  add(missing, VetoId::kTargetMissing);
  add(!missing && !facts.known(FactId::kTargetVerified), VetoId::kTargetUnverified);
  add(facts.yes(FactId::kTargetBad), VetoId::kTargetBad);
  add(facts.yes(FactId::kTargetYoung), VetoId::kTargetYoung);
  add(facts.yes(FactId::kBackwards), VetoId::kBackwards);
  add(facts.yes(FactId::kRecentRollback), VetoId::kRecentRollback);
  add(facts.yes(FactId::kRollbackRunning), VetoId::kRollbackRunning);
  add(facts.yes(FactId::kFreeze), VetoId::kFreeze);
  add(is(facts, FactId::kSchemaFits, false), VetoId::kSchema);
  add(migration >= destructive && !fits, VetoId::kDestructive);
  add(facts.value(FactId::kData).value_or(0) >= wrong_writes && migration >= backfill, VetoId::kNewFormat);
  add(facts.yes(FactId::kSecurityFix), VetoId::kSecurityFix);
  add(posterior < kLeastPosterior && !is(facts, FactId::kExternal, true), VetoId::kNotTheRelease);
  add(facts.yes(FactId::kExternal), VetoId::kExternal);
  return set;
}

VetoSet blocking(VetoSet set) {
  VetoSet those = 0;
  for (const VetoKind& kind : kVetoes)
    if (kind.blocks) those |= set & bit(kind.id);
  return those;
}

}  // namespace backout::decide
