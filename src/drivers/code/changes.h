// Changes by hand in a checkout: which tracked files differ, which of them a build is known to write, and what to say
// of those that a run leaves behind.
#pragma once
#include <stop_token>
#include <string>
#include <vector>

#include "driver/driver.h"
#include "drivers/code/facts.h"
#include "host/host.h"

namespace backout::drivers::checkout {

/// The files of the facts `key` ("changed": as git status --porcelain has them), but for args "config" (they go with
/// the release by themselves) and args "ignore" (names and patterns of code.ignore).
std::vector<std::string> files_in(const Facts& facts, std::string_view key, const Json& args, const std::string& path);
/// Whether the build is known to write it: args "known" and args "noted".changed, lists of files.
bool is_known(const Json& args, const std::string& file);

/// "a, b, c", at most ten and how many more.
std::string first_of(const std::vector<std::string>& files);
/// What to type.
std::string get_back(const std::string& path, const std::string& ref, const std::string& file);

/// Sentences about changes that were made by hand to `version` and kept when it was left. None when they cannot be
/// seen.
Json changes_of_before(const std::string& path, const std::string& version, const std::string& user, const Json& args,
                       host::Host& host);
/// Driver::takes_away.
Result<std::vector<std::string>> takes_away(const driver::Offering& offering, host::Host& host, std::stop_token stop);

}  // namespace backout::drivers::checkout
