// Wording: what was judged, in sentences: the reason, the steps, why a rule did not hold. Pure.
#pragma once
#include <string>
#include <vector>

#include "decide/deliberation.h"

namespace backout::decide {

std::string remedy_of(const EvaluateInput& input, const Judgement& judgement);
std::string reason_of(const EvaluateInput& input, const Judgement& judgement);
std::vector<TraceStep> trace_of(const EvaluateInput& input, const Deliberation& judge, const Judgement& judgement);
std::vector<Veto> vetoes_in_words(const EvaluateInput& input, const Judgement& judgement);
std::vector<RuleTried> tried_in_words(const EvaluateInput& input, const Deliberation& judge,
                                      const Judgement& judgement);
ApprovalGroup group_of(const Consent& consent);
/// "obcms.yaml:12 (OBC:67)".
std::string place_of(const Rule& rule);
/// "15 min".
std::string span_text(Millis span);
/// "1,234".
std::string grouped(double whole);

}  // namespace backout::decide
