// Place: where each item of a runbook goes, and in which phase. Pure.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "import/item.h"
#include "import/known.h"

namespace backout::import {

struct Placed {
  To to = To::kUnplaced;
  std::optional<Phase> phase;
  bool off = false;               // stands in the draft as a comment
  std::string why;                // of `off` and kUnplaced: "another way: Docker Compose", "fill in name, namespace"
  std::string danger;             // what it destroys; empty: nothing
  std::string text;               // the item's, with the values that are known put in
  std::vector<std::string> open;  // names of placeholders that are left in `text`
  Meaning meaning;                // of a command
};

struct Placing {
  std::vector<Placed> placed;                 // one for each item
  std::map<std::string, std::string> values;  // variables that the runbook sets, and those given
  std::vector<std::string> ways;
};
Placing place(const Runbook& runbook, const std::map<std::string, std::string>& fill,
              const std::vector<std::string>& wanted_ways);

}  // namespace backout::import
