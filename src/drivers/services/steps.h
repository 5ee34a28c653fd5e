// The three steps that every service needs in a rollback: it stops, it starts, it serves. In a deploy, the last alone:
// stopping and starting is the deploy command's business.
//
// stop-<name> (close; its undo starts what was found running, as the release that was found), start-<name> (start; its
// undo stops), serves-<name> (check, a look). Actions carry the subject whole, plus
//   version     the release whose code must run; empty: any
//   after       by host, microseconds of its own clock: what runs must have been started later (a deploy)
//   leave_down  hosts where the service was found not running: putting things back leaves it so
#pragma once
#include "driver/driver.h"
#include "drivers/services/look.h"

namespace backout::drivers {

/// What process and systemd have in common in their part of the configuration.
struct Service {
  std::string name;
  Millis drain{10'000};    // how long it may take to stop by itself; then it is killed
  Millis startup{15'000};  // how long it may take until it serves
  LookAt at;
  bool leave_down = false;  // on the host asked about
};
/// kInvalid, naming the key. `host` may be empty.
Result<Service> service_from(const Json& args, std::string_view host);

/// The last lines of a program's own log as evidence ("log"): sanitised, at most 20, the last ones.
Json log_lines(std::string_view text);

std::vector<driver::Verb> service_verbs();
std::vector<Step> service_steps(const driver::Offering& offering, std::string_view driver, const Service& service);

/// A non-empty array of strings, or kInvalid naming `key`.
Result<std::vector<std::string>> argv_from(const Json& args, std::string_view key);

}  // namespace backout::drivers
