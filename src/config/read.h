// Readers: each fills its part of the Site from the document and finds what only that part can know to be wrong.
// REQUIRES: read_basics before the others (they look up hosts), read_code before services, checks and commands.
#pragma once
#include "config/fields.h"

namespace backout::config {

void read_basics(const Reading& reading);  // name, hosts, URLs, watch, approvals
void read_watch(const Reading& reading, const Node& watch);
void read_code(const Reading& reading);
void read_kubernetes(const Reading& reading, const Node& node, CodeConfig& code);  // node: `code`
void read_coolify(const Reading& reading, const Node& node, CodeConfig& code);     // after branch
void read_services(const Reading& reading);
void read_door(const Reading& reading);
void read_traffic(const Reading& reading);  // after the door
void read_upkeep(const Reading& reading);   // ci, retention
void read_database(const Reading& reading);
void read_checks(const Reading& reading);
void read_commands(const Reading& reading);
void read_leftovers(const Reading& reading);
void read_auto_deploys(const Reading& reading);
void read_search(const Reading& reading);
void read_signals(const Reading& reading);  // after services: they may be about them
void read_policies(const Reading& reading);

/// Rules between parts: what contradicts, and what is worth a warning. Last.
void lint(const Reading& reading);

}  // namespace backout::config
