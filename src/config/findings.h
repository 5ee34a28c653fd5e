// Findings: everything that is wrong or worth saying about a configuration, each with its place. All are collected;
// reading goes on after an error with the defaults. Not thread-safe: one per reading.
#pragma once
#include <string>
#include <vector>

#include "config/config.h"

namespace backout::config {

/// Where something stands. line and column count from 1 (columns in characters); 0: about the whole file.
struct Place {
  int file = 0;  // index into the files of this reading: 0 is backout.yaml, 1 its overlay
  int line = 0, column = 0;
};

class Findings {
 public:
  explicit Findings(std::vector<std::string> files) : files_(std::move(files)) {}
  /// Messages are made safe to print: they quote the user's file.
  void error(const Place& place, std::string_view message, std::string_view next = "");
  void warning(const Place& place, std::string_view message, std::string_view next = "");
  /// One more file that is read: its index for places.
  int add_file(std::string name);
  /// Of a file that was added; 0, backout.yaml, for any other name.
  int index_of(const std::string& name) const;
  const std::string& file(int index) const { return files_[static_cast<size_t>(index)]; }
  /// "line 7", or "backout.staging.yaml line 7" when the overlay is meant.
  std::string in_words(const Place& place) const;
  /// In the order of the files, each finding once. Call once.
  std::vector<Finding> take();

 private:
  void add(Severity severity, const Place& place, std::string_view message, std::string_view next);
  struct Placed {
    Place place;
    Finding finding;
  };
  std::vector<std::string> files_;
  std::vector<Placed> all_;
};

}  // namespace backout::config
