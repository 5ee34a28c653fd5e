#include "drivers/checks/search.h"

#include <charconv>

#include "base/text.h"
#include "drivers/checks/json_condition.h"
#include "drivers/command/arguments.h"
#include "os/http.h"

namespace backout::drivers {
namespace {

constexpr Millis kAnswerTime{15'000};

struct SearchQuery {
  std::string type, url, count;
  int64_t at_least = 1;
  host::Command run;
};

Result<SearchQuery> search_query_from(const Json& args) {
  SearchQuery query{.type = TRY(text_argument(args, "type")),
                    .url = TRY(optional_text_argument(args, "url")),
                    .count = TRY(optional_text_argument(args, "count")),
                    .at_least = get_int(args, "at_least", 1)};
  if (query.url.empty())
    query.run = TRY(command_argument(args, "run").with_context("search for " + one_line(query.type)));
  else if (!query.url.starts_with("http://") && !query.url.starts_with("https://"))
    return Error{Code::kInvalid, "search for " + one_line(query.type) + ": 'url' must begin with http:// or https://",
                 ""};
  if (query.at_least < 1) return Error{Code::kInvalid, "'at_least' is less than 1", ""};
  return query;
}

Result<int64_t> search_number_in(std::string_view text) {
  text = trimmed(text);
  int64_t value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || failure != std::errc() || end != text.data() + text.size())
    return Error{Code::kCorrupt, "it is no number: " + shortened(one_line(text), 60), ""};
  return value;
}

std::optional<int64_t> result_count_of(const Json* value) {
  if (value == nullptr) return std::nullopt;
  if (value->is_array()) return static_cast<int64_t>(value->size());
  if (value->is_number_integer()) return value->get<int64_t>();
  if (!value->is_string()) return std::nullopt;
  const auto number = search_number_in(value->get<std::string>());
  return number ? std::optional(*number) : std::nullopt;
}

/// What was found, or why it cannot be told; a server that answers an error has found nothing.
Result<int64_t> found_by_query(const SearchQuery& query, host::Host& host, const std::stop_token& stop) {
  if (query.url.empty()) {
    const host::CommandResult result = TRY(host.run(query.run, stop));
    if (!result.ok()) return Error{Code::kUnavailable, one_line(result.why_not_ok() + " " + result.err), ""};
    const std::string_view out = trimmed(result.out);
    return search_number_in(out.substr(out.rfind('\n') == std::string_view::npos ? 0 : out.rfind('\n') + 1));
  }
  const auto answer = os::http({.url = query.url, .headers = {{"Accept", "application/json"}}, .timeout = kAnswerTime});
  if (!answer) return Error{Code::kUnavailable, one_line(answer.error().message), ""};
  if (answer->status != 200) return Error{Code::kUnavailable, fmt::format("it answered {}", answer->status), ""};
  return results_in(answer->body, query.count);
}

class SearchDriver : public driver::Driver {
 public:
  std::string_view name() const override { return "search"; }
  std::vector<driver::Verb> capabilities() const override {
    return {{"rebuild", StepKind::kEffect, true, false}, {"query", StepKind::kLook, true, true}};
  }

  Result<std::vector<Step>> offer(const driver::Offering& offering) const override {
    std::vector<Step> steps;
    if (offering.kind == RunKind::kCheckpoint) return steps;
    const host::Command rebuild = TRY(command_argument(offering.subject, "rebuild").with_context("search.rebuild"));
    if (offering.kind != RunKind::kDeploy) {
      Step step;
      step.id = StepId("rebuild-search");
      step.phase = Phase::kStart;
      step.title = "rebuild the search index";
      step.hosts = offering.hosts;
      step.action = {"search", "rebuild", {{"rebuild", get(offering.subject, "rebuild")}}};
      step.repeatable = true;
      step.on_unknown = OnUnknown::kRerun;
      step.timeout = rebuild.timeout + Millis(30'000);
      steps.push_back(std::move(step));
    }
    for (const Json& each : get(offering.subject, "queries")) {
      const SearchQuery query = TRY(search_query_from(each));
      Step step;
      step.id = StepId("search-" + TRY(step_word(query.type)));
      step.phase = Phase::kCheck;
      step.kind = StepKind::kLook;
      step.title = fmt::format("search finds {} of type {}", counted(query.at_least, "result"), one_line(query.type));
      step.hosts = offering.hosts;
      step.action = {"search", "query", each};
      step.repeatable = step.has_probe = true;
      step.timeout = (query.url.empty() ? query.run.timeout : kAnswerTime) + Millis(5'000);
      step.patience = {3, Millis(1000)};  // an index is seen by readers a moment after it was written
      if (offering.kind != RunKind::kDeploy) step.needs = {StepId("rebuild-search")};
      steps.push_back(std::move(step));
    }
    return steps;
  }

  Result<Json> observe(const Json&, host::Host&, std::stop_token) const override { return Json::object(); }

  Result<host::Command> command(const Action& action, const host::Host&) const override {
    if (action.verb != "rebuild") return no_such_verb(action, *this);
    return command_argument(action.args, "rebuild");
  }

  Sight verify(const Action& action, host::Host& host, std::stop_token stop) const override {
    if (action.verb == "rebuild") return Sight::cannot_tell("whether the index is whole its queries say");
    if (action.verb != "query") return Sight::cannot_tell(no_such_verb(action, *this).message);
    const auto query = search_query_from(action.args);
    if (!query) return Sight::cannot_tell(query.error().message);
    const auto found = found_by_query(*query, host, stop);
    const std::string words = "search for " + one_line(query->type);
    if (!found) {
      const bool unseen = found.error().code != Code::kUnavailable && found.error().code != Code::kCorrupt;
      const std::string why = words + ": " + one_line(found.error().message);
      return unseen || (query->url.empty() && !host.is_local()) ? Sight::cannot_tell(why) : Sight::does_not_hold(why);
    }
    const Json evidence = {{"type", one_line(query->type)}, {"found", *found}};
    const std::string said = fmt::format("{} found {}", words, counted(*found, "result"));
    if (*found < query->at_least)
      return Sight::does_not_hold(fmt::format("{}, expected at least {}", said, query->at_least), evidence);
    return Sight::holds(said, evidence);
  }
};

}  // namespace

Result<int64_t> results_in(std::string_view body, const std::string& count) {
  const auto value = parse_json(body);
  if (!value) return Error{Code::kCorrupt, "its answer is not JSON", "write a query of your own: run: ..."};
  if (!count.empty()) {
    const auto found = result_count_of(at_path(*value, count));
    if (found) return *found;
    return Error{Code::kCorrupt, "its answer has no number and no list at " + one_line(count),
                 "see search.queries count"};
  }
  if (const auto found = result_count_of(&*value)) return *found;
  for (const char* path : {"count", "total", "hits.total.value", "hits.total", "results", "hits"})
    if (const auto found = result_count_of(at_path(*value, path))) return *found;
  return Error{Code::kCorrupt, "its answer does not say how many results there are",
               "say where it stands: count: PATH"};
}

std::unique_ptr<driver::Driver> make_search_driver() { return std::make_unique<SearchDriver>(); }

}  // namespace backout::drivers
