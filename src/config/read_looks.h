// The forms of checks that look at a host: {log}, {journal}, {resources}. read_checks gives them name, hosts, patience.
#pragma once
#include "config/fields.h"

namespace backout::config {

CheckConfig log_check(const Reading& reading, const Node& node, bool journal);
CheckConfig resources_check(const Reading& reading, const Node& node);

}  // namespace backout::config
