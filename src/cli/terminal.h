// Terminal: how text is laid out for a person. Words before colours: a colour only repeats what the words say, so that
// the same text is right in a pipe, in a log, for the colour-blind and with NO_COLOR.
//
// Layout functions take text from anywhere: they sanitise it, and they measure columns of a terminal, not bytes. They
// do not write; printing is the command's. Pure, except for what asks a file descriptor or the environment.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace backout::cli {

// --- What the terminal can do -------------------------------------------------------------------------------------

/// Colours are for a terminal that is not "dumb", unless --no-color or a NO_COLOR that is not empty. Null: not set.
bool wants_colour(bool is_terminal, bool no_color_flag, const char* no_color, const char* term);
/// Does the locale write UTF-8? The first of LC_ALL, LC_CTYPE, LANG that is not empty decides.
bool wants_unicode(const char* lc_all, const char* lc_ctype, const char* lang);

enum class Tone { kPlain, kStrong, kDim, kGood, kBad, kWarning };
enum class Mark { kDone, kFailed, kRunning, kUnknown };

class Style {
 public:
  Style(bool colour, bool unicode) : colour_(colour), unicode_(unicode) {}
  /// `text` in a tone; `text` itself without colours.
  std::string in(Tone tone, std::string_view text) const;
  /// "✓ save", "✗ start", "▸ start", "? start"; in ASCII "+ x > ?". The word is never left out.
  std::string mark(Mark mark, std::string_view word) const;
  bool colour() const { return colour_; }

 private:
  bool colour_, unicode_;
};

/// For what is printed to `descriptor`, from the environment.
Style style_for(int descriptor, bool no_color_flag);
/// Columns of the terminal behind `descriptor`; 100 when it is none, so that pipes get the same lines everywhere.
size_t columns_of(int descriptor);

// --- Layout -------------------------------------------------------------------------------------------------------

/// Columns that a terminal gives to `text`: 2 for wide characters, 0 for combining ones and for colour sequences of
/// ours.
size_t display_width(std::string_view text);
/// `text` with spaces up to `width` columns, on its right or its left. Longer text stays whole.
std::string padded(std::string_view text, size_t width, bool to_the_right = false);
/// At most `width` columns, never cut inside a character; ends in "..." when cut.
std::string cut_to(std::string_view text, size_t width);
/// Words on lines of at most `width` columns, without a newline at the end; a longer word has a line of its own.
std::vector<std::string> wrapped(std::string_view text, size_t width);

/// Rows under titles. Columns are as wide as their widest cell, two spaces apart; numbers stand to the right.
class Table {
 public:
  struct Column {
    std::string title;
    bool to_the_right = false;
  };
  struct Cell {
    std::string text;
    Tone tone = Tone::kPlain;
  };
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  /// Missing cells are empty, further ones are left out.
  void add(std::vector<Cell> row);
  bool empty() const { return rows_.empty(); }
  /// Each line ends in a newline and begins with `indent` spaces. When it does not fit, the last column is cut, but
  /// never below 12 columns. No row: no text, not even the titles.
  std::string text(const Style& style, size_t columns, size_t indent = 2) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<Cell>> rows_;
};

/// "  now        v2.4.0   deployed 41 min ago": keys aligned, values wrapped below themselves.
std::string key_values(const std::vector<std::pair<std::string, std::string>>& pairs, size_t columns,
                       size_t indent = 2);

/// "just now", "41 min ago", "3 h ago", "6 days ago"; "in 5 min" for what is to come.
std::string relative(WallTime when, WallTime now);

}  // namespace backout::cli
