// Draft: what a backout.yaml should say, value by value, each with the place where it was seen. Detectors fill it,
// settle.h puts answers in and asks for what is missing, outline.h makes it YAML. Values.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace backout::init {

/// A value and where it comes from: "/etc/nginx/sites-enabled/shop: proxy_pass". An empty value: not seen.
struct Seen {
  std::string value, where;
  bool empty() const { return value.empty(); }
};

/// What a service does, in the order in which services are stopped: whatever makes work before whatever does it.
enum class Role { kTimer, kCron, kBeat, kWeb, kWorker };

struct Service {
  std::string form, head;  // "systemd", "shop.service"
  Role role = Role::kWeb;
  std::string where;
  std::vector<std::pair<std::string, std::string>> more;  // further keys of its form, in order
  std::vector<std::string> start;                         // of a process
  std::map<std::string, std::string> env;                 // likewise
  int port = 0;
  std::string port_where;
  Millis drain{0};  // 0: the default
};

/// A path of the site that may be asked, or a command.
struct CheckDraft {
  std::string path, where;
  bool reports_version = false;  // seen to, or by its name
  std::string contains, command;
  int status = 200;
  std::string line;  // as a person gave it: written as it stands
};

struct DoorDraft {
  Seen include;       // in the server block already
  std::string where;  // the server block into which one would go: "/etc/nginx/sites-enabled/shop, line 3"
};

struct Draft {
  Seen site, environment, state, layout, path, git, git_user, base_url, public_url;
  std::vector<std::pair<std::string, std::string>> hosts;  // name, the rest in words
  std::vector<Seen> build, keep_builds, config;
  std::vector<Service> services;
  DoorDraft door;
  Seen sqlite, other_database, migrations, backups;
  std::vector<std::string> left_tables;  // bookkeeping of migrations: part of the schema, not rows of users
  std::vector<CheckDraft> checks;
  std::vector<Seen> logs, fallback_ports;
  bool needs_process = false;  // it is a program that serves, so something must run it
  std::string kind;            // "Django", for people
  std::string version_file;    // a file of the code that holds the release's name
  std::string host_header;     // a site that is told apart by its name behind the door
  std::vector<std::string> remarks;

  /// The first service of that role, or null.
  const Service* first(Role role) const {
    for (const Service& service : services)
      if (service.role == role) return &service;
    return nullptr;
  }
};

/// `to` becomes `value` unless it was seen before: what is nearer to the truth is detected first.
inline void take(Seen& to, std::string value, std::string where) {
  if (to.empty() && !value.empty()) to = {std::move(value), std::move(where)};
}

}  // namespace backout::init
