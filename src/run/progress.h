// Progress: what a run tells the person who watches it. Calls come from several threads, one at a time (the executor
// holds its lock); implementations must not call back.
#pragma once
#include <functional>
#include <optional>
#include <string>

#include "model/outcome.h"
#include "model/plan.h"

namespace backout::run {

enum class Purpose { kApply, kUndo };
std::string_view name_of(Purpose purpose);

/// What users are kept outside by: a door, or, where a plan has none, that its services are stopped.
enum class KeptOutBy { kDoor, kServices };

class Progress {
 public:
  virtual ~Progress() = default;
  virtual void run_begins(const RunId& run, const IncidentId& incident, const Plan& plan, bool again) = 0;
  virtual void step_begins(const Step& step, const std::string& host, Purpose purpose) = 0;
  /// What is going on in a step: "attempt 2/6: port 8000 not open yet", "still running on web-2, waiting".
  virtual void step_says(const Step& step, const std::string& host, const std::string& text) = 0;
  /// Raw output of a command as it comes.
  virtual void step_prints(const Step& step, const std::string& host, std::string_view chunk) = 0;
  virtual void step_ends(const Step& step, const std::string& host, Purpose purpose, const Outcome& outcome) = 0;
  /// Users are outside from now on, or inside again.
  virtual void door(bool open, KeptOutBy by) = 0;
  virtual void turns(const std::string& why) = 0;
};

/// Asks a person. Blocks. kUnavailable when nobody can be asked (no terminal): the run stops, resumable.
class Asker {
 public:
  struct Answer {
    bool yes = false;
    std::string words;
    std::string by;
    std::string note;  // what was seen, in the person's words
  };
  /// An answer that came another way, if one did; an error ends the waiting.
  using Elsewhere = std::function<Result<std::optional<Answer>>()>;
  virtual ~Asker() = default;
  virtual Result<Answer> ask(const std::string& question, const std::string& role) = 0;
  /// The same, but an answer from elsewhere counts as well: it is asked for again and again. `patient`: worth waiting
  /// for even when nobody can be asked here.
  virtual Result<Answer> ask_or_hear(const std::string& question, const std::string& role, const Elsewhere& elsewhere,
                                     bool patient) {
    (void)elsewhere, (void)patient;
    return ask(question, role);
  }
};

}  // namespace backout::run
