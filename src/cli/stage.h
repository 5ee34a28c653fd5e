// The pieces every acting command needs, in one place: progress, questions, Ctrl-C.
#pragma once
#include <memory>

#include "app/acting/session.h"
#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/progress_view.h"

namespace backout::cli {

class Stage {
 public:
  explicit Stage(const Globals& globals)
      : progress_(make_progress(globals)), acting_{*progress_, asker_, {}}, interrupt_(acting_.stop) {}
  app::Acting& acting() { return acting_; }
  /// The last of what is drawn: from here on others write on the terminal. No run may be begun with `acting`
  /// afterwards.
  void end_of_progress() { progress_.reset(); }

 private:
  std::unique_ptr<run::Progress> progress_;
  TerminalAsker asker_;
  app::Acting acting_;
  Interrupt interrupt_;
};

}  // namespace backout::cli
