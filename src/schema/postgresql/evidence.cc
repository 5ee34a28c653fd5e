#include "schema/postgresql/evidence.h"

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

void answer(Finding& finding, const Evidence& evidence) {
  const Question& question = *finding.question;
  const bool keys = meets(question.about, evidence.emptied) || meets(question.about, evidence.keys_changed);
  switch (question.kind) {
    case Question::Kind::kReplay:
      if (evidence.tried > 0) finding.breaks += "; " + evidence.words();
      return;
    case Question::Kind::kDeletes:
      if (evidence.tried == 0 || !evidence.all_read) return;
      finding.fits = !keys && !meets(question.about, evidence.deleted_from);
      finding.breaks += finding.fits ? "; none of its " + counted(static_cast<int64_t>(evidence.tried), "statement") +
                                           " that were tried deletes there"
                                     : "; a statement of the code does that";
      return;
    case Question::Kind::kKeyChanges:
      if (!keys) return;
      finding.fits = false;
      finding.harms = Harms("W");
      finding.breaks = "a statement of the code empties " + shown(join(question.about, ", ")) +
                       " or changes its keys: rows that point there refuse it (23503, 0A000)";
      return;
    case Question::Kind::kProbe: {
      const auto probe = question.about.empty() ? evidence.probes.end() : evidence.probes.find(question.about[0]);
      if (probe == evidence.probes.end() || finding.harms.has(Harm::kSilent)) return;
      finding.fits = !probe->second;
      finding.breaks += finding.fits ? "; asked the database: it is not so" : "; asked the database: it is so";
      return;
    }
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
