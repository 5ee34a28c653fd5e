// `backout internal sqlite VERB`: what a run does to SQLite files, each as a process of its own.
//
// Arguments are one JSON object on standard input. Lines on standard output tell of progress; the last one is a JSON
// object, the evidence. Every verb may be killed at any instant and run again: it looks first.
// docs/formats/sqlite-backup.md lists verbs, arguments and evidence.
#pragma once
#include <iosfwd>
#include <string>
#include <vector>

namespace backout::database {

/// `args`: the verb. Exit status: 0 done; 1 failed, nothing half-done is left; 2 wrong arguments; 3 refused (the world
/// is not as expected: see the message). Errors go to `err`, with what to do next.
int run_sqlite_tool(const std::vector<std::string>& args, std::istream& in, std::ostream& out, std::ostream& err);

}  // namespace backout::database
