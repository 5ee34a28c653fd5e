#include <cstdio>

#include "app/history/sites.h"
#include "base/text.h"
#include "cli/opened.h"

namespace backout::cli {
namespace {

void show(const char* what, const std::string& words) { std::printf("  %-11s %s\n", what, one_line(words).c_str()); }

void show(const journal::RollbackRow& rollback) {
  const journal::RunRow& run = rollback.run;
  std::printf("%s  %s  %s -> %s  %s\n", to_iso(run.started_at).substr(0, 16).c_str(), run.incident.str().c_str(),
              one_line(run.from.str()).c_str(), one_line(run.to.str()).c_str(), run.state.c_str());
  show("why", rollback.reason + " (" + rollback.by + ")");
  if (rollback.sign) show("first sign", to_iso(rollback.sign->at).substr(0, 16) + "  " + rollback.sign->what);
  for (const auto& also : rollback.also) show("beside it", also.incident.str() + ": " + also.why);
  if (!rollback.left) return;
  if (!rollback.left->resolved) {
    if (rollback.left->blocked())
      show("cause", "not recorded: backout resolve " + run.from.str() + " --cause \"...\" --fix \"...\"");
    return;
  }
  const Resolution& told = *rollback.left->resolved;
  show("cause", told.cause + " (" + told.by + ", " + to_iso(told.at).substr(0, 10) + ")");
  if (!told.fix.empty()) show("mended", told.fix);
  if (!told.missed.empty()) show("missed", told.missed);
  if (!told.prevent.empty()) show("prevented", told.prevent);
}

}  // namespace

int log_of_what_broke(const Globals& globals) {
  const auto shown = [&]() -> Result<int> {
    const auto journal = TRY(app::journal_at(globals.where));
    Json sites = Json::array();
    bool any = false;
    for (const SiteId& site : TRY(journal->sites())) {
      const std::vector<journal::RollbackRow> rollbacks = TRY(journal->rollbacks(site));
      if (globals.json) {
        Json list = Json::array();
        for (const journal::RollbackRow& rollback : rollbacks) list.push_back(app::to_json(rollback));
        sites.push_back({{"site", site.str()}, {"rollbacks", std::move(list)}});
        continue;
      }
      if (rollbacks.empty()) continue;
      std::printf("%s%s\n", any ? "\n" : "", one_line(site.str()).c_str());
      any = true;
      for (const journal::RollbackRow& rollback : rollbacks) show(rollback);
    }
    if (globals.json)
      print_json({{"sites", std::move(sites)}});
    else if (!any)
      std::printf("nothing was rolled back from yet\n");
    return 0;
  }();
  return shown ? *shown : fail(shown.error());
}

}  // namespace backout::cli
