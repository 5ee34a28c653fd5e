// Pace: a source that asks at most every so often, however often it is looked at. What is kept for the next look lies
// in the position: {"asked_ms", "blind"?}.
#pragma once
#include "watch/source.h"

namespace backout::watch {

class Pace {
 public:
  /// `every` at least a second.
  explicit Pace(Millis every) : every_(std::max(every, Millis(1000))) {}

  /// Is it time? Also when the clock went back behind the last time.
  bool is_due(const Json& position, WallTime now) const;
  /// What is seen when it is not: nothing new, and blind for as long as the last look was.
  static Seen nothing_new(const Json& position);
  /// To be the position after a look at `now`. REQUIRES: seen.position is an object.
  static void asked(Seen& seen, WallTime now);
  Millis every() const { return every_; }

 private:
  Millis every_;
};

/// Nothing can be known: no votes, and the reason in one line of at most 300 bytes. The position is kept, so that the
/// next look goes on where the last good one ended.
Seen blind(const Json& position, std::string_view why);

/// Is what a label or a log calls a release the one we call `version`? "v2" and "2", and a commit cut short, are.
bool is_same_release(std::string_view said, std::string_view version);

WallTime second_of(WallTime at);
/// At most 300 bytes on one line.
std::string told(std::string_view untrusted);

}  // namespace backout::watch
