// Vetoes: why going back cannot be, or must not be without a person. Pure.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "model/fact.h"

namespace backout::decide {

enum class VetoId {
  kTargetMissing,
  kTargetUnverified,
  kTargetBad,
  kTargetYoung,
  kBackwards,
  kRecentRollback,
  kRollbackRunning,
  kFreeze,
  kSchema,
  kDestructive,
  kNewFormat,
  kSecurityFix,
  kNotTheRelease,
  kExternal,
};
inline constexpr int kVetoCount = static_cast<int>(VetoId::kExternal) + 1;

struct VetoKind {
  VetoId id;
  std::string_view name;
  bool blocks;  // false: it only keeps it from being done without a person
  std::string_view what;
};
const VetoKind& kind_of(VetoId id);

/// A bit for each veto that holds.
using VetoSet = uint32_t;
constexpr VetoSet bit(VetoId id) { return VetoSet{1} << static_cast<int>(id); }
VetoSet vetoes_of(const Facts& facts, bool has_target, double posterior);
/// Those of a set that block.
VetoSet blocking(VetoSet set);

/// Below this probability that the release is the cause, going back is never automatic.
inline constexpr double kLeastPosterior = 0.5;

}  // namespace backout::decide
