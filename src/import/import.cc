#include "import/import.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "import/draft.h"
#include "import/reader.h"
#include "import/source_lines.h"

namespace backout::import {
namespace {

constexpr size_t kLargestDraft = 1'000'000;  // what is larger is no backout.yaml: config/document.cc

std::vector<Open> still_open(const Runbook& runbook, const Placing& placing) {
  std::vector<Open> all;
  std::map<std::string, size_t> known;
  for (size_t at = 0; at < placing.placed.size(); ++at) {
    const Placed& placed = placing.placed[at];
    if (runbook.items[at].kind != Kind::kCommand && placed.to != To::kPeople) continue;
    if (placed.to == To::kCode || placed.to == To::kVersion) continue;  // the version is said to `backout rollback`
    for (const std::string& name : placed.open) {
      const auto [found, is_new] = known.emplace(name, all.size());
      if (is_new) all.push_back({name, {}});
      std::vector<int>& lines = all[found->second].lines;
      if (lines.empty() || lines.back() != runbook.items[at].line) lines.push_back(runbook.items[at].line);
    }
  }
  return all;
}

}  // namespace

Result<Imported> import_runbook(std::string_view bytes, const Options& options) {
  const std::vector<Line> lines = TRY(source_lines(bytes, options.file, kLargestRunbook));
  Imported imported;
  imported.runbook = read_runbook(lines);
  const bool holds_steps =
      std::any_of(imported.runbook.items.begin(), imported.runbook.items.end(),
                  [](const Item& item) { return item.kind != Kind::kText && item.kind != Kind::kSnippet; });
  if (!holds_steps)
    return Error{
        Code::kInvalid,
        one_line(shortened(options.file, 200)) + " is not a runbook: no command, list, checkbox or table is in it",
        "give a Markdown file with the steps of a rollback: backout import RUNBOOK.md"};
  Placing placing = place(imported.runbook, options.fill, options.ways);
  imported.text = draft_of(imported.runbook, placing, {options.file, options.site});
  if (imported.text.size() > kLargestDraft)
    return Error{Code::kInvalid,
                 fmt::format("{} says too much for one backout.yaml: the draft would have {}, and {} are read",
                             one_line(shortened(options.file, 200)), bytes_for_people(imported.text.size()),
                             bytes_for_people(kLargestDraft)),
                 "give a part of it: backout import RUNBOOK.md"};
  imported.open = still_open(imported.runbook, placing);
  imported.placed = std::move(placing.placed);
  imported.ways = std::move(placing.ways);
  return imported;
}

Json to_json(const Imported& imported, const Options& options) {
  Json items = Json::array(), not_placed = Json::array(), open = Json::array(), remarks = Json::array();
  for (size_t at = 0; at < imported.placed.size(); ++at) {
    const Item& item = imported.runbook.items[at];
    const Placed& placed = imported.placed[at];
    Json one = {{"line", item.line}, {"last", item.last},        {"kind", name_of(item.kind)},
                {"text", item.text}, {"to", name_of(placed.to)}, {"off", placed.off}};
    if (placed.phase) one["phase"] = name_of(*placed.phase);
    if (!placed.why.empty()) one["why"] = placed.why;
    if (!placed.danger.empty()) one["destructive"] = placed.danger;
    if (item.section >= 0) one["section"] = imported.runbook.sections[static_cast<size_t>(item.section)].title;
    if (placed.to == To::kUnplaced)
      not_placed.push_back({{"line", item.line}, {"text", item.text}, {"why", placed.why}});
    items.push_back(std::move(one));
  }
  for (const Open& each : imported.open) open.push_back({{"name", each.name}, {"lines", each.lines}});
  for (const Remark& remark : imported.runbook.remarks)
    remarks.push_back({{"line", remark.line}, {"words", remark.words}});
  return {{"format", 1},
          {"file", options.file},
          {"items", std::move(items)},
          {"not_placed", std::move(not_placed)},
          {"open", std::move(open)},
          {"ways", imported.ways},
          {"remarks", std::move(remarks)},
          {"text", imported.text}};
}

}  // namespace backout::import
