#include <cstdio>

#include "app/history/answering.h"
#include "app/history/releasing.h"
#include "base/text.h"
#include "cli/opened.h"
#include "cli/verify_view.h"

namespace backout::cli {
namespace {

Result<int> answer(const Globals& globals, const VerifyOptions& options) {
  const std::string& word = options.answer[1];
  if (word != "yes" && word != "no")
    return Error{Code::kInvalid, "an answer is yes or no, not '" + shortened(one_line(word), 40) + "'",
                 "backout verify --answer STEP yes|no --note \"what was seen\""};
  const std::string by = options.as.empty() ? app::acting_person() : shortened(one_line(options.as), 64);
  const auto workspace = TRY(open(globals));
  const run::Question answered =
      TRY(app::answer(*workspace, options.answer[0], {word == "yes", word, by, sanitised(options.note)}));
  if (globals.json)
    print_json({{"step", answered.step}, {"question", answered.question}, {"answer", word}, {"by", by}});
  else if (!globals.quiet)
    std::printf("'%s' answered '%s' by %s\n", one_line(answered.question).c_str(), word.c_str(), by.c_str());
  return 0;
}

Result<int> verified(const Globals& globals, const VerifyOptions& options) {
  if (!options.answer.empty()) return answer(globals, options);
  if (!options.as.empty() || !options.note.empty())
    return Error{Code::kInvalid, "--as and --note belong to an answer",
                 "backout verify --answer STEP yes|no --note TEXT"};
  const auto workspace = TRY(open(globals));
  const Version version = options.version.empty() ? Version() : TRY(app::checked_version(options.version));
  return look_and_tell(globals, *workspace, {.version = version, .ask = options.ask});
}

}  // namespace

int verify(const Globals& globals, const VerifyOptions& options) {
  const auto exit = verified(globals, options);
  return exit ? *exit : fail(exit.error());
}

}  // namespace backout::cli
