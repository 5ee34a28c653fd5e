#include <cstdio>

#include "base/text.h"
#include "cli/opened.h"
#include "os/file.h"
#include "record/report.h"

namespace backout::cli {

int report(const Globals& globals, const std::string& incident, const std::string& format) {
  const auto shown = [&]() -> Result<int> {
    if (format != "md" && format != "json")
      return Error{Code::kInvalid, "format '" + one_line(format) + "' is not known", "--format md or json"};
    const auto workspace = TRY(open(globals));
    journal::Journal& journal = workspace->journal();
    const SiteId& site = workspace->site().id;
    RunId wanted;
    for (const journal::RunRow& row : TRY(journal.runs(site, 1000)))
      if (incident.empty() ? !row.incident.empty() : row.incident.str() == incident || row.id.str() == incident) {
        wanted = row.id;
        break;
      }
    if (wanted.empty())
      return Error{Code::kNotFound,
                   incident.empty() ? "there is no incident on " + site.str() + " yet"
                                    : "there is no incident '" + one_line(incident) + "' on " + site.str(),
                   "see what happened: backout log"};
    const record::Report made = record::make_report(TRY(journal.read(site)), wanted);
    if (format == "json" || globals.json)
      print_json(record::to_json(made));
    else
      std::printf("%s", record::to_markdown(made).c_str());
    return 0;
  }();
  return shown ? *shown : fail(shown.error());
}

}  // namespace backout::cli
