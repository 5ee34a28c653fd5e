#include "app/watching/log_level.h"

#include "app/history/runs.h"
#include "base/text.h"
#include "driver/secrets.h"
#include "run/lease_keeper.h"

namespace backout::app {
namespace {

enum class Way { kRaise, kPutBack };

Result<host::Command> command_from(const UserCommand& user) {
  host::Command command{
      .argv = user.argv, .cwd = user.cwd, .env = user.env, .user = user.user, .timeout = user.timeout};
  TRY_VOID(driver::reveal(user.secrets, command.env));
  return command;
}

Result<void> act_on(const Workspace& workspace, host::Host& host, int64_t token, Way way) {
  const LogLevelConfig& level = *workspace.site().watch.log_level;
  const bool raise = way == Way::kRaise;
  const host::Guard guard{workspace.site().id.str(), workspace.journal().id(), token};
  TRY_VOID(host.claim(guard));
  const host::Command command = TRY(command_from(raise ? level.raise : level.put_back));
  const host::AttemptId attempt(fmt::format("log-level.{}.{}", raise ? "raise" : "back", random_hex(4)));
  const auto result = host.attempt(guard, attempt, command, [](std::string_view) {}, {});
  (void)host.forget(guard, {});  // only under the lease, and without an unfinished run: nothing else is there
  if (!result) return result.error();
  if (!result->ok()) return Error{Code::kUnavailable, one_line(result->why_not_ok()), ""};
  if (!level.probe) return {};
  const auto seen = TRY(host.run(TRY(command_from(*level.probe))));
  const int expected = raise ? 0 : 1;
  if (seen.signal != 0 || seen.timed_out || seen.exit_status != expected)
    return Error{Code::kUnavailable, fmt::format("its probe says that it is not {}", raise ? "raised" : "put back"),
                 ""};
  return {};
}

Result<void> act(const Workspace& workspace, int64_t token, Way way) {
  for (const std::string& name : hosts_of(workspace.site(), workspace.site().watch.log_level->hosts))
    TRY_VOID(act_on(workspace, *workspace.hosts().at(name), token, way).with_context("log level on " + name));
  return {};
}

Result<void> say(const Workspace& workspace, int64_t token, const std::string& state, WallTime until,
                 const std::string& why) {
  TRY(workspace.journal().append(
      workspace.site().id, token,
      {{EventType::kLogLevel, {{"state", state}, {"until_ms", to_millis(until)}, {"why", one_line(why)}}}}));
  return {};
}

bool is_raised(const Json& level) {
  const std::string state = get_string(level, "state");
  return state == "raising" || state == "raised";
}

Result<std::unique_ptr<run::LeaseKeeper>> take_site(const Workspace& workspace, const std::string& doing) {
  if (const auto run = TRY(unfinished(workspace)))
    return Error{Code::kBusy, fmt::format("{} is unfinished: the log level is left as it is", run->id),
                 "backout status"};
  return run::LeaseKeeper::take(workspace.journal(), workspace.site().id, doing, {});
}

Result<void> put_back_under(const Workspace& workspace, int64_t token, const std::string& why) {
  if (!workspace.site().watch.log_level)
    return Error{Code::kNotFound,
                 "the log level may be raised, and backout.yaml does not say any more how to put it back",
                 "put it back by hand, and write watch.log_level again"};
  const auto done = act(workspace, token, Way::kPutBack);
  if (done) return say(workspace, token, "normal", {}, why);
  TRY_VOID(say(workspace, token, "raised", {}, "could not be put back: " + done.error().message));
  return done.error();
}

}  // namespace

Result<void> raise_log_level(const Workspace& workspace, WallTime until, const std::string& why) {
  if (!workspace.site().watch.log_level) return {};
  const Json level = TRY(workspace.journal().log_level(workspace.site().id));
  if (get_string(level, "state") == "raised" && get_int(level, "until_ms") >= to_millis(until)) return {};
  const auto lease = TRY(take_site(workspace, "raising the log level"));
  TRY_VOID(say(workspace, lease->token(), "raising", until, why));
  TRY_VOID(act(workspace, lease->token(), Way::kRaise));
  return say(workspace, lease->token(), "raised", until, why);
}

Result<bool> put_log_level_back(const Workspace& workspace, bool now, const std::string& why) {
  const SiteId& site = workspace.site().id;
  const Json level = TRY(workspace.journal().log_level(site));
  if (!is_raised(level)) return false;
  if (get_bool(TRY(workspace.journal().watch(site)), "open")) return false;
  if (!now && system_clock().wall() < wall_from_millis(get_int(level, "until_ms"))) return false;
  const auto lease = TRY(take_site(workspace, "putting the log level back"));
  TRY_VOID(put_back_under(workspace, lease->token(), why));
  return true;
}

void settle_log_level(const Workspace& workspace, int64_t token) {
  const auto level = workspace.journal().log_level(workspace.site().id);
  const auto watch = workspace.journal().watch(workspace.site().id);
  if (!level || !watch || !is_raised(*level) || get_bool(*watch, "open")) return;
  (void)put_back_under(workspace, token, "a run ended");
}

}  // namespace backout::app
