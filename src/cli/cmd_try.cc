#include <fmt/format.h>

#include <cstdio>

#include "app/planning/trying.h"
#include "base/text.h"
#include "cli/opened.h"

namespace backout::cli {
namespace {

std::string in_words(const app::Tried& tried) {
  const std::string what = one_line(tried.file), database = one_line(tried.database);
  if (!tried.applied)
    return fmt::format("{} does not run on a copy of {}: {}\n  nothing was changed\n", what, database,
                       one_line(tried.why_not));
  const std::string then =
      tried.rung == "leave" ? "a rollback would leave the database alone"
                            : "a rollback would have to undo it on a copy, or restore: its own database does not fit";
  return fmt::format("{} runs: {} in one transaction, on a copy of {} with {}, which is gone again\n  {}: {}\n", what,
                     for_people(tried.took), database, counted(tried.rows, "row"), then, one_line(tried.why));
}

}  // namespace

int try_migration(const Globals& globals, const std::string& file) {
  const auto said = [&](const std::string& line) {
    if (!globals.quiet && !globals.json) fmt::print(stderr, "{}\n", line);
  };
  const auto tried = app::try_migration(globals.where, file, said, std::stop_token());
  if (!tried) return fail(tried.error()), tried.error().code == Code::kNotFound ? 2 : exit_status_of(tried.error());
  if (globals.json)
    print_json(to_json(*tried));
  else
    fmt::print("{}", in_words(*tried));
  return tried->applied ? 0 : 3;
}

}  // namespace backout::cli
