#include "drivers/command/arguments.h"

#include <algorithm>

#include "base/hash.h"
#include "base/text.h"
#include "driver/secrets.h"

namespace backout::drivers {
namespace {

Error invalid(std::string_view key, std::string_view what) {
  return {Code::kInvalid, fmt::format("'{}' {}", key, what), "mend it in backout.yaml, then: backout lint"};
}

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; });
}

bool is_environment_name(std::string_view name) {
  static constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
  return !name.empty() && kLetters.find(name[0]) != std::string_view::npos &&
         name.find_first_not_of(std::string(kLetters) + "0123456789") == std::string_view::npos;
}

Result<void> check_path(std::string_view key, const std::string& path) {
  if (!path.starts_with('/')) return invalid(key, "is not an absolute path: '" + one_line(path) + "'");
  if (has_control(path)) return invalid(key, "has control characters in it");
  if (path.ends_with(' ')) return invalid(key, "ends with a space");
  for (const std::string& part : split(path, '/'))
    if (part == "..") return invalid(key, "has '..' in it: '" + one_line(path) + "'");
  if (path.find_first_not_of('/') == std::string::npos) return invalid(key, "is the root directory");
  return {};
}

}  // namespace

Result<std::string> text_argument(const Json& args, std::string_view key) {
  const Json& member = get(args, key);
  if (!member.is_string()) return invalid(key, member.is_null() ? "is missing" : "is not text");
  std::string text = member.get<std::string>();
  if (text.empty()) return invalid(key, "is empty");
  if (has_control(text)) return invalid(key, "has control characters in it");
  return text;
}

Result<std::string> optional_text_argument(const Json& args, std::string_view key) {
  const Json& member = get(args, key);
  if (member.is_null() || (member.is_string() && member.get<std::string>().empty())) return std::string();
  return text_argument(args, key);
}

Result<std::string> path_argument(const Json& args, std::string_view key) {
  std::string path = TRY(text_argument(args, key));
  TRY_VOID(check_path(key, path));
  while (path.ends_with('/')) path.pop_back();
  return path;
}

Result<std::vector<std::string>> path_list_argument(const Json& args, std::string_view key) {
  std::vector<std::string> paths;
  const Json& list = get(args, key);
  if (list.is_null()) return paths;
  if (!list.is_array()) return invalid(key, "is not a list");
  for (const Json& item : list) {
    if (!item.is_string()) return invalid(key, "has an entry that is not text");
    paths.push_back(item.get<std::string>());
    TRY_VOID(check_path(key, paths.back()));
  }
  return paths;
}

Result<UserCommand> user_command_argument(const Json& value, std::string_view key) {
  if (!value.is_object()) return invalid(key, value.is_null() ? "is missing" : "is not a command");
  auto command = user_command_from_json(value);
  if (!command) return invalid(key, "is not a command: " + command.error().message);
  for (const std::string& word : command->argv)
    if (word.find('\0') != std::string::npos) return invalid(key, "has a zero byte in it");
  if (command->argv.front().empty()) return invalid(key, "begins with an empty word");
  for (const auto& [name, place] : command->secrets)
    if (!is_environment_name(name))
      return invalid(key, "sets an environment variable that cannot be: '" + one_line(name) + "'");
  for (const auto& [name, text] : command->env)
    if (!is_environment_name(name) || text.find('\0') != std::string::npos)
      return invalid(key, "sets an environment variable that cannot be: '" + one_line(name) + "'");
  if (has_control(command->cwd) || has_control(command->user)) return invalid(key, "has control characters in it");
  if (command->user.starts_with('-')) return invalid(key, "names a user that cannot be: '" + command->user + "'");
  if (command->timeout <= Millis(0)) return invalid(key, "has no time to run: timeout is not above 0");
  return std::move(*command);
}

Result<host::Command> command_argument(const Json& args, std::string_view key) {
  UserCommand user = TRY(user_command_argument(get(args, key), key));
  host::Command command;
  command.argv = std::move(user.argv);
  command.cwd = std::move(user.cwd);
  command.env = std::move(user.env);
  TRY_VOID(driver::reveal(user.secrets, command.env));
  command.user = std::move(user.user);
  command.timeout = user.timeout;
  return command;
}

Error no_such_verb(const Action& action, const driver::Driver& driver) {
  return {Code::kInvalid, fmt::format("driver '{}' has no command for '{}'", driver.name(), one_line(action.verb)), ""};
}

}  // namespace backout::drivers
