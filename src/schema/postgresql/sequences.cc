#include "schema/postgresql/rules.h"

namespace backout::schema::postgresql {
namespace {

constexpr RuleText kSequenceRules[] = {
    {"sequence-added", Fit::kYes, "", "the code does not know it"},
    {"sequence-removed", Fit::kNo, "W", "nextval by name fails (42P01)"},
    {"sequence-renamed", Fit::kNo, "W", "nextval and currval by name fail (42P01)"},
    {"sequence-recreated", Fit::kNo, "X", "it is another sequence under the old name: numbers may be given twice"},
    {"sequence-increment", Fit::kNo, "X", "code that takes numbers in blocks gives some twice"},
    {"sequence-narrowed", Fit::kNo, "W", "it ends sooner (2200H)"},
    {"sequence-widened", Fit::kYes, "1", "it gives numbers that its old type could not hold"},
    {"sequence-cycle", Fit::kNo, "X", "it begins anew at its end, or no longer does"},
    {"sequence-unlogged", Fit::kNo, "X", "it goes back after a crash"},
    {"sequence-owner", Fit::kNo, "W", "what only its owner may do is refused"},
    {"sequence-otherwise", Fit::kYes, "",
     "its cache, start or table is another: nextval gives what it gave, with other gaps"},
};

void compare_sequence(const Sides& sides, const Sequence& was, const Sequence& is, Findings& findings) {
  const std::string name = was.full_name();
  if (sides.same_database() && was.oid != is.oid) findings.add("sequence-recreated", name);
  if (was.increment != is.increment) findings.add("sequence-increment", name);
  if (is.maximum < was.maximum || is.minimum > was.minimum) {
    findings.add("sequence-narrowed", name);
  } else if (is.maximum != was.maximum || is.minimum != was.minimum || is.type != was.type) {
    findings.add("sequence-widened", name);
  }
  if (was.cycle != is.cycle) findings.add("sequence-cycle", name);
  if (was.persistence != is.persistence && is.persistence == "unlogged") findings.add("sequence-unlogged", name);
  if (was.owner != is.owner) findings.add("sequence-owner", name, "owned by " + was.owner + ", now " + is.owner);
  if (was.cache != is.cache || was.start != is.start || was.owned_by != is.owned_by)
    findings.add("sequence-otherwise", name);
}

void compare_all_sequences(const Sides& sides, Findings& findings) {
  for (const Sequence& sequence : sides.wanted.sequences) {
    if (const Sequence* other = find(sides.there.sequences, sequence.full_name())) {
      compare_sequence(sides, sequence, *other, findings);
      continue;
    }
    const auto renamed =
        std::find_if(sides.there.sequences.begin(), sides.there.sequences.end(), [&](const Sequence& each) {
          return find(sides.wanted.sequences, each.full_name()) == nullptr &&
                 (sides.same_database() ? each.oid == sequence.oid
                                        : !each.owned_by.empty() && each.owned_by == sequence.owned_by);
        });
    if (renamed != sides.there.sequences.end()) {
      findings.add("sequence-renamed", sequence.full_name(), "now " + shown(renamed->full_name()));
    } else {
      findings.add("sequence-removed", sequence.full_name());
    }
  }
  for (const Sequence& sequence : sides.there.sequences) {
    const bool renamed =
        sides.same_database() && std::any_of(sides.wanted.sequences.begin(), sides.wanted.sequences.end(),
                                             [&](const Sequence& each) { return each.oid == sequence.oid; });
    if (!renamed && find(sides.wanted.sequences, sequence.full_name()) == nullptr)
      findings.add("sequence-added", sequence.full_name());
  }
}

}  // namespace

const Family kSequences{"sequences", kSequenceRules, &compare_all_sequences};

}  // namespace backout::schema::postgresql
