// "resources": what the processes of services take: processors, memory, open files, threads, with their children.
//
// Subject {services: [...], limits?: {rss | cpu | open_files | threads: condition}, every_ms?}. Figures are for people.
// Occurrences of the kind "resource": a limit that is broken, once until it holds again; and a figure that grows for
// good (see growth_of: memory by 20 % and 20 MB, open files by 50 % and 100, threads by 50 % and 20), once in a
// process's life. Position {"asked_ms", "services": {name: {pid, cpu, at_ms, trends, broken, leaks}}}.
//
// Blind: the host is out of reach, or no service has a process.
#pragma once
#include <memory>

#include "watch/source.h"

namespace backout::watch {

Result<std::unique_ptr<Source>> make_resources(const Json& subject, host::Host& host);

}  // namespace backout::watch
