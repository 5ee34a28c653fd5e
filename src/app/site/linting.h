// Linting: what is wrong with the rules of a site, found by walking the whole grid of facts; as findings of the file.
#pragma once
#include <vector>

#include "config/config.h"
#include "model/site.h"

namespace backout::app {

/// Warnings about the site's own rules, and about all of its policies together. What is about a shipped policy alone is
/// left out: docs/decide.md tells it. Without any signal, what they collect is not looked at.
std::vector<config::Finding> lint_rules(const Site& site);

}  // namespace backout::app
