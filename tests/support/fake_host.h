// FakeMachine: a target in memory. It keeps switches (what commands set), attempts, the highest token and the owner, as
// the shim does, and so outlives the processes that act on it. FakeHost: the machine as one process reaches it.
//
// Faults are asked for at each attempt. Whatever would be a broken promise is kept in `violations`: two commands of one
// pair side by side, a command without a durable intent, a command that must not run twice run twice. Thread-safe.
#pragma once
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "base/text.h"
#include "host/host.h"
#include "support/fake_clock.h"
#include "support/fake_life.h"

namespace backout::fakes {

enum class Fault {
  kNone,
  kFail,            // exit status 1, nothing was done
  kFailDone,        // exit status 1, but it was done
  kRefuse,          // the guard says no: somebody newer was here
  kFull,            // the disk there is full: nothing was started
  kLostBefore,      // the connection is lost before the command started
  kLate,            // ... and the command starts later, unless a newer token was seen by then
  kLostRunning,     // ... while it runs; it ends after a few looks
  kLostAfter,       // ... when it had ended and its status was written
  kVanished,        // ... and the machine lost the command before it did anything: no status
  kVanishedDone,    // ... and after it had done its work: no status
  kOrphan,          // ... no status, nothing done yet, and a child of it still lives
  kHang,            // nothing is done until the timeout ends it
  kHangDone,        // the work is done, but it does not return
  kDieBefore,       // the controller dies before the command started
  kDieRunning,      // ... while it runs; it ends after a few looks
  kDieAfter,        // ... when it had ended and its status was written
  kDieVanished,     // ... and the command with it, before it did anything
  kDieVanishedDone  // ... and the command with it, after it had done its work
};

/// One attempt as the machine sees it. Ids are "RUN.step.purpose.number.random".
struct Try {
  std::string machine, step, purpose, id;
  int number = 0;  // of the pair
  bool is(const std::string& a_step, const std::string& a_purpose = "apply") const {
    return step == a_step && purpose == a_purpose;
  }
};

class FakeMachine {
 public:
  FakeMachine(std::string name, FakeClock& clock) : name_(std::move(name)), clock_(clock) {}

  std::function<Fault(const Try&)> fault = [](const Try&) { return Fault::kNone; };
  /// Called when a command is about to run, outside of any lock.
  std::function<void(const Try&, const host::Command&)> on_command = [](const Try&, const host::Command&) {};
  std::function<bool(const Try&)> has_intent = [](const Try&) { return true; };

  // --- what tests look at and set ------------------------------------------------------------------------------------
  std::string at(const std::string& key) {
    const std::lock_guard lock(mutex_);
    return switches_[key];
  }
  void set(const std::string& key, const std::string& value) {
    const std::lock_guard lock(mutex_);
    switches_[key] = value;
  }
  std::map<std::string, std::string> switches() {
    const std::lock_guard lock(mutex_);
    return switches_;
  }
  /// "step purpose" of every command that had its effect, in order.
  std::vector<std::string> done() {
    const std::lock_guard lock(mutex_);
    return done_;
  }
  int times_done(const std::string& step, const std::string& purpose = "apply") {
    const std::vector<std::string> all = done();
    return static_cast<int>(std::count(all.begin(), all.end(), step + " " + purpose));
  }
  /// Whether an attempt at the step ever began here.
  bool has_begun(const std::string& step) {
    const std::lock_guard lock(mutex_);
    return std::any_of(attempts_.begin(), attempts_.end(),
                       [&](const auto& each) { return try_of(each.first).is(step); });
  }
  int begun() {
    const std::lock_guard lock(mutex_);
    return static_cast<int>(attempts_.size());
  }
  std::vector<std::string> violations() {
    const std::lock_guard lock(mutex_);
    return violations_;
  }
  bool anything_runs() {
    const std::lock_guard lock(mutex_);
    return std::any_of(attempts_.begin(), attempts_.end(), [](const auto& each) { return each.second.lives; });
  }
  /// Somebody else took the site here.
  void taken_over(int64_t token, const std::string& owner = "") {
    const std::lock_guard lock(mutex_);
    token_ = std::max(token_, token);
    if (!owner.empty()) owner_ = owner;
  }
  /// The next `calls` looks at the machine do not reach it.
  void unreachable(int calls) {
    const std::lock_guard lock(mutex_);
    unreachable_ = calls;
  }
  /// The machine boots: what ran is gone, switches that begin with "mem." are lost.
  void reboot() {
    const std::lock_guard lock(mutex_);
    for (auto& [id, attempt] : attempts_) attempt.lives = false;
    std::erase_if(switches_, [](const auto& each) { return each.first.starts_with("mem."); });
  }

  // --- what FakeHost calls -------------------------------------------------------------------------------------------
  Result<void> guard(const host::Guard& who) {
    const std::lock_guard lock(mutex_);
    if (unreachable_ > 0) return --unreachable_, lost();
    return guarded(who);
  }

  Result<host::CommandResult> attempt(Life& life, const host::Guard& who, const host::AttemptId& id,
                                      const host::Command& command,
                                      const std::function<void(std::string_view)>& on_output, std::stop_token stop) {
    host::CommandResult cancelled;
    cancelled.cancelled = true;
    if (life.over()) return cancelled;
    const Try each = try_of(id.str());
    const Fault how = fault(each);
    if (how == Fault::kDieBefore) return life.end(), cancelled;
    if (how == Fault::kLostBefore) return lost();
    if (how == Fault::kLate) return on_its_way(each, who, command), lost();
    if (how == Fault::kFull) return Error{Code::kNoSpace, "no space left for the attempt", ""};
    if (how == Fault::kRefuse) taken_over(who.token + 1);
    {
      const std::lock_guard lock(mutex_);
      if (auto fine = guarded(who); !fine) return std::move(fine).error();
      if (!begin(each)) return Error{Code::kInternal, "the attempt exists already", ""};
      let_late_ones_in();
    }
    if (!has_intent(each)) violate("no durable intent: " + each.id);
    on_command(each, command);
    // Another thread of the process met its end meanwhile, or it is asked to stop: the command goes on without it.
    if (life.over() || stop.stop_requested()) return leave_running(id, command), cancelled;
    if (const auto ended = status_of(id)) return *ended;  // somebody ended it meanwhile
    host::CommandResult result;
    result.took = Millis(10);
    switch (how) {
      case Fault::kNone:
      case Fault::kLostAfter:
      case Fault::kDieAfter: result = run(each, command); break;
      case Fault::kFailDone: run(each, command); [[fallthrough]];
      case Fault::kFail: result.exit_status = 1, result.err = "it did not work\n"; break;
      case Fault::kLostRunning: return leave_running(id, command), lost();
      case Fault::kDieRunning: return leave_running(id, command), life.end(), cancelled;
      case Fault::kVanishedDone: run(each, command); [[fallthrough]];
      case Fault::kVanished: return vanish(id), lost();
      case Fault::kOrphan: return vanish(id, true), lost();
      case Fault::kDieVanishedDone: run(each, command); [[fallthrough]];
      case Fault::kDieVanished: return vanish(id), life.end(), cancelled;
      case Fault::kHangDone: run(each, command); [[fallthrough]];
      case Fault::kHang:
        clock_.pass(command.timeout);
        result.timed_out = true;
        result.took = command.timeout;
        break;
      case Fault::kRefuse:
      case Fault::kFull:
      case Fault::kLostBefore:
      case Fault::kLate:
      case Fault::kDieBefore: break;
    }
    clock_.pass(Millis(10));
    if (!result.out.empty()) on_output(result.out);
    write_status(id, result);
    if (how == Fault::kLostAfter) return lost();
    if (how == Fault::kDieAfter) return life.end(), cancelled;
    return result;
  }

  Result<host::AttemptState> inspect(const host::Guard& who, const host::AttemptId& id) {
    const std::lock_guard lock(mutex_);
    if (unreachable_ > 0) return --unreachable_, lost();
    TRY_VOID(guarded(who));
    host::AttemptState state;
    const auto found = attempts_.find(id.str());
    if (found == attempts_.end()) return state;
    Attempt& attempt = found->second;
    if (attempt.looks_left > 0 && --attempt.looks_left == 0) {
      attempt.status = effect(try_of(id.str()), attempt.command);
      attempt.lives = false;
    }
    using Kind = host::AttemptState::Kind;
    state.kind = attempt.status ? Kind::kFinished : attempt.lives && !attempt.orphan ? Kind::kRunning : Kind::kLost;
    if (attempt.status) state.result = *attempt.status;
    state.running_for = clock_.boot() - attempt.began;
    return state;
  }

  Result<void> kill(const host::Guard& who, const host::AttemptId& id) {
    const std::lock_guard lock(mutex_);
    TRY_VOID(guarded(who));
    const auto found = attempts_.find(id.str());
    if (found == attempts_.end() || !found->second.lives) return {};
    Attempt& attempt = found->second;
    attempt.lives = false;
    attempt.looks_left = 0;
    if (!attempt.orphan) attempt.status = host::CommandResult{.signal = 15};
    return {};
  }

  Result<void> forget(const host::Guard& who) {
    const std::lock_guard lock(mutex_);
    TRY_VOID(guarded(who));
    attempts_.clear();
    return {};
  }

  Result<std::string> read(const std::string& key) {
    const std::lock_guard lock(mutex_);
    if (unreachable_ > 0) return --unreachable_, lost();
    const auto found = switches_.find(key);
    if (found == switches_.end()) return Error{Code::kNotFound, key + " was never set", ""};
    return found->second;
  }

 private:
  struct Attempt {
    bool lives = true;    // something of it runs
    bool orphan = false;  // what runs is a child that its shim has lost
    int looks_left = 0;   // ends by itself when somebody has looked that often; 0: never
    host::Command command;
    std::optional<host::CommandResult> status;
    BootTime began{0};
  };

  static Error lost() { return Error{Code::kUnavailable, "the connection was lost", ""}; }
  Try try_of(const std::string& id) const {
    const std::vector<std::string> parts = split(id, '.');
    if (parts.size() != 5) return {name_, id, "", id, 0};
    return {name_, parts[1], parts[2], id, std::atoi(parts[3].c_str())};
  }
  void violate(std::string what) {
    const std::lock_guard lock(mutex_);
    violations_.push_back(name_ + ": " + std::move(what));
  }

  void on_its_way(const Try& each, const host::Guard& who, const host::Command& command) {
    const std::lock_guard lock(mutex_);
    late_.push_back({each, who, command});
  }
  void leave_running(const host::AttemptId& id, const host::Command& command) {
    const std::lock_guard lock(mutex_);
    Attempt& attempt = attempts_.at(id.str());
    attempt.command = command;
    attempt.looks_left = 3;
  }
  void vanish(const host::AttemptId& id, bool orphan = false) {
    const std::lock_guard lock(mutex_);
    attempts_.at(id.str()).lives = orphan;
    attempts_.at(id.str()).orphan = orphan;
  }
  std::optional<host::CommandResult> status_of(const host::AttemptId& id) {
    const std::lock_guard lock(mutex_);
    return attempts_.at(id.str()).status;
  }
  void write_status(const host::AttemptId& id, const host::CommandResult& result) {
    const std::lock_guard lock(mutex_);
    attempts_.at(id.str()).lives = false;
    attempts_.at(id.str()).status = result;
  }
  host::CommandResult run(const Try& each, const host::Command& command) {
    const std::lock_guard lock(mutex_);
    return effect(each, command);
  }

  // REQUIRES for the rest: the lock is held.
  Result<void> guarded(const host::Guard& who) {
    if (!owner_.empty() && owner_ != who.journal)
      return Error{Code::kRefused, name_ + " belongs to the journal " + owner_, ""};
    if (who.token < token_) return Error{Code::kRefused, name_ + " has seen a newer token", ""};
    owner_ = who.journal;
    token_ = who.token;
    return {};
  }
  bool begin(const Try& each) {
    for (const auto& [id, other] : attempts_) {
      const Try before = try_of(id);
      if (before.step == each.step && other.lives)
        violations_.push_back(name_ + ": side by side: " + id + " and " + each.id);
    }
    Attempt attempt;
    attempt.began = clock_.boot();
    return attempts_.emplace(each.id, std::move(attempt)).second;
  }
  void let_late_ones_in() {
    for (const Late& late : std::exchange(late_, {}))
      if (guarded(late.who) && begin(late.each)) {
        attempts_.at(late.each.id).command = late.command;
        attempts_.at(late.each.id).looks_left = 3;
      }
  }
  /// Commands: "set KEY VALUE", "once KEY VALUE" (twice is a violation), "append KEY WORD", "say TEXT", "nothing".
  host::CommandResult effect(const Try& each, const host::Command& command) {
    host::CommandResult result;
    result.took = Millis(10);
    const std::vector<std::string>& words = command.argv;
    if (words.at(0) == "say") result.out = words.at(1) + "\n";
    if (words[0] == "once" && switches_[words.at(1)] == words.at(2))
      violations_.push_back(name_ + ": done twice: " + each.id);
    if (words[0] == "set" || words[0] == "once") switches_[words.at(1)] = words.at(2);
    if (words[0] == "append") switches_[words.at(1)] += words.at(2);
    done_.push_back(each.step + " " + each.purpose);
    return result;
  }

  const std::string name_;
  FakeClock& clock_;
  std::mutex mutex_;
  std::map<std::string, std::string> switches_;
  std::map<std::string, Attempt> attempts_;
  struct Late {
    Try each;
    host::Guard who;
    host::Command command;
  };
  std::vector<Late> late_;
  std::vector<std::string> done_, violations_;
  std::string owner_;
  int64_t token_ = 0;
  int unreachable_ = 0;
};

class FakeHost : public host::Host {
 public:
  FakeHost(std::string name, FakeMachine& machine, Life& life)
      : name_(std::move(name)), machine_(machine), life_(life) {}
  const host::HostName& name() const override { return name_; }
  bool is_local() const override { return name_.str() == "local"; }
  Result<host::CommandResult> run(const host::Command&, std::stop_token) override {
    return Error{Code::kUnsupported, "a fake host runs attempts only", ""};
  }
  Result<std::string> read(const std::string& path) override {
    TRY_VOID(alive());
    return machine_.read(path);
  }
  Result<void> claim(const host::Guard& guard) override {
    TRY_VOID(alive());
    return machine_.guard(guard);
  }
  Result<host::CommandResult> attempt(const host::Guard& guard, const host::AttemptId& id, const host::Command& command,
                                      const std::function<void(std::string_view)>& on_output,
                                      std::stop_token stop) override {
    return machine_.attempt(life_, guard, id, command, on_output, std::move(stop));
  }
  Result<host::AttemptState> inspect(const host::Guard& guard, const host::AttemptId& id) override {
    TRY_VOID(alive());
    return machine_.inspect(guard, id);
  }
  Result<void> kill(const host::Guard& guard, const host::AttemptId& id, Millis) override {
    TRY_VOID(alive());
    return machine_.kill(guard, id);
  }
  Result<void> forget(const host::Guard& guard, const std::vector<host::AttemptId>&) override {
    TRY_VOID(alive());
    return machine_.forget(guard);
  }

 private:
  Result<void> alive() const {
    if (life_.over()) return Error{Code::kCancelled, "this process is dead", ""};
    return {};
  }
  const host::HostName name_;
  FakeMachine& machine_;
  Life& life_;
};

}  // namespace backout::fakes
