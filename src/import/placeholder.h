// Placeholders: what a runbook leaves to be filled in: [name], <TAG>, ${SITE}, {{ version }}, /path/to, YYYY-MM-DD.
// Not {{.Repository}}, %{http_code}, ${VAR:-x}, [X], [0-9], arr[i], <br> or awk '{print $1}'. Pure.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace backout::import {

struct Placeholder {
  size_t at = 0, length = 0;  // in the text
  std::string name;           // "name", "TAG", "SITE"
};
/// In order, not overlapping. Linear in the text.
std::vector<Placeholder> placeholders_in(std::string_view text);

/// `text` with what `values` has, and the names of what is left.
std::string filled(std::string_view text, const std::map<std::string, std::string>& values,
                   std::vector<std::string>& left);

}  // namespace backout::import
