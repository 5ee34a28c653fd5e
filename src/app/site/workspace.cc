#include "app/site/workspace.h"

#include <pwd.h>
#include <unistd.h>

#include <climits>
#include <cstdlib>

#include "app/signals/gradual.h"
#include "base/text.h"
#include "config/config.h"
#include "os/file.h"

namespace backout::app {
namespace {

std::string from_env(const char* name) {
  const char* text = std::getenv(name);
  return text == nullptr ? "" : text;
}

std::string absolute(const std::string& path) {
  if (path.starts_with('/')) return path;
  char here[PATH_MAX];
  return getcwd(here, sizeof here) == nullptr ? path : std::string(here) + "/" + path;
}

/// Directory names from a site's: "shop/production" -> "shop/production", anything odd as %XX.
std::string as_path(const SiteId& site) {
  std::string path;
  for (const char c : site.str())
    path += std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '/' || c == '-' || c == '_' || c == '.'
                ? std::string(1, c)
                : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  return replaced(path, "..", "%2E%2E");
}

}  // namespace

std::string acting_person() {
  for (const char* name : {"BACKOUT_ACTOR", "SUDO_USER"})
    if (const std::string person = from_env(name); !person.empty()) return shortened(one_line(person), 64);
  const passwd* entry = getpwuid(geteuid());
  return entry == nullptr ? fmt::format("uid {}", geteuid()) : entry->pw_name;
}

std::string own_path() {
  char path[PATH_MAX];
  const ssize_t length = readlink("/proc/self/exe", path, sizeof path);
  return length > 0 ? std::string(path, static_cast<size_t>(length)) : "backout";
}

Result<std::string> state_directory(const Where& where, const Site& site) {
  if (!where.state.empty()) return absolute(where.state);
  if (const std::string state = from_env("BACKOUT_STATE"); !state.empty()) return absolute(state);
  if (!site.state.empty()) return site.state.starts_with('/') ? site.state : site.directory + "/" + site.state;
  if (geteuid() == 0) return std::string("/var/lib/backout");
  if (const std::string base = from_env("XDG_STATE_HOME"); !base.empty()) return base + "/backout";
  if (const std::string home = from_env("HOME"); !home.empty()) return home + "/.local/state/backout";
  return Error{Code::kInvalid, "there is no place for the journal: HOME is not set", "give one: --state DIR"};
}

std::string file_of(const Where& where) {
  const std::string directory = where.directory.empty() ? "" : where.directory + "/";
  return absolute(where.file.empty()            ? directory + "backout.yaml"
                  : where.file.starts_with('/') ? where.file
                                                : directory + where.file);
}

Result<std::unique_ptr<Workspace>> Workspace::open(const Where& where) {
  std::unique_ptr<Workspace> opened(new Workspace());
  opened->site_ = TRY(config::load(file_of(where), where.environment));
  opened->actor_ = acting_person();
  opened->journal_ =
      TRY(journal::Journal::open(TRY(state_directory(where, opened->site_)), opened->actor_, system_clock()));
  add_drivers(opened->registry_, own_path());
  opened->registry_.add(make_signals_driver(*opened));
  std::vector<HostConfig> configured = hosts_of(opened->site_);
  const bool has_local =
      std::any_of(configured.begin(), configured.end(), [](const HostConfig& each) { return each.name == "local"; });
  if (!has_local) configured.push_back({.name = "local"});
  for (const HostConfig& host : configured) {
    opened->hosts_.push_back(host.ssh.empty() ? host::make_local_host(host::HostName(host.name), host.root)
                                              : host::make_ssh_host(host::HostName(host.name), host.ssh, host.root));
    opened->by_name_[host.name] = opened->hosts_.back().get();
  }
  return opened;
}

std::string Workspace::watching_directory() const {
  return journal_->directory() + "/sites/" + as_path(site_.id) + "/watching";
}

std::string Workspace::runs_directory() const {
  return journal_->directory() + "/sites/" + as_path(site_.id) + "/runs";
}
std::string Workspace::checkpoints_directory() const {
  return journal_->directory() + "/sites/" + as_path(site_.id) + "/checkpoints";
}

}  // namespace backout::app
