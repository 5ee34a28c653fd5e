// Rules between the parts of a site.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/text.h"
#include "config/read.h"
#include "config/shape.h"
#include "model/needed_places.h"

namespace backout::config {
namespace {

constexpr std::string_view kSecretEnds[] = {"PASSWORD", "PASSWD",      "SECRET",      "TOKEN",  "SECRET_KEY",
                                            "API_KEY",  "PRIVATE_KEY", "CREDENTIALS", "API-KEY"};

constexpr Millis kLeastKept{7 * 86'400'000LL};  // requirement of the runbooks: at least a week of daily backups

/// Where to point at: the first of the keys that is there, else the whole file.
Place place_of(const Node& root, std::initializer_list<std::string_view> keys) {
  Place place{0, 0, 0};
  const Node* at = &root;
  for (const std::string_view key : keys) {
    const Entry* entry = at->entry(key);
    if (entry == nullptr) return place;
    place = entry->place;
    at = &entry->value;
  }
  return place;
}

/// Is `path` the directory itself or inside it? Both absolute and normal.
bool inside(const std::string& path, const std::string& directory) {
  if (path.empty() || directory.empty()) return false;
  return path == directory || directory == "/" || path.starts_with(directory + "/");
}

void lint_state(const Reading& reading) {
  const Site& site = reading.site;
  const Place state = place_of(reading.root, {"state"});
  if (site.code && !site.code->path.empty()) {
    for (const char* part : {"/releases", "/current"})
      if (site.code->layout == "releases" && inside(site.state, site.code->path + part))
        reading.findings.error(
            state,
            fmt::format("state lies in {}{}: the journal must survive the release that it rolls back", site.code->path,
                        part),
            "put it elsewhere, such as /var/lib/backout");
    if (site.code->layout == "in-place" && inside(site.state, site.code->path))
      reading.findings.error(
          state,
          fmt::format("state lies in {}: the journal must survive the checkout that it rolls back", site.code->path),
          "put it elsewhere, such as /var/lib/backout");
  }
  if (site.database && inside(get_string(site.database->args, "file"), site.state))
    reading.findings.error(
        place_of(reading.root, {"database", "sqlite", "file"}),
        "the database lies in the state directory: the journal must not share one with what is rolled back",
        "give state a directory of its own");
}

void lint_checks(const Reading& reading) {
  const Site& site = reading.site;
  if (site.checks.empty() && items_at(reading.root, "checks").empty() && !site.traffic)
    reading.findings.warning(place_of(reading.root, {"checks"}), "no checks: nothing can show that a release works",
                             "for example: checks: [{get: /version, version: true}]");
  for (const CheckConfig& check : site.checks) {
    if (!check.args.contains("path")) continue;
    std::vector<std::string> nowhere;
    for (const HostConfig& host : hosts_of(site)) {
      const bool asked =
          check.hosts.empty() || std::find(check.hosts.begin(), check.hosts.end(), host.name) != check.hosts.end();
      if (asked && base_url_for(site, host).empty()) nowhere.push_back(host.name);
    }
    if (nowhere.empty()) continue;
    // A warning: the file is right as far as it goes, and the plan that needs the address is refused.
    reading.findings.warning(
        place_of(reading.root, {"checks"}),
        fmt::format("checks given as paths have no address on {}: no base_url, and no url there", join(nowhere, ", ")),
        "for example: base_url: http://{host}:8000");
    return;
  }
}

/// What calls itself an error is known (see drivers/checks/error_page.h); a page that does not is taken for the site.
void lint_answers(const Reading& reading) {
  const auto asks_for_the_status_alone = [](const CheckConfig& check) {
    return check.kind == "http" && !check.args.contains("contains") && !check.args.contains("json") &&
           !check.args.contains("version");
  };
  const std::vector<CheckConfig>& checks = reading.site.checks;
  if (checks.empty() || !std::all_of(checks.begin(), checks.end(), asks_for_the_status_alone)) return;
  reading.findings.warning(place_of(reading.root, {"checks"}),
                           "no check looks into an answer: an error page with the right status may pass for the site",
                           "for example: - {get: /version, version: true}");
}

/// Checks given as paths are asked for each host; at one address, one host's answer would stand for all.
void lint_addresses(const Reading& reading) {
  const Site& site = reading.site;
  const bool by_path = std::any_of(site.checks.begin(), site.checks.end(),
                                   [](const CheckConfig& check) { return check.args.contains("path"); });
  std::map<std::string, std::string> first;
  for (const HostConfig& host : hosts_of(site)) {
    const std::string address = replaced(base_url_for(site, host), "{host}", host.name);
    const auto [other, is_new] = first.emplace(address, host.name);
    if (is_new || address.empty() || !by_path) continue;
    reading.findings.warning(place_of(reading.root, {"hosts"}),
                             fmt::format("{} and {} are asked at the same address, {}: one answer stands for both",
                                         other->second, host.name, address),
                             "for example: base_url: http://{host}:8000, or a url for each host");
    return;
  }
}

void lint_services(const Reading& reading) {
  const Site& site = reading.site;
  for (const ServiceConfig& service : site.services)
    if (code_for(site, service) == CodeOnHosts::kSome)
      reading.findings.error(
          place_of(reading.root, {"services"}),
          fmt::format("services: '{}' is on hosts with the code and on hosts without it: what it runs "
                      "from could not be looked at",
                      service.name),
          "write it once for each, under two names, with hosts");
}

void lint_commands(const Reading& reading) {
  const std::vector<Node>& nodes = items_at(reading.root, "commands");
  size_t index = 0;
  for (const Node& node : nodes) {
    if (!node.is_map()) continue;
    const CommandConfig& command = reading.site.commands.at(index++);
    if (command.probe || command.repeatable || command.name.empty() || command.run.argv.empty()) continue;
    if (command.on_unknown == OnUnknown::kRerun)
      reading.findings.warning(
          node.place,
          fmt::format("commands: '{}' may run twice after a crash: it has no probe, and on_unknown is rerun",
                      command.name),
          "say repeatable: true if that does no harm");
    else
      reading.findings.warning(
          node.place,
          fmt::format("commands: '{}' has no probe: a crash while it runs leaves it Unknown, and a person is asked",
                      command.name),
          "for example: probe: test -e /tmp/done; or repeatable: true");
  }
}

bool looks_secret(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::toupper(c); });
  if (name == "AUTHORIZATION" || name == "COOKIE") return true;
  const bool ends = std::any_of(std::begin(kSecretEnds), std::end(kSecretEnds),
                                [&](std::string_view end) { return name.ends_with(end); });
  return ends && !name.starts_with("PUBLIC");
}

/// What is written here is in every plan, and so in the journal.
void lint_secrets(const Node& map, Findings& findings) {
  for (const Entry& entry : map.entries) {
    if (entry.key.starts_with("x-")) continue;
    const bool env = entry.key == "env";
    if (env || entry.key == "send_header")
      for (const Entry& one : entry.value.entries)
        if (one.value.is_text() && !one.value.text.empty() && looks_secret(one.key))
          findings.warning(one.place,
                           fmt::format("{}: the value of {} will be in plans and in the journal", entry.key, one.key),
                           fmt::format("if it is secret, write where it is: {}: {{{}: /etc/...}}",
                                       env ? "secrets" : "send_secret", one.key));
    lint_secrets(entry.value, findings);
  }
  for (const Node& item : map.items) lint_secrets(item, findings);
}

/// The directory of a leftover is emptied while the release that is left still stands: nothing that a rollback needs
/// may be in it. Symbolic links are followed when a plan is made (app/site/places_in_the_way.h).
void lint_leftovers(const Reading& reading) {
  const std::vector<Node>& nodes = items_at(reading.root, "leftovers");
  size_t index = 0;
  for (const Node& node : nodes) {
    if (form_of("leftovers[]", node).empty()) continue;
    const LeftoverConfig& leftover = reading.site.leftovers.at(index++);
    const std::string directory = get_string(leftover.args, "path");
    for (const NeededPlace& place : needed_places(reading.site)) {
      const bool holds = inside(place.path, directory) || (place.whole && inside(directory, place.path));
      if (directory.empty() || !holds) continue;
      reading.findings.error(
          node.place,
          fmt::format("leftovers: {} holds {}, {}: it would be moved away", directory, place.what, place.path),
          "name the directory of the jobs, sessions or files alone");
      break;
    }
    const std::string releases = reading.site.code ? reading.site.code->path + "/releases" : "";
    if (reading.site.code && reading.site.code->layout == "releases" && directory.starts_with(releases + "/") &&
        directory.find('/', releases.size() + 1) == std::string::npos)
      reading.findings.error(node.place,
                             fmt::format("leftovers: {} is a whole release: it would be moved away", directory),
                             "name the directory of the jobs, sessions or files alone");
  }
}

/// Files of `to` are replaced and removed. Symbolic links are followed when a plan is made
/// (app/site/places_in_the_way.h).
void lint_statics(const Reading& reading) {
  const Node* code = reading.root.find("code");
  if (code == nullptr || !code->is_map() || !reading.site.code) return;
  size_t index = 0;
  for (const Node& node : items_at(*code, "static")) {
    if (!node.is_map() || index >= reading.site.code->statics.size()) continue;
    const std::string& to = reading.site.code->statics[index].to;
    for (const NeededPlace& place : places_of_statics(reading.site, index++)) {
      const bool holds = inside(place.path, to);
      if (!holds && !(place.whole && inside(to, place.path))) continue;
      reading.findings.error(node.place,
                             fmt::format("static: {} {} {}, {}: it may hold nothing but files that are served", to,
                                         holds ? "holds" : "lies in", place.what, place.path),
                             "name the directory that the web server reads them from, outside the code");
      break;
    }
  }
}

void lint_backups(const Reading& reading) {
  const Site& site = reading.site;
  if (!site.database || !site.database->backups) return;
  const BackupsConfig& backups = *site.database->backups;
  if (backups.keep < kLeastKept)
    reading.findings.warning(place_of(reading.root, {"database", "backups", "keep"}),
                             "backups are kept for less than 7 days: a fault that is seen late has none from before it",
                             "for example: keep: 7d");
  if (site.code && inside(backups.dir, site.code->path + (site.code->layout == "releases" ? "/releases" : "")))
    reading.findings.warning(place_of(reading.root, {"database", "backups", "dir"}),
                             "backups lie in the code: they go with the release that they are needed against",
                             "put them elsewhere, such as /srv/backups");
}

}  // namespace

void lint(const Reading& reading) {
  const Site& site = reading.site;
  Findings& findings = reading.findings;
  lint_state(reading);
  lint_checks(reading);
  lint_answers(reading);
  lint_addresses(reading);
  lint_services(reading);
  lint_commands(reading);
  lint_backups(reading);
  lint_leftovers(reading);
  lint_statics(reading);
  lint_secrets(reading.root, findings);
  if (site.traffic && site.public_url.empty())
    findings.warning(place_of(reading.root, {"traffic"}),
                     "traffic without public_url: nobody looks at what users are answered",
                     "for example: public_url: https://shop.example.com");
  if (!site.code && !site.database && !site.traffic)
    findings.warning({0, 0, 0}, "neither code nor database: there is nothing to roll back",
                     "for example: code: {layout: releases, path: /srv/shop}");
  if (site.database && !site.door)
    findings.warning(
        place_of(reading.root, {"database"}),
        "a database without a door: users write while it is restored, and those rows are lost when a run is aborted",
        "for example: door: {nginx: {include: /etc/nginx/shop-door.conf}}");
  if (site.code && site.code->layout == "in-place" && !site.code->build.empty())
    findings.warning(
        place_of(reading.root, {"code", "build"}), "built in place: the build counts as outage",
        site.code->keep_builds.empty()
            ? "layout: releases builds beside the running code; keep_builds puts back what was built before"
            : "less so where the build of a release was kept: keep_builds");
  if (site.bake == Millis(0))
    findings.warning(place_of(reading.root, {"watch", "bake"}),
                     "bake is 0: a release is known-good as soon as it is deployed");
}

}  // namespace backout::config
