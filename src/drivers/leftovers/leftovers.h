// "leftovers": jobs queued, sessions and caches that the bad release wrote and that the old code may not be able to
// read: counted, and then by rule drained, parked, flushed or left.
//
// Subject: {name, kind: redis | directory | run, rule: drain | park | flush | leave, otherwise?, within_ms?, stage:
// drain | rest}
//   redis      {url, keys, secrets: {REDISCLI_AUTH: place}?}  a key, or a pattern of redis' own
//   directory  {path}
//   run        {count: command, act?: command, otherwise_act?: command, undo?: command}; count prints a number last
//
// The part with stage "drain" has one step: drain-<name> (close, among the services, so that those after it still
// work): waits until nothing is left or within_ms is over, whichever comes first. The part with stage "rest" comes when
// every service has stopped:
//   leave  count-<name> (close)   a look that tells how much is left
//   park   aside-<name> (close)   under a name that only this run uses; its undo puts it back
//   flush  the same, and drop-<name> (settle): what is set aside is deleted when the door is open, not before
// A leftover of kind `run` is acted on by the user's own commands, in close.
// What was found is in the evidence: {found, left, aside, leftover, leftover_told?}.
#pragma once
#include <memory>

#include "driver/driver.h"

namespace backout::drivers {

std::unique_ptr<driver::Driver> make_leftovers_driver();

}  // namespace backout::drivers
