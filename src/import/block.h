// Blocks: the pieces of a Markdown text, each with its lines: headings, paragraphs, elements of lists, code, rows of
// tables. Two readers make them: markdown.h for texts that are Markdown, flat.h for those that have lost their marks.
#pragma once
#include <string>
#include <vector>

#include "import/item.h"

namespace backout::import {

struct Block {
  enum class Type { kHeading, kText, kElement, kCode, kRow, kSource };
  Type type = Type::kText;
  int first = 0, last = 0;
  int level = 0;                         // of a heading, from 1; of an element, how deep its list is, from 0
  bool ordered = false;                  // an element with a number
  bool checkbox = false;                 // of an element
  bool has_children = false;             // an element with more below it than its own words
  int closes = 0;                        // an element with children: the last line of them
  int group = 0;                         // elements of one list and rows of one table share it
  std::string language;                  // of code; "" when it says none
  std::vector<Line> lines;               // without marks of lists and quotes; of a heading or element without markup
  std::vector<std::string> cells, head;  // of a row
};

/// "**Stop** the [service](x.md)" -> "Stop the service". Code keeps its words; `{{.X}}` and `<TAG>` stay.
std::string without_markup(std::string_view text);
/// The cells of "| a | b |"; a pipe in `code` or behind a backslash is text.
std::vector<std::string> cells_of(std::string_view row);  // the first 64
/// The same for the head of a table: the first 12, each shortened, as every row has them.
std::vector<std::string> head_of(std::string_view row);
bool is_row(std::string_view line);            // begins with a pipe and has another one
bool is_delimiter_row(std::string_view line);  // |---|:--:|

struct Marks {
  size_t length = 0;  // of what stands before the words
  size_t indent = 0;
  bool element = false, ordered = false, checkbox = false;
};
/// What a line has in front: "  - [ ] ".
Marks marks_of(std::string_view line);

}  // namespace backout::import
