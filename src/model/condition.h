// Condition: something that must be so before a thing is done again, and whether it is known to be.
#pragma once
#include <string>
#include <vector>

#include "base/json.h"

namespace backout {

struct Condition {
  std::string what;
  bool met = false;
};

inline Json to_json(const std::vector<Condition>& conditions) {
  Json list = Json::array();
  for (const Condition& each : conditions) list.push_back({{"what", each.what}, {"met", each.met}});
  return list;
}

inline std::vector<Condition> conditions_from_json(const Json& list) {
  std::vector<Condition> conditions;
  if (list.is_array())
    for (const Json& each : list) conditions.push_back({get_string(each, "what"), get_bool(each, "met")});
  return conditions;
}

}  // namespace backout
