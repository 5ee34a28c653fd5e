// Names of enum values, both ways, from one table per enum.
#pragma once
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace backout {

template <class E, size_t N>
using NameTable = std::array<std::pair<E, std::string_view>, N>;

template <class E, size_t N>
std::string_view name_in(const NameTable<E, N>& table, E value) {
  for (const auto& [candidate, name] : table)
    if (candidate == value) return name;
  BACKOUT_CHECK(false, "an enum value without a name");
}

template <class E, size_t N>
Result<E> value_in(const NameTable<E, N>& table, std::string_view name, std::string_view what) {
  for (const auto& [value, candidate] : table)
    if (candidate == name) return value;
  return Error{Code::kCorrupt, "unknown " + std::string(what) + " '" + std::string(name) + "'", ""};
}

}  // namespace backout
