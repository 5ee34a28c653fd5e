#include "journal/fold_judgement.h"

namespace backout::journal {
namespace {

Result<Json> judgement_of(const Event& event, Tables& tables) {
  auto document = TRY(tables.get(Model::kJudgement, event.site, ""));
  if (document) return std::move(document->value);
  return Json{{"release", ""}, {"facts", Json::object()}, {"reports", Json::array()}, {"automatic", Json::array()}};
}

Result<void> keep(const Event& event, Tables& tables, Json judgement) {
  return tables.put(Model::kJudgement, event.site, "", {event.seq, std::move(judgement)});
}

}  // namespace

Result<void> fold_judgement(const Event& event, Tables& tables) {
  const bool automatic = event.type == EventType::kRunStarted && get_bool(event.body, "automatic");
  if (event.type == EventType::kRunStarted && !automatic) return {};
  const bool habits = event.type == EventType::kWatchEnded && get(event.body, "habits").is_object();
  if (event.type == EventType::kWatchEnded && !habits) return {};
  Json judgement = TRY(judgement_of(event, tables));
  const int64_t at = to_millis(event.at);
  if (event.type == EventType::kProblemReported) {
    Json report = {{"text", get_string(event.body, "text")},
                   {"severe", get_bool(event.body, "severe")},
                   {"by", get_string(event.body, "by")},
                   {"at_ms", at}};
    judgement["reports"].push_back(std::move(report));
    if (judgement["reports"].size() > kKeptReports) judgement["reports"].erase(0);
  } else if (event.type == EventType::kFactStated) {
    const std::string name = get_string(event.body, "fact");
    Json& facts = judgement["facts"];
    if (name.empty() || (facts.size() >= kKeptFacts && !facts.contains(name))) return {};
    facts[name] = {{"value", get(event.body, "value")}, {"by", get_string(event.body, "by")}, {"at_ms", at}};
  } else if (event.type == EventType::kVerdictGiven) {
    if (!get(event.body, "verdict").is_object()) return {};
    judgement["verdict"] = get(event.body, "verdict");
    judgement["verdict"]["at_ms"] = at;
  } else if (habits) {
    judgement["habits"] = event.body["habits"];
  } else if (automatic) {
    judgement["automatic"].insert(judgement["automatic"].begin(), at);
    if (judgement["automatic"].size() > kKeptAutomatic) judgement["automatic"].erase(kKeptAutomatic);
  }
  return keep(event, tables, std::move(judgement));
}

Result<void> judgement_starts_anew(const Event& event, const std::string& release, Tables& tables) {
  Json judgement = TRY(judgement_of(event, tables));
  if (get_string(judgement, "release") != release)
    judgement["left"] = {{"release", get_string(judgement, "release")},
                         {"verdict", get_string(get(judgement, "verdict"), "verdict")}};
  judgement["release"] = release;
  judgement["facts"] = Json::object();
  judgement["reports"] = Json::array();
  judgement.erase("verdict");
  return keep(event, tables, std::move(judgement));
}

}  // namespace backout::journal
