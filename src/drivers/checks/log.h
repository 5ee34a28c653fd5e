// "log": what a log says about a release: a file, or the journal of a systemd unit.
//
// Subject {name, file | unit, deny?: [expression], allow?: [expression], within_ms?}. Offers "mark-<name>", a look that
// remembers how far the log was written (before the deploy command; before anything of the old release is started), and
// "log-<name>" in phase check, which reads what was written since. At a deploy the mark also keeps the kinds of lines
// that the release before wrote: they go into the checkpoint, and a kind of error that is not among them has never been
// seen under it.
//
// "mark": args {name, file | unit, baseline}. Evidence {position, kinds?}. A file that is not there yet holds: it is
// new. "scan": args {name, file | unit, deny, allow, within_ms, since?: {position, kinds?}, known?: [kind]}. Without
// `since` the end of the log is read, lines of the last within_ms. A missing or unreadable log is CannotTell, and so is
// one whose part behind the mark is gone. At most kLogLimit bytes are read, the newest; what was skipped is told.
// Evidence holds kinds of lines, never lines.
#pragma once
#include <memory>

#include "driver/driver.h"

namespace backout::drivers {

inline constexpr size_t kLogLimit = 8U << 20;
inline constexpr size_t kBaselineLimit = 2U << 20;

std::unique_ptr<driver::Driver> make_log_driver();

}  // namespace backout::drivers
