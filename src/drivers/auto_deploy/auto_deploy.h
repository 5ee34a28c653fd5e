// "auto-deploy": what deploys by itself and would bring the bad release back: the automated sync of Argo CD, Flux, a
// container that watches images, cron jobs and timers that pull, or something that the user's own commands stop.
//
// Subject: {name, kind, object, ...}: argocd and flux {object, namespace, context?, kubeconfig?}; container {object,
// engine}; cron {object: file, match?}; crontab {object: user, match?}; timer {object}; run {pause, resume, paused}.
// observe: {there, paused, was?}.
//
// pause-<name> (close, before anything is switched), where it is not paused already. Its undo lets it go on, for an
// abort and when the release is resolved; until then it stays paused, and its verify says when somebody has let it go
// on.
#pragma once
#include <memory>

#include "driver/driver.h"

namespace backout::drivers {

std::unique_ptr<driver::Driver> make_auto_deploy_driver();

}  // namespace backout::drivers
