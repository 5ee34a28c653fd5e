// Needs: what drivers and steps need of a host, looked at in one go for each user. The script looks, the rest is pure.
#pragma once
#include <map>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "driver/readiness.h"
#include "host/host.h"

namespace backout::app::ready {

/// What the script says of each need, by its place in the list: "ok", or a word and more. kCorrupt when cut short.
Result<std::map<size_t, std::string>> parse_needs(std::string_view output);

/// Pure: what was seen, as findings. Needs of one kind that are met become one finding; `search_path` is the PATH
/// there.
std::vector<Finding> judge_needs(const std::vector<driver::Need>& needs, const std::map<size_t, std::string>& seen,
                                 const std::string& search_path);

/// Looks at all of them on one host. A user whom we cannot become is a finding of his own.
std::vector<Finding> look_at_needs(const std::vector<driver::Need>& needs, host::Host& host, std::stop_token stop);

/// What a user's command needs before it can begin: its program (of a shell string the first, where that can be said),
/// and the script that an interpreter is given. A
/// relative program is looked for in `cwd`, and not at all when that is relative too (a build, in a directory that is
/// made then).
std::vector<driver::Need> needs_of_command(const std::vector<std::string>& argv, const std::string& cwd,
                                           const std::string& user, const std::string& why);

}  // namespace backout::app::ready
