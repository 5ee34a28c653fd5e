// Site: one service in one environment, as read from backout.yaml. Pure values; src/config reads them,
// docs/configuration.md says what each key means. "{host}" in a path, argument or URL of a driver's part is replaced by
// the host's name when it is used.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "model/ids.h"
#include "model/parts.h"
#include "model/rule.h"

namespace backout {

struct Site {
  SiteId id;  // name/environment
  std::string name, environment = "production";
  std::string file;               // the backout.yaml it was read from, absolute
  std::string directory;          // where that file lies: relative paths start here
  std::string state;              // empty: not said in the file
  std::vector<HostConfig> hosts;  // empty: this machine as "local"
  std::string base_url;           // checks given as paths are asked here, behind the door ("http://127.0.0.1:8001")
  std::string public_url;         // the same checks in front of the door, after open; may be empty
  std::optional<CodeConfig> code;
  std::vector<ServiceConfig> services;
  std::optional<DoorConfig> door;
  std::optional<TrafficConfig> traffic;
  std::optional<DatabaseConfig> database;
  std::vector<CheckConfig> checks;
  std::vector<CommandConfig> commands;
  std::vector<std::string> save;  // files kept with the record before a rollback
  std::optional<CiConfig> ci;
  RetentionConfig retention;
  std::vector<LeftoverConfig> leftovers;
  std::vector<AutoDeployConfig> auto_deploys;
  std::optional<SearchConfig> search;
  std::vector<SignalConfig> signals;
  WatchConfig watch;
  Millis bake{24 * 3600 * 1000LL};
  OnFailedCheck on_failed_check = OnFailedCheck::kAbort;
  std::vector<std::string>
      approvals;      // kinds that need approval ("database"): a plan of that kind is refused by this version
  int jobs = 4;       // steps at once
  Policies policies;  // what `backout decide` goes by
};

/// {argv, cwd?, user?, env?, secrets?, timeout_ms}: the form that actions and subjects carry. kCorrupt when argv is
/// missing or empty.
Json to_json(const UserCommand& command);
Result<UserCommand> user_command_from_json(const Json& value);

/// The driver that looks after a part of the site, by its name in the registry.
std::string driver_of(const CodeConfig& code);          // "releases" | "checkout" | "coolify" ...
std::string driver_of(const ServiceConfig& service);    // ServiceConfig::kind
std::string driver_of(const DoorConfig& door);          // "nginx" | "door-command"
std::string driver_of(const TrafficConfig& traffic);    // "nginx-traffic" | "haproxy" | "alb" | "istio"
std::string driver_of(const DatabaseConfig& database);  // "sqlite" | "postgresql"
std::string driver_of(const CheckConfig& check);        // "http" | "run-check" | "ask"
std::string driver_of(const CommandConfig& command);    // "command"

/// A part as its driver documents it: what Offering::subject carries. Durations are whole milliseconds named *_ms; what
/// was not said is absent. "{host}" is left for the caller.
Json subject_of(const CodeConfig& code);
/// With the code that it runs from, when that is on all of its hosts.
Json subject_of(const ServiceConfig& service, const Site& site);
Json subject_of(const DoorConfig& door, const std::string& public_url);
Json subject_of(const TrafficConfig& traffic, const Site& site);
Json subject_of(const DatabaseConfig& database);
/// A check given as a path is asked at `base` (see base_url_for, or Site::public_url in front of the door).
Json subject_of(const CheckConfig& check, const std::string& base);
Json subject_of(const CommandConfig& command);
Json to_json(const BackupsConfig& backups);
/// `stage`: "drain", among the services, or "rest", when they have stopped.
Json subject_of(const LeftoverConfig& leftover, const std::string& stage);
Json subject_of(const AutoDeployConfig& deploys);
Json subject_of(const SearchConfig& search);

/// A signal given as a path is asked at `base`, as a check is.
Json subject_of(const SignalConfig& signal, const std::string& base);
/// Asked from here and for no host in particular: by a URL that names no {host}. Others are looked at on each of their
/// hosts.
bool is_asked_once(const SignalConfig& signal);

/// Where `host`'s checks are asked behind the door: its own url, else Site::base_url. Empty: nowhere was said.
std::string base_url_for(const Site& site, const HostConfig& host);
/// Site::hosts, or this machine as "local" when the file names none.
std::vector<HostConfig> hosts_of(const Site& site);
/// `named`, or all of the site's hosts when none are named.
std::vector<std::string> hosts_of(const Site& site, const std::vector<std::string>& named);

/// Whether the code is brought from here, by a branch or a command, and not at `path` on the hosts.
bool code_is_elsewhere(const CodeConfig& code);
/// Whether a branch is brought back beside the code on the hosts.
bool has_branch_beside(const Site& site);

/// On how many of a service's hosts the code is.
enum class CodeOnHosts { kAll, kSome, kNone };
CodeOnHosts code_for(const Site& site, const ServiceConfig& service);
/// Everything, for `-o json` and for comparing two readings. Subjects are told with an empty base.
Json to_json(const Site& site);

}  // namespace backout
