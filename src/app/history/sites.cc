#include "app/history/sites.h"

#include <algorithm>

#include "app/history/target.h"
#include "config/config.h"
#include "os/file.h"

namespace backout::app {
namespace {

constexpr int kRunsRead = 5, kRollbacksRead = 20;

Result<SiteLine> line_of(journal::Journal& journal, const SiteId& site, WallTime now) {
  SiteLine line{.site = site};
  const journal::Serving serving = TRY(journal.serving(site));
  line.current = serving.current;
  line.back_to = TRY(last_known_good(journal, site, line.current ? line.current->version : Version()));
  const bool good_now = line.current && line.current->state == ReleaseState::kGood;
  line.known_good = good_now ? line.current : line.back_to;
  if (good_now)
    line.last_good = now;
  else if (to_millis(serving.good_until) != 0)
    line.last_good = serving.good_until;
  for (journal::RunRow& run : TRY(journal.runs(site, kRunsRead)))
    if (run.open() && !line.unfinished) line.unfinished = std::move(run);
  for (journal::RollbackRow& rollback : TRY(journal.rollbacks(site, kRollbacksRead))) {
    if (rollback.left && rollback.left->blocked()) line.unresolved.push_back(rollback);
    if (!line.rollback) line.rollback = std::move(rollback);
  }
  return line;
}

}  // namespace

Result<std::unique_ptr<journal::Journal>> journal_at(const Where& where) {
  Site site;
  const char* said = std::getenv("BACKOUT_STATE");
  const bool needs_file = where.state.empty() && (said == nullptr || *said == '\0');
  const std::string file = file_of(where);
  if (needs_file && (os::exists(file) || !where.file.empty())) site = TRY(config::load(file, where.environment));
  const std::string directory = TRY(state_directory(where, site));
  if (!os::exists(directory + "/journal.db"))
    return Error{Code::kNotFound, "there is no journal in " + directory,
                 "say where it lies: --state DIR, or -C the directory of a backout.yaml"};
  return journal::Journal::open(directory, acting_person(), system_clock());
}

Result<std::vector<SiteLine>> site_matrix(journal::Journal& journal, WallTime now) {
  std::vector<SiteId> sites = TRY(journal.sites());
  std::sort(sites.begin(), sites.end());
  std::vector<SiteLine> lines;
  for (const SiteId& site : sites) lines.push_back(TRY(line_of(journal, site, now)));
  return lines;
}

Json to_json(const journal::RollbackRow& rollback) {
  const journal::RunRow& run = rollback.run;
  Json value = {{"run", run.id.str()},
                {"incident", run.incident.str()},
                {"started_at_ms", to_millis(run.started_at)},
                {"changed_at_ms", to_millis(run.changed_at)},
                {"from", run.from.str()},
                {"to", run.to.str()},
                {"outcome", run.state},
                {"exit", run.exit},
                {"why", run.why},
                {"reason", rollback.reason},
                {"by", rollback.by}};
  value["first_bad_sign"] =
      rollback.sign ? Json{{"at_ms", to_millis(rollback.sign->at)}, {"what", rollback.sign->what}} : Json();
  value["resolved"] = rollback.left && rollback.left->resolved ? to_json(*rollback.left->resolved) : Json();
  Json& also = value["also"] = Json::array();
  for (const auto& each : rollback.also) also.push_back({{"incident", each.incident.str()}, {"why", each.why}});
  return value;
}

Json to_json(const SiteLine& line) {
  const auto release = [](const std::optional<Release>& each) { return each ? to_json(*each) : Json(); };
  Json value = {
      {"site", line.site.str()}, {"current", release(line.current)}, {"known_good", release(line.known_good)}};
  value["target"] = release(line.back_to);
  value["last_known_good_at_ms"] = line.last_good ? Json(to_millis(*line.last_good)) : Json();
  value["last_rollback"] = line.rollback ? to_json(*line.rollback) : Json();
  value["unfinished"] = line.unfinished ? Json{{"run", line.unfinished->id.str()},
                                               {"incident", line.unfinished->incident.str()},
                                               {"kind", name_of(line.unfinished->kind)},
                                               {"state", line.unfinished->state},
                                               {"why", line.unfinished->why}}
                                        : Json();
  Json& unresolved = value["unresolved"] = Json::array();
  for (const journal::RollbackRow& rollback : line.unresolved)
    unresolved.push_back({{"version", rollback.run.from.str()}, {"incident", rollback.run.incident.str()}});
  return value;
}

}  // namespace backout::app
