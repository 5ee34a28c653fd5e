// `backout internal sqlite VERB`: what a run does to SQLite files, each as a process of its own (driver/tool.h).
// docs/formats/sqlite-backup.md lists verbs, arguments and evidence.
#pragma once
#include <iosfwd>
#include <string>
#include <vector>

namespace backout::database {

int run_sqlite_tool(const std::vector<std::string>& args, std::istream& in, std::ostream& out, std::ostream& err);

}  // namespace backout::database
