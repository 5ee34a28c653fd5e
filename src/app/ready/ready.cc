#include "app/ready/ready.h"

#include <algorithm>
#include <future>

#include "app/history/ci.h"
#include "app/planning/planning.h"
#include "app/ready/backups.h"
#include "app/ready/host.h"
#include "app/ready/journal.h"
#include "app/ready/needs.h"
#include "app/ready/self_deploy.h"
#include "app/ready/steps.h"
#include "app/watching/checking.h"
#include "base/text.h"
#include "config/config.h"
#include "run/resolve.h"

namespace backout::app {
namespace {

using driver::Need;

constexpr Millis kCountFor{3'000};

std::string_view word_of(plan::Part part) {
  switch (part) {
    case plan::Part::kDoor: return "door";
    case plan::Part::kService: return "service";
    case plan::Part::kCode: return "code";
    case plan::Part::kDatabase: return "database";
    case plan::Part::kCommand: return "command";
    case plan::Part::kCheck: return "check";
    case plan::Part::kRecord: return "record";
    case plan::Part::kLeftover: return "leftover";
    case plan::Part::kTraffic: return "traffic";
    case plan::Part::kAutoDeploy: return "auto-deploy";
  }
  return "";
}

ready::Marks marks_on(ready::Marks marks, const std::string& host) {
  for (std::vector<std::string>* texts : {&marks.paths, &marks.parked})
    for (std::string& text : *texts) text = replaced(std::move(text), "{host}", host);
  return marks;
}

/// Everything on one host is looked at by one thread; hosts beside each other.
template <class Look>
auto on_each(const std::set<std::string>& hosts, Look look) {
  using Seen = decltype(look(std::string()));
  std::map<std::string, std::future<Seen>> running;
  for (const std::string& host : hosts) running[host] = std::async(std::launch::async, look, host);
  std::map<std::string, Seen> seen;
  for (auto& [host, future] : running) seen[host] = future.get();
  return seen;
}

class ReadyLook {
 public:
  ReadyLook(const Workspace& workspace, driver::Depth depth, std::stop_token stop)
      : workspace_(workspace), depth_(depth), stop_(std::move(stop)), subjects_(subjects_of(workspace.site())) {}

  ReadyAnswer answer() {
    answer_.site = workspace_.site().id;
    answer_.proved = depth_ == driver::Depth::kProve;
    auto journal = ready::look_at_journal(workspace_, depth_);
    answer_.current = journal.current;
    answer_.target = journal.target;
    answer_.checkpoint = journal.checkpoint;
    take(std::move(journal.findings), "");
    needs_["local"] = std::move(journal.needs);
    take(ready::look_at_secrets(subjects_), "");
    take(ready::look_at_backups(workspace_), "");
    look_at_hosts();
    if (answer_.target) {
      ask_drivers();
      make_plan();
      look_at_steps();
    } else {
      look_at_parts();
    }
    look_at_needs();
    look_beside();
    if (answer_.current) look_at_checks();
    put_in_order(answer_.findings);
    return std::move(answer_);
  }

 private:
  void take(std::vector<Finding> findings, const std::string& host, const std::string& about = "") {
    for (Finding& finding : findings) {
      if (finding.host.empty()) finding.host = host;
      if (finding.about.empty()) finding.about = about;
      answer_.findings.push_back(std::move(finding));
    }
  }

  void look_at_hosts() {
    std::map<std::string, HostConfig> configs;
    for (const HostConfig& host : hosts_of(workspace_.site())) configs[host.name] = host;
    std::set<std::string> names;
    for (const auto& [name, config] : configs) names.insert(name);
    for (const Subject& subject : subjects_) names.insert(subject.hosts.begin(), subject.hosts.end());
    const ready::Marks marks = ready::marks_of(workspace_.site());
    struct Seen {
      ready::HostSeen host;
      std::vector<Finding> self_deploys;
    };
    auto seen = on_each(names, [&](const std::string& name) {
      const auto config = configs.find(name);
      Seen found{ready::look_at_host(config == configs.end() ? HostConfig{.name = name} : config->second,
                                     workspace_.site().id, workspace_.journal().id(), stop_),
                 {}};
      if (found.host.answers)
        found.self_deploys = ready::look_for_self_deploys(marks_on(marks, name), *workspace_.hosts().at(name), stop_);
      return found;
    });
    for (auto& [name, found] : seen) {
      take(std::move(found.host.findings), name);
      take(std::move(found.self_deploys), name);
      if (!found.host.answers) continue;
      answering_.insert(name);
      for (Need& need : found.host.needs) needs_[name].push_back(std::move(need));
    }
    answering_.insert("local");
  }

  bool all_answer() const {
    return std::all_of(subjects_.begin(), subjects_.end(), [&](const Subject& subject) {
      return std::all_of(subject.hosts.begin(), subject.hosts.end(),
                         [&](const std::string& host) { return answering_.contains(host); });
    });
  }

  /// The plan is the way back: where none can be made there is none. Not tried where a part could not be looked at: it
  /// would say the same again.
  void make_plan() {
    const bool seen = std::none_of(answer_.findings.begin(), answer_.findings.end(), [](const Finding& finding) {
      return finding.severity == Severity::kRed && (finding.id.ends_with(".look") || finding.id == "database" ||
                                                    finding.id == "code" || finding.id == "secret");
    });
    if (!seen || !all_answer()) return;
    auto plan = draft_plan(workspace_, {.to = {}, .count_for = kCountFor}, seen_parts_);
    if (!plan) {
      answer_.findings.push_back(
          {"plan", Severity::kRed, "", "", "no plan can be made: " + one_line(plan.error().message),
           one_line(plan.error().next.empty() ? "see it: backout plan" : plan.error().next), Json::object()});
      return;
    }
    const bool told = std::any_of(answer_.findings.begin(), answer_.findings.end(), [](const Finding& finding) {
      return finding.id == "backup" && finding.severity == Severity::kRed;
    });
    for (const std::string& refusal : plan->contract.refusals) {
      if (told && refusal.starts_with("the copy of the database")) continue;
      answer_.findings.push_back({refusal.starts_with("approvals") ? "approvals" : "plan.refused", Severity::kRed, "",
                                  "", one_line(refusal), "see the whole of it: backout plan", Json::object()});
    }
    if (const auto& ci = plan->forecast.ci; ci && never_passed(*ci))
      answer_.findings.push_back(
          {"ci", Severity::kWarning, "", "", one_line(never_passed_words(answer_.target->version, *ci)),
           "another one: backout plan VERSION; what there is: backout releases", Json::object()});
    answer_.plan = *std::move(plan);
  }

  void ask_drivers() {
    Journey journey{RunKind::kRollback,
                    answer_.current->version,
                    answer_.target->version,
                    answer_.checkpoint ? &*answer_.checkpoint : nullptr,
                    {},
                    workspace_.runs_directory()};
    struct HostsParts {
      driver::Readiness readiness;
      std::map<std::pair<plan::Part, std::string>, Json> seen;
    };
    auto seen = on_each(answering_, [&](const std::string& host) {
      HostsParts all;
      for (const Subject& subject : subjects_) {
        if (std::find(subject.hosts.begin(), subject.hosts.end(), host) == subject.hosts.end()) continue;
        for (Finding& finding :
             ask_driver(subject, host, journey, all.readiness.needs, all.seen[{subject.part, subject.name}])) {
          if (finding.about.empty()) finding.about = subject.name;
          all.readiness.findings.push_back(std::move(finding));
        }
      }
      return all;
    });
    for (auto& [host, all] : seen) {
      take(std::move(all.readiness.findings), host);
      for (Need& need : all.readiness.needs) needs_[host].push_back(std::move(need));
      for (auto& [part, as_seen] : all.seen)
        if (!as_seen.is_null()) seen_parts_[part][host] = std::move(as_seen);
    }
  }

  /// With nothing to go back to yet: can the parts be looked at, as backout.yaml says?
  void look_at_parts() {
    auto seen = on_each(answering_, [&](const std::string& host) {
      std::vector<Finding> findings;
      for (const Subject& subject : subjects_) {
        if (subject.part == plan::Part::kCheck ||
            std::find(subject.hosts.begin(), subject.hosts.end(), host) == subject.hosts.end())
          continue;
        if (const auto found = look(subject, host); !found) findings.push_back(cannot_look(subject, found.error()));
      }
      return findings;
    });
    for (auto& [host, findings] : seen) take(std::move(findings), host);
  }

  Result<Json> look(const Subject& subject, const std::string& name) const {
    const driver::Driver* driver = TRY(workspace_.registry().find(subject.driver));
    return driver->observe(run::with_host(subject.config, name), *workspace_.hosts().at(name), stop_);
  }

  static Finding cannot_look(const Subject& subject, const Error& error) {
    return {std::string(word_of(subject.part)) + ".look",
            Severity::kRed,
            subject.name,
            "",
            one_line(error.message),
            one_line(error.next.empty() ? "see whether it is there, and as backout.yaml says" : error.next),
            Json::object()};
  }

  /// The part as it is now, and what its driver has to say.
  std::vector<Finding> ask_driver(const Subject& subject, const std::string& name, const Journey& journey,
                                  std::vector<Need>& needs, Json& as_seen) const {
    if (subject.part == plan::Part::kCheck) return {};
    const auto driver = workspace_.registry().find(subject.driver);
    if (!driver) return {cannot_look(subject, driver.error())};
    host::Host& host = *workspace_.hosts().at(name);
    Subject here = subject;
    here.config = run::with_host(subject.config, name);
    const auto seen = (*driver)->observe(here.config, host, stop_);
    if (!seen) return {cannot_look(subject, seen.error())};
    as_seen = *seen;
    driver::Offering offering = offering_for(workspace_, here, journey, {{name, *seen}});
    driver::Readiness readiness = (*driver)->ready(offering, host, depth_, stop_);
    if (subject.part == plan::Part::kDoor && get_string(*seen, "door") == "closed")
      readiness.findings.push_back({"door.closed", Severity::kWarning, "", "",
                                    "the door is closed: users are outside now",
                                    "see whose doing it is: backout status", Json::object()});
    for (Need& need : readiness.needs) needs.push_back(std::move(need));
    return std::move(readiness.findings);
  }

  void look_at_steps() {
    if (!answer_.plan) return;
    auto seen = ready::look_at_steps(workspace_, *answer_.plan, answering_, stop_);
    take(std::move(seen.findings), "");
    for (auto& [host, needs] : seen.needs)
      for (Need& need : needs) needs_[host].push_back(std::move(need));
  }

  /// What is missing there leaves the way back open, and makes it blinder.
  void look_beside() {
    auto needs = ready::needs_beside(workspace_.site());
    auto seen = on_each(answering_, [&](const std::string& host) {
      const auto theirs = needs.find(host);
      return theirs == needs.end() ? std::vector<Finding>()
                                   : ready::look_at_needs(theirs->second, *workspace_.hosts().at(host), stop_);
    });
    for (auto& [host, findings] : seen) {
      for (Finding& finding : findings)
        if (finding.severity == Severity::kRed) finding.severity = Severity::kWarning;
      take(std::move(findings), host);
    }
  }

  void look_at_needs() {
    auto seen = on_each(answering_, [&](const std::string& host) {
      const auto needs = needs_.find(host);
      if (needs == needs_.end()) return std::vector<Finding>();
      return ready::look_at_needs(needs->second, *workspace_.hosts().at(host), stop_);
    });
    for (auto& [host, findings] : seen) take(std::move(findings), host);
  }

  /// A check that fails on a known-good release will fail on the target, too, so that no rollback can end well. On a
  /// release that is not, it is a reason to go back and no obstacle.
  void look_at_checks() {
    const auto checked = check_now(workspace_, Version(), true, [](const Look&) {});
    if (!checked) {
      if (all_answer())
        answer_.findings.push_back({"check", Severity::kRed, "", "", one_line(checked.error().message),
                                    one_line(checked.error().next.empty() ? "backout verify" : checked.error().next),
                                    Json::object()});
      return;
    }
    int64_t held = 0;
    for (const Look& look : checked->looks) {
      if (look.manual || !answering_.contains(look.host)) continue;
      if (look.sight.kind == SightKind::kHolds) {
        ++held;
        continue;
      }
      const bool good = answer_.current->state == ReleaseState::kGood;
      const bool blind = look.sight.kind == SightKind::kCannotTell;
      const std::string version = one_line(answer_.current->version.str());
      answer_.findings.push_back(
          {"check", good || blind ? Severity::kRed : Severity::kWarning, look.step, look.host, one_line(look.sight.why),
           blind  ? "see why nothing can be seen: backout verify"
           : good ? version + " is known-good, so it is the check or what it asks that is broken: backout verify"
                  : version + " is not known-good: if it is at fault, go back: backout plan",
           look.sight.evidence});
    }
    if (held > 0)
      answer_.findings.push_back(
          {"check", Severity::kOk, "", "", counted(held, "look") + " held just now", "", Json::object()});
  }

  const Workspace& workspace_;
  const driver::Depth depth_;
  const std::stop_token stop_;
  const std::vector<Subject> subjects_;
  std::set<std::string> answering_;
  std::map<std::string, std::vector<Need>> needs_;
  SeenParts seen_parts_;
  ReadyAnswer answer_;
};

Result<void> record(journal::Journal& journal, const ReadyAnswer& answer) {
  Json event = event_of(answer);
  if (!is_news(TRY(journal.ready(answer.site)), event, answer.at)) return {};
  TRY(journal.append(answer.site, 0, {{EventType::kReadyLooked, std::move(event)}}));
  return {};
}

/// What backout.yaml says already and this version does not do; `lint` warns of it with the line.
std::vector<std::string> not_built_yet(const Where& where) {
  constexpr std::string_view kMark = "not built yet: ";
  std::vector<std::string> said;
  const auto loaded = config::inspect(file_of(where), where.environment);
  if (!loaded) return said;
  for (const config::Finding& finding : loaded->findings)
    if (finding.message.starts_with(kMark)) said.push_back(finding.message.substr(kMark.size()));
  return said;
}

bool is_journals(Code code) {
  switch (code) {
    case Code::kCorrupt:
    case Code::kDenied:
    case Code::kNoSpace:
    case Code::kUnavailable:
    case Code::kTimedOut:
    case Code::kBusy:
    case Code::kUnsupported:
    case Code::kConflict:
    case Code::kInternal: return true;
    case Code::kInvalid:
    case Code::kNotFound:
    case Code::kRefused:
    case Code::kCancelled: return false;
  }
  return false;
}

}  // namespace

Result<ReadyAnswer> whether_ready(const Where& where, driver::Depth depth, std::stop_token stop) {
  const BootTime began = system_clock().boot();
  ReadyAnswer answer;
  auto workspace = Workspace::open(where);
  if (workspace) {
    answer = ReadyLook(**workspace, depth, std::move(stop)).answer();
  } else {
    // The configuration is read first: when that is fine it was the journal that could not be opened.
    const auto site = config::load(file_of(where), where.environment);
    if (!site || !is_journals(workspace.error().code)) return std::move(workspace).error();
    answer.site = site->id;
    answer.findings.push_back(ready::journal_is_shut(workspace.error()));
  }
  answer.not_built = not_built_yet(where);
  answer.at = system_clock().wall();
  answer.took = system_clock().boot() - began;
  if (workspace)
    if (const auto recorded = record((*workspace)->journal(), answer); !recorded) {
      answer.findings.insert(answer.findings.begin(), ready::journal_is_shut(recorded.error()));
      put_in_order(answer.findings);
    }
  return answer;
}

}  // namespace backout::app
