// Danger: commands that destroy what cannot be had back by running another one. Pure.
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace backout::import {

/// What is destroyed, in words: "drops a database". Nothing when none of the known ways is used.
std::optional<std::string> danger_of(std::string_view command);

}  // namespace backout::import
