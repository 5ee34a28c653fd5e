// Detectors: facts in, findings of one source into the draft. Pure; none depends on what another has found but where
// it says so. They never fail: what cannot be understood is not seen.
#pragma once
#include "init/draft.h"
#include "init/facts.h"

namespace backout::init {

void detect_layout(const Facts& facts, Draft& draft);  // releases or a checkout, git, the site's name
void detect_systemd(const Facts& facts, Draft& draft);
void detect_supervisor(const Facts& facts, Draft& draft);
void detect_pm2(const Facts& facts, Draft& draft);
void detect_cron(const Facts& facts, Draft& draft);
void detect_procfile(const Facts& facts, Draft& draft);   // REQUIRES: those before; only when none found a web service
void detect_processes(const Facts& facts, Draft& draft);  // REQUIRES: the same; also ports of services found
void detect_python(const Facts& facts, Draft& draft);
void detect_node(const Facts& facts, Draft& draft);
void detect_ruby(const Facts& facts, Draft& draft);
void detect_binary(const Facts& facts, Draft& draft);   // Go, and C by its Makefile
void detect_scripts(const Facts& facts, Draft& draft);  // the team's own: their way to build wins over a guess
void detect_nginx(const Facts& facts, Draft& draft);    // REQUIRES: services and their ports
void detect_databases(const Facts& facts, Draft& draft);
void detect_dumps(const Facts& facts, Draft& draft);
void detect_endpoints(const Facts& facts, Draft& draft);

/// All of them, in the order that they require.
Draft detect(const Facts& facts);

}  // namespace backout::init
