// Types of columns as format_type prints them: which rule of the columns holds between two of them. Pure.
#pragma once
#include <string_view>

namespace backout::schema::postgresql {

/// The name of a rule, empty when the types are the same.
std::string_view rule_of_types(std::string_view wanted, std::string_view there);

}  // namespace backout::schema::postgresql
