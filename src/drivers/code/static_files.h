// Static assets that lie outside the release: brought with it, so that the pages of the old release find theirs.
//
// Subject: "static": [{to, from, keep_ms}]. `from` is a directory of the release (or of the checkout, once it is
// built). Files are replaced one by one, each atomically, new names first; a file of another release stays where it is,
// because open pages still ask for it, and one that no release brought is nobody's but its users'. What is saved lies
// in <to>/.backout-static, which nobody but its owner can read:
//
//   run-<run>/   manifest, files/: what was in `to` before a run; brought: the names of the release that the run
//                brought; added: those of them that were not there
//
//   keep-static    args {to, set, source?}    `to`, copied to run-<run>, once; source: of the release that is left
//   static-there   args {to, source}          a look: there is something to bring, and nothing in its way
//   bring-static   args {to, set, source}     the files of `source`, to `to`
//   return-static  args {to, set}             undoes it: what was replaced comes back, what was added goes
//   static-is      args {to, source}          a look: each file of `source` is in `to`, by SHA-256
//   tidy-static    args {to, source, keep_ms}   what runs before that time kept goes, with the files
//                  of the releases that they left, but for those that `source` has; nobody else's
#pragma once
#include <stop_token>
#include <string>
#include <vector>

#include "driver/driver.h"
#include "host/host.h"
#include "model/step.h"

namespace backout::drivers {

bool is_static_verb(std::string_view verb);
std::vector<driver::Verb> static_verbs();

/// "static-1", ... in check. `release`: an absolute directory. For a deploy, and `verify`.
Result<std::vector<Step>> static_looks(std::string_view driver, const driver::Offering& offering,
                                       const std::string& release);

/// Can they come back? `release`: where it is; `there`: it is there and built. `tag`: of a checkout that is not built.
void add_static_readiness(const driver::Offering& offering, const std::string& release, bool there,
                          const std::string& tag, host::Host& host, const std::stop_token& stop,
                          driver::Readiness& readiness);

struct StaticSteps {
  std::vector<Step> prepare, cutover, after;  // cutover: in switch; after: in check and settle
};
/// The steps of a rollback. `leaving`: where the release that runs is, before anything is switched. `prepared`: the
/// release is at `release` when these steps of prepare are done; else only at the end of switch, and nothing can be
/// looked at before.
Result<StaticSteps> static_steps_for_switch(std::string_view driver, const driver::Offering& offering,
                                            const std::string& release, const std::string& leaving, bool prepared);

Result<host::Command> static_command(const Action& action);
Sight static_sight(const Action& action, host::Host& host, std::stop_token stop);

}  // namespace backout::drivers
