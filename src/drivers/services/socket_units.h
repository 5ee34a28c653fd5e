// Socket units of a service: systemd itself listens, and goes on listening while the service changes hands. So a
// service that has them can be handed over under traffic instead of being stopped: the code is switched, and one
// restart lets the old process finish what it has begun (new connections wait in the socket) and starts the other.
//
// stay-<name> (close) looks only, and carries the undo: a handover to what was there, after the code was switched back.
// handover-<name> (start) is the restart. It serves when the service serves and its sockets listen.
#pragma once
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/services/steps.h"

namespace backout::drivers {

struct SocketUnit {
  std::string id, load, active, sub, result, triggers;
  bool accept = false;  // a process for each connection: nothing to hand over
  bool listens() const { return active == "active" && (sub == "listening" || sub == "running"); }
};

/// Of `systemctl show -p ... A.socket B.socket`: blocks of NAME=VALUE with an empty line between. Pure.
std::vector<SocketUnit> parse_socket_units(std::string_view shown);
/// kUnavailable when systemctl does not answer for each of `names`.
Result<std::vector<SocketUnit>> look_at_sockets(const std::vector<std::string>& names, host::Host& host,
                                                std::stop_token stop);

/// Why they do not listen for `unit`; empty when all do.
std::optional<std::string> why_not_listening(const std::string& unit, const std::vector<SocketUnit>& sockets);
/// Why one of them still does; empty when none does.
std::optional<std::string> why_listening(const std::vector<SocketUnit>& sockets);

/// args["sockets"]: names of socket units, or kInvalid. None when it is not there.
Result<std::vector<std::string>> sockets_from(const Json& args);

/// Whether this run hands the service over: nothing else needs it down (subject "handover", set by the planner), and on
/// each host its sockets were seen to listen.
bool is_handed_over(const driver::Offering& offering);
std::vector<Step> handover_steps(const driver::Offering& offering, std::string_view driver, const Service& service);

/// For `backout ready`: "service.sockets".
std::optional<Finding> socket_finding(const std::string& unit, const std::vector<std::string>& names, host::Host& host,
                                      std::stop_token stop);
/// The same where none are said, and systemd has one: a stop would not last.
std::optional<Finding> unnamed_socket_finding(const std::string& unit, host::Host& host, std::stop_token stop);

/// Behind the common part of systemd.cc. Arguments: unit, milliseconds for what is in flight, and until it serves,
/// sockets.
extern const char* const kHandoverScript;

}  // namespace backout::drivers
