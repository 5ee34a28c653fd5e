// Name, hosts, URLs, watch, approvals.
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/text.h"
#include "config/read.h"

namespace backout::config {
namespace {

void read_hosts(const Reading& reading) {
  const Node* hosts = reading.root.find("hosts");
  if (hosts == nullptr) return;
  for (const Entry& entry : hosts->entries) {
    if (entry.key.starts_with("x-")) continue;
    HostConfig host{.name = entry.key,
                    .ssh = text_at(entry.value, "ssh"),
                    .url = without_slash(text_at(entry.value, "url")),
                    .root = text_at(entry.value, "root")};
    static constexpr std::string_view kAllowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    if (host.name.empty() || host.name.find_first_not_of(kAllowed) != std::string::npos || host.name.front() == '-' ||
        host.name.front() == '.')
      reading.findings.error(entry.place, fmt::format("'{}' cannot be a host's name: letters, digits, '.', '_' and '-'",
                                                      shortened(host.name, 60)));
    else if (host.name == "local" && !host.ssh.empty())
      reading.findings.error(entry.place, "'local' is this machine: give a host behind ssh another name");
    reading.site.hosts.push_back(std::move(host));
  }
  if (hosts->is_map() && reading.site.hosts.empty())
    reading.findings.error(hosts->place, "hosts is empty: leave it out to mean this machine");
}

}  // namespace

void read_basics(const Reading& reading) {
  const Node& root = reading.root;
  Site& site = reading.site;
  require(reading, root, "", "site");
  site.name = text_at(root, "site");
  site.environment = text_at(root, "environment", site.environment);
  site.id = SiteId(site.name + "/" + site.environment);
  site.state = path_at(reading, root, "state");
  site.base_url = without_slash(text_at(root, "base_url"));
  site.public_url = without_slash(text_at(root, "public_url"));
  site.jobs = whole_at(root, "jobs", site.jobs);
  if (const auto choice = on_failed_check_of(text_at(root, "on_failed_check"))) site.on_failed_check = *choice;
  read_hosts(reading);
  if (const Node* watch = root.find("watch")) {
    read_watch(reading, *watch);
    site.bake = span_at(*watch, "bake", site.bake);
  }
  for (const Node& item : items_at(root, "save"))
    if (item.is_text()) site.save.push_back(absolute(site.directory, item.text));
  if (const Node* approvals = root.find("approvals"))
    for (const Entry& entry : approvals->entries)
      if (!entry.key.starts_with("x-")) site.approvals.push_back(entry.key);
}

}  // namespace backout::config
