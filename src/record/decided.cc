#include "record/decided.h"

#include <cmath>

#include "base/text.h"

namespace backout::record {
namespace {

std::string clock_of(const Event& event) { return to_iso(event.at).substr(0, 19); }

double number_in(const Json& value, const char* name) {
  const Json& member = get(value, name);
  return member.is_number() ? member.get<double>() : 0;
}

std::string evidence_in(const Json& verdict) {
  const double needed = number_in(verdict, "needed_db");
  if (needed <= 0) return "";
  return fmt::format("; evidence {:.1f} of {:.1f} dB", number_in(verdict, "confidence_db"), needed);
}

std::string rules_in(const Json& verdict) {
  std::vector<std::string> rules;
  for (const Json& rule : get(verdict, "matched_rules")) {
    const std::string cites = get_string(rule, "cites");
    rules.push_back(get_string(rule, "where") + (cites.empty() ? "" : " (" + cites + ")"));
  }
  return rules.empty() ? "" : "; by " + join(rules, ", ");
}

std::string vetoes_in(const Json& verdict) {
  std::vector<std::string> vetoes;
  for (const Json& veto : get(verdict, "vetoes")) vetoes.push_back(get_string(veto, "what"));
  return vetoes.empty() ? "" : "; against it: " + join(vetoes, ", ");
}

std::string sentence(const Event& event) {
  const Json& body = event.body;
  const Json& verdict = get(body, "verdict");
  return one_line(fmt::format("{} verdict {}: {}{}{}{}", clock_of(event), get_string(verdict, "verdict"),
                              get_string(verdict, "reason"), evidence_in(verdict), rules_in(verdict),
                              vetoes_in(verdict)));
}

}  // namespace

std::vector<std::string> decided_before(const std::vector<Event>& events, const Event& start, const Version& version) {
  std::vector<std::string> sentences;
  std::string last_verdict;
  for (const Event& event : events) {
    if (event.seq >= start.seq) break;
    const Json& body = event.body;
    if (event.type == EventType::kReleaseCurrent) {
      sentences.clear();
      last_verdict.clear();
    } else if (event.type == EventType::kProblemReported) {
      sentences.push_back(one_line(
          fmt::format("{} {} reported: {}", clock_of(event), get_string(body, "by"), get_string(body, "text"))));
    } else if (event.type == EventType::kFactStated) {
      sentences.push_back(one_line(fmt::format("{} {} said: {} is {}", clock_of(event), get_string(body, "by"),
                                               get_string(body, "fact"), get_string(body, "value"))));
    } else if (event.type == EventType::kVerdictGiven && get_string(get(body, "verdict"), "from") == version.str()) {
      const std::string verdict = get_string(get(body, "verdict"), "verdict");
      if (verdict == "monitor" && last_verdict.empty()) continue;
      last_verdict = verdict;
      sentences.push_back(sentence(event));
    }
  }
  return sentences;
}

}  // namespace backout::record
