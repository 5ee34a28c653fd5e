#include "schema/postgresql/evidence.h"

#include <optional>

#include "base/text.h"
#include "schema/postgresql/rules.h"

namespace backout::schema::postgresql {
namespace {

constexpr RuleText kEvidenceRules[] = {
    {"statement-fails", Fit::kNo, "RW",
     "a statement of the code is refused on the new schema, and was not on the old one"},
    {"statement-result", Fit::kNo, "RX",
     "a statement of the code returns other columns or types, or takes other parameters"},
    {"statement-meaning", Fit::kNo, "X", "a statement of the code still runs, and means something else"},
    {"statement-leaves-out", Fit::kNo, "W", "an INSERT of the code leaves out a column that must have a value (23502)"},
    {"statement-unknown", Fit::kYes, "U", "nobody could tell whether a statement of the code works"},
};

void nothing_by_itself(const Sides&, Findings&) {}

bool meets(const std::vector<std::string>& tables, const std::set<std::string>& done) {
  return std::any_of(tables.begin(), tables.end(), [&](const std::string& each) { return done.contains(each); });
}

/// Nothing: it was not asked, or the server did not answer.
std::optional<bool> probed(const Question& question, const Evidence& evidence) {
  const auto probe = evidence.probes.find(question.probe);
  return question.probe.empty() || probe == evidence.probes.end() ? std::nullopt : std::optional(probe->second);
}

/// New references to tables of the code: in the way of deletes where rows point there, of TRUNCATE in any case.
void answer_about_references(Finding& finding, const Evidence& evidence) {
  const Question& question = *finding.question;
  const bool none = probed(question, evidence) == false;
  const bool changes = meets(question.columns, evidence.updated);
  if (meets(question.tables, evidence.emptied) || (changes && !none)) {
    finding.fits = false;
    finding.harms = Harms("W");
    finding.breaks = "a statement of the code empties " + shown(join(question.tables, ", ")) +
                     " or changes keys there, which what points there refuses (23503, 0A000)";
  } else if (question.kind == Question::Kind::kDeletes && none) {
    finding.fits = true;
    finding.breaks += "; no row points there";
  } else if (question.kind == Question::Kind::kDeletes && evidence.tried > 0 && evidence.all_read) {
    finding.fits = !meets(question.tables, evidence.deleted_from);
    finding.breaks += finding.fits ? "; none of its " + counted(static_cast<int64_t>(evidence.tried), "statement") +
                                         " that were tried deletes there"
                                   : "; a statement of the code does that";
  }
}

void answer(Finding& finding, const Evidence& evidence) {
  switch (finding.question->kind) {
    case Question::Kind::kReplay:
      if (evidence.tried > 0) finding.breaks += "; " + evidence.words();
      return;
    case Question::Kind::kDeletes:
    case Question::Kind::kKeyChanges: answer_about_references(finding, evidence); return;
    case Question::Kind::kProbe:
      if (const auto row = probed(*finding.question, evidence); row && !finding.harms.has(Harm::kSilent)) {
        finding.fits = !*row;
        finding.breaks += *row ? "; the database says that it is so" : "; the database says that it is not so";
      }
      return;
  }
}

}  // namespace

const Family kEvidence{"evidence", kEvidenceRules, &nothing_by_itself};

std::string Evidence::words() const {
  std::string out = counted(static_cast<int64_t>(tried), "statement") + " of the code tried: " + std::to_string(held) +
                    " held, " + std::to_string(broke) + " broke";
  if (unknown > 0) out += ", " + std::to_string(unknown) + " unknown";
  return out;
}

void weigh(Comparison& comparison, const Evidence& evidence) {
  for (Finding& finding : comparison.findings)
    if (finding.question) answer(finding, evidence);
  Findings findings(kEvidenceRules, comparison.findings);
  for (const Shown& each : evidence.shown) findings.add(each.rule, each.object, each.detail);
  comparison.conclude();
}

}  // namespace backout::schema::postgresql
