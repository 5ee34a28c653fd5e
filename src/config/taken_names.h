// TakenNames: the names of one list of the configuration, each of which can be there once, and come to a word of its
// own in the id of a step. Not thread-safe.
#pragma once
#include <map>
#include <string>

#include "config/findings.h"

namespace backout::config {

class TakenNames {
 public:
  /// `list` as it stands in the file: "services".
  TakenNames(Findings& findings, std::string list) : findings_(findings), list_(std::move(list)) {}

  /// An error at `place` when the name, or the word that a step would have of it, was taken before. An empty name is
  /// another reader's matter.
  void take(const std::string& name, const Place& place, std::string_view next = "give one of them another name");

 private:
  struct Taken {
    std::string name;
    Place place;
  };
  Findings& findings_;
  std::string list_;
  std::map<std::string, Taken> by_word_;
};

}  // namespace backout::config
