#include "app/site/subject.h"

#include "app/signals/gradual.h"
#include "base/text.h"
#include "run/resolve.h"

namespace backout::app {
namespace {

Subject subject(plan::Part part, std::string driver, std::string name, Json config, std::vector<std::string> hosts) {
  return {part, std::move(driver), std::move(name), std::move(config), std::move(hosts), {}, false};
}

/// Where the code that serves lies.
std::string serving_directory(const CodeConfig& code) {
  return code.layout == "releases" ? code.path + "/current" : code.path;
}

/// Whose file systems and processes on `host` a look at resources is about.
Json resources_of(const Site& site, Json config, const std::string& host) {
  const auto is_there = [&](const std::vector<std::string>& named) {
    const std::vector<std::string> on = hosts_of(site, named);
    return std::find(on.begin(), on.end(), host) != on.end();
  };
  Json paths = {"/"};
  if (site.code && !site.code->path.empty() && is_there(site.code->hosts)) paths.push_back(site.code->path);
  if (site.database && site.database->kind == "sqlite") paths.push_back(get_string(site.database->args, "file"));
  config["paths"] = std::move(paths);
  for (const ServiceConfig& service : site.services)
    for (const char* key : {"unit", "pidfile"})
      if (is_there(service.hosts) && !get_string(service.args, key).empty())
        config["services"].push_back({{"name", service.name}, {key, get_string(service.args, key)}});
  return config;
}

/// Asked of each host by itself: each has its own answer, and its own place in a log.
void add_look(std::vector<Subject>& subjects, const Site& site, const CheckConfig& check) {
  const std::vector<std::string> on = hosts_of(site, check.hosts);
  for (const std::string& host : on) {
    Json config = subject_of(check, "");
    if (check.kind == "resources") config = resources_of(site, std::move(config), host);
    if (on.size() > 1) config["name"] = check.name + " on " + host;
    std::string name = get_string(config, "name");  // read before `config` is given away
    subjects.push_back(subject(plan::Part::kCheck, driver_of(check), std::move(name), std::move(config), {host}));
    subjects.back().patience = check.patience;
  }
}

void add_check(std::vector<Subject>& subjects, const Site& site, const CheckConfig& check) {
  if (check.kind == "log" || check.kind == "resources") return add_look(subjects, site, check);
  const std::string driver = driver_of(check);
  const bool asked_at_base = check.args.contains("path");
  if (!asked_at_base) {
    std::vector<std::string> hosts =
        check.kind == "run" ? hosts_of(site, check.hosts) : std::vector<std::string>{"local"};
    subjects.push_back(subject(plan::Part::kCheck, driver, check.name, subject_of(check, ""), std::move(hosts)));
    subjects.back().patience = check.patience;
    return;
  }
  const std::vector<std::string> on = hosts_of(site, check.hosts);
  for (const HostConfig& host : hosts_of(site)) {
    if (std::find(on.begin(), on.end(), host.name) == on.end()) continue;
    Json config = subject_of(check, base_url_for(site, host));
    if (on.size() > 1) config["name"] = check.name + " on " + host.name;
    std::string name = get_string(config, "name");  // read before `config` is given away
    subjects.push_back(subject(plan::Part::kCheck, driver, std::move(name), std::move(config), {host.name}));
    subjects.back().patience = check.patience;
  }
  if (site.public_url.empty()) return;
  subjects.push_back(subject(plan::Part::kCheck, driver, check.name, subject_of(check, site.public_url), {"local"}));
  subjects.back().patience = check.patience;
  subjects.back().in_front = true;
}

/// Redis and commands are asked from one host, a directory is looked at where it is.
std::vector<std::string> hosts_of(const Site& site, const LeftoverConfig& leftover) {
  std::vector<std::string> hosts = hosts_of(site, leftover.hosts);
  if (get_string(leftover.args, "kind") != "directory") hosts.resize(1);
  return hosts;
}

/// A balancer that is somebody else's service is told from this machine.
std::vector<std::string> hosts_of(const Site& site, const TrafficConfig& traffic) {
  const bool is_a_service = traffic.kind == "alb" || traffic.kind == "istio";
  return is_a_service && traffic.hosts.empty() ? std::vector<std::string>{"local"} : hosts_of(site, traffic.hosts);
}

/// In drain order; what is worked off comes before the service that must still run for it.
void add_services(std::vector<Subject>& subjects, const Site& site) {
  const auto drains_before = [&](const std::string& service) {
    for (const LeftoverConfig& leftover : site.leftovers)
      if (leftover.rule == "drain" && leftover.before == service)
        subjects.push_back(subject(plan::Part::kService, "leftovers", leftover.name, subject_of(leftover, "drain"),
                                   hosts_of(site, leftover)));
  };
  drains_before("");
  for (const ServiceConfig& service : site.services) {
    drains_before(service.name);
    subjects.push_back(subject(plan::Part::kService, driver_of(service), service.name, subject_of(service, site),
                               hosts_of(site, service.hosts)));
  }
  for (const LeftoverConfig& leftover : site.leftovers)
    subjects.push_back(subject(plan::Part::kLeftover, "leftovers", leftover.name, subject_of(leftover, "rest"),
                               hosts_of(site, leftover)));
}

/// What is not on hosts (a cluster, an index) is asked from one of them.
void add_auto_deploys(std::vector<Subject>& subjects, const Site& site) {
  for (const AutoDeployConfig& deploys : site.auto_deploys) {
    std::vector<std::string> hosts = hosts_of(site, deploys.hosts);
    if (deploys.kind == "argocd" || deploys.kind == "flux") hosts.resize(1);
    subjects.push_back(
        subject(plan::Part::kAutoDeploy, "auto-deploy", deploys.name, subject_of(deploys), std::move(hosts)));
  }
}

void add_search(std::vector<Subject>& subjects, const Site& site) {
  if (!site.search) return;
  std::vector<std::string> hosts = hosts_of(site, site.search->hosts);
  hosts.resize(1);
  subjects.push_back(subject(plan::Part::kCheck, "search", "search", subject_of(*site.search), std::move(hosts)));
  subjects.back().patience = {3, Millis(1000)};
}

}  // namespace

std::vector<Subject> subjects_of(const Site& site) {
  std::vector<Subject> subjects;
  if (site.door)
    subjects.push_back(subject(plan::Part::kDoor, driver_of(*site.door), "door",
                               subject_of(*site.door, site.public_url), hosts_of(site, site.door->hosts)));
  add_auto_deploys(subjects, site);
  add_services(subjects, site);
  if (site.traffic)
    subjects.push_back(subject(plan::Part::kTraffic, driver_of(*site.traffic), "traffic",
                               subject_of(*site.traffic, site), hosts_of(site, *site.traffic)));
  if (site.database) {
    Json config = subject_of(*site.database);
    // Looked at whatever a plan makes of `migrations`: the same at plan and at run (staleness.h).
    if (const Json& tool = get(config, "migrations"); get_string(tool, "tool") == "sql")
      config["book"] = {{"table", get_string(tool, "table", "schema_migrations")},
                        {"column", get_string(tool, "column", "version")}};
    if (config.contains("migrations"))
      config["migrations"]["release"] = site.code ? serving_directory(*site.code) : site.directory;
    subjects.push_back(
        subject(plan::Part::kDatabase, driver_of(*site.database), site.database->kind, std::move(config), {"local"}));
  }
  if (site.code)
    subjects.push_back(
        subject(plan::Part::kCode, driver_of(*site.code), "code", subject_of(*site.code),
                code_is_elsewhere(*site.code) ? std::vector<std::string>{"local"} : hosts_of(site, site.code->hosts)));
  if (site.code && site.code->layout == "compose" && site.database && site.database->kind == "postgresql")
    subjects.back().config["database"] = get_string(site.database->args, "server") + " ";  // one of its containers?
  if (site.code && site.code->layout == "compose")
    for (const AutoDeployConfig& deploys : site.auto_deploys)
      if (deploys.kind == "container")  // perhaps one of the project: paused, and no part of a release
        subjects.back().config["others"].push_back(get_string(deploys.args, "object"));
  if (site.code && site.code->layout == "coolify" && !site.door) subjects.back().config.erase("in_front");
  if (has_branch_beside(site)) {
    subjects.push_back(subject(plan::Part::kCode, "branch", "branch", site.code->branch, {"local"}));
    subjects.back().config["beside"] = true;
  }
  for (const CommandConfig& command : site.commands)
    subjects.push_back(subject(plan::Part::kCommand, driver_of(command), command.name, subject_of(command),
                               hosts_of(site, command.hosts)));
  add_search(subjects, site);
  for (const CheckConfig& check : site.checks) add_check(subjects, site, check);
  return subjects;
}

Result<Seen> observe(const Workspace& workspace, const Subject& subject) {
  const driver::Driver* driver = TRY(workspace.registry().find(subject.driver));
  Seen seen;
  for (const std::string& host : subject.hosts)
    seen[host] = TRY(driver->observe(run::with_host(subject.config, host), *workspace.hosts().at(host), {})
                         .with_context(fmt::format("looking at {} on {}", subject.name, host)));
  return seen;
}

bool is_look(const Step& step) {
  const bool looks = step.kind == StepKind::kLook || step.kind == StepKind::kAsk;
  return looks && (step.phase == Phase::kCheck || step.phase == Phase::kSettle);
}

Json saved_part(const Checkpoint& checkpoint, const Subject& subject) {
  Json saved = Json::object();
  for (const Json& part : checkpoint.parts) {
    if (get_string(part, "driver") != subject.driver || get_string(part, "subject") != subject.name) continue;
    for (const auto& [key, value] : part.items())
      if (key != "part") saved[key] = value;
    for (const auto& [key, value] : get(part, "part").items()) saved[key] = value;
  }
  return saved;
}

driver::Offering offering_for(const Workspace& workspace, const Subject& subject, const Journey& journey,
                              const Seen& seen) {
  driver::Offering offering;
  offering.kind = journey.kind;
  offering.site = workspace.site().id;
  offering.from = journey.from;
  offering.to = journey.to;
  offering.subject = subject.config;
  offering.hosts = subject.hosts;
  offering.seen = seen;
  if (subject.part == plan::Part::kCode) {
    offering.subject["keep_versions"] = journey.keep_versions;
    offering.subject["from_whole"] = journey.from_whole;
    if (!journey.from_commit.empty()) offering.subject["from_commit"] = journey.from_commit;
    if (!journey.to_commit.empty()) offering.subject["to_commit"] = journey.to_commit;
    const Json seen_before = journey.noted == nullptr ? Json::object() : saved_part(*journey.noted, subject);
    if (get(seen_before, "changed").is_array()) offering.subject["changed_before"] = get(seen_before, "changed");
  }
  if (subject.part == plan::Part::kTraffic && !journey.bad_versions.empty())
    offering.subject["bad_versions"] = journey.bad_versions;
  if (journey.checkpoint != nullptr) offering.saved = saved_part(*journey.checkpoint, subject);
  if (journey.checkpoint == nullptr && subject.part == plan::Part::kCode) offering.saved = journey.recorded;
  offering.run_directory = journey.keep_in;
  offering.public_url = workspace.site().public_url;
  return offering;
}

Result<std::vector<Step>> offers(const Workspace& workspace, const Subject& subject, const Journey& journey,
                                 const Seen& seen) {
  const driver::Driver* driver = TRY(workspace.registry().find(subject.driver));
  std::vector<Step> steps =
      TRY(driver->offer(offering_for(workspace, subject, journey, seen)).with_context(subject.name));
  if (subject.part == plan::Part::kTraffic) add_judging(workspace.site(), journey, steps);
  for (Step& step : steps) {
    if (subject.part == plan::Part::kCheck && is_look(step)) step.patience = subject.patience;
    if (!subject.in_front) continue;
    step.id = StepId("public-" + step.id.str());
    step.phase = Phase::kSettle;
    step.title = "in front of the door: " + step.title;
  }
  return steps;
}

}  // namespace backout::app
