#include <cstdio>

#include "app/acting/rescuing.h"
#include "app/history/releasing.h"
#include "base/text.h"
#include "cli/opened.h"
#include "cli/progress_view.h"
#include "cli/terminal.h"

namespace backout::cli {
namespace {

/// One line a table: what was done there since, or would be.
void show_counts(const Globals& globals, const Json& counts, const Json& how) {
  Table table({{"table", false}, {"inserted", true}, {"changed", true}, {"deleted", true}, {"", false}});
  for (const auto& [name, count] : counts.items())
    table.add({{one_line(name)},
               {std::to_string(get_int(count, "insert"))},
               {std::to_string(get_int(count, "update"))},
               {std::to_string(get_int(count, "delete"))},
               {one_line(get_string(get(how, name), "why"))}});
  std::printf("%s", table.text(style_for(1, globals.no_color), globals.verbose ? 100'000 : columns_of(1)).c_str());
}

void show_sentences(const Json& sentences) {
  for (const Json& sentence : sentences)
    if (sentence.is_string()) std::printf("  ! %s\n", one_line(sentence.get<std::string>()).c_str());
}

void show_written(const Globals& globals, const Json& evidence) {
  if (app::rows_in(get(evidence, "rows")) > 0) show_counts(globals, get(evidence, "rows"), get(evidence, "compared"));
  if (app::rows_in(get(evidence, "left")) > 0) {
    std::printf("  left behind, as configured:\n");
    show_counts(globals, get(evidence, "left"), Json::object());
  }
  show_sentences(get(evidence, "rewritten"));
  show_sentences(get(evidence, "not_carried"));
}

Result<Version> version_of(const std::string& text) {
  return text.empty() ? Result<Version>(Version()) : app::checked_version(text);
}

Result<int> counted_rows(const Globals& globals, const std::string& version) {
  const auto workspace = TRY(open(globals));
  const Json evidence = TRY(app::count_rescue(*workspace, TRY(version_of(version))));
  if (globals.json) {
    print_json(evidence);
    return 0;
  }
  if (!globals.quiet) show_written(globals, evidence);
  std::printf("%s written since %s of %s\n", counted(app::rows_in(get(evidence, "rows")), "row").c_str(),
              get_string(evidence, "checkpoint").c_str(), one_line(get_string(evidence, "target")).c_str());
  return 0;
}

Result<int> exported_rows(const Globals& globals, const std::string& directory, const std::string& version) {
  const auto workspace = TRY(open(globals));
  const Json evidence = TRY(app::export_rescue(*workspace, TRY(version_of(version)), directory));
  if (globals.json) {
    print_json(evidence);
    return 0;
  }
  if (!globals.quiet) show_written(globals, evidence);
  std::printf("%s written since %s of %s: in %s\n", counted(app::rows_in(get(evidence, "rows")), "row").c_str(),
              get_string(evidence, "checkpoint").c_str(), one_line(get_string(evidence, "target")).c_str(),
              one_line(get_string(evidence, "directory")).c_str());
  return 0;
}

void show_application(const Globals& globals, const Json& evidence) {
  if (app::rows_in(get(evidence, "applied")) > 0) show_counts(globals, get(evidence, "applied"), Json::object());
  int64_t already = 0;
  for (const auto& [table, rows] : get(evidence, "already").items()) already += rows.get<int64_t>();
  if (already > 0)
    std::printf("  %s so already\n", (counted(already, "row") + (already == 1 ? " is" : " are")).c_str());
  for (const auto& [table, kinds] : get(evidence, "conflicts_by_kind").items())
    for (const auto& [kind, rows] : kinds.items())
      std::printf("  ! %s: %s cannot go in: %s\n", one_line(table).c_str(), counted(rows.get<int64_t>(), "row").c_str(),
                  one_line(kind).c_str());
  show_sentences(get(evidence, "skipped"));
}

Result<int> applied_rows(const Globals& globals, const RescueOptions& options) {
  const auto workspace = TRY(open(globals));
  const Json would = TRY(app::try_apply(*workspace, options.path));
  const int64_t rows = app::rows_in(get(would, "applied"));
  if (!globals.json && !globals.quiet) show_application(globals, would);
  if (rows == 0 || options.dry_run) {
    if (globals.json)
      print_json({{"would", would}});
    else if (rows == 0)
      std::printf("nothing to do: no row of it can still go in\n");
    else
      std::printf("%s would go into the live database; nothing has been changed\n", counted(rows, "row").c_str());
    return 0;
  }
  if (!options.yes && !TRY(confirm(fmt::format("Write {} into the live database of {}?", counted(rows, "row"),
                                               workspace->site().id.str()),
                                   workspace->site().name)))
    return Error{Code::kRefused, "not confirmed; nothing was changed", ""};
  const app::Applied applied = TRY(app::apply_rescue(*workspace, options.path));
  if (globals.json) {
    print_json({{"would", would}, {"done", applied.evidence}, {"proved", applied.proved}});
    return applied.proved ? 0 : 5;
  }
  const int64_t left = get_int(applied.evidence, "conflict_count");
  std::printf("%s applied%s\n", counted(app::rows_in(get(applied.evidence, "applied")), "row").c_str(),
              applied.proved ? ", and found there by a second look"
                             : ", but a second look does not find them as they should be: somebody writes to them");
  if (left > 0)
    std::printf("%s not applied: %s\n", counted(left, "row").c_str(),
                one_line(get_string(applied.evidence, "conflicts_file")).c_str());
  return applied.proved ? 0 : 5;
}

int ended(const Result<int>& exit) { return exit ? *exit : fail(exit.error()); }

}  // namespace

int rescue_count(const Globals& globals, const RescueOptions& options) {
  return ended(counted_rows(globals, options.version));
}

int rescue_export(const Globals& globals, const RescueOptions& options) {
  return ended(exported_rows(globals, options.path, options.version));
}

int rescue_apply(const Globals& globals, const RescueOptions& options) { return ended(applied_rows(globals, options)); }

}  // namespace backout::cli
