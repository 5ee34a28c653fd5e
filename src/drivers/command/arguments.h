// Arguments: reads a driver's JSON (subjects, action arguments) and says clearly what is wrong with it. Pure, never
// throws; every error is kInvalid.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "driver/driver.h"
#include "host/host.h"
#include "model/site.h"

namespace backout::drivers {

/// Text that is there, is not empty and has no control characters.
Result<std::string> text_argument(const Json& args, std::string_view key);
/// The same, or empty when the key is missing.
Result<std::string> optional_text_argument(const Json& args, std::string_view key);
/// An absolute path without control characters, without "..", and not "/" itself.
Result<std::string> path_argument(const Json& args, std::string_view key);
Result<std::vector<std::string>> path_list_argument(const Json& args, std::string_view key);

/// A user's command as the host runs it, with its secrets. Words and values are data and may hold any byte but NUL;
/// names in env are names.
Result<host::Command> command_argument(const Json& args, std::string_view key);
/// As the user wrote it.
Result<UserCommand> user_command_argument(const Json& value, std::string_view key);

/// "driver 'x' has no verb 'y'".
Error no_such_verb(const Action& action, const driver::Driver& driver);

}  // namespace backout::drivers
