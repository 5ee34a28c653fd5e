// Gradual: while a shift of traffic takes its steps, the signals of the site judge the release that gets more of it.
// The pool's own health says nothing about what its users meet.
//
// Driver "signals", of looks alone:
//   judge   look   {release, before, before_was_well, hold_ms, signals: [NAME], beside: {driver, verb, args}}: for
//                  hold_ms the detector has nothing against `release`, something was seen of it, and the look `beside`
//                  holds all the while. What is against it ends it at once; nothing seen, and a signal that is blind,
//                  are never good
#pragma once
#include <memory>
#include <vector>

#include "app/subject.h"
#include "driver/driver.h"

namespace backout::app {

/// Each look at the pool between two steps becomes one in which the signals judge, too. On the way back only signals
/// that know which release answered are asked: the others would tell what the bad one does. Without any, it stays.
void add_judging(const Site& site, const Journey& journey, std::vector<Step>& steps);

/// `workspace` outlives it.
std::unique_ptr<driver::Driver> make_signals_driver(const Workspace& workspace);

}  // namespace backout::app
