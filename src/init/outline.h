// Outline: a draft as the entries of a backout.yaml, with comments; and an overlay of it. Pure.
//
// Guarantees: what this version of backout.yaml does not know (config/keys.h) is written as a comment; so is what was
// not found. Text that YAML cannot hold as it stands is left out and named.
#pragma once
#include <string>
#include <vector>

#include "init/draft.h"
#include "init/facts.h"
#include "init/yaml_text.h"

namespace backout::init {

std::vector<YamlEntry> outline(const Draft& draft, const Facts& facts);

/// Only what `base` (the text of a backout.yaml) says otherwise or not at all, as an overlay for that environment. What
/// `base` says and the outline does not is kept. Nothing but the environment when they agree.
std::vector<YamlEntry> overlay_of(const std::vector<YamlEntry>& outline, const std::string& base,
                                  const std::string& environment);

}  // namespace backout::init
