// Items: what a runbook says, piece by piece, each with its lines. Values; text is sanitised, and as the runbook has
// it.
#pragma once
#include <string>
#include <vector>

namespace backout::import {

struct Line {
  int number = 0;  // from 1
  std::string text;
};

enum class Kind {
  kCommand,   // fenced, inline or bare; with its continuation lines
  kCheckbox,  // "- [ ] done?"
  kBullet,    // an element of a list
  kRow,       // of a table, not its head
  kComment,   // of a block of commands, with no command behind it: something that a person does
  kSnippet,   // a block that is not commands: a message, a template, a piece of a configuration
  kText,      // a paragraph
};
std::string_view name_of(Kind kind);

struct Section {
  int line = 0, level = 0;
  std::string title;  // without markup
  int parent = -1;
};

struct Item {
  Kind kind = Kind::kText;
  int line = 0, last = 0;
  std::string text;                // "\n" between its lines
  std::vector<std::string> cells;  // of a row
  std::vector<std::string> head;   // of its table
  std::string language;            // of its block: "bash", "sql", "powershell"
  int section = -1;                // the nearest heading above
  int block = -1;                  // items of one block of commands, one list or one table share a number
  std::string intro;               // the sentence right above the block: "Only restore if:"
  std::string comment;             // above a command in its block
  std::string expected;            // below it: "Should return 200 OK"
  bool alone = false;              // an inline command inside a sentence: `curl http://...`
};

/// Something about the reading that a person should know: "line 12: ...".
struct Remark {
  int line = 0;
  std::string words;
};

struct Runbook {
  std::string title;
  int lines = 0;
  std::vector<Section> sections;
  std::vector<Item> items;
  std::vector<Remark> remarks;
};

}  // namespace backout::import
