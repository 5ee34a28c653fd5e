#include <cstdio>

#include "app/session.h"
#include "base/text.h"
#include "cli/opened.h"
#include "os/file.h"
#include "record/html.h"
#include "record/people.h"
#include "record/public.h"
#include "record/report.h"

namespace backout::cli {
namespace {

constexpr size_t kLargestReport = 64U << 20;

Result<RunId> run_of(journal::Journal& journal, const SiteId& site, const std::string& incident) {
  if (!incident.empty()) {
    if (const auto found = TRY(app::run_named(journal, site, incident))) return *found;
  } else {
    for (const journal::RunRow& row : TRY(journal.runs(site, 1000)))
      if (!row.incident.empty()) return row.id;
  }
  return Error{Code::kNotFound,
               incident.empty() ? "there is no incident on " + site.str() + " yet"
                                : "there is no incident '" + one_line(incident) + "' on " + site.str(),
               "see what happened: backout log"};
}

std::string rendered(const record::Report& report, const std::string& format, bool for_public) {
  if (for_public) {
    const record::PublicReport open = record::public_of(report);
    if (format == "md") return record::to_markdown(open);
    if (format == "html") return record::to_html(open);
    return as_document(record::to_json(open));
  }
  if (format == "md") return record::to_markdown(report);
  if (format == "html") return record::to_html(report);
  return as_document(record::to_json(report));
}

/// What people wrote into the file before stays in it.
Result<void> write(const std::string& text, const ReportOptions& options, const std::string& format) {
  std::string page = text;
  if (os::exists(options.out) && format != "json") {
    const std::string before = TRY(os::read_file(options.out, kLargestReport).with_context(options.out));
    page = TRY(record::with_peoples_text(text, before).with_context(options.out));
  }
  return os::write_through(options.out, page, options.for_public ? 0644 : 0600).with_context(options.out);
}

Result<int> shown(const Globals& globals, const ReportOptions& options) {
  const std::string& said = options.format;
  if (said != "md" && said != "html" && said != "json")
    return Error{Code::kInvalid, "format '" + one_line(said) + "' is not known", "--format md, html or json"};
  const std::string format = globals.json ? "json" : said;
  const auto workspace = TRY(open(globals));
  journal::Journal& journal = workspace->journal();
  const SiteId& site = workspace->site().id;
  const RunId wanted = TRY(run_of(journal, site, options.incident));
  const std::string text = rendered(record::make_report(TRY(journal.read(site)), wanted), format, options.for_public);
  if (options.out.empty()) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    return 0;
  }
  TRY_VOID(write(text, options, format));
  if (!globals.quiet && !globals.json) std::printf("%s\n", sanitised(options.out).c_str());
  return 0;
}

}  // namespace

int report(const Globals& globals, const ReportOptions& options) {
  const auto exit = shown(globals, options);
  return exit ? *exit : fail(exit.error());
}

}  // namespace backout::cli
