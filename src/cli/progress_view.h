// ProgressView: a run on the terminal as it goes. Plain lines with a timestamp each when piped; on a terminal one
// growing line per part and a status line below it that is redrawn. Words before colours.
#pragma once
#include <memory>

#include "cli/command.h"
#include "run/progress.h"

namespace backout::cli {

/// Live on a terminal, plain otherwise.
std::unique_ptr<run::Progress> make_progress(const Globals& globals);
std::unique_ptr<run::Progress> make_plain_progress(const Globals& globals);
std::unique_ptr<run::Progress> make_live_progress(const Globals& globals);

/// The end of the failed thing's own log, for below the line that says that it failed; empty when it did not, or left
/// no words.
std::vector<std::string> last_words(const Outcome& outcome);

/// Asks on the terminal; kUnavailable when standard input is none.
class TerminalAsker : public run::Asker {
 public:
  Result<Answer> ask(const std::string& question, const std::string& role) override;
  Result<Answer> ask_or_hear(const std::string& question, const std::string& role, const Elsewhere& elsewhere,
                             bool patient) override;
};

/// Whether there is a person to ask: standard input is a terminal.
bool can_ask();
/// One line typed on the terminal; kUnavailable when standard input is none, or has ended.
Result<std::string> typed_line(const std::string& question);
/// A yes/no question before anything was begun. `word` empty: y/N; else that word must be typed. kRefused without a
/// terminal.
Result<bool> confirm(const std::string& question, const std::string& word);

}  // namespace backout::cli
