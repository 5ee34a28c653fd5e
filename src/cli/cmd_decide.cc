#include <cstdio>

#include "app/history/testimony.h"
#include "app/watching/deciding.h"
#include "app/watching/vigil.h"
#include "base/text.h"
#include "cli/interrupt.h"
#include "cli/opened.h"
#include "cli/progress_view.h"
#include "decide/explain.h"

namespace backout::cli {
namespace {

/// 0: nothing is to be done, and something was seen; 3: it is, or nobody can tell. For scripts and timers.
int exit_of(const Decision& decision) {
  const app::SignalsSaid said = app::said_by(decision.evidence);
  const bool seen_well = said.alarm.empty() && said.blind.empty() && said.bad_before.empty() && !decision.blind;
  const bool trouble = decision.facts.known(FactId::kSeverity);
  return decision.verdict == Verdict::kMonitor && seen_well && !trouble ? 0 : 3;
}

void tell(const Globals& globals, const app::Decided& decided, bool fully) {
  const auto lines = fully ? decide::explained_fully(decided.decision) : decide::explained(decided.decision);
  for (const std::string& line : lines) std::printf("%s\n", sanitised(line).c_str());
  if (globals.quiet) return;
  if (const std::string bad = app::said_by(decided.decision.evidence).bad_before; !bad.empty())
    std::printf("  NOT well   %s\n", sanitised(bad).c_str());
  for (const std::string& remark : decided.remarks) std::printf("  note       %s\n", one_line(remark).c_str());
  for (const std::string& refused : decided.refused)
    std::fprintf(stderr, "  not taken: %s\n", one_line(refused).c_str());
}

Result<std::map<std::string, std::string>> facts_from(const std::vector<std::string>& given) {
  std::map<std::string, std::string> facts;
  for (const std::string& each : given) {
    const size_t equals = each.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == each.size())
      return Error{Code::kInvalid, "--fact '" + one_line(each) + "' is no NAME=VALUE", "such as --fact hotfix=20m"};
    facts[each.substr(0, equals)] = each.substr(equals + 1);
  }
  return facts;
}

/// Asks for what nobody could see. An empty answer leaves it unknown.
Result<app::Decided> asked_for_more(const app::Workspace& workspace, app::Decided decided, std::stop_source& stop) {
  app::DecideRequest more;
  for (const std::string& name : decided.decision.questions) {
    const auto fact = fact_named(name);
    if (!fact) continue;
    const std::string question =
        fmt::format("{} ({}; Enter: I do not know)", kind_of(*fact).question, expected_of(*fact));
    while (true) {
      const std::string answer = TRY(typed_line(question));
      if (answer.empty()) break;
      if (const auto value = fact_value_from(*fact, answer); !value) {
        std::printf("%s\n", one_line(value.error().message).c_str());
        continue;
      }
      more.facts[name] = answer;
      break;
    }
  }
  if (more.facts.empty()) return decided;
  return app::decide_now(workspace, more, stop.get_token());
}

Result<int> run_replay(const Globals& globals, const DecideOptions& options) {
  const auto workspace = TRY(open(globals));
  const std::vector<app::Replayed> all = TRY(app::replay(*workspace, options.journal));
  int64_t others = 0;
  Json list = Json::array();
  for (const app::Replayed& each : all) {
    const bool other = each.then != name_of(each.now.verdict);
    others += other ? 1 : 0;
    if (globals.json) {
      list.push_back({{"site", each.site.str()},
                      {"seq", each.seq},
                      {"at_ms", to_millis(each.at)},
                      {"then", each.then},
                      {"now", to_json(each.now)}});
      continue;
    }
    std::printf("%s %s %s -> %s: %s%s\n", to_iso(each.at).substr(0, 19).c_str(), one_line(each.site.str()).c_str(),
                one_line(each.now.from).c_str(), one_line(each.now.to).c_str(), one_line(each.then).c_str(),
                other ? fmt::format(", now {}: {}", name_of(each.now.verdict), one_line(each.now.reason)).c_str() : "");
  }
  if (globals.json)
    print_json({{"replayed", std::move(list)}, {"others", others}});
  else if (all.empty())
    std::printf("no verdict is recorded there\n");
  else
    std::printf("%s, %ld would be another today\n", counted(std::ssize(all), "verdict").c_str(), others);
  return 0;
}

Result<int> run_decide(const Globals& globals, const DecideOptions& options) {
  app::DecideRequest request;
  request.facts = TRY(facts_from(options.facts));
  const auto workspace = TRY(open(globals));
  std::stop_source stop;
  const Interrupt interrupt(stop);
  app::Decided decided = TRY(app::decide_now(*workspace, request, stop.get_token()));
  if (options.ask && can_ask() && !globals.json) decided = TRY(asked_for_more(*workspace, std::move(decided), stop));
  if (globals.json) {
    Json value = to_json(decided.decision);
    value["remarks"] = decided.remarks;
    value["refused"] = decided.refused;
    print_json(std::move(value));
  } else {
    tell(globals, decided, options.explain);
  }
  return exit_of(decided.decision);
}

}  // namespace

int decide(const Globals& globals, const DecideOptions& options) {
  const auto exit = options.replay ? run_replay(globals, options) : run_decide(globals, options);
  return exit ? *exit : fail(exit.error());
}

int report_problem(const Globals& globals, const std::string& text, bool severe) {
  const auto said = [&]() -> Result<int> {
    const auto workspace = TRY(open(globals));
    TRY_VOID(app::report_problem(*workspace, {text, severe}));
    if (!globals.quiet) std::printf("noted. What to do about it: backout decide\n");
    return 0;
  }();
  return said ? *said : fail(said.error());
}

}  // namespace backout::cli
