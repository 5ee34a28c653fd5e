// Configuration files that go with a release: saved on their own host at a checkpoint, put back at a rollback.
//
// A saved set is a directory <path>/.backout/checkpoints/<id> of its owner alone (0700, copies 0600) with a manifest
// that has each file's SHA-256, mode and owner, or says that there was none. It is complete or absent, never half. The
// same look answers both verbs: are the live files what the set says? Contents and their hashes never leave the host.
//
//   save-config     args {path, set, files}   copies the live files into the set
//   restore-config  args {path, set}          makes the live files what the set says, each atomically
#pragma once
#include <stop_token>
#include <string>
#include <vector>

#include "driver/driver.h"
#include "host/host.h"
#include "model/step.h"

namespace backout::drivers {

inline constexpr const char* kSaveConfig = "save-config";
inline constexpr const char* kRestoreConfig = "restore-config";

/// Their two verbs, for capabilities().
std::vector<driver::Verb> config_verbs();

/// Checkpoint: "save-config-code" in prepare; nothing when no file is configured. Its evidence is {config: {set,
/// files, on: {host: files}}}: "{host}" in the path or in a file is another on each host, the set's own name is not.
Result<std::vector<Step>> config_steps_for_checkpoint(std::string_view driver, const driver::Offering& offering);
/// Rollback: "keep-config-code" in prepare (what is there now) and "restore-config-code" in switch, undone from what
/// was kept; nothing when the checkpoint saved no files.
Result<std::vector<Step>> config_steps_for_switch(std::string_view driver, const driver::Offering& offering);

/// What restore-config runs, with $1 the set: for a driver whose switch does more in the same command. After script.h.
std::string_view config_restore_script();

/// Where `path` has the set that a checkpoint's part `saved` names; `path` may have "{host}" in it.
Result<std::string> saved_set(const Json& saved, const std::string& path);

/// Is the set there, and whole? Whatever the live files are.
Sight saved_config_sight(const std::string& set, host::Host& host, std::stop_token stop);

Result<host::Command> config_command(const Action& action, const host::Host& host);
Sight config_sight(const Action& action, host::Host& host, std::stop_token stop);

}  // namespace backout::drivers
