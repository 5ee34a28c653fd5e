// Document: one YAML text as a tree in which every value knows its place. The only file that knows yaml-cpp.
//
// Guarantees: at most kLargestText bytes are read; aliases are expanded within a bound of values and bytes, so that a
// small file cannot grow large; keys are texts and each stands once in its map; one document a file. Never throws.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/findings.h"

namespace backout::config {

inline constexpr size_t kLargestText = 1U << 20;
inline constexpr size_t kMostValues = 20'000;           // after aliases are expanded
inline constexpr size_t kMostBytes = 4 * kLargestText;  // likewise

struct Entry;

struct Node {
  enum class Kind { kNull, kText, kList, kMap };
  Kind kind = Kind::kNull;
  std::string text;            // kText
  std::vector<Node> items;     // kList
  std::vector<Entry> entries;  // kMap, in the order of the file
  Place place;

  bool is_null() const { return kind == Kind::kNull; }
  bool is_text() const { return kind == Kind::kText; }
  bool is_list() const { return kind == Kind::kList; }
  bool is_map() const { return kind == Kind::kMap; }
  /// The value of a key; null when this is no map or has no such key.
  const Node* find(std::string_view key) const;
  const Entry* entry(std::string_view key) const;
};

struct Entry {
  std::string key;
  Place place;  // of the key
  Node value;
};

/// The tree of `text`, or nothing and at least one error. `file`: the index for places.
std::optional<Node> read_document(const std::string& text, int file, Findings& findings);

/// `over` laid over `base`: maps merge, everything else replaces, an empty value takes away a key that `base` has.
Node merged(Node base, Node over);

}  // namespace backout::config
