#include "drivers/services/process.h"

#include "base/text.h"
#include "driver/secrets.h"
#include "drivers/services/process_scripts.h"
#include "drivers/services/serves.h"
#include "drivers/services/service_ready.h"
#include "drivers/services/steps.h"

namespace backout::drivers {
namespace {

struct Process {
  Service service;
  std::vector<std::string> start;
  std::string cwd, log, user;
  std::map<std::string, std::string> env, secrets;
};

Result<Process> process_from(const Json& args, std::string_view host) {
  Process process;
  process.service = TRY(service_from(args, host));
  process.start = TRY(argv_from(args, "start").with_context(process.service.name));
  process.cwd = get_string(args, "cwd");
  process.log = get_string(args, "log");
  process.user = get_string(args, "user");
  process.service.at.pidfile = get_string(args, "pidfile");
  process.service.at.user = process.user;
  for (const auto& [key, value] : {std::pair("log", &process.log), std::pair("pidfile", &process.service.at.pidfile)})
    if (!value->starts_with('/'))
      return Error{Code::kInvalid, fmt::format("{}: '{}' must be an absolute path", process.service.name, key), ""};
  if (!process.cwd.empty() && !process.cwd.starts_with('/'))
    return Error{Code::kInvalid, process.service.name + ": 'cwd' must be an absolute path", ""};
  if (const Json& env = get(args, "env"); env.is_object())
    for (const auto& [key, value] : env.items()) {
      if (!value.is_string())
        return Error{Code::kInvalid, fmt::format("{}: env.{} must be a text", process.service.name, key), ""};
      process.env[key] = value.get<std::string>();
    }
  process.secrets = TRY(driver::secret_places(get(args, "secrets")).with_context(process.service.name));
  return process;
}

Expected expected_of(const Process& process, const Look& seen) {
  Expected expected{.name = process.service.name, .at = process.service.at};
  // Without a port only its age tells a process that serves from one that is about to crash.
  expected.min_age = process.service.at.port == 0 ? 1'000'000 : 0;
  if (const ProcessSeen* main = seen.named_by_pidfile()) {
    expected.main = main->pid;
    expected.family = seen.family(main->pid);
  } else if (seen.pidfile && seen.pidfile->started_ticks && seen.pidfile->boot == seen.boot && seen.pidfile->pid > 1 &&
             seen.living(seen.pidfile->pid) == nullptr) {
    expected.family = seen.family(seen.pidfile->pid);  // the leader is dead, its session may live
  }
  return expected;
}

std::string why_not_running(const Process& process, const Look& seen) {
  const std::string& name = process.service.name;
  if (!seen.pidfile) return fmt::format("{} is not running: there is no {}", name, process.service.at.pidfile);
  if (seen.living(seen.pidfile->pid) == nullptr)
    return fmt::format("{} is not running: pid {} is gone", name, seen.pidfile->pid);
  return fmt::format("{} is not running: pid {} is another process by now", name, seen.pidfile->pid);
}

/// A pidfile that another program wrote, or nobody since a crash, may name an innocent process: a stop would end it.
/// When the port is held by others only, it does. Says so; empty otherwise.
std::string names_a_stranger(const Process& process, const Look& seen, const Expected& expected) {
  if (!seen.pidfile || seen.pidfile->started_ticks || expected.main == 0) return "";
  std::set<int64_t> holders;
  for (const Listener& listener : seen.listeners) holders.insert(listener.holders.begin(), listener.holders.end());
  if (holders.empty() ||
      std::any_of(holders.begin(), holders.end(), [&](int64_t holder) { return expected.family.contains(holder); }))
    return "";
  return fmt::format("{}: {} names pid {}, but port {} is held by pid {}", process.service.name,
                     process.service.at.pidfile, expected.main, process.service.at.port, *holders.begin());
}

class ProcessDriver : public driver::Driver {
 public:
  std::string_view name() const override { return "process"; }
  std::vector<driver::Verb> capabilities() const override { return service_verbs(); }

  Result<std::vector<Step>> offer(const driver::Offering& offering) const override {
    const Process process = TRY(process_from(offering.subject, ""));
    return service_steps(offering, name(), process.service);
  }

  Result<Json> observe(const Json& subject, host::Host& host, std::stop_token stop) const override {
    const Process process = TRY(process_from(subject, host.name().str()));
    const Look seen = TRY(look(process.service.at, host, stop).with_context(process.service.name));
    if (!seen.unreadable.empty()) return Error{Code::kDenied, "cannot read " + seen.unreadable, ""};
    const Expected expected = expected_of(process, seen);
    if (const std::string stranger = names_a_stranger(process, seen, expected); !stranger.empty())
      return Error{Code::kRefused, stranger, "write the right pid into it, or end what should not be there"};
    Json facts = stable_facts(seen, expected);
    facts["seen_at"] = seen.now;
    return facts;
  }

  Result<host::Command> command(const Action& action, const host::Host& host) const override {
    const Process process = TRY(process_from(action.args, host.name().str()));
    const Service& service = process.service;
    host::Command command;
    if (action.verb == "stop") {
      command = host::shell(stop_process_script(), {service.at.pidfile, std::to_string(service.drain.count()),
                                                    std::to_string(service.at.port)});
      command.timeout = service.drain + Millis(25'000);
    } else if (action.verb == "start" && service.leave_down) {
      command = host::shell("echo '{\"was\": \"found not running, left so\"}'");
    } else if (action.verb == "start") {
      std::vector<std::string> arguments = {service.at.pidfile,
                                            process.log,
                                            process.cwd,
                                            std::to_string(service.drain.count()),
                                            std::to_string(service.at.port),
                                            std::to_string(service.startup.count())};
      arguments.insert(arguments.end(), process.start.begin(), process.start.end());
      command = host::shell(start_process_script(), std::move(arguments));
      command.env = process.env;
      TRY_VOID(driver::reveal(process.secrets, command.env).with_context(process.service.name));
      command.timeout = service.drain + service.startup + Millis(30'000);
    } else {
      return Error{Code::kInvalid, "process: no command for '" + action.verb + "'", ""};
    }
    command.user = process.user;
    return command;
  }

  driver::Readiness ready(const driver::Offering& offering, host::Host& host, driver::Depth,
                          std::stop_token) const override {
    return process_readiness(offering, host.name().str());
  }

  Sight verify(const Action& action, host::Host& host, std::stop_token stop) const override {
    const auto process = process_from(action.args, host.name().str());
    if (!process) return Sight::cannot_tell(process.error().message);
    const bool stopping = action.verb == "stop";
    if (!stopping && action.verb != "start" && action.verb != "serves")
      return Sight::cannot_tell("process: nothing to look at for '" + action.verb + "'");
    if (action.verb == "start" && process->service.leave_down)
      return Sight::holds(process->service.name + " was found not running and is left so");
    const auto seen = look(process->service.at, host, stop);
    if (!seen) return Sight::cannot_tell(seen.error().message);
    if (!seen->unreadable.empty()) return Sight::cannot_tell("cannot read " + seen->unreadable);
    const Expected expected = expected_of(*process, *seen);
    if (stopping) return judge_stopped(*seen, expected);
    if (expected.main == 0) return Sight::does_not_hold(why_not_running(*process, *seen));
    if (seen->pidfile && seen->pidfile->stopping)
      return Sight::does_not_hold(fmt::format("{}: pid {} has been told to stop", expected.name, expected.main));
    return judge_serving(*seen, expected);
  }
};

}  // namespace

std::unique_ptr<driver::Driver> make_process_driver() { return std::make_unique<ProcessDriver>(); }

}  // namespace backout::drivers
