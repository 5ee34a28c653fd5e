// "auto-deploy": what deploys by itself and would bring the bad release back: the automated sync of Argo CD, Flux, a
// container that watches images, cron jobs and timers that pull, or something that the user's own commands stop.
//
// Subject: {name, kind, object, ...}: argocd and flux {object, namespace, context?, kubeconfig?}; container {object,
// engine}; cron {object: file, match?}; crontab {object: user, match?, keep?}; timer {object, units?}; run {pause,
// resume, paused}. `keep` and `units` are directories at the host that tests name: for saved copies, of units.
// observe: {there, paused, was?}. What is not there is not paused.
//
// pause-<name> (close, before anything is switched), on hosts where it goes on. Its undo puts it back as it was found,
// for an abort and when the release is resolved; until then it stays paused, also over a reboot, and its verify says
// when somebody has let it go on. `was` in its arguments says how it was found, by host.
// rests-<name> (close), on hosts where it was found paused, or has nothing: a look that it stays so.
// kNotFound when no host has any of it.
#pragma once
#include <memory>

#include "driver/driver.h"

namespace backout::drivers {

std::unique_ptr<driver::Driver> make_auto_deploy_driver();

}  // namespace backout::drivers
