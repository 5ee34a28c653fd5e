#include "app/signals/gradual.h"

#include <fmt/format.h>

#include <algorithm>
#include <future>

#include "app/signals/following.h"
#include "app/signals/signals.h"
#include "base/text.h"
#include "watch/access_log/access_log.h"

namespace backout::app {
namespace {

constexpr const char* kDriver = "signals";
constexpr Millis kBetweenLooks{1'000};
constexpr Millis kToldLater = watch::kGrace + std::chrono::seconds(1);  // a second, after it is over

bool names_releases(const SignalConfig& signal) {
  const bool counts = signal.kind == "access_log" || signal.kind == "prometheus" || signal.kind == "metrics";
  return counts && !get_string(signal.args, "release").empty();
}

bool is_asked(const Json& args, const std::string& signal) {
  const Json& names = get(args, "signals");
  return std::any_of(names.begin(), names.end(), [&](const Json& name) { return name == signal; });
}

bool asks_by_itself(const SignalConfig& signal) { return signal.kind == "probe" || signal.kind == "run"; }

class SignalsDriver : public driver::Driver {
 public:
  explicit SignalsDriver(const Workspace& workspace) : workspace_(workspace) {}
  std::string_view name() const override { return kDriver; }
  std::vector<driver::Verb> capabilities() const override { return {{"judge", StepKind::kLook, true, true}}; }
  Result<std::vector<Step>> offer(const driver::Offering&) const override { return std::vector<Step>(); }
  Result<Json> observe(const Json&, host::Host&, std::stop_token) const override { return Json::object(); }
  Result<host::Command> command(const Action& action, const host::Host&) const override {
    return Error{Code::kInvalid, "signals: no command for '" + one_line(action.verb) + "'", ""};
  }

  Sight verify(const Action& action, host::Host& host, std::stop_token stop) const override {
    if (action.verb != "judge" || get_string(action.args, "release").empty())
      return Sight::cannot_tell("signals: nothing to look at for '" + one_line(action.verb) + "'");
    const Json& beside = get(action.args, "beside");
    const Action looked{get_string(beside, "driver"), get_string(beside, "verb"), get(beside, "args")};
    const auto driver = workspace_.registry().find(looked.driver);
    if (!driver) return Sight::cannot_tell(one_line(driver.error().message));
    // Whichever of the two has something against it ends both.
    std::stop_source over;
    const std::stop_callback passed_on(stop, [&over] { over.request_stop(); });
    const std::shared_future<Sight> pool = std::async(
        std::launch::async, [&, driver = *driver] { return driver->verify(looked, host, over.get_token()); });
    auto sight = judged(action.args, pool, over.get_token());
    if (!sight || sight->kind != SightKind::kHolds) over.request_stop();
    const Sight of_pool = pool.get();
    if (stop.stop_requested()) return Sight::cannot_tell("stopped while the signals were watched");
    if (of_pool.kind == SightKind::kDoesNotHold) return of_pool;
    if (!sight) return Sight::does_not_hold("the signals: " + one_line(sight.error().message));
    if (sight->kind == SightKind::kHolds && of_pool.kind != SightKind::kHolds) return of_pool;
    sight->why += sight->kind == SightKind::kHolds ? "; " + of_pool.why : "";
    return std::move(*sight);
  }

 private:
  /// `pool`: the look beside it. When it is against the release, nothing more need be seen.
  Result<Sight> judged(const Json& args, const std::shared_future<Sight>& pool, const std::stop_token& stop) const {
    const std::string release = get_string(args, "release");
    const Millis hold(std::max<int64_t>(get_int(args, "hold_ms"), 1'000));
    decide::Watched watched;
    watched.current = release;
    watched.before = get_string(args, "before");
    watched.cutover = system_clock().wall();
    watched.span = hold;
    watched.before_was_well = get_bool(args, "before_was_well");
    const Json judgement = TRY(workspace_.journal().judgement(workspace_.site().id));
    std::map<std::string, int64_t> enough;
    for (const SignalConfig& signal : workspace_.site().signals) {
      if (!is_asked(args, signal.name)) continue;
      watched.signals.push_back(TRY(judged_signal(signal, get(judgement, "habits"))));
      if (watched.signals.back().votes) enough[signal.name] = enough_votes(signal, hold);
    }
    if (watched.signals.size() != get(args, "signals").size())
      return Error{Code::kNotFound, "backout.yaml has other signals than when the plan was made", "plan again"};
    Signals signals = TRY(Signals::open(workspace_, [](const std::string&) { return Json(); }));
    decide::Judge judge(watched);

    const BootTime end = system_clock().boot() + hold + kToldLater;
    std::map<std::string, Blindness> blind;
    std::vector<Evidence> evidence;
    for (bool last = false; !last;) {
      const BootTime now = system_clock().boot();
      last = end - now <= kBetweenLooks;
      if (!system_clock().wait(std::max(Millis(1), std::min(kBetweenLooks, end - now)), stop))
        return Sight::cannot_tell("it was not looked at to the end");
      const watch::Scope scope{watched.current, watched.before, watched.cutover, {}, system_clock().wall()};
      for (Heard& heard : signals.look(scope, last, stop)) {
        if (!is_asked(args, heard.signal)) continue;
        leave_out_the_past(heard.seen, watched.cutover);
        TRY_VOID(judge.feed(heard.signal, heard.seen, scope.now));
        blind[heard.signal].heard(!heard.seen.blind.empty() ? heard.seen.blind : join(heard.blind_on, "; "),
                                  system_clock().boot());
      }
      evidence = judge.evidence(scope.now);
      if (const SignalsSaid said = said_by(evidence); !said.alarm.empty())
        return Sight::does_not_hold(said.alarm, seen_in(evidence));
      if (pool.wait_for(std::chrono::seconds(0)) == std::future_status::ready && pool.get().kind != SightKind::kHolds)
        break;
    }
    return at_the_end(release, hold, evidence, blind, enough);
  }

  /// What a release did when it served earlier decided then. Of the other one it is the measure.
  static void leave_out_the_past(backout::Seen& seen, WallTime began) {
    std::erase_if(seen.observations,
                  [&](const Observation& each) { return each.arm == Arm::kNew && each.second < began; });
    std::erase_if(seen.occurrences, [&](const Occurrence& each) { return each.at < began; });
  }

  static Sight at_the_end(const std::string& release, Millis hold, const std::vector<Evidence>& evidence,
                          const std::map<std::string, Blindness>& blind, const std::map<std::string, int64_t>& enough) {
    const Json seen = seen_in(evidence);
    std::vector<std::string> unseen;
    for (const auto& [signal, each] : blind)
      if (const std::string amiss = each.amiss(); !amiss.empty()) unseen.push_back(signal + " " + one_line(amiss));
    const SignalsSaid said = said_by(evidence);
    if (unseen.empty() && !said.blind.empty()) unseen.push_back(said.blind);
    if (!unseen.empty()) return Sight::does_not_hold("BLIND, and no data is never good: " + join(unseen, "; "), seen);
    if (!said.bad_before.empty()) return Sight::does_not_hold(said.bad_before, seen);
    if (std::string why = too_little(release, hold, evidence, enough); !why.empty())
      return Sight::does_not_hold(std::move(why), seen);
    int64_t votes = 0;
    for (const Evidence& each : evidence)
      if (each.measure == "outcomes") votes += each.votes;
    return Sight::holds(fmt::format("nothing against {} in {}: {} votes", release, for_people(hold), votes), seen);
  }

  static Json seen_in(const std::vector<Evidence>& evidence) {
    Json lines = Json::array();
    for (const Evidence& each : evidence) lines.push_back(line_of(each));
    return {{"signals", std::move(lines)}};
  }

  const Workspace& workspace_;
};

}  // namespace

int64_t enough_votes(const SignalConfig& signal, Millis hold) {
  if (!asks_by_itself(signal)) return kEnoughVotes;
  const int64_t every = std::max<int64_t>(get_int(signal.args, "every_ms", 1'000), 1);
  return std::clamp<int64_t>(hold.count() / every / 2, 1, kEnoughVotes);
}

std::string too_little(const std::string& release, Millis hold, const std::vector<Evidence>& evidence,
                       const std::map<std::string, int64_t>& enough) {
  for (const auto& [signal, wanted] : enough) {
    int64_t votes = 0;
    for (const Evidence& each : evidence)
      if (each.signal == signal && (each.measure == "outcomes" || each.measure == "speeds"))
        votes = std::max(votes, each.votes);
    if (votes >= wanted) continue;
    const std::string saw = votes == 0
                                ? fmt::format("nothing was seen of {}", release)
                                : fmt::format("{} of {} votes that it takes were seen of {}", votes, wanted, release);
    return fmt::format("{}: {} in {}, and no data is never good: is `hold` too short for its share?", one_line(signal),
                       saw, for_people(hold));
  }
  return "";
}

void Blindness::heard(const std::string& why, BootTime now) {
  if (is_blind_) sum_ += now - last_;  // all the time until it was heard again
  last_ = now;
  is_blind_ = !why.empty();
  if (is_blind_) why_ = why;
}

std::string Blindness::amiss() const {
  if (is_blind_) return "at the end: " + why_;
  return sum_ > kMoment ? fmt::format("for {}: {}", for_people(sum_), why_) : "";
}

void add_judging(const Site& site, const Journey& journey, std::vector<Step>& steps) {
  const bool back = journey.kind == RunKind::kRollback;
  Json names = Json::array();
  for (const SignalConfig& signal : site.signals)
    if (!back || names_releases(signal)) names.push_back(signal.name);
  if (names.empty()) return;
  for (Step& step : steps) {
    if (step.action.verb != "steady") continue;
    const Json args = {{"release", journey.to.str()},
                       {"before", journey.from.str()},
                       {"before_was_well", !back},
                       {"hold_ms", get_int(step.action.args, "hold_ms", 30'000)},
                       {"signals", names},
                       {"beside", {{"driver", step.action.driver}, {"verb", "steady"}, {"args", step.action.args}}}};
    step.action = {kDriver, "judge", args};
    step.title += ", and the signals have nothing against it";
    step.hosts = {"local"};
  }
}

std::unique_ptr<driver::Driver> make_signals_driver(const Workspace& workspace) {
  return std::make_unique<SignalsDriver>(workspace);
}

}  // namespace backout::app
