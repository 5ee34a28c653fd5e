// What runs, compared with what it should be: the files of a release directory with those recorded while it served,
// and the program of the living processes with the release's own.
//
// The record of a version is <path>/.backout/files/<version>: the SHA-256 of every file, written as root (or as we are)
// and not as the user who deploys. Left out: what a program writes while it runs (caches, logs, pid files, databases,
// files newer than the link `current`, and what code.ignore names). Files that came since are told, not refused.
//
//   record-files   args {path, version, ignore}            records path/current, when it is that version
//   note-binary    a look: args {path, binary, version}    its SHA-256, whatever it is
//   running        a look: args {path, binary, version, sha256?}   processes run `binary` of the live code
#pragma once
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "driver/driver.h"
#include "host/host.h"
#include "model/step.h"

namespace backout::drivers {

bool is_compared_verb(std::string_view verb);
std::vector<driver::Verb> compared_verbs();

/// For a checkpoint of `offering.from`, in prepare: "note-binary", and in release directories "record-code".
Result<std::vector<Step>> record_steps(std::string_view driver, const driver::Offering& offering);
/// "running-code" in check, when the subject has a "binary". `recorded`: what was saved of it is what must run; false
/// where the target is built anew.
Result<std::vector<Step>> running_steps(std::string_view driver, const driver::Offering& offering, bool recorded);

/// Why the files of releases/<version> are not those recorded, naming the first; empty when they are, or when none are
/// recorded. `expected`: the SHA-256 of the record itself, when that is known.
struct Comparison {
  std::string difference;
  std::string record;     // SHA-256 of the record; empty: there is none
  bool stale = false;     // it is of an earlier deployment of what is current: nothing was compared
  int64_t files = 0;      // in the record
  int64_t newcomers = 0;  // in the directory and not in the record
};
Result<Comparison> compare_files(const std::string& path, const std::string& version, const Json& ignore,
                                 const std::string& expected, host::Host& host, std::stop_token stop);

Result<host::Command> compared_command(const Action& action);
Sight compared_sight(const Action& action, host::Host& host, std::stop_token stop);

}  // namespace backout::drivers
