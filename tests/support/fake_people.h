// RecordingProgress: remembers what a run told; a violation when two calls overlap. ScriptedAsker: a person with
// answers.
#pragma once
#include <atomic>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include "run/progress.h"

namespace backout::fakes {

class RecordingProgress : public run::Progress {
 public:
  void run_begins(const RunId&, const IncidentId&, const Plan&, bool) override { tell("run"); }
  void step_begins(const Step& step, const std::string& host, run::Purpose purpose) override {
    tell("begins " + step.id.str() + "@" + host + " " + std::string(run::name_of(purpose)));
  }
  void step_says(const Step& step, const std::string& host, const std::string& text) override {
    tell("says " + step.id.str() + "@" + host + " " + text);
  }
  void step_prints(const Step& step, const std::string& host, std::string_view chunk) override {
    tell("prints " + step.id.str() + "@" + host + " " + std::string(chunk));
  }
  void step_ends(const Step& step, const std::string& host, run::Purpose purpose, const Outcome& outcome) override {
    tell("ends " + step.id.str() + "@" + host + " " + std::string(run::name_of(purpose)) + " " +
         std::string(name_of(outcome.kind)));
  }
  void door(bool open, run::KeptOutBy by) override {
    const bool services = by == run::KeptOutBy::kServices;
    tell(open ? (services ? "services run" : "door open") : (services ? "services stopped" : "door closed"));
  }
  void turns(const std::string& why) override { tell("turns " + why); }

  /// Not while a run goes on.
  std::vector<std::string> told;
  bool overlapped() const { return overlapped_; }

 private:
  // No lock on purpose: calls come one at a time, and the race detector sees it when they do not.
  void tell(std::string text) {
    if (inside_.exchange(true)) overlapped_ = true;
    told.push_back(std::move(text));
    inside_ = false;
  }
  std::atomic<bool> inside_ = false, overlapped_ = false;
};

class ScriptedAsker : public run::Asker {
 public:
  Result<Answer> ask(const std::string& question, const std::string& role) override {
    if (inside_.exchange(true)) overlapped_ = true;
    const std::lock_guard lock(mutex_);
    asked.push_back(role.empty() ? question : role + ": " + question);
    inside_ = false;
    if (answers.empty()) return Error{Code::kUnavailable, "no terminal", ""};
    Answer answer{answers.front(), answers.front() ? "yes" : "no", "dana"};
    if (answers.size() > 1 || !always_) answers.pop_front();
    return answer;
  }
  /// The last answer is given to every further question.
  void answer(std::deque<bool> each, bool for_ever = false) {
    answers = std::move(each);
    always_ = for_ever;
  }
  bool overlapped() const { return overlapped_; }

  std::deque<bool> answers;  // empty: nobody is there
  std::vector<std::string> asked;

 private:
  std::mutex mutex_;
  bool always_ = false;
  std::atomic<bool> inside_ = false, overlapped_ = false;
};

}  // namespace backout::fakes
