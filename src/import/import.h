// Import: a rollback runbook in Markdown to a draft of backout.yaml. Pure; nothing of the runbook is run or looked for.
//
// Guarantees: every command, checkbox, list item, table row and block of text of the runbook is one Item, and its words
// stand in the draft: as a value, in a comment, or in the list of what could not be placed. The draft has no error in
// it, whatever the runbook says. Time and output are bounded by the size of the input (see kLargestRunbook).
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "import/item.h"
#include "import/place.h"

namespace backout::import {

inline constexpr size_t kLargestRunbook = 4U << 20;

struct Options {
  std::string file = "runbook.md";          // for messages and comments
  std::map<std::string, std::string> fill;  // values for placeholders, by name: "name" for [name], <NAME>, ${name}
  std::vector<std::string> ways;            // of several ways to one end: those whose titles contain one of these
  std::string site;                         // the site's name; empty: made from the title or the file's name
};

/// A placeholder that is still to be filled.
struct Open {
  std::string name;
  std::vector<int> lines;
};

struct Imported {
  std::string text;  // of backout.yaml
  Runbook runbook;
  std::vector<Placed> placed;  // one for each item of the runbook, in its order
  std::vector<Open> open;
  std::vector<std::string> ways;  // titles of which one was taken and the others are comments; "taken: a; left: b"
};

/// kInvalid, with what it is and what to give instead: not text, empty, too large, a program's source, nothing of a
/// runbook in it.
Result<Imported> import_runbook(std::string_view bytes, const Options& options = {});

/// {format, file, items: [{line, last, kind, text, phase?, to, off, why}], not_placed, open, ways, remarks, text}.
Json to_json(const Imported& imported, const Options& options);

}  // namespace backout::import
