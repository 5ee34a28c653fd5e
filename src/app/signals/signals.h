// Signals: the sources of a site's signals, asked together: each as often as it says, hosts that share a signal as one.
#pragma once
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "app/site/workspace.h"
#include "model/observation.h"
#include "watch/source.h"

namespace backout::app {

struct Heard {
  std::vector<std::string> blind_on = {};  // "web-2: why": hosts on which it is blind while it sees others
  std::string signal;                      // its name in backout.yaml
  backout::Seen seen;                      // of all of its hosts; blind only when every one is. Its position is by host
};

/// One source: a signal on a host.
struct Asked {
  std::string signal, host;
  std::unique_ptr<watch::Source> source;
  Millis every{0};
  Json position;
  BootTime next{0};
  std::future<backout::Seen> under_way;  // valid while a look goes on
};

class Signals {
 public:
  explicit Signals(std::vector<Asked> asked) : asked_(std::move(asked)) {}
  /// `position`: as Heard::seen told it for a signal, to this or another process; null: from the cutover. kInvalid for
  /// a signal that cannot be made.
  static Result<Signals> open(const Workspace& workspace,
                              const std::function<Json(const std::string& signal)>& position);

  bool none() const { return asked_.empty(); }
  /// Those whose time has come, at the same time. One that hangs does not delay the others: what it saw is told by a
  /// later call. `all`: whatever their time, and every one is waited for. Not thread-safe.
  std::vector<Heard> look(const watch::Scope& scope, bool all, const std::stop_token& stop);

 private:
  std::vector<Asked> asked_;
};

/// What several hosts saw of one signal, as if one had: votes of the same second and arm are added up.
backout::Seen together(std::vector<std::pair<std::string, backout::Seen>> by_host);

/// What the signals of a watch amount to: an alarm, nothing seen, or neither.
struct SignalsSaid {
  std::string alarm;       // not empty: which, and how sure
  std::string blind;       // not empty: which, and why
  std::string bad_before;  // not empty: so much failed before the release came that nothing can be said for it
};
SignalsSaid said_by(const std::vector<Evidence>& evidence);
/// One line on a piece of evidence, for people.
std::string line_of(const Evidence& evidence);

}  // namespace backout::app
