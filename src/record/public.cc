#include "record/public.h"

#include "base/text.h"
#include "record/html.h"
#include "record/html_text.h"
#include "record/markdown_text.h"
#include "record/people.h"
#include "record/timeline.h"
#include "record/words.h"

namespace backout::record {
namespace {

std::string state_of(const Report& report) {
  const bool back = report.kind == RunKind::kRollback;
  if (report.door_closed) return "The service is closed while we work on it.";
  if (!report.ended()) return "We are working on it.";
  if (report.result == "done")
    return back ? "We went back to the release before. The service works." : "The service works.";
  if (report.result == "aborted" && report.exit != 5)
    return "The service is as it was before; we are still working on it.";
  return "We are checking that the service works.";
}

/// Sentences, from the facts alone.
std::vector<std::string> sentences_of(const PublicReport& r) {
  std::vector<std::string> lines;
  lines.push_back("It began at " + stamp(r.began_at) + (r.over ? " and ended at " + stamp(r.ended_at) + "." : "."));
  if (r.outside_still && !r.outages.empty())
    lines.push_back("The service cannot be used since " + stamp(r.outages.back().from) + ".");
  else if (r.outage > Millis(0))
    lines.push_back("The service could not be used for " + for_people(r.outage) + ".");
  else
    lines.emplace_back("The service could be used all the time.");
  if (r.rows_kept > 0) lines.push_back("What was entered meanwhile was kept: " + counted(r.rows_kept, "record") + ".");
  if (r.rows_open > 0) lines.push_back(counted(r.rows_open, "record") + " entered meanwhile must still be dealt with.");
  return lines;
}

std::string title_of(const PublicReport& r) { return r.service + ": " + r.incident; }

Timeline drawing_of(const PublicReport& r) {
  Timeline timeline{.from = r.began_at, .to = r.ended_at};
  for (const PublicReport::Outage& each : r.outages) timeline.outage.push_back({"not usable", each.from, each.to});
  return timeline;
}

constexpr const char* kUnwritten = "Nobody has written this yet.";

}  // namespace

PublicReport public_of(const Report& report) {
  const std::string site = report.site.str();
  PublicReport r;
  r.incident = report.incident.str();
  r.service = site.substr(0, site.find('/'));
  r.state = state_of(report);
  r.began_at = report.started_at;
  r.ended_at = report.ended_at;
  r.over = report.ended();
  for (const Band& outage : timeline_of(report).outage) r.outages.push_back({outage.from, outage.to});
  r.outage = report.outage;
  r.outside_still = report.door_closed;
  r.rows_kept = report.rows_carried();
  r.rows_open = report.conflict_count;
  if (const auto said = report.people.find("public"); said != report.people.end()) r.statement = said->second;
  return r;
}

std::string to_markdown(const PublicReport& r) {
  std::string page = "# " + escaped(title_of(r)) + "\n\n" + r.state + "\n\n";
  for (const std::string& line : sentences_of(r)) page += "- " + escaped(line) + "\n";
  for (const PublicReport::Outage& each : r.outages)
    page += "- not usable from " + stamp(each.from) + " to " + stamp(each.to) + "\n";
  std::string text;
  for (const std::string& line : split(trimmed(sanitised(r.statement)), '\n')) text += escaped(line) + "\n";
  return page + "\n" + people_block("public", r.statement.empty() ? std::string(kUnwritten) + "\n" : text);
}

std::string to_html(const PublicReport& r) {
  std::string page = page_begin(title_of(r)) + "<main>\n<h1>" + html(title_of(r)) +
                     "</h1>\n<p class=\"verdict\"><strong>" + html(r.state) + "</strong></p>\n<ul>\n";
  for (const std::string& line : sentences_of(r)) page += "<li>" + html(line) + "</li>\n";
  for (const PublicReport::Outage& each : r.outages)
    page += "<li>not usable from " + html(stamp(each.from)) + " to " + html(stamp(each.to)) + "</li>\n";
  page += "</ul>\n<div class=\"wide\">" + to_svg(drawing_of(r)) + "</div>\n<div class=\"people\">\n";
  std::string text;
  for (const std::string& line : split(trimmed(sanitised(r.statement)), '\n'))
    if (!trimmed(line).empty()) text += "<p><bdi>" + html(line) + "</bdi></p>\n";
  if (text.empty()) text = std::string("<p class=\"dim\">") + kUnwritten + "</p>\n";
  return page + people_block("public", text) + "</div>\n</main>\n" + page_end();
}

Json to_json(const PublicReport& r) {
  Json value = {{"version", 1},
                {"public", true},
                {"incident", r.incident},
                {"service", r.service},
                {"state", r.state},
                {"began_at_ms", to_millis(r.began_at)},
                {"over", r.over},
                {"outage_ms", r.outage.count()},
                {"outside_still", r.outside_still},
                {"outages", Json::array()},
                {"rows_kept", r.rows_kept},
                {"rows_open", r.rows_open},
                {"statement", r.statement}};
  if (r.over) value["ended_at_ms"] = to_millis(r.ended_at);
  for (const PublicReport::Outage& each : r.outages)
    value["outages"].push_back({{"from_ms", to_millis(each.from)}, {"to_ms", to_millis(each.to)}});
  return value;
}

}  // namespace backout::record
