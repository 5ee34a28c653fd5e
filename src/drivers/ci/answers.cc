#include "drivers/ci/answers.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/text.h"

namespace backout::drivers::ci {
namespace {

using Kind = Part::Kind;
using Words = std::map<std::string_view, Kind>;

Kind kind_in(const Words& words, const std::string& word) {
  const auto found = words.find(word);
  return found == words.end() ? Kind::kUnknown : found->second;
}

/// A check run that has not ended has a null conclusion.
Kind kind_of_check(const std::string& status, const std::string& conclusion) {
  static const Words kStatuses = {{"queued", Kind::kPending},
                                  {"in_progress", Kind::kPending},
                                  {"waiting", Kind::kPending},
                                  {"requested", Kind::kPending},
                                  {"pending", Kind::kPending}};
  static const Words kConclusions = {{"success", Kind::kPassed},         {"neutral", Kind::kIdle},
                                     {"skipped", Kind::kIdle},           {"failure", Kind::kFailed},
                                     {"cancelled", Kind::kFailed},       {"timed_out", Kind::kFailed},
                                     {"action_required", Kind::kFailed}, {"startup_failure", Kind::kFailed}};
  return status == "completed" ? kind_in(kConclusions, conclusion) : kind_in(kStatuses, status);
}

Kind kind_of_status(const std::string& state) {
  static const Words kStates = {
      {"success", Kind::kPassed}, {"pending", Kind::kPending}, {"failure", Kind::kFailed}, {"error", Kind::kFailed}};
  return kind_in(kStates, state);
}

Kind kind_of_pipeline(const std::string& status) {
  static const Words kStatuses = {{"success", Kind::kPassed},
                                  {"skipped", Kind::kIdle},
                                  {"failed", Kind::kFailed},
                                  {"canceled", Kind::kFailed},
                                  {"canceling", Kind::kFailed},
                                  {"created", Kind::kPending},
                                  {"preparing", Kind::kPending},
                                  {"waiting_for_resource", Kind::kPending},
                                  {"pending", Kind::kPending},
                                  {"running", Kind::kPending},
                                  {"scheduled", Kind::kPending},
                                  {"manual", Kind::kPending},
                                  {"waiting_for_callback", Kind::kPending}};
  return kind_in(kStatuses, status);
}

Error wrong(const std::string& why) { return {Code::kCorrupt, why, ""}; }

Result<void> about(const std::string& told, const std::string& commit) {
  if (told.empty() || told.starts_with(commit) || commit.starts_with(told)) return {};
  return wrong("it answered about another commit (" + shortened(one_line(told), 12) + ")");
}

Part part(Kind kind, std::string name, const std::string& word, std::string url) {
  return {kind, one_line(name), shortened(one_line(word), 40), one_line(url)};
}

const Part* first(const std::vector<Part>& parts, Kind kind) {
  const auto found = std::find_if(parts.begin(), parts.end(), [&](const Part& each) { return each.kind == kind; });
  return found == parts.end() ? nullptr : &*found;
}

std::string and_more(const std::vector<Part>& parts, Kind kind) {
  const auto all = std::count_if(parts.begin(), parts.end(), [&](const Part& each) { return each.kind == kind; });
  return all > 1 ? fmt::format(", and {} more", all - 1) : "";
}

}  // namespace

Result<Page> check_runs_in(std::string_view body, const std::string& commit) {
  const Json answer = TRY(parse_json(body));
  const Json& runs = get(answer, "check_runs");
  if (!runs.is_array()) return wrong("it has no list of check runs");
  Page page{{}, get_int(answer, "total_count", -1), static_cast<int64_t>(runs.size())};
  for (const Json& run : runs) {
    TRY_VOID(about(get_string(run, "head_sha"), commit));
    const std::string status = get_string(run, "status"), conclusion = get_string(run, "conclusion");
    page.parts.push_back(part(kind_of_check(status, conclusion), get_string(run, "name"),
                              conclusion.empty() ? status : conclusion, get_string(run, "html_url")));
  }
  return page;
}

Result<Page> statuses_in(std::string_view body, const std::string& commit) {
  const Json answer = TRY(parse_json(body));
  const Json& statuses = get(answer, "statuses");
  if (!statuses.is_array()) return wrong("it has no list of statuses");
  TRY_VOID(about(get_string(answer, "sha"), commit));
  Page page{{}, get_int(answer, "total_count", -1), static_cast<int64_t>(statuses.size())};
  for (const Json& status : statuses)
    page.parts.push_back(part(kind_of_status(get_string(status, "state")), get_string(status, "context"),
                              get_string(status, "state"), get_string(status, "target_url")));
  return page;
}

Result<Page> pipelines_in(std::string_view body, const std::string& commit) {
  const Json answer = TRY(parse_json(body));
  if (!answer.is_array()) return wrong("it is not a list of pipelines");
  Page page{{}, -1, static_cast<int64_t>(answer.size())};
  std::map<std::string, const Json*> newest;
  for (const Json& pipeline : answer) {
    TRY_VOID(about(get_string(pipeline, "sha"), commit));
    const Json*& kept = newest[get_string(pipeline, "ref")];
    if (kept == nullptr || get_int(pipeline, "id") > get_int(*kept, "id")) kept = &pipeline;
  }
  for (const auto& [ref, pipeline] : newest)
    page.parts.push_back(part(kind_of_pipeline(get_string(*pipeline, "status")), "pipeline of " + ref,
                              get_string(*pipeline, "status"), get_string(*pipeline, "web_url")));
  return page;
}

CiResult sum_of(const std::vector<Part>& all, const std::vector<std::string>& required) {
  std::vector<Part> parts;
  for (const Part& each : all)
    if (required.empty() || std::find(required.begin(), required.end(), each.name) != required.end())
      parts.push_back(each);
  if (const Part* failed = first(parts, Kind::kFailed))
    return {CiState::kFailed, fmt::format("{}: {}{}", failed->name, failed->word, and_more(parts, Kind::kFailed)),
            failed->url};
  for (const std::string& name : required)
    if (std::none_of(parts.begin(), parts.end(), [&](const Part& each) { return each.name == name; }))
      return {CiState::kUnknown, "there is no result of '" + name + "', which is required", ""};
  if (const Part* unknown = first(parts, Kind::kUnknown))
    return {CiState::kUnknown, fmt::format("{}: '{}' is a word that is not known", unknown->name, unknown->word),
            unknown->url};
  if (const Part* pending = first(parts, Kind::kPending))
    return {CiState::kPending, fmt::format("{}: {}{}", pending->name, pending->word, and_more(parts, Kind::kPending)),
            pending->url};
  const auto passed = std::count_if(parts.begin(), parts.end(), [](const Part& e) { return e.kind == Kind::kPassed; });
  if (passed > 0) return {CiState::kPassed, counted(passed, "check") + " passed", first(parts, Kind::kPassed)->url};
  return {CiState::kUnknown, parts.empty() ? "nothing ran for this commit" : "everything was skipped", "", true};
}

}  // namespace backout::drivers::ci
