// Facts: what is known of a release that may have to be taken back, each with where it is from. Everything that the
// rules of a team may ask for is one of these; docs/decide.md lists them. A fact may be unknown, and what that counts
// as is stated for each: an unknown fact never speaks for doing nothing.
#pragma once
#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"

namespace backout {

enum class FactId {
  // The six axes.
  kSeverity,   // sev4 .. sev1
  kUsers,      // % of the users that are hit
  kData,       // none .. corruption
  kAge,        // of the release
  kMigration,  // none .. destructive: what it did to the schema
  kHotfix,     // until a hotfix could serve; "none": there is none in sight
  // Figures.
  kErrorRate,     // % of the votes that are bad
  kLatency,       // slower by: 1.5 is half as slow again
  kUnhealthyFor,  // how long the health check has failed without a break
  kTroubleFor,    // how long the trouble has lasted
  kRowsLost,      // rows that going back would lose
  // What is broken.
  kDown,
  kCrashLoop,
  kWontStart,
  kMigrationsFailed,
  kAuth,
  kPayments,
  kCore,
  kDatabaseErrors,
  kDatabaseDown,
  kSearch,
  kAdmin,
  kMail,
  kCalendar,
  kSecurity,
  kMajor,
  kUnexpected,
  kMinor,
  // Is it the release, and is there another way?
  kExternal,
  kControlClean,
  kOtherDeploy,
  kCanary,
  kFlag,
  kHotfixTested,
  kLossAcceptable,
  // Can we go back?
  kTargetVerified,
  kTargetBad,
  kTargetYoung,
  kSchemaFits,
  kRestore,
  kSecurityFix,
  kFreeze,
  kRollbackRunning,
  kBackwards,
  kRecentRollback,
};
inline constexpr size_t kFactCount = static_cast<size_t>(FactId::kRecentRollback) + 1;

enum class FactScale {
  kLevels,    // names, ascending: the value is the index
  kPercent,   // 0..100
  kDuration,  // milliseconds; "none" is kNever
  kFactor,    // "1.5x"
  kCount,     // whole
  kYesNo,     // 0 or 1
};

/// What a worse value means.
enum class FactRole {
  kHarm,     // users suffer more: no rule should answer a worse one with less
  kWayBack,  // going back is harder: another remedy may be the better one
  kOther,
};

/// A duration that never ends, as kHotfix "none".
inline constexpr double kNever = 1e15;

struct FactKind {
  FactId id;
  std::string_view name;  // in rules and for --fact
  FactScale scale;
  FactRole role;
  bool symptom;                 // true says by itself that something is wrong
  std::string_view levels;      // kLevels: "none|stale|..."
  std::optional<double> taken;  // what an unknown one counts as; nothing: no condition on it holds
  std::string_view unknown;     // the same in words
  std::string_view question;    // for a person who may know
};
std::span<const FactKind> all_fact_kinds();
const FactKind& kind_of(FactId id);
std::optional<FactId> fact_named(std::string_view name);

struct Fact {
  std::optional<double> value;  // nothing: unknown
  std::string source;           // "signal shop-log", "journal", "dana" ...; one line, safe to print
  WallTime at{};                // when it was so; epoch: unknown
  double confidence = 1;        // 0..1
  std::string detail;           // "141 of 1,020 clients"; may be empty
};

/// All facts; those that nobody set are unknown.
class Facts {
 public:
  const Fact& operator[](FactId id) const { return all_[static_cast<size_t>(id)]; }
  void set(FactId id, Fact fact) { all_[static_cast<size_t>(id)] = std::move(fact); }
  void set(FactId id, double value, std::string source, WallTime at = {}, std::string detail = "");
  bool known(FactId id) const { return (*this)[id].value.has_value(); }
  /// The value, or what an unknown one counts as (FactKind::taken); nothing when neither is.
  std::optional<double> value(FactId id) const;
  bool yes(FactId id) const { return value(id).value_or(0) > 0; }

 private:
  std::array<Fact, kFactCount> all_;
};

/// A value as a person writes it: "sev1", "60%", "20m", "1.5x", "yes", "none", "unknown" (nothing). kInvalid with what
/// is expected.
Result<std::optional<double>> fact_value_from(FactId id, std::string_view text);
/// The value for people: "sev1", "13.8 %", "20 min", "yes"; "unknown".
std::string fact_value_text(FactId id, std::optional<double> value);
/// What fact_value_from expects: "a share of the users, such as 60%".
std::string expected_of(FactId id);
/// The index of a level by its name; for kLevels.
double level_of(FactId id, std::string_view name);

/// {name, value, text, source, at_ms, confidence, detail}; `value` null when unknown.
Json to_json(FactId id, const Fact& fact);
/// A list of all that are known, in the order of FactId.
Json to_json(const Facts& facts);
Result<Facts> facts_from_json(const Json& list);

}  // namespace backout
