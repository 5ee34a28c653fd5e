// "alb": pools as target groups of an AWS Application Load Balancer, by the real `aws` command on this machine.
//
// Subject: shift.h, and {listener | rule: ARN, region?, endpoint?, program}; each pool has `target_group`, an ARN.
// Credentials come from the environment alone, as aws finds them, and are in no argument.
//
// shift reads the actions of the listener (or rule), changes the weights and nothing else, and gives them back: one
// call of the API, wholly there or not at all. Looked at: the weights as the API tells them, the health of the targets,
// and, as for every kind, what answers at public_url, for as long as the load balancer takes.
#pragma once
#include <iosfwd>
#include <memory>
#include <string>
#include <vector>

#include "driver/driver.h"

namespace backout::drivers {

/// `self`: the path of this program, which is the command of `shift`.
std::unique_ptr<driver::Driver> make_alb_driver(std::string self);

/// `backout internal alb set`: driver/tool.h.
int run_alb_tool(const std::vector<std::string>& args, std::istream& in, std::ostream& out, std::ostream& err);

}  // namespace backout::drivers
