// FakeSite: two web machines and this one, a real journal in a temporary directory, and a plan to carry out on them.
// `live()` is one process of backout from start to end or death; what it left stays for the next.
#pragma once
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <set>

#include "journal/stored_journal.h"
#include "plan/order.h"
#include "run/executor.h"
#include "support/fake_driver.h"
#include "support/fake_host.h"
#include "support/fake_people.h"

namespace backout::fakes {

inline Action fake_action(const std::string& verb, const std::string& key, const std::string& value) {
  return {"fake", verb, {{"key", key}, {"value", value}}};
}

/// A step of the fake driver that brings switch `key` to `value`.
inline Step fake_step(const std::string& id, Phase phase, const std::string& verb, const std::string& key,
                      const std::string& value, std::vector<std::string> hosts = {}) {
  Step step;
  step.id = StepId(id);
  step.phase = phase;
  step.kind = verb == "look" ? StepKind::kLook : StepKind::kEffect;
  step.title = id;
  step.hosts = std::move(hosts);
  step.action = fake_action(verb, key, value);
  step.timeout = Millis(60'000);
  return step;
}
inline Step with_undo(Step step, const std::string& key, const std::string& value) {
  step.undo = fake_action("set", key, value);
  return step;
}
inline Step after(Step step, const std::vector<std::string>& needs) {
  for (const std::string& need : needs) step.needs.emplace_back(need);
  return step;
}
inline Step fake_record(const std::string& id, Phase phase, EventType type, Json body) {
  Step step;
  step.id = StepId(id);
  step.phase = phase;
  step.kind = StepKind::kRecord;
  step.action = {"journal", std::string(name_of(type)), std::move(body)};
  return step;
}

/// How one process ended.
struct Lived {
  bool died = false;
  Result<run::RunEnd> end = run::RunEnd{};
  int exit() const { return end ? end->exit : -1; }
  std::string result() const { return end ? end->result : "error: " + end.error().message; }
  std::string why() const { return end ? end->why : end.error().message; }
};

class FakeSite {
 public:
  FakeSite() {
    journal::Options options;
    options.reserve_bytes = 0;
    options.may_live = [](const journal::ProcessIdentity&) { return false; };  // who held the lease before is dead
    auto opened = journal::StoredJournal::open(directory.path, "dana", clock, std::move(options));
    if (!opened) {
      ADD_FAILURE() << opened.error().message;
      return;
    }
    journal = std::move(*opened);
    registry.add(std::make_unique<FakeDriver>());
    for (auto& [name, machine] : machines) {
      machine.has_intent = [this](const Try& each) { return intended(each.id); };
      machine.set("web", "old");
      machine.set("code", "old");
    }
    local.set("db", "old");
    local.set("door", "open");
  }

  /// In memory where there is room for that: what an fsync is worth is proved in journal and tests/crash.
  struct Scratch {
    Scratch()
        : path(::access("/dev/shm", W_OK) == 0 ? "/dev/shm/backout-XXXXXX" : ::testing::TempDir() + "/backout-XXXXXX") {
      if (::mkdtemp(path.data()) == nullptr) ADD_FAILURE() << "no directory at " << path;
    }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    ~Scratch() {
      std::error_code ignored;
      std::filesystem::remove_all(path, ignored);
    }
    std::string path;
  } directory;
  FakeClock clock;
  std::map<std::string, FakeMachine> machines = [this] {
    std::map<std::string, FakeMachine> made;
    for (const char* name : {"local", "web-1", "web-2"})
      made.emplace(std::piecewise_construct, std::forward_as_tuple(name), std::forward_as_tuple(name, clock));
    return made;
  }();
  FakeMachine& local = machines.at("local");
  FakeMachine& web1 = machines.at("web-1");
  FakeMachine& web2 = machines.at("web-2");
  std::unique_ptr<journal::Journal> journal;
  driver::Registry registry;
  RecordingProgress progress;
  ScriptedAsker asker;
  int jobs = 1;
  Plan plan;
  run::Executor::AtEnd at_end;
  const SiteId site_id{"shop/production"};
  const RunId run_id{"RUN-0001"};
  std::function<void(int64_t token)> on_lease = [](int64_t) {};

  /// Sets the plan. Steps may come in any order that `plan::ordered` can mend.
  void plan_is(std::vector<Step> steps, OnFailedCheck on_failed_check = OnFailedCheck::kAbort,
               RunKind kind = RunKind::kRollback) {
    plan = Plan{};
    plan.contract.kind = kind;
    plan.contract.site = site_id;
    plan.contract.from = Version("v2");
    plan.contract.to = Version("v1");
    plan.contract.on_failed_check = on_failed_check;
    plan.contract.steps = plan::ordered(std::move(steps)).value();
    plan.id = id_of(plan.contract);
  }

  /// What every fault function is asked at every attempt, on all machines.
  void faults(const std::function<Fault(const Try&)>& fault) {
    for (auto& [name, machine] : machines) machine.fault = fault;
  }
  void no_faults() {
    faults([](const Try&) { return Fault::kNone; });
  }

  /// One process of backout. `dies_after_append`: its own appends, RunStarted among them; below 0: it lives.
  Lived live(run::Wish wish = run::Wish::kCarryOn, int dies_after_append = -1, std::stop_token stop = {}) {
    Life life(dies_after_append);
    Lived lived = live(life, wish, std::move(stop));
    lived.died = life.over();
    last_appends = life.appends();
    return lived;
  }

  Lived live(Life& life, run::Wish wish, std::stop_token stop) {
    Lived lived;
    MortalJournal mine(*journal, life);
    std::map<std::string, host::Host*> hosts;
    std::vector<std::unique_ptr<FakeHost>> own;
    for (auto& [name, machine] : machines) {
      own.push_back(std::make_unique<FakeHost>(name, machine, life));
      hosts[name] = own.back().get();
    }
    const auto lease = mine.acquire(site_id, "a test", Millis(30'000));
    if (!lease) {
      lived.end = lease.error();
      return lived;
    }
    on_lease(lease->token);
    lived.end = proceed(mine, hosts, lease->token, wish, std::move(stop));
    if (!life.over()) (void)mine.release(site_id, lease->token);
    return lived;
  }

  std::vector<Event> events() { return journal->read(site_id, 0, run_id, -1).value(); }
  run::RunState state() { return run::fold(events(), run_id, plan); }
  int count(EventType type) {
    const std::vector<Event> all = events();
    return static_cast<int>(
        std::count_if(all.begin(), all.end(), [&](const Event& each) { return each.type == type; }));
  }
  /// "step@host purpose outcome" of every end of a step, in order.
  std::vector<std::string> outcomes() {
    std::vector<std::string> all;
    for (const Event& event : events())
      if (event.type == EventType::kStepEnded)
        all.push_back(get_string(event.body, "step") + "@" + get_string(event.body, "host") + " " +
                      get_string(event.body, "purpose") + " " + get_string(get(event.body, "outcome"), "kind"));
    return all;
  }
  int begun() {
    int all = 0;
    for (auto& [name, machine] : machines) all += machine.begun();
    return all;
  }
  /// Every switch of every machine.
  std::map<std::string, std::map<std::string, std::string>> world() {
    std::map<std::string, std::map<std::string, std::string>> all;
    for (auto& [name, machine] : machines) all[name] = machine.switches();
    return all;
  }

  /// What holds for every site at any time, and what holds of a run that has ended.
  void check_promises() {
    for (auto& [name, machine] : machines) EXPECT_THAT(machine.violations(), ::testing::IsEmpty());
    EXPECT_FALSE(progress.overlapped()) << "two calls of Progress at once";
    EXPECT_FALSE(asker.overlapped()) << "two questions at once";
    EXPECT_THAT(journal->verify().value().faults, ::testing::IsEmpty());
    std::set<std::string> open;
    for (const Event& event : events()) {
      const std::string attempt = get_string(event.body, "attempt");
      if (event.type == EventType::kAttemptIntended) {
        EXPECT_TRUE(open.insert(attempt).second) << attempt << " intended twice";
      } else if (event.type == EventType::kAttemptEnded) {
        EXPECT_EQ(open.erase(attempt), 1U) << attempt << " ended twice, or never intended";
      }
    }
    const run::RunState now = state();
    EXPECT_LE(count(EventType::kDoorClosed), 1);
    EXPECT_LE(count(EventType::kDoorOpened), count(EventType::kDoorClosed));
    if (!now.ended) return;
    EXPECT_EQ(count(EventType::kRunEnded), 1);
    if (now.result != "unverified") {  // else concluded: the run that follows opens it
      EXPECT_EQ(count(EventType::kDoorOpened), count(EventType::kDoorClosed)) << "the door was left closed";
    }
    for (auto& [name, machine] : machines) EXPECT_FALSE(machine.anything_runs()) << name;
  }
  /// Pairs that a command was begun for, and of which nobody knows how it ended.
  std::vector<std::string> unknown() {
    std::vector<std::string> all;
    for (const auto& [pair, at] : state().pairs)
      if (at.touched() && (!at.outcome || at.outcome->kind == OutcomeKind::kUnknown))
        all.push_back(pair.step + "@" + pair.host + " " + std::string(run::name_of(pair.purpose)));
    return all;
  }

  int last_appends = 0;

 private:
  Result<run::RunEnd> proceed(journal::Journal& mine, const std::map<std::string, host::Host*>& hosts, int64_t token,
                              run::Wish wish, std::stop_token stop) {
    const run::Context context{mine, registry, hosts, clock, progress, asker, site_id, run_id, "/var/runs", jobs};
    auto ledger = TRY(run::Ledger::open(context, plan, token));
    if (!ledger->state().begun)
      TRY_VOID(ledger->append({{EventType::kRunStarted,
                                {{"kind", name_of(plan.contract.kind)}, {"plan", plan.id.str()}, {"reason", "a test"}},
                                run_id}}));
    run::Executor executor(context, plan, *ledger, at_end);
    return executor.proceed(wish, std::move(stop));
  }
  bool intended(const std::string& attempt) {
    const std::lock_guard lock(reading_);
    const std::vector<Event> more = journal->read(site_id, read_to_, run_id, -1).value();
    for (const Event& event : more) {
      read_to_ = event.seq;
      if (event.type == EventType::kAttemptIntended) intents_.insert(get_string(event.body, "attempt"));
    }
    return intents_.count(attempt) != 0;
  }

  std::mutex reading_;
  std::set<std::string> intents_;
  int64_t read_to_ = 0;
};

/// A rollback as it really looks: saved and built, users outside, database and code switched, started, looked at,
/// opened.
inline std::vector<Step> shop_rollback() {
  const std::vector<std::string> web = {"web-1", "web-2"};
  return {
      with_undo(fake_step("save", Phase::kPrepare, "once", "saved", "yes"), "saved", "no"),
      after(fake_step("build", Phase::kPrepare, "set", "built", "yes", web), {"save"}),
      with_undo(fake_step("close", Phase::kClose, "once", "door", "closed"), "door", "open"),
      after(with_undo(fake_step("stop", Phase::kClose, "once", "web", "stopped", web), "web", "old"), {"close"}),
      fake_step("rows", Phase::kLastRows, "set", "rows", "counted"),
      with_undo(fake_step("swap", Phase::kSwitch, "once", "db", "new"), "db", "old"),
      with_undo(fake_step("switch", Phase::kSwitch, "once", "code", "new", web), "code", "old"),
      with_undo(fake_step("start", Phase::kStart, "once", "web", "new", web), "web", "stopped"),
      fake_step("look", Phase::kCheck, "look", "web", "new", web),
      fake_step("open", Phase::kOpen, "once", "door", "open"),
      fake_record("record", Phase::kSettle, EventType::kNote, {{"text", "v1 runs again"}}),
  };
}
/// Whether the switches that users meet are all as before, or all as planned.
inline bool is_old(FakeSite& site) {
  return site.local.at("door") == "open" && site.local.at("db") == "old" && site.web1.at("code") == "old" &&
         site.web2.at("code") == "old" && site.web1.at("web") == "old" && site.web2.at("web") == "old";
}
inline bool is_new(FakeSite& site) {
  return site.local.at("door") == "open" && site.local.at("db") == "new" && site.web1.at("code") == "new" &&
         site.web2.at("code") == "new" && site.web1.at("web") == "new" && site.web2.at("web") == "new";
}

}  // namespace backout::fakes
