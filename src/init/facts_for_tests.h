// Facts for tests, as gather() would have read them for a project in /srv/shop.
#pragma once
#include <algorithm>

#include "init/facts.h"

namespace backout::init {

inline Facts facts_for_tests(std::map<std::string, std::string> project = {}) {
  Facts facts;
  facts.directory = facts.code = "/srv/shop";
  facts.project = std::move(project);
  for (const auto& [path, text] : facts.project) facts.tree.push_back(path);
  std::sort(facts.tree.begin(), facts.tree.end());
  return facts;
}

}  // namespace backout::init
