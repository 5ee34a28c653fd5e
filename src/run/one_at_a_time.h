// OneAtATime: hands calls on from several threads, one after the other. Progress and Asker are promised that.
#pragma once
#include <mutex>

#include "run/progress.h"

namespace backout::run {

class ProgressOneAtATime : public Progress {
 public:
  explicit ProgressOneAtATime(Progress& to) : to_(to) {}
  void run_begins(const RunId& run, const IncidentId& incident, const Plan& plan, bool again) override {
    const std::lock_guard lock(mutex_);
    to_.run_begins(run, incident, plan, again);
  }
  void step_begins(const Step& step, const std::string& host, Purpose purpose) override {
    const std::lock_guard lock(mutex_);
    to_.step_begins(step, host, purpose);
  }
  void step_says(const Step& step, const std::string& host, const std::string& text) override {
    const std::lock_guard lock(mutex_);
    to_.step_says(step, host, text);
  }
  void step_prints(const Step& step, const std::string& host, std::string_view chunk) override {
    const std::lock_guard lock(mutex_);
    to_.step_prints(step, host, chunk);
  }
  void step_ends(const Step& step, const std::string& host, Purpose purpose, const Outcome& outcome) override {
    const std::lock_guard lock(mutex_);
    to_.step_ends(step, host, purpose, outcome);
  }
  void door(bool open, KeptOutBy by) override {
    const std::lock_guard lock(mutex_);
    to_.door(open, by);
  }
  void turns(const std::string& why) override {
    const std::lock_guard lock(mutex_);
    to_.turns(why);
  }

 private:
  Progress& to_;
  std::mutex mutex_;
};

class AskerOneAtATime : public Asker {
 public:
  explicit AskerOneAtATime(Asker& to) : to_(to) {}
  Result<Answer> ask(const std::string& question, const std::string& role) override {
    const std::lock_guard lock(mutex_);
    return to_.ask(question, role);
  }
  Result<Answer> ask_or_hear(const std::string& question, const std::string& role, const Elsewhere& elsewhere,
                             bool patient) override {
    const std::lock_guard lock(mutex_);
    return to_.ask_or_hear(question, role, elsewhere, patient);
  }

 private:
  Asker& to_;
  std::mutex mutex_;
};

}  // namespace backout::run
