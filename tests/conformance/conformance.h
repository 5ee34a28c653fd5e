// The conformance suite: what every driver must keep, asked of a real host with real processes.
//
//   conforms(driver, case)       one effect action: truthful before, after, after `kill -9` at any instant, and undone
//   again offers_well(driver, offering) what it offers: pure, well-formed, declared
//
// A case brings an oracle that looks at the real thing by another way than the driver does. A driver that says Holds
// when the oracle says no (or the other way round) has lied, and that is the one fault that nothing above can make
// good. Random instants come from a seed that is printed; BACKOUT_SEED repeats a run. Ends only the processes it
// started: they carry a mark in their environment. Not thread-safe.
#pragma once
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <memory>
#include <random>
#include <regex>
#include <set>
#include <sstream>
#include <thread>

#include "conformance/places.h"
#include "driver/driver.h"

namespace backout::conformance {

struct DriverCase {
  Action action;                    // of an effect verb
  std::optional<Action> undo;       // what its step says
  std::function<void()> reset;      // makes the world as it was before the action, from whatever state it is in
  std::function<bool()> done;       // oracle: the effect is wholly there
  std::function<bool()> as_before;  // oracle after undo: the world is as before; empty: not done()
  std::function<bool()> always;     // quick oracle of what is true at every instant: never half, never gone
  std::vector<Action> bad;          // must be refused by command() with kInvalid, and by verify() without Holds
  bool repeatable = true;
  bool has_probe = true;           // false: verify() answers CannotTell, always
  bool may_not_tell = false;       // after a kill verify() may answer CannotTell; it must never say what is not so
  bool needed_before = true;       // the oracle says "not done" right after reset()
  int kills = 4;                   // rounds of kill -9, each at another instant; 0: none
  Millis settle{0};                // how long after a kill or a command the world may still move by itself
  std::vector<host::Host*> hosts;  // empty: a local host of our own
};

inline host::Guard guard_for_tests() { return {"test/conformance", "conformance-journal", 1}; }
inline host::AttemptId new_attempt() { return host::AttemptId("conformance-" + random_hex(8)); }

/// BACKOUT_SEED, or a new one; printed once.
inline unsigned long seed() {
  static const unsigned long chosen = [] {
    const char* given = std::getenv("BACKOUT_SEED");
    const unsigned long value = given == nullptr ? std::random_device{}() : std::strtoul(given, nullptr, 10);
    std::cout << "BACKOUT_SEED=" << value << std::endl;
    return value;
  }();
  return chosen;
}

/// Runs `action` through the shim, as the executor does. Expects that a command exists.
inline Result<host::CommandResult> apply(const driver::Driver& driver, const Action& action, host::Host& host,
                                         const std::string& mark = "") {
  host::Command command = TRY(driver.command(action, host));
  if (!mark.empty()) command.env["BACKOUT_CONFORMANCE"] = mark;
  TRY_VOID(host.claim(guard_for_tests()));
  return host.attempt(guard_for_tests(), new_attempt(), command, {}, {});
}

/// apply(), with a failure of the test when the command did not end well.
inline void apply_well(const driver::Driver& driver, const Action& action, host::Host& host) {
  const auto result = apply(driver, action, host);
  ASSERT_TRUE(result.has_value()) << action.verb << ": " << result.error().message;
  ASSERT_TRUE(result->ok()) << action.verb << ": " << result->why_not_ok() << "\n" << result->out << result->err;
}

namespace detail {

inline std::string slurp(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

struct Marked {
  pid_t pid, group;
  unsigned long long started;
};

/// The processes that carry the mark, oldest first; and those of `group` whose environment cannot be seen at this
/// moment, as while one becomes another program.
inline std::vector<Marked> marked(const std::string& mark, pid_t group = 0) {
  std::vector<Marked> found;
  const std::string wanted = "BACKOUT_CONFORMANCE=" + mark;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", ignored)) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    const std::string environment = slurp("/proc/" + name + "/environ");
    const bool carries = environment.find(wanted) != std::string::npos;
    if (!carries && (group == 0 || !environment.empty())) continue;
    const std::string stat = slurp("/proc/" + name + "/stat");
    const size_t after_name = stat.rfind(')');
    if (after_name == std::string::npos) continue;
    std::istringstream fields(stat.substr(after_name + 2));
    std::vector<std::string> field((std::istream_iterator<std::string>(fields)), {});
    if (field.size() < 20 || field[0] == "Z") continue;
    if (!carries && std::stoi(field[2]) != group) continue;
    found.push_back({std::stoi(name), std::stoi(field[2]), std::stoull(field[19])});
  }
  std::sort(found.begin(), found.end(), [](const Marked& a, const Marked& b) { return a.started < b.started; });
  return found;
}

/// kill -9 to every process of the command's own group; daemons in sessions of their own live on, as after a real kill.
inline bool kill_group(const std::string& mark) {
  bool killed = false;
  pid_t group = 0;
  for (int round = 0; round < 50; ++round) {
    const auto all = marked(mark, group);
    if (all.empty()) return killed;
    group = all.front().group;
    bool any = false;
    for (const Marked& process : all)
      if (process.group == all.front().group && process.group != ::getpgrp()) any |= ::kill(process.pid, SIGKILL) == 0;
    if (!any) return killed;
    killed = true;
    if (all.back().group != all.front().group) return killed;  // what is left is a daemon
  }
  return killed;
}

inline void wait(Millis span) { std::this_thread::sleep_for(span); }

inline std::string said(const Sight& sight) {
  static constexpr const char* kWords[] = {"holds", "does not hold", "cannot tell"};
  return std::string(kWords[static_cast<int>(sight.kind)]) + ": " + sight.why;
}

/// verify() agrees with the oracle.
inline void truthful(const driver::Driver& driver, const DriverCase& c, host::Host& host, const std::string& when) {
  wait(c.settle);
  EXPECT_TRUE(!c.always || c.always()) << when << ": what must always hold does not";
  const bool before_look = c.done();
  const Sight sight = driver.verify(c.action, host, {});
  const bool after_look = c.done();
  if (!c.has_probe) {
    EXPECT_EQ(sight.kind, SightKind::kCannotTell) << when << ": " << said(sight);
    return;
  }
  if (before_look != after_look) return;  // it moved while we looked: either answer was true
  if (c.may_not_tell && sight.kind == SightKind::kCannotTell && when.find("kill") != std::string::npos) return;
  EXPECT_EQ(sight.kind, after_look ? SightKind::kHolds : SightKind::kDoesNotHold)
      << when << ": the driver says '" << said(sight) << "', the oracle says " << (after_look ? "done" : "not done");
  EXPECT_FALSE(sight.why.empty()) << when;
}

inline std::string bytes_of(const host::Command& command) {
  Json value = to_json(command);
  value["all_env"] = command.env;
  value["stdin"] = command.stdin_text;
  value["timeout"] = command.timeout.count();
  return value.dump();
}

inline void declared(const driver::Driver& driver, const DriverCase& c, host::Host& host) {
  const auto verbs = driver.capabilities();
  const auto verb =
      std::find_if(verbs.begin(), verbs.end(), [&](const driver::Verb& v) { return v.name == c.action.verb; });
  ASSERT_NE(verb, verbs.end()) << "verb '" << c.action.verb << "' is not declared";
  EXPECT_EQ(verb->kind, StepKind::kEffect);
  EXPECT_EQ(c.action.driver, driver.name());
  const auto once = driver.command(c.action, host);
  const auto twice = driver.command(c.action, host);
  ASSERT_TRUE(once.has_value()) << once.error().message;
  ASSERT_TRUE(twice.has_value());
  EXPECT_EQ(bytes_of(*once), bytes_of(*twice)) << "command() must be a function of the action";
  EXPECT_FALSE(once->argv.empty());
}

inline void refuses_bad(const driver::Driver& driver, const DriverCase& c, host::Host& host) {
  std::vector<Action> bad = c.bad;
  bad.push_back({c.action.driver, c.action.verb, Json()});
  bad.push_back({c.action.driver, c.action.verb, Json::array({1, 2})});
  bad.push_back({c.action.driver, c.action.verb, "text"});
  bad.push_back({c.action.driver, c.action.verb, Json::object()});
  bad.push_back({c.action.driver, "no-such-verb", c.action.args});
  for (const Action& action : bad) {
    const auto command = driver.command(action, host);
    EXPECT_FALSE(command.has_value()) << action.verb << " " << action.args.dump();
    if (!command) {
      EXPECT_EQ(command.error().code, Code::kInvalid) << command.error().message;
      EXPECT_FALSE(command.error().message.empty());
    }
    EXPECT_NE(driver.verify(action, host, {}).kind, SightKind::kHolds) << action.verb << " " << action.args.dump();
  }
}

inline void unreachable(const driver::Driver& driver, const DriverCase& c) {
  UnreachableHost nowhere;
  const Sight sight = driver.verify(c.action, nowhere, {});
  EXPECT_EQ(sight.kind, SightKind::kCannotTell) << said(sight);
  EXPECT_FALSE(sight.why.empty());
}

inline void undone(const driver::Driver& driver, const DriverCase& c, host::Host& host, const std::string& when) {
  if (!c.undo) return;
  apply_well(driver, *c.undo, host);
  wait(c.settle);
  EXPECT_TRUE(c.as_before ? c.as_before() : !c.done()) << when << ": undo did not put it back";
  truthful(driver, c, host, when + ", undone");
  if (!c.has_probe) return;
  const Sight sight = driver.verify(*c.undo, host, {});
  EXPECT_EQ(sight.kind, SightKind::kHolds) << when << ": the undo itself: " << said(sight);
}

/// apply_well(), and for how long the command itself lived: a shim and its files come on top.
inline Millis apply_timed(const driver::Driver& driver, const DriverCase& c, host::Host& host) {
  using Moment = std::chrono::steady_clock::time_point;
  const std::string mark = random_hex(8);
  std::atomic<bool> ended = false;
  std::optional<Moment> first, last;
  std::thread watches([&] {
    bool broken = false;
    while (!ended) {
      for (int look = 0; c.always && look < 50 && !broken; ++look) broken = !c.always();
      if (!marked(mark).empty()) {
        last = std::chrono::steady_clock::now();
        if (!first) first = last;
      }
      wait(Millis(1));
    }
    EXPECT_FALSE(broken) << "at some instant what must always hold did not";
  });
  const auto result = apply(driver, c.action, host, mark);
  ended = true;
  watches.join();
  EXPECT_TRUE(result.has_value()) << (result ? "" : result.error().message);
  EXPECT_TRUE(result.has_value() && result->ok())
      << (result ? result->why_not_ok() + "\n" + result->out + result->err : "");
  return first ? std::chrono::duration_cast<Millis>(*last - *first) : Millis(0);
}

/// One kill -9 after `instant`. Returns whether anything was killed.
inline bool apply_and_kill(const driver::Driver& driver, const DriverCase& c, host::Host& host, Millis instant) {
  const std::string mark = random_hex(8);
  std::atomic<bool> ended = false;
  std::thread runs([&] {
    const auto result = apply(driver, c.action, host, mark);
    (void)result;  // killed, or done before the kill came: both are fine, the looks that follow decide
    ended = true;
  });
  while (!ended && marked(mark).empty()) wait(Millis(1));
  if (instant.count() > 0) wait(instant);
  const bool killed = kill_group(mark);
  runs.join();
  return killed;
}

}  // namespace detail

/// Everything the contract asks of one effect, on every host of the case.
inline void conforms(const driver::Driver& driver, const DriverCase& c) {
  std::optional<LocalHost> own;
  std::vector<host::Host*> hosts = c.hosts;
  if (hosts.empty()) hosts.push_back(own.emplace().host.get());
  std::mt19937 random(static_cast<std::mt19937::result_type>(seed()));

  for (host::Host* host : hosts) {
    SCOPED_TRACE(std::string(driver.name()) + " " + c.action.verb + " on " + host->name().str() +
                 ", BACKOUT_SEED=" + std::to_string(seed()));
    c.reset();
    detail::declared(driver, c, *host);
    if (::testing::Test::HasFatalFailure()) return;
    detail::refuses_bad(driver, c, *host);
    detail::unreachable(driver, c);

    if (c.needed_before) {
      EXPECT_FALSE(c.done()) << "the case itself: done before it began";
    }
    detail::truthful(driver, c, *host, "before");

    const Millis lived = detail::apply_timed(driver, c, *host);
    if (::testing::Test::HasFailure()) return;
    detail::wait(c.settle);
    EXPECT_TRUE(c.done()) << "the command ended well, and the oracle says not done";
    detail::truthful(driver, c, *host, "after");

    if (c.repeatable) {
      apply_well(driver, c.action, *host);
      EXPECT_TRUE(c.done()) << "a second time";
      detail::truthful(driver, c, *host, "after a second time");
    }
    detail::undone(driver, c, *host, "after a clean run");

    int killed = 0;
    for (int round = 0; round < c.kills; ++round) {
      SCOPED_TRACE("kill round " + std::to_string(round));
      c.reset();
      std::uniform_int_distribution<long> instant(0, std::max<long>(lived.count(), 2));
      killed += detail::apply_and_kill(driver, c, *host, Millis(round == 0 ? 0 : instant(random)));
      detail::truthful(driver, c, *host, "after kill -9");
      const bool back = c.undo && round % 2 == 1;  // one way or the other out of the half state
      if (back) {
        detail::undone(driver, c, *host, "after kill -9");
      } else if (c.repeatable) {
        apply_well(driver, c.action, *host);
        detail::wait(c.settle);
        EXPECT_TRUE(c.done()) << "did not converge after kill -9";
        detail::truthful(driver, c, *host, "repeated after kill -9");
        detail::undone(driver, c, *host, "after kill -9 and repeat");
      }
      if (::testing::Test::HasFatalFailure()) return;
    }
    if (c.kills > 0)
      std::cout << "  " << c.action.verb << ": killed " << killed << " of " << c.kills << " rounds in flight\n";
    const auto forgotten = host->forget(guard_for_tests(), {});
    EXPECT_TRUE(forgotten.has_value()) << (forgotten ? "" : forgotten.error().message);
  }
}

/// What a driver offers: the same bytes twice, ids well-formed and unique, everything declared. Returns the steps.
/// `per_step`: repeatable and has_probe depend on the configuration (user commands), so they are not compared.
inline std::vector<Step> offers_well(const driver::Driver& driver, const driver::Offering& offering,
                                     bool per_step = false) {
  SCOPED_TRACE(std::string(driver.name()) + " offers for " + std::string(name_of(offering.kind)));
  const auto once = driver.offer(offering);
  const auto twice = driver.offer(offering);
  EXPECT_EQ(once.has_value(), twice.has_value());
  EXPECT_TRUE(once.has_value()) << (once ? "" : once.error().message);
  if (!once || !twice) return {};
  EXPECT_EQ(once->size(), twice->size());
  std::set<std::string> ids;
  static const std::regex well_formed("[a-z0-9][a-z0-9.-]*");
  const auto verbs = driver.capabilities();
  for (size_t i = 0; i < std::min(once->size(), twice->size()); ++i) {
    const Step& step = (*once)[i];
    SCOPED_TRACE("step " + step.id.str());
    EXPECT_EQ(canonical(to_json(step)), canonical(to_json((*twice)[i])));
    EXPECT_TRUE(std::regex_match(step.id.str(), well_formed));
    EXPECT_TRUE(ids.insert(step.id.str()).second) << "twice";
    EXPECT_FALSE(step.title.empty());
    EXPECT_FALSE(step.hosts.empty());
    for (const std::string& name : step.hosts)
      EXPECT_NE(std::find(offering.hosts.begin(), offering.hosts.end(), name), offering.hosts.end()) << name;
    EXPECT_EQ(step.action.driver, driver.name());
    const auto verb =
        std::find_if(verbs.begin(), verbs.end(), [&](const driver::Verb& v) { return v.name == step.action.verb; });
    EXPECT_NE(verb, verbs.end()) << "verb '" << step.action.verb << "' is not declared";
    if (verb == verbs.end()) continue;
    EXPECT_EQ(step.kind, verb->kind);
    if (!per_step) {
      EXPECT_EQ(step.repeatable, verb->repeatable);
      EXPECT_EQ(step.has_probe, verb->has_probe);
    }
    if (step.undo) {
      EXPECT_EQ(step.undo->driver, driver.name());
      const auto by_name = [&](const driver::Verb& v) { return v.name == step.undo->verb; };
      EXPECT_TRUE(std::any_of(verbs.begin(), verbs.end(), by_name)) << "undo verb '" << step.undo->verb << "'";
    }
    const auto round_trip = step_from_json(to_json(step));
    EXPECT_TRUE(round_trip.has_value() && *round_trip == step) << "does not survive JSON";
  }
  for (const Step& step : *once)
    for (const StepId& need : step.needs) {
      EXPECT_TRUE(ids.count(need.str())) << step.id.str() << " needs " << need.str() << ", which is not its own";
      for (const Step& other : *once)
        if (other.id == need) {
          EXPECT_LE(static_cast<int>(other.phase), static_cast<int>(step.phase)) << step.id.str();
        }
    }
  return *once;
}

}  // namespace backout::conformance
