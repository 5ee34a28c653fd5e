#include "drivers/checks/search.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <thread>

#include "base/hash.h"
#include "base/text.h"
#include "drivers/checks/json_condition.h"
#include "drivers/command/arguments.h"
#include "model/step_word.h"
#include "os/http.h"

namespace backout::drivers {
namespace {

constexpr Millis kAnswerTime{15'000};
constexpr int kNoteTries = 3;  // services were started a moment ago
constexpr Millis kBetweenNotes{1'000};

struct SearchQuery {
  std::string type, url, count, id;
  int64_t at_least = 1;
  host::Command run;
  std::optional<host::Command> rows;
};

Result<SearchQuery> search_query_from(const Json& args) {
  SearchQuery query{.type = TRY(text_argument(args, "type")),
                    .url = TRY(optional_text_argument(args, "url")),
                    .count = TRY(optional_text_argument(args, "count")),
                    .id = TRY(optional_text_argument(args, "id")),
                    .at_least = get_int(args, "at_least", 1)};
  if (query.url.empty())
    query.run = TRY(command_argument(args, "run").with_context("search for " + one_line(query.type)));
  else if (!query.url.starts_with("http://") && !query.url.starts_with("https://"))
    return Error{Code::kInvalid, "search for " + one_line(query.type) + ": 'url' must begin with http:// or https://",
                 ""};
  if (args.contains("rows"))
    query.rows = TRY(command_argument(args, "rows").with_context("search for " + one_line(query.type)));
  if (!query.id.empty() && (!query.rows || query.url.empty()))
    return Error{Code::kInvalid, "search for " + one_line(query.type) + ": 'id' is for a url with rows", ""};
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

struct SearchFound {
  int64_t count = 0;
  std::vector<std::string> ids;  // of those that the answer lists, when the query says where they are
};

/// What was found, or why it cannot be told; a server that answers an error has found nothing.
Result<SearchFound> found_by_query(const SearchQuery& query, host::Host& host, const std::stop_token& stop) {
  if (query.url.empty()) {
    const host::CommandResult result = TRY(host.run(query.run, stop));
    if (!result.ok()) return Error{Code::kUnavailable, one_line(result.why_not_ok() + " " + result.err), ""};
    const std::string_view out = trimmed(result.out);
    return SearchFound{
        TRY(search_number_in(out.substr(out.rfind('\n') == std::string_view::npos ? 0 : out.rfind('\n') + 1))), {}};
  }
  const auto answer =
      os::http({.url = query.url, .headers = {{"Accept", "application/json"}}, .timeout = kAnswerTime}, stop);
  if (!answer) return Error{Code::kUnavailable, one_line(answer.error().message), ""};
  if (answer->status != 200) return Error{Code::kUnavailable, fmt::format("it answered {}", answer->status), ""};
  SearchFound found{TRY(results_in(answer->body, query.count)), {}};
  if (!query.id.empty()) found.ids = TRY(ids_in(answer->body, query.count, query.id));
  return found;
}

/// Empty: what was found is of the rows that the database has now.
Result<std::string> foreign_to_rows(const SearchQuery& query, const SearchFound& found, host::Host& host,
                                    const std::stop_token& stop) {
  const host::CommandResult result = TRY(host.run(*query.rows, stop));
  if (!result.ok() || result.truncated)
    return Error{Code::kUnavailable, "its rows cannot be read: " + one_line(result.why_not_ok() + " " + result.err),
                 ""};
  const std::vector<std::string> lines = split(trimmed(result.out), '\n');
  if (query.id.empty()) {
    const int64_t rows = TRY(search_number_in(lines.back()).with_context("its rows"));
    if (rows == found.count) return std::string();
    return fmt::format("and the database has {}", counted(rows, "row"));
  }
  std::set<std::string, std::less<>> rows;
  for (const std::string& line : lines) rows.emplace(trimmed(line));
  for (const std::string& id : found.ids)
    if (!rows.contains(id)) return fmt::format("and the database has no row {}", shortened(one_line(id), 60));
  if (found.ids.empty() && found.count > 0) return std::string("and its answer lists none of them");
  return std::string();
}

/// What says when, or from what, the index was built.
struct IndexBuilt {
  std::string words, sha;  // empty: it cannot be read, and `words` say why
};
Result<IndexBuilt> index_built(const Json& args, host::Host& host, const std::stop_token& stop) {
  const host::CommandResult result =
      TRY(host.run(TRY(command_argument(args, "built").with_context("search.built")), stop));
  const std::string said(trimmed(result.out));
  if (!result.ok()) return IndexBuilt{one_line(result.why_not_ok() + " " + result.err), ""};
  if (said.empty()) return IndexBuilt{"search.built printed nothing", ""};
  return IndexBuilt{shortened(one_line(said), 80), sha256_hex(said)};
}

/// Holds also where nothing can be read: the bad release may have left no index. What that is worth, `rebuilt` says.
Sight sight_of_note(const Json& args, host::Host& host, const std::stop_token& stop) {
  for (int tries = 1;; ++tries) {
    const auto now = index_built(args, host, stop);
    if (!now) return Sight::cannot_tell(one_line(now.error().message));
    if (now->sha.empty() && tries < kNoteTries && !stop.stop_requested()) {
      std::this_thread::sleep_for(kBetweenNotes);
      continue;
    }
    return Sight::holds((now->sha.empty() ? "what the index is cannot be read: " : "the index is ") + now->words,
                        {{"built", now->sha}, {"words", now->words}});
  }
}

Sight sight_of_rebuild(const Json& args, host::Host& host, const std::stop_token& stop) {
  const Json& before = get(args, "before");
  if (!get(before, "built").is_string()) return Sight::cannot_tell("what the index was before was not noted");
  const auto now = index_built(args, host, stop);
  if (!now) return Sight::cannot_tell(one_line(now.error().message));
  const Json evidence = {{"built", now->sha}, {"words", now->words}};
  if (now->sha.empty()) return Sight::does_not_hold("what the index is cannot be read: " + now->words, evidence);
  const std::string then = get_string(before, "built");
  if (now->sha == then)
    return Sight::does_not_hold("the index was not rebuilt: it is " + now->words + ", as before", evidence);
  if (!then.empty()) return Sight::holds("the index was rebuilt: it is " + now->words, evidence);
  const std::string unread = fmt::format("the index is {}, and what it was before could not be read ({})", now->words,
                                         one_line(get_string(before, "words")));
  if (get_bool(args, "rows_tell"))
    return Sight::holds(unread + ": whether it is of the rows that are there each query tells", evidence);
  return Sight::cannot_tell(unread + ": whether it was rebuilt cannot be told; give each query rows", evidence);
}

bool each_has_rows(const Json& queries) {
  return !queries.empty() &&
         std::all_of(queries.begin(), queries.end(), [](const Json& query) { return query.contains("rows"); });
}

class SearchDriver : public driver::Driver {
 public:
  std::string_view name() const override { return "search"; }
  std::vector<driver::Verb> capabilities() const override {
    return {{"note", StepKind::kLook, true, false},
            {"rebuild", StepKind::kEffect, true, false},
            {"rebuilt", StepKind::kLook, true, true},
            {"query", StepKind::kLook, true, true}};
  }

  Result<std::vector<Step>> offer(const driver::Offering& offering) const override {
    std::vector<Step> steps;
    if (offering.kind == RunKind::kCheckpoint) return steps;
    const host::Command rebuild = TRY(command_argument(offering.subject, "rebuild").with_context("search.rebuild"));
    const bool tells = offering.subject.contains("built");
    const Json built = {{"built", get(offering.subject, "built")}};
    const auto look = [&](const char* verb, Phase phase, const char* title, Json args, const char* needs) {
      Step step;
      step.id = StepId(std::string(verb) + "-search");
      step.phase = phase;
      step.kind = StepKind::kLook;
      step.title = title;
      step.hosts = offering.hosts;
      step.action = {"search", verb, std::move(args)};
      step.repeatable = step.has_probe = true;
      step.timeout = kAnswerTime + Millis(60'000);
      if (needs != nullptr) step.needs = {StepId(needs)};
      steps.push_back(std::move(step));
    };
    if (tells) TRY(command_argument(offering.subject, "built").with_context("search.built"));
    if (offering.kind != RunKind::kDeploy) {
      if (tells) {
        look("note", Phase::kStart, "note what the search index is before it is rebuilt", built, nullptr);
        steps.back().timeout *= kNoteTries;
        steps.back().has_probe = false;  // after a crash it would note what was rebuilt
      }
      Step step;
      step.id = StepId("rebuild-search");
      if (tells) step.needs = {StepId("note-search")};
      step.phase = Phase::kStart;
      step.title = "rebuild the search index";
      step.hosts = offering.hosts;
      step.action = {"search", "rebuild", {{"rebuild", get(offering.subject, "rebuild")}}};
      step.repeatable = true;
      step.on_unknown = OnUnknown::kRerun;
      step.timeout = rebuild.timeout + Millis(30'000);
      steps.push_back(std::move(step));
      if (tells) {
        Json args = built;
        args["before"] = {{"evidence_of", "note-search"}};
        args["rows_tell"] = each_has_rows(get(offering.subject, "queries"));
        look("rebuilt", Phase::kCheck, "the search index is another one than before", std::move(args),
             "rebuild-search");
        steps.back().patience = {3, Millis(1000)};
      }
    }
    for (const Json& each : get(offering.subject, "queries")) {
      const SearchQuery query = TRY(search_query_from(each));
      Step step;
      step.id = StepId("search-" + step_word(query.type));
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
    if (action.verb == "note") return sight_of_note(action.args, host, stop);
    if (action.verb == "rebuilt") return sight_of_rebuild(action.args, host, stop);
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
    const Json evidence = {{"type", one_line(query->type)}, {"found", found->count}};
    const std::string said = fmt::format("{} found {}", words, counted(found->count, "result"));
    if (query->rows) {
      const auto foreign = foreign_to_rows(*query, *found, host, stop);
      if (!foreign) return Sight::cannot_tell(words + ": " + one_line(foreign.error().message), evidence);
      if (!foreign->empty()) return Sight::does_not_hold(said + ", " + *foreign, evidence);
    }
    if (found->count < query->at_least)
      return Sight::does_not_hold(fmt::format("{}, expected at least {}", said, query->at_least), evidence);
    const std::string of_rows =
        query->id.empty() ? ", as many as the database has rows" : ", all of rows that the database has";
    return Sight::holds(said + (query->rows ? of_rows : ""), evidence);
  }
};

}  // namespace

/// Elasticsearch and OpenSearch answer 200 with what they have, also when parts of the index are gone.
static Result<void> answers_wholly(const Json& value) {
  if (!value.is_object()) return {};
  const Json& shards = get(value, "_shards");
  if (get_int(shards, "failed") > 0)
    return Error{Code::kCorrupt,
                 fmt::format("it answers without {} of {} shards", get_int(shards, "failed"), get_int(shards, "total")),
                 "look at the index: its _cat/shards"};
  if (get_bool(value, "timed_out"))
    return Error{Code::kCorrupt, "it says that it ran out of time, so results are missing", ""};
  return {};
}

Result<std::vector<std::string>> ids_in(std::string_view body, const std::string& count, const std::string& id) {
  const auto value = parse_json(body);
  if (!value) return Error{Code::kCorrupt, "its answer is not JSON", ""};
  TRY_VOID(answers_wholly(*value));
  const Json* list = value->is_array() ? &*value : nullptr;
  std::vector<std::string> paths = {"results", "hits.hits", "hits", "response.docs", "items", "data"};
  if (!count.empty()) paths.insert(paths.begin(), count);
  for (const std::string& path : paths)
    if (const Json* at = list == nullptr ? at_path(*value, path) : nullptr; at != nullptr && at->is_array()) list = at;
  if (list == nullptr) return Error{Code::kCorrupt, "its answer has no list of results", "see search.queries id"};
  std::vector<std::string> ids;
  for (const Json& each : *list) {
    const Json* found = at_path(each, id);
    if (found == nullptr || found->is_structured() || found->is_null())
      return Error{Code::kCorrupt, "a result has no " + one_line(id), "see search.queries id"};
    ids.push_back(plain(*found));
  }
  return ids;
}

Result<int64_t> results_in(std::string_view body, const std::string& count) {
  const auto value = parse_json(body);
  if (!value) return Error{Code::kCorrupt, "its answer is not JSON", "write a query of your own: run: ..."};
  TRY_VOID(answers_wholly(*value));
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
