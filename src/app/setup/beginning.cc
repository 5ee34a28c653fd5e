#include "app/setup/beginning.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "config/config.h"
#include "init/detect.h"
#include "init/gather.h"
#include "init/outline.h"
#include "init/words.h"
#include "os/file.h"
#include "os/http.h"

namespace backout::app {
namespace {

std::optional<init::Answered> ask_by_http(const std::string& url, const std::string& host_header) {
  os::HttpRequest request;
  request.url = url;
  request.timeout = Millis(3000);
  request.body_limit = 64 << 10;
  if (!host_header.empty()) request.headers["host"] = host_header;
  const auto response = os::http(request);
  if (!response) return std::nullopt;
  return init::Answered{response->status, response->body};
}

/// Is it the site that would answer there? Somebody else's program may listen on a port that was only read somewhere.
bool listens(const init::Facts& facts, const init::Draft& draft) {
  if (draft.kind == "static files") return true;
  return std::any_of(facts.processes.begin(), facts.processes.end(), [&](const init::ProcessFacts& process) {
    return std::any_of(process.ports.begin(), process.ports.end(),
                       [&](int port) { return draft.base_url.value == fmt::format("http://127.0.0.1:{}", port); });
  });
}

}  // namespace

Beginning::Beginning(BeginRequest request, init::Facts facts)
    : request_(std::move(request)), facts_(std::move(facts)) {}

Result<Beginning> Beginning::look(BeginRequest request) {
  auto facts = TRY(init::gather({.directory = request.directory, .root = request.root}));
  Beginning beginning(std::move(request), std::move(facts));
  const BeginRequest& asked = beginning.request_;
  std::string base = asked.file.empty() ? beginning.facts_.directory + "/backout.yaml" : asked.file;
  if (!base.starts_with('/') && !asked.directory.empty()) base = asked.directory + "/" + base;
  beginning.base_file_ = base;
  beginning.file_ = asked.environment.empty() ? base : config::overlay_file(base, asked.environment);
  if (!asked.environment.empty()) {
    auto text = os::read_file(base, 1U << 20);
    if (!text)
      return Error{Code::kInvalid, fmt::format("there is no {} for an overlay to lie over", base),
                   "first: backout init"};
    beginning.base_ = std::move(*text);
  }
  if (os::exists(beginning.file_) && !asked.force && !asked.print)
    return Error{Code::kRefused, beginning.file_ + " is there already, and is left as it is",
                 "see what would be written: backout init --print; to replace it and keep a copy: --force"};
  return beginning;
}

Result<void> Beginning::answer(const std::string& assignment) { return init::add_answer(answers_, assignment); }

Result<void> Beginning::answers_of(const std::string& file) {
  auto text = os::read_file(file, 1U << 20);
  if (!text) return Error{Code::kInvalid, text.error().message, "name the file with answers: --answers FILE"};
  return init::add_answers_of(answers_, *text).with_context(file);
}

Result<init::Draft> Beginning::draft() const {
  init::Draft draft = init::detect(facts_);
  TRY_VOID(init::apply_answers(answers_, draft));
  if (draft.hosts.empty() && !answers_.contains("check") && listens(facts_, draft)) {
    std::vector<std::string> versions = facts_.git.tags;
    if (!facts_.current.empty()) versions = {facts_.current};
    init::ask_the_site(ask_by_http, versions, draft);
  }
  return draft;
}

Result<std::vector<init::Question>> Beginning::questions() const {
  return init::open_questions(TRY(draft()), answers_);
}

Result<Made> Beginning::make() const {
  init::Draft made_of = TRY(draft());
  if (!request_.environment.empty()) made_of.environment = {request_.environment, "as asked"};
  std::vector<init::YamlEntry> outline = init::outline(made_of, facts_);
  Made made;
  config::Loaded loaded;
  if (request_.environment.empty()) {
    made.text = init::yaml_text(outline);
    loaded = config::parse(made.text, file_);
  } else {
    made.text = init::yaml_text(init::overlay_of(outline, base_, request_.environment));
    loaded = config::parse(base_, made.text, base_file_, request_.environment);
  }
  std::string errors;
  for (const config::Finding& finding : loaded.findings) {
    const std::string words = config::render(file_, finding);
    if (finding.severity == config::Severity::kError)
      errors += "\n" + words;
    else
      made.warnings.push_back(words);
  }
  if (!errors.empty())
    return Error{Code::kInvalid, "what was found does not make a file that lints, so nothing was written:" + errors,
                 "answer what is wrong: --answer KEY=VALUE (see backout init --help)"};
  return made;
}

Result<std::string> Beginning::write(const Made& made) const {
  std::string kept;
  if (os::exists(file_)) {
    if (!request_.force) return Error{Code::kRefused, file_ + " is there by now, and is left as it is", ""};
    const std::string before = TRY(os::read_file(file_, 64U << 20));
    kept = file_ + ".before";
    for (int number = 2; os::exists(kept); ++number) kept = fmt::format("{}.before.{}", file_, number);
    TRY_VOID(os::write_through(kept, before));
  }
  TRY_VOID(os::write_through(file_, made.text));
  return kept;
}

std::string Beginning::seen() const {
  const init::Draft draft = init::detect(facts_);
  std::vector<std::string> words;
  if (!draft.kind.empty()) words.push_back(draft.kind);
  if (!facts_.releases.empty()) words.push_back(counted(static_cast<int64_t>(facts_.releases.size()), "release"));
  if (!facts_.git.tags.empty()) words.push_back(counted(static_cast<int64_t>(facts_.git.tags.size()), "git tag"));
  if (!draft.services.empty()) words.push_back(counted(static_cast<int64_t>(draft.services.size()), "service"));
  if (!draft.door.where.empty() || !draft.door.include.empty()) words.emplace_back("nginx");
  if (!draft.sqlite.empty()) words.emplace_back("SQLite");
  if (!facts_.dumps.empty()) words.push_back(counted(static_cast<int64_t>(facts_.dumps.size()), "dump"));
  return words.empty() ? "nothing that is known" : join(words, ", ");
}

}  // namespace backout::app
