// What became of each line of the runbook, as comments.
#include <fmt/format.h>

#include <functional>

#include "base/text.h"
#include "import/draft.h"

namespace backout::import {
namespace {

constexpr size_t kWidth = 100;

/// `text` in lines of at most kWidth bytes, cut between characters, at a space where there is one.
std::vector<std::string> wrapped(const std::string& text) {
  std::vector<std::string> lines;
  for (const std::string& whole : split(text, '\n')) {
    std::string_view rest = whole;
    while (rest.size() > kWidth) {
      size_t end = rest.substr(0, kWidth).rfind(' ');
      if (end == std::string_view::npos || end < kWidth / 2) {
        end = kWidth;
        while (end > 0 && (rest[end] & 0xC0) == 0x80) --end;
      }
      lines.emplace_back(rest.substr(0, end));
      rest.remove_prefix(end);
      if (rest.starts_with(' ')) rest.remove_prefix(1);
    }
    lines.emplace_back(rest);
  }
  return lines;
}

class Ledger {
 public:
  Ledger(const Runbook& book, const Placing& placing) : book_(book), placing_(placing) {}

  std::string take() {
    text_ = "\n# What the runbook says, by its lines, and what became of it.\n";
    const auto is = [](To to) { return [to](const Placed& placed) { return placed.to == to; }; };
    group("Not placed: look at these, and decide", is(To::kUnplaced), false);
    group(
        "Done by a person",
        [](const Placed& placed) { return (placed.to == To::kHand || placed.to == To::kStop) && !placed.off; }, true);
    group(
        "In comments above or only here: to be filled in, another way, or destructive",
        [](const Placed& placed) { return placed.off; }, true);
    group(
        "Done by what stands above, or by backout itself",
        [](const Placed& placed) {
          return !placed.off && (placed.to <= To::kVersion || placed.to == To::kHosts || placed.to == To::kSet);
        },
        true);
    group("When to go back", is(To::kRules), false);
    group(
        "People", [](const Placed& placed) { return placed.to == To::kPeople && !placed.off; }, false);
    group("Messages", is(To::kMessage), false);
    group("For the report", is(To::kReport), false);
    group("Advice and background", is(To::kNote), false);
    group("Said a second time", is(To::kRepeat), false);
    size_t sentences = 0;
    for (const Placed& placed : placing_.placed) sentences += placed.to == To::kText ? 1 : 0;
    if (sentences > 0)
      text_ += fmt::format("#\n# {} between them {} not repeated here: backout import -o json has all.\n",
                           counted(static_cast<int64_t>(sentences), "sentence"), sentences == 1 ? "is" : "are");
    return std::move(text_);
  }

 private:
  void group(const std::string& title, const std::function<bool(const Placed&)>& takes, bool by_phase) {
    bool any = false;
    const auto put = [&](std::optional<Phase> phase, bool all) {
      bool named = false;
      int section = -2, table = 0;
      for (size_t at = 0; at < placing_.placed.size(); ++at) {
        const Placed& placed = placing_.placed[at];
        if (!takes(placed) || (!all && placed.phase != phase)) continue;
        if (!any) text_ += "#\n# " + title + "\n";
        any = true;
        if (!all && phase && !named) text_ += fmt::format("#   {}\n", name_of(*phase));
        named = true;
        section_of(book_.items[at].section, section);
        head(book_.items[at], table);
        item(book_.items[at], placed);
      }
    };
    if (!by_phase) return put(std::nullopt, true);
    put(std::nullopt, false);
    for (const Phase phase : kPhases) put(phase, false);
  }

  void section_of(int section, int& last) {
    if (section == last) return;
    last = section;
    if (section < 0) return;
    const std::string title = shortened(one_line(book_.sections[static_cast<size_t>(section)].title), 90);
    if (!title.empty()) text_ += fmt::format("#     [{}]\n", title);
  }

  /// The names of a table's columns, once.
  void head(const Item& item, int& table) {
    if (item.kind != Kind::kRow || item.block == table || item.head.empty()) return;
    table = item.block;
    text_ += fmt::format("#          {}\n", one_line(join(item.head, " | ")));
  }

  void item(const Item& item, const Placed& placed) {
    const bool key = placed.to <= To::kVersion && !placed.off;
    std::string words = (key ? std::string(name_of(placed.to)) + ": " : std::string()) + item.text;
    if (placed.to == To::kStop) words = "stop: " + words;
    std::vector<std::string> behind;
    if (!placed.why.empty()) behind.push_back(placed.why);
    if (!placed.danger.empty() && placed.why.find(placed.danger) == std::string::npos)
      behind.push_back("DESTRUCTIVE: " + placed.danger);
    else if (!placed.danger.empty())
      behind.emplace_back("DESTRUCTIVE");
    if (!behind.empty()) words += fmt::format("   ({})", join(behind, "; "));
    if (!item.comment.empty()) words += "\n" + item.comment;
    if (!item.expected.empty()) words += "\n" + item.expected;
    bool first = true;
    for (const std::string& line : wrapped(sanitised(words))) {
      text_ += first ? fmt::format("#   {:>5}  {}", item.line, line) : fmt::format("#          {}", line);
      while (text_.ends_with(' ')) text_.pop_back();
      text_ += '\n';
      first = false;
    }
  }

  const Runbook& book_;
  const Placing& placing_;
  std::string text_;
};

}  // namespace

std::string ledger_of(const Runbook& runbook, const Placing& placing) { return Ledger(runbook, placing).take(); }

}  // namespace backout::import
