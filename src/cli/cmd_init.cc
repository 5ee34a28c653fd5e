#include <algorithm>
#include <cstdio>

#include "app/setup/beginning.h"
#include "base/text.h"
#include "cli/failure.h"
#include "cli/opened.h"
#include "cli/progress_view.h"

namespace backout::cli {
namespace {

Json to_json(const std::vector<init::Question>& questions) {
  Json list = Json::array();
  for (const init::Question& question : questions)
    list.push_back({{"key", question.key},
                    {"question", question.text},
                    {"default", question.otherwise},
                    {"required", question.required}});
  return list;
}

/// Asks until nothing is open; a person who says nothing takes the default. False: the terminal went away.
Result<bool> ask_all(app::Beginning& beginning) {
  std::vector<std::string> passed;
  std::vector<init::Question> open = TRY(beginning.questions());
  while (true) {
    const auto next = std::find_if(open.begin(), open.end(), [&](const init::Question& question) {
      return std::find(passed.begin(), passed.end(), question.key) == passed.end();
    });
    if (next == open.end()) return true;
    const std::string words = one_line(next->text) + (next->otherwise.empty() ? "" : " [" + next->otherwise + "]");
    const auto typed = typed_line(words);
    if (!typed) return false;
    const std::string value = typed->empty() ? next->otherwise : *typed;
    if (value.empty()) continue;
    if (typed->empty() && !next->required) {
      passed.push_back(next->key);
      continue;
    }
    app::Beginning answered = beginning;
    const auto taken = answered.answer(next->key + "=" + value);
    auto still_open = taken ? answered.questions() : Result<std::vector<init::Question>>(taken.error());
    if (!still_open) {  // it is asked again
      std::fprintf(stderr, "%s\n", one_line(still_open.error().message).c_str());
      continue;
    }
    beginning = std::move(answered);
    open = *std::move(still_open);
  }
}

int fail_open(const Globals& globals, const app::Beginning& beginning, const std::vector<init::Question>& open) {
  if (globals.json) print_json({{"file", beginning.file()}, {"written", false}, {"questions", to_json(open)}});
  std::fprintf(stderr, "backout: what could not be seen must be said; nothing was written\n");
  std::string example;
  for (const init::Question& question : open) {
    if (!question.required) continue;
    std::fprintf(stderr, "  %-10s %s\n", question.key.c_str(), one_line(question.text).c_str());
    example += " --answer " + question.key + "=...";
  }
  std::fprintf(stderr, "next: backout init%s, or --answers FILE with KEY: VALUE lines\n", example.c_str());
  return 2;
}

int show(const Globals& globals, const app::Beginning& beginning, const app::Made& made, const std::string& kept) {
  if (globals.json) {
    print_json({{"file", beginning.file()},
                {"written", true},
                {"kept", kept},
                {"warnings", made.warnings},
                {"text", made.text}});
    return 0;
  }
  for (const std::string& warning : made.warnings) std::fprintf(stderr, "%s\n", sanitised(warning).c_str());
  if (globals.quiet) return 0;
  std::printf("%s is written, from: %s\n", one_line(beginning.file()).c_str(), one_line(beginning.seen()).c_str());
  if (!kept.empty()) std::printf("what it held before is in %s\n", one_line(kept).c_str());
  std::printf("next: look it over; backout lint; then tell it what runs: backout record VERSION\n");
  return 0;
}

Result<int> begin(const Globals& globals, const InitOptions& options) {
  auto beginning = TRY(app::Beginning::look({.directory = globals.where.directory,
                                             .file = globals.where.file,
                                             .environment = globals.where.environment,
                                             .root = options.root,
                                             .force = options.force,
                                             .print = options.print}));
  if (!options.answers.empty()) TRY_VOID(beginning.answers_of(options.answers));
  for (const std::string& answer : options.answer) TRY_VOID(beginning.answer(answer));
  if (can_ask() && !options.yes && !options.print && !globals.json && !TRY(ask_all(beginning))) {
    std::fprintf(stderr, "\nbackout: no answer came; nothing was written\n");
    return 2;
  }
  const std::vector<init::Question> open = TRY(beginning.questions());
  if (std::any_of(open.begin(), open.end(), [](const init::Question& question) { return question.required; }))
    return fail_open(globals, beginning, open);
  const app::Made made = TRY(beginning.make());
  if (options.print) {
    if (globals.json)
      print_json({{"file", beginning.file()}, {"written", false}, {"warnings", made.warnings}, {"text", made.text}});
    else
      std::fputs(made.text.c_str(), stdout);
    return 0;
  }
  const std::string kept = TRY(beginning.write(made));
  return show(globals, beginning, made, kept);
}

}  // namespace

int init(const Globals& globals, const InitOptions& options) {
  auto status = begin(globals, options);
  if (status) return *status;
  // Nothing of the site was looked for but the directory: that it is not there is a mistake in the command line.
  if (status.error().code == Code::kNotFound) status.error().code = Code::kInvalid;
  return fail(status.error());
}

}  // namespace backout::cli
