#include "drivers/code/build.h"

#include "base/hash.h"
#include "base/text.h"
#include "drivers/command/arguments.h"

namespace backout::drivers {

Result<Build> build_of(const Json& commands, const std::string& user) {
  Build build;
  std::vector<std::string> settings;  // of each command, in front of its line
  std::string carriers;               // of all commands: none is there when one of them runs
  if (commands.is_null()) return build;
  if (!commands.is_array()) return Error{Code::kInvalid, "'build' is not a list of commands", ""};
  for (const Json& item : commands) {
    const size_t number = build.lines.size() + 1;
    const UserCommand command = TRY(user_command_argument(item, fmt::format("build command {}", number)));
    if (!command.user.empty() && command.user != user)
      return Error{Code::kUnsupported,
                   fmt::format("build command {} wants to run as '{}'", number, one_line(command.user)),
                   "one user fetches and builds: say it once, in code.source.user"};
    std::string& setting = settings.emplace_back();
    const auto carry = [&](const std::map<std::string, std::string>& from, std::map<std::string, std::string>& to) {
      for (const auto& [name, value] : from) {
        const std::string carrier = fmt::format("BACKOUT_BUILD_{}_{}", number, name);
        to[carrier] = value;
        carriers += " " + carrier;
        setting += fmt::format("{0}=\"${1}\"; export {0}; ", name, carrier);
      }
    };
    carry(command.env, build.env);
    carry(command.secrets, build.secrets);
    std::string line;
    if (!command.cwd.empty()) line += "cd -- " + shell_quoted(command.cwd) + " || exit; ";
    line += "exec";
    for (const std::string& word : command.argv) line += " " + shell_quoted(word);
    build.lines.push_back(std::move(line));
    build.timeout += command.timeout;
  }
  if (!carriers.empty()) carriers = "unset" + carriers + "; ";
  for (size_t i = 0; i < build.lines.size(); ++i) build.lines[i].insert(0, settings[i] + carriers);
  if (!build.empty()) build.digest = sha256_hex(canonical(commands)).substr(0, 16);
  return build;
}

}  // namespace backout::drivers
