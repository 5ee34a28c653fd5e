// Following: the release that serves, followed by all signals of the site and judged from all that was seen since it
// came. One document beside the journal holds where each signal was left off together with what it amounts to, so any
// process may take the next look, and a kill loses at most the look that was not stored. The document is not the truth:
// without it everything is read again from the cutover.
#pragma once
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "app/signals/signals.h"
#include "app/site/workspace.h"
#include "decide/detector/judge.h"
#include "model/evidence.h"
#include "model/release.h"

namespace backout::app {

/// The release that serves, and how it came.
struct Newcomer {
  Release release;
  Version before;      // what served before it; empty: not known
  WallTime since{};    // the one before began to serve; the epoch: not known
  WallTime left{};     // until here users met the one before for certain; the epoch: it is not known
  WallTime cutover{};  // from here on they meet this one
  bool by_rollback = false;
  bool before_was_well = true;
};
/// kNotFound when the journal was never told what serves.
Result<Newcomer> newcomer(const Workspace& workspace);

/// A signal as the detector is told of it. `habits`: of watches that ended well, as the journal keeps them.
Result<decide::JudgedSignal> judged_signal(const SignalConfig& signal, const Json& habits);

class Following {
 public:
  /// `span`: of the whole watch; the bound on false alarms is for that.
  static Result<Following> open(const Workspace& workspace, Millis span);

  bool no_signals() const { return signals_.none(); }
  const Newcomer& newcomer() const { return newcomer_; }

  struct Round {
    std::vector<Evidence> evidence;
    std::vector<std::string> remarks;  // what signals had to say beside: lines not understood, hosts not reached
    bool news = false;                 // the state of some evidence is another than before
  };
  /// Asks the signals whose time has come (`all`: every one), judges, and stores where it stands.
  Result<Round> look(bool all, const std::stop_token& stop);

  const std::vector<Occurrence>& occurrences() const { return occurrences_; }  // the newest of them, oldest first
  const std::map<std::string, Json>& figures() const { return figures_; }      // by signal, for people
  /// What the release's votes were, by signal: what a watch that ended well leaves to the next.
  Json habits() const;

 private:
  Following(const Workspace& workspace, Newcomer newcomer, decide::Judge judge, Signals signals, std::string file);
  Result<void> store() const;
  /// While a release is switched its users may meet neither: a process that restarts says nothing about the code. And
  /// what served before the one before, perhaps a bad release, is no measure of health.
  void leave_out_the_switch(backout::Seen& seen) const;

  const Workspace* workspace_;
  Newcomer newcomer_;
  decide::Judge judge_;
  Signals signals_;
  std::string file_;
  std::vector<Occurrence> occurrences_;
  std::map<std::string, Json> figures_;
  std::map<std::string, EvidenceState> states_;
  std::map<std::string, std::vector<std::string>> blind_on_;  // hosts, while others of the signal's are seen
};

}  // namespace backout::app
