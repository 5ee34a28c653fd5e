// Reads code.compose: a Docker Compose project.
#pragma once
#include "config/fields.h"

namespace backout::config {

/// Into `code`, whose layout and path are known. Findings where it is said with another layout.
void read_compose(const Reading& reading, const Node& node, CodeConfig& code);

}  // namespace backout::config
