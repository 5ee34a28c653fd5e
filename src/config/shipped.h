// Policies that come with backout: src/config/policies/*.yaml, built into the program.
#pragma once
#include <span>
#include <string_view>

namespace backout::config {

struct ShippedPolicy {
  std::string_view name;  // "obcms"
  std::string_view text;  // of its file, with its lines as messages cite them
};
/// Sorted by name.
std::span<const ShippedPolicy> shipped_policies();

}  // namespace backout::config
