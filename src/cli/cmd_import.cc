#include <fmt/format.h>

#include <cstdio>

#include "app/setup/importing.h"
#include "base/text.h"
#include "cli/failure.h"
#include "cli/opened.h"

namespace backout::cli {
namespace {

constexpr size_t kMostShown = 200;

std::string lines_in_words(const std::vector<int>& lines) {
  std::vector<std::string> words;
  for (const int line : lines) {
    if (words.size() == 8) {
      words.emplace_back("...");
      break;
    }
    words.push_back(std::to_string(line));
  }
  return (lines.size() == 1 ? "line " : "lines ") + join(words, ", ");
}

/// What a person has to look at, on stderr, so that --print leaves the draft alone on stdout.
void show_what_is_open(const import::Imported& imported, bool quiet) {
  size_t keys = 0, people = 0, off = 0, not_placed = 0;
  for (const import::Placed& placed : imported.placed) {
    if (placed.to == import::To::kUnplaced)
      ++not_placed;
    else if (placed.off)
      ++off;
    else if (placed.to == import::To::kHand || placed.to == import::To::kStop)
      ++people;
    else if (placed.to < import::To::kHand)
      ++keys;
  }
  if (!quiet)
    std::fprintf(stderr, "%s: %s in the draft or done by backout, %zu by a person, %zu as comments, %zu not placed\n",
                 counted(imported.runbook.lines, "line").c_str(), counted(static_cast<int64_t>(keys), "step").c_str(),
                 people, off, not_placed);
  for (const std::string& way : imported.ways)
    if (!quiet) std::fprintf(stderr, "several ways: %s\n", one_line(way).c_str());
  for (const import::Remark& remark : imported.runbook.remarks)
    if (!quiet) std::fprintf(stderr, "line %d: %s\n", remark.line, one_line(remark.words).c_str());
  size_t shown = 0;
  for (const import::Open& open : imported.open)
    if (!quiet && ++shown <= kMostShown)
      std::fprintf(stderr, "to fill in: %s, %s\n", one_line(open.name).c_str(), lines_in_words(open.lines).c_str());
  shown = 0;
  for (size_t at = 0; at < imported.placed.size(); ++at) {
    const import::Item& item = imported.runbook.items[at];
    if (imported.placed[at].to != import::To::kUnplaced) continue;
    if (++shown > kMostShown) break;
    std::fprintf(stderr, "not placed, line %d: %s\n", item.line, shortened(one_line(item.text), 160).c_str());
  }
  if (not_placed > kMostShown)
    std::fprintf(stderr, "not placed: %zu more, all at the end of the draft\n", not_placed - kMostShown);
}

Result<int> bring_in(const Globals& globals, const ImportOptions& options) {
  const app::Import made = TRY(app::import_from({.runbook = options.runbook,
                                                 .directory = globals.where.directory,
                                                 .file = globals.where.file,
                                                 .fill = options.fill,
                                                 .ways = options.ways,
                                                 .site = options.site,
                                                 .print = options.print}));
  if (!options.print) TRY_VOID(app::write_import(made));
  if (globals.json) {
    Json all = import::to_json(made.imported, made.options);
    all["draft"] = made.file;
    all["written"] = !options.print;
    all["warnings"] = made.warnings;
    print_json(all);
    return 0;
  }
  if (options.print) std::fputs(made.imported.text.c_str(), stdout);
  show_what_is_open(made.imported, globals.quiet);
  if (options.print || globals.quiet) return 0;
  std::printf("%s is drafted; nothing of the runbook was run\n", one_line(made.file).c_str());
  std::printf("next: look it over, fill in what is open; backout lint\n");
  return 0;
}

}  // namespace

int import_runbook(const Globals& globals, const ImportOptions& options) {
  const auto status = bring_in(globals, options);
  return status ? *status : fail(status.error());
}

}  // namespace backout::cli
