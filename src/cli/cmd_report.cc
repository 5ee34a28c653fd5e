#include <cstdio>
#include <filesystem>

#include "app/history/runs.h"
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

/// `before`, beside what takes its place: FILE.1, or the next number that is free.
Result<std::string> keep_beside(const std::string& file, const std::string& before) {
  int number = 1;
  while (os::exists(fmt::format("{}.{}", file, number))) ++number;
  const std::string beside = fmt::format("{}.{}", file, number);
  TRY_VOID(os::write_file_atomic(beside, before, 0600));
  return beside;
}

/// What people wrote into the blocks of the file stays in it; where it had other lines that the new one does not have,
/// it is kept beside. Returns the name of that copy, or nothing.
Result<std::string> write(const std::string& text, const ReportOptions& options, const std::string& format) {
  std::string page = text, beside;
  if (std::error_code ignored; std::filesystem::is_regular_file(options.out, ignored)) {
    const std::string before = TRY(os::read_file(options.out, kLargestReport).with_context(options.out));
    if (format != "json") page = TRY(record::with_peoples_text(text, before).with_context(options.out));
    if (record::loses_lines(page, before)) beside = TRY(keep_beside(options.out, before).with_context(options.out));
  }
  TRY_VOID(os::write_through(options.out, page, options.for_public ? 0644 : 0600).with_context(options.out));
  return beside;
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
  const std::string beside = TRY(write(text, options, format));
  if (!beside.empty())
    std::fprintf(stderr, "note: %s had lines that the report of now does not have; it is kept as %s\n",
                 sanitised(options.out).c_str(), sanitised(beside).c_str());
  if (!globals.quiet && !globals.json) std::printf("%s\n", sanitised(options.out).c_str());
  return 0;
}

}  // namespace

int report(const Globals& globals, const ReportOptions& options) {
  const auto exit = shown(globals, options);
  return exit ? *exit : fail(exit.error());
}

}  // namespace backout::cli
