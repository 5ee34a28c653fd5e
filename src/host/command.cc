#include "base/text.h"
#include "host/host.h"
#include "os/process.h"

namespace backout::host {

Json to_json(const Command& command) {
  Json value = {{"argv", Json::array()}};
  for (const std::string& word : command.argv) value["argv"].push_back(sanitised(word));
  if (!command.cwd.empty()) value["cwd"] = sanitised(command.cwd);
  if (!command.user.empty()) value["user"] = sanitised(command.user);
  for (const auto& [name, secret] : command.env) value["env"].push_back(sanitised(name));
  if (!command.stdin_text.empty()) value["stdin_bytes"] = command.stdin_text.size();
  value["timeout_ms"] = command.timeout.count();
  return value;
}

Command shell(std::string script, std::vector<std::string> arguments) {
  Command command;
  command.argv = {"/bin/sh", "-c", std::move(script), "sh"};
  for (std::string& argument : arguments) command.argv.push_back(std::move(argument));
  return command;
}

std::string CommandResult::why_not_ok() const {
  os::ProcessResult same;
  same.exit_status = exit_status;
  same.signal = signal;
  same.timed_out = timed_out;
  same.cancelled = cancelled;
  same.err = err;
  same.took = took;
  return same.why_not_ok();
}

}  // namespace backout::host
