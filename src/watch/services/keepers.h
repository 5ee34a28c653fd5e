// Keepers: what those who keep services running say of them: systemd, supervisord, PM2; and, of a plain process, its
// pidfile. Pure readers of what the script printed; any bytes may come.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "host/host.h"

namespace backout::watch {

/// A service of a subject: {kind, name, unit | program, config? | app, home?, user?, program? | pidfile, hosts?}.
struct WatchedService {
  std::string kind, name;
  Json subject;
};
/// Those that are on `host`. kInvalid: of a kind that nobody keeps.
Result<std::vector<WatchedService>> watched_services(const Json& list, const std::string& host);

struct Kept {
  std::string name;        // of the instance: "shop-web.service", "shop:web_00", "api (2)"
  int64_t pid = 0;         // 0: it has none
  bool is_up = false;      // it runs
  std::string given_up;    // why its keeper tries no more; empty: it does, or was told to stop
  int64_t restarts = 0;    // by its keeper, so far; only differences mean anything
  std::string generation;  // changes when somebody starts it by hand: then `restarts` begins anew
  std::string last;        // how it last ended: "exit-code"
};

/// What is printed for one service, on its host.
host::Command look_at_keeper(const WatchedService& service);
/// kUnavailable: its keeper does not answer. kNotFound: it does not know the service. Empty is for a pidfile that is
/// not there.
Result<std::vector<Kept>> kept_in(const WatchedService& service, std::string_view out);

}  // namespace backout::watch
