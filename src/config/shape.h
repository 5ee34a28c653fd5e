// Shape: does a document keep to the table of keys? Unknown keys with the nearest right one, wrong types with an
// example, and a warning for every key whose part is not built yet. What the values mean together is lint.h's.
#pragma once
#include <string_view>

#include "config/document.h"

namespace backout::config {

void check_shape(const Node& root, Findings& findings);

/// The form ("systemd") of an element of the list at `path` ("services[]"), or empty when none or several fit.
std::string_view form_of(std::string_view path, const Node& element);

/// Strict readers of scalars; empty when the text is not one.
std::optional<long> whole_of(std::string_view text);
std::optional<bool> flag_of(std::string_view text);

}  // namespace backout::config
