// What is held against, or for, the release that serves: the document of Model::kJudgement.
//
//   {release, facts: {name: {value, by, at_ms}}, reports: [{text, severe, by, at_ms}], verdict: {of, at_ms, ...}?,
//    left: {release, verdict}?, habits: {signal: ...}?, automatic: [at_ms]}
//
// Facts, reports and the verdict are of one release and go when another comes. Beyond that are kept: the last
// verdict about the release before, what votes were like in the newest watch that ended well, and when backout rolled
// back by itself, newest first.
#pragma once
#include "journal/fold.h"

namespace backout::journal {

inline constexpr size_t kKeptReports = 50, kKeptFacts = 100, kKeptAutomatic = 20;

Result<void> fold_judgement(const Event& event, Tables& tables);
/// Another release serves from `event` on.
Result<void> judgement_starts_anew(const Event& event, const std::string& release, Tables& tables);

}  // namespace backout::journal
