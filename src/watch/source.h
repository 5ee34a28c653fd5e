// Source: one signal of a site, asked again and again what it has seen. A source has no state of its own between two
// looks but what it returns as `position`: another process may take the next look.
//
// No source ever says "healthy": it gives votes, occurrences, or says that it is blind and why. A look that fails for a
// reason the operator can mend is blind, not an error; errors are for what cannot be (a subject that was not checked).
#pragma once
#include <memory>
#include <stop_token>
#include <string>

#include "host/host.h"
#include "model/observation.h"

namespace backout::watch {

/// What is watched: `current` serves since `cutover`; what happened before it is the old release's.
struct Scope {
  std::string current, before;  // versions; `before` may be empty
  WallTime cutover{};
  WallTime since{};  // when `before` began to serve: what was earlier is nobody's habit; epoch: not known
  WallTime now{};    // seconds that are not over by now are left for the next look
};

class Source {
 public:
  virtual ~Source() = default;
  /// What was seen since `position` (null at the first look: then from `scope.cutover`, and for the old release's
  /// habits as far back as the source has them, at most an hour). Returns in about a second; ends early when stopped.
  /// Not thread-safe.
  virtual Result<Seen> look(const Scope& scope, const Json& position, const std::stop_token& stop) = 0;
};

/// A source by its kind ("access_log", "probe", ...) and its subject, as docs/configuration.md has its keys and
/// model/parts.h SignalConfig::args keeps them. kInvalid: no such kind, or a subject that cannot be. `host` must
/// outlive the source.
Result<std::unique_ptr<Source>> make_source(const std::string& kind, const Json& subject, host::Host& host);

}  // namespace backout::watch
