// Parts: what a site is made of, as backout.yaml says it. Pure values; docs/configuration.md says what each key means.
// Parts that a driver owns stay as Json and are checked by the config reader's key lists.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "model/plan.h"

namespace backout {

struct HostConfig {
  std::string name;
  std::string ssh;   // destination for ssh(1); empty: this machine
  std::string url;   // where its checks are asked, behind the door; empty: Site::base_url
  std::string root;  // where the shim keeps its state there; empty: the default
};

struct UserCommand {  // argv, or one string that is given to sh -c because the user wrote it so
  std::vector<std::string> argv;
  std::string cwd, user;
  std::map<std::string, std::string> env;
  std::map<std::string, std::string> secrets;  // variable -> where its value is: "$NAME" or the path of a file
  Millis timeout{60'000};
};

/// Static assets outside the release.
struct StaticConfig {
  std::string from;  // directory of the release, or of the checkout once it is built
  std::string to;    // absolute
  Millis keep{7 * 24 * 3600 * 1000LL};
};

struct CodeConfig {
  // "releases" | "in-place" (a git checkout) | "compose" | "branch" | "command" | "coolify" | "kubernetes": see
  // code_is_elsewhere()
  std::string layout;
  std::string path;  // releases: holds releases/<version> and current; in-place: the checkout
  std::string git;   // source repository; empty for releases that a deploy command brings itself
  std::string user;  // runs git and build; empty: as we are
  std::vector<UserCommand> build;
  std::vector<std::string> config;       // files saved at checkpoint, put back with the release
  std::vector<std::string> keep_builds;  // in-place: directories that the build fills, kept for next time
  std::string binary;                    // what the service runs: in the release, or absolute; empty: not compared
  std::vector<StaticConfig> statics;
  std::vector<std::string> ignore;   // files of a release that are not compared: names and patterns
  Json branch = Json::object();      // what a platform deploys from: {name, remote, how, path}; empty: nothing
  Json compose = Json::object();     // a Compose project: {files, env_file, project, services, tag, ...}
  Json deploy = Json::object();      // the team's own deploy command: {run, recap, ...}; empty: none
  Json coolify = Json::object();     // layout coolify: as its driver documents; empty: none
  Json kubernetes = Json::object();  // layout kubernetes: likewise
  int keep = 5;                      // good releases
  std::vector<std::string> hosts;    // empty: all
};

struct ServiceConfig {
  std::string name;            // unit name, or the process's name
  std::string kind;            // "systemd" | "process" | "supervisor" | "pm2" | "timer" | "cron" | "crontab"
  Json args = Json::object();  // as its driver documents, without what stands below
  Millis drain{10'000};        // how long it may take to stop by itself
  int port = 0;                // what it listens on when up; 0: not looked at
  std::vector<std::string> hosts;
};

struct DoorConfig {
  std::string kind;             // "nginx" | "command"
  Json args = Json::object();   // nginx: {include, page, test, reload}; command: {close, open, probe}
  bool for_rows_alone = false;  // closed only where a run moves rows; else it is done under traffic
  std::vector<std::string> hosts;
};

struct TrafficConfig {
  std::string kind;            // "nginx" | "haproxy" | "alb" | "istio"
  Json args = Json::object();  // as drivers/traffic/shift.h documents, but for public_url and door
  std::vector<std::string> hosts;
};

struct BackupsConfig {  // a team's own, and those made from a timer
  std::string dir;
  std::string match;  // a pattern for names; empty: whatever is a backup by its content
  Millis keep{7 * 86'400'000LL};
  Millis every{0};                       // 0: none is made
  bool by_restoring = true;              // each new one is proved by restoring it; else it is only read
  int from_minute = -1, to_minute = -1;  // of the day, local time: the hours of low traffic; -1: any
  std::optional<UserCommand> make;       // the team's own command that makes one
  std::optional<UserCommand> restore;    // and the one that overwrites the database from one
};

struct DatabaseConfig {
  std::string kind;            // "sqlite"
  Json args = Json::object();  // sqlite: {file, tables: {name: carry|leave}}
  std::string host;            // where its file lies; empty: this machine, or the only host there is
  std::optional<BackupsConfig> backups;
};

struct CheckConfig {
  std::string name;            // as shown: "/health/ 200"
  std::string kind;            // "http" | "run" | "ask" | "log" | "resources"
  Json args = Json::object();  // http: {url or path, method, status, contains, header, json, version, within_ms}; run:
                               // command; ask: {question, role, within_ms?, otherwise}; log: {file or unit, deny,
                               // allow, within_ms}; resources: {limits: {figure: condition}}
  Patience patience{3, Millis(1000)};
  std::vector<std::string> hosts;  // all but ask and an http with a URL: asked on each
};

struct CiConfig {                     // the server that tests commits
  std::string kind, project;          // "github", "owner/repository"; "gitlab", "group/project"
  std::string url;                    // of its API's root, without a slash at the end
  std::string token;                  // where its token is: "$NAME" or the path of a file; empty: asked without
  std::vector<std::string> required;  // names of the checks that count; empty: all
};

struct RetentionConfig {  // how long files that hold personal data are kept; zero: for ever
  Millis checkpoints{0};  // backups taken by checkpoints that nobody can go back to any more
  Millis rescue{0};       // what runs kept: saved and replaced databases, rows that could not be carried
  Millis evidence{0};     // files attached by people
};

struct CommandConfig {  // a user's own step
  std::string name;
  Phase phase = Phase::kSwitch;
  UserCommand run;
  std::optional<UserCommand> undo, probe;  // probe: exit 0 = done, 1 = not done, anything else = cannot tell
  bool repeatable = false;
  OnUnknown on_unknown = OnUnknown::kAsk;
  std::vector<std::string> hosts;
};

struct LogLevelConfig {  // raised while a release is watched
  UserCommand raise, put_back;
  std::optional<UserCommand> probe;  // exit 0: raised; 1: not raised
  std::vector<std::string> hosts;
};

struct FigureConfig {  // a number that tells whether users come back
  std::string name;
  UserCommand count;  // prints it
  std::vector<std::string> hosts;
};

struct WatchConfig {
  Millis first{0};                         // deploy stays for it
  Millis heightened{0};                    // after a rollback, by `tick` or `watch`; 0: none
  int trouble_failed = 2, trouble_of = 5;  // so many of the last looks
  std::vector<FigureConfig> figures;
  std::optional<LogLevelConfig> log_level;
};

struct SignalConfig {              // one stream of observations; src/watch has a source for each kind
  std::string name;                // as shown, and as evidence names it
  std::string kind;                // "access_log" | "probe" | "prometheus" | "metrics" | "alertmanager" | "log" |
                                   // "restarts" | "run" | "resources"
  Json args = Json::object();      // the keys of its form, durations as *_ms; see the source's header in src/watch
  std::vector<std::string> hosts;  // empty: all; see is_asked_once
};

struct LeftoverConfig {  // jobs, sessions, caches that the other release may not be able to read
  std::string name;
  std::string rule;            // "drain" | "park" | "flush" | "leave"
  std::string before;          // drain: the service that must still run; empty: the first
  Json args = Json::object();  // as its driver documents, without name, rule and stage
  std::vector<std::string> hosts;
};

struct AutoDeployConfig {  // what deploys by itself: paused by a rollback, until the release is resolved
  std::string name;
  std::string kind;            // "argocd" | "flux" | "container" | "cron" | "crontab" | "timer" | "run"
  Json args = Json::object();  // as its driver documents, without name and kind
  std::vector<std::string> hosts;
};

struct SearchConfig {  // an index that is rebuilt from the database
  UserCommand rebuild;
  std::optional<UserCommand> built;  // prints what every rebuild changes
  Json queries = Json::array();      // as its driver documents
  std::vector<std::string> hosts;
};

}  // namespace backout
