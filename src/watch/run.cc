#include "watch/run.h"

#include "base/text.h"
#include "model/site.h"
#include "os/secret.h"
#include "watch/pace.h"

namespace backout::watch {
namespace {

class RunSource : public Source {
 public:
  RunSource(UserCommand command, std::string what, Millis every, host::Host& host)
      : command_(std::move(command)), what_(std::move(what)), pace_(every), host_(host) {}

  Result<Seen> look(const Scope& scope, const Json& position, const std::stop_token& stop) override {
    const int64_t second = to_millis(scope.now) / 1000;
    if (!pace_.is_due(position, scope.now) || second == get_int(position, "asked_ms") / 1000)
      return Pace::nothing_new(position);
    const auto result = run(stop);
    if (stop.stop_requested()) return Pace::nothing_new(position);
    Seen seen = result ? judged(scope, position, *result)
                       : blind(position, fmt::format("{}: {}", what_, result.error().message));
    Pace::asked(seen, scope.now);
    return seen;
  }

 private:
  Result<host::CommandResult> run(const std::stop_token& stop) const {
    host::Command command;
    command.argv = command_.argv;
    command.cwd = command_.cwd;
    command.user = command_.user;
    command.env = command_.env;
    for (const auto& [name, place] : command_.secrets) command.env[name] = TRY(os::secret_at(name, place));
    command.timeout = std::min(command_.timeout, kLongestRun);
    command.output_limit = 64U << 10;
    return host_.run(command, stop);
  }

  Seen judged(const Scope& scope, const Json& position, const host::CommandResult& result) const {
    const bool said = result.ok() || (result.exit_status == 1 && result.signal == 0 && !result.timed_out);
    if (!said) return blind(position, fmt::format("{}: {}", what_, result.why_not_ok()));
    const bool good = result.exit_status == 0;
    Seen seen;
    Observation vote;
    vote.second = second_of(scope.now);
    vote.arm = scope.now < scope.cutover ? Arm::kOld : Arm::kNew;
    vote.outcomes = {{1, good ? 1 : 0, good ? 0 : 1}};
    vote.requests = 1;
    vote.failed = good ? 0 : 1;
    seen.observations.push_back(std::move(vote));
    seen.figures = {{"clients", 1}, {"took_ms", result.took.count()}};
    if (!good) seen.figures["failed"] = told(trimmed(result.out).empty() ? what_ : what_ + ": " + result.out);
    return seen;
  }

  const UserCommand command_;
  const std::string what_;
  const Pace pace_;
  host::Host& host_;
};

}  // namespace

Result<std::unique_ptr<Source>> make_run(const Json& subject, host::Host& host) {
  UserCommand command = TRY(user_command_from_json(get(subject, "run")).with_context("run"));
  std::string what = get_string(subject, "what", join(command.argv, " "));
  return std::unique_ptr<Source>(
      std::make_unique<RunSource>(std::move(command), told(what), Millis(get_int(subject, "every_ms", 10'000)), host));
}

}  // namespace backout::watch
