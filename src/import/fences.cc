#include "import/fences.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "import/block.h"

namespace backout::import {
namespace {

struct Run {
  char mark = 0;
  size_t length = 0;
  std::string language;
  bool says_more = false;  // anything behind it: it cannot close
};

/// The fence that a line is, if it is one.
Run run_of(const std::string& line) {
  size_t at = line.find_first_not_of(" \t>");
  if (at != std::string::npos && line[at] != '`' && line[at] != '~') {  // "- ```sh", "1. ```sh"
    const Marks marks = marks_of(line);
    at = marks.element ? marks.length : std::string::npos;
  }
  if (at == std::string::npos || at >= line.size() || (line[at] != '`' && line[at] != '~')) return {};
  Run run{.mark = line[at]};
  const size_t end = std::min(line.find_first_not_of(run.mark, at), line.size());
  run.length = end - at;
  const std::string_view rest = trimmed(std::string_view(line).substr(end));
  if (run.length < 3 || (run.mark == '`' && rest.find('`') != std::string_view::npos)) return {};
  run.says_more = !rest.empty();
  const size_t begins = std::min(rest.find_first_not_of("{."), rest.size());
  for (const char c : rest.substr(begins, 30)) {
    if (c == ' ' || c == '{' || c == '}' || c == ',' || c == ':') break;
    run.language += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return run;
}

bool is_text_language(const std::string& language) {
  return language == "markdown" || language == "md" || language == "text" || language == "txt" ||
         language == "plaintext";
}

bool is_heading(const std::string& line, size_t least) {
  const size_t hashes = std::min(line.find_first_not_of('#'), line.size());
  return hashes >= least && hashes <= 6 && hashes < line.size() && line[hashes] == ' ';
}

class Finder {
 public:
  Finder(const std::vector<Line>& lines, std::vector<Remark>& remarks) : lines_(lines), remarks_(remarks) {
    for (const Line& line : lines) runs_.push_back(run_of(line.text));
  }

  std::vector<Fence> all() {
    std::vector<Fence> found;
    for (size_t at = 0; at < lines_.size(); ++at) {
      if (runs_[at].mark == 0) continue;
      Fence fence = fence_at(at);
      at = fence.closed ? fence.close : fence.close - 1;
      found.push_back(std::move(fence));
    }
    return found;
  }

 private:
  bool closes(size_t at, const Run& open) const {
    const Run& run = runs_[at];
    return run.mark == open.mark && run.length >= open.length && !run.says_more;
  }

  Fence fence_at(size_t open) {
    const Run& run = runs_[open];
    const std::string& line = lines_[open].text;
    Fence fence{.open = open, .language = run.language, .before = line.substr(0, line.find(run.mark))};
    size_t inside = 0, last_close = 0;
    for (size_t at = open + 1; at < lines_.size(); ++at) {
      if (closes(at, run)) {
        last_close = at;
        if (inside == 0) {
          fence.close = at;
          return fence;
        }
        --inside;
      } else if (runs_[at].mark == run.mark && runs_[at].says_more && runs_[at].length >= run.length) {
        if (!is_text_language(run.language)) {
          remark(open, fmt::format("the fence is not closed before the one of line {}", lines_[at].number));
          return ended_before(std::move(fence), at);
        }
        if (inside == 0) remark(at, fmt::format("a fence inside the block of line {}", lines_[open].number));
        ++inside;
      }
    }
    if (last_close != 0) {
      fence.close = last_close;
      return fence;
    }
    remark(open, "the fence is never closed");
    const size_t least = is_text_language(run.language) ? 7 : 2;
    size_t at = open + 1;
    while (at < lines_.size() && !is_heading(lines_[at].text, least)) ++at;
    return ended_before(std::move(fence), at);
  }

  /// An open block without a language ends at the first empty line; one with a language where the other begins.
  Fence ended_before(Fence fence, size_t limit) const {
    size_t at = limit;
    if (fence.language.empty()) {
      at = fence.open + 1;
      while (at < limit && !trimmed(lines_[at].text).empty()) ++at;
    } else if (limit < lines_.size()) {  // words between the two belong to neither
      for (size_t each = fence.open + 1; each < limit; ++each)
        if (is_heading(lines_[each].text, 2)) {
          at = each;
          break;
        }
    }
    while (at > fence.open + 1 && trimmed(lines_[at - 1].text).empty()) --at;
    fence.close = at;
    fence.closed = false;
    return fence;
  }

  void remark(size_t at, std::string words) { remarks_.push_back({lines_[at].number, std::move(words)}); }

  const std::vector<Line>& lines_;
  std::vector<Remark>& remarks_;
  std::vector<Run> runs_;
};

}  // namespace

std::vector<Fence> find_fences(const std::vector<Line>& lines, std::vector<Remark>& remarks) {
  return Finder(lines, remarks).all();
}

}  // namespace backout::import
