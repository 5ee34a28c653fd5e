// Settle: answers of a person laid over what was seen, and the questions that are left. Pure.
//
// An answer always wins. `none` says that there is none. A question has a default where there is a sensible one; those
// that are `required` have none, and without them no file can be written.
#pragma once
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "init/draft.h"

namespace backout::init {

/// By key; `service` and `check` may be given several times.
using Answers = std::map<std::string, std::vector<std::string>>;

/// The keys that may be answered, with what each takes: for --help, docs and "did you mean".
struct AnswerKey {
  std::string_view key, takes;
};
const std::vector<AnswerKey>& answer_keys();

/// "KEY=VALUE" into `answers`. kInvalid: unknown key (with the nearest one), no '=', or text that YAML cannot hold.
Result<void> add_answer(Answers& answers, const std::string& assignment);
/// A file of "KEY: VALUE" or "KEY=VALUE" lines; '#' begins a comment.
Result<void> add_answers_of(Answers& answers, const std::string& text);

struct Question {
  std::string key, text;
  std::string otherwise;  // the default
  bool required = false;  // no default will do
};

/// Answers into the draft. kInvalid names the answer that cannot be.
Result<void> apply_answers(const Answers& answers, Draft& draft);
/// What is still to be asked, those that cannot do without an answer first.
std::vector<Question> open_questions(const Draft& draft, const Answers& answers);

/// What a site answers at a URL now; nothing when it does not.
struct Answered {
  int status = 0;
  std::string body;
};
using Ask = std::function<std::optional<Answered>(const std::string& url, const std::string& host_header)>;
/// Asks the running site for the paths that were found, and keeps what it said: the status, whether it names a version
/// (`versions`: what may run), a text to look for. Paths that answer with an error are dropped. REQUIRES:
/// apply_answers.
void ask_the_site(const Ask& ask, const std::vector<std::string>& versions, Draft& draft);

}  // namespace backout::init
