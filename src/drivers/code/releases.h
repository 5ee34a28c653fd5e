// "releases": code in release directories. path/releases/<version> each whole, path/current a symlink to one of them.
//
// Subject: {path, git?, user?, build: [UserCommand], config: [absolute paths], keep, keep_versions?: [version]}. `user`
// runs git and the build; the symlink and saved configuration belong to whoever backout is on that host. observe:
// {current, current_target, dangling, releases: [{version, commit, ours, built}]}; current is "" when the link points
// somewhere else than into releases/. A checkpoint's part (saved) is the union of the evidence of its steps: {version,
// commit, config?: {set, files}}.
//
// Promises: a directory at its final name is whole; the link is the old one or the new one; a directory that somebody
// else made is used and never changed; nothing that runs, ran, shall run or is known-good is ever pruned.
#pragma once
#include <memory>

#include "driver/driver.h"

namespace backout::drivers {

std::unique_ptr<driver::Driver> make_releases_driver();

}  // namespace backout::drivers
