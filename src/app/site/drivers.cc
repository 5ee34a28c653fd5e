// The one list of drivers.
#include "app/site/workspace.h"
#include "database/postgresql/driver.h"
#include "database/sqlite/driver.h"
#include "drivers/auto_deploy/auto_deploy.h"
#include "drivers/checks/http.h"
#include "drivers/checks/log.h"
#include "drivers/checks/resources.h"
#include "drivers/checks/search.h"
#include "drivers/code/branch.h"
#include "drivers/code/checkout.h"
#include "drivers/code/coolify.h"
#include "drivers/code/deploy_command.h"
#include "drivers/code/releases.h"
#include "drivers/command/check.h"
#include "drivers/command/command.h"
#include "drivers/command/door.h"
#include "drivers/compose/compose.h"
#include "drivers/kubernetes/kubernetes.h"
#include "drivers/leftovers/leftovers.h"
#include "drivers/services/cron.h"
#include "drivers/services/pm2.h"
#include "drivers/services/process.h"
#include "drivers/services/supervisor.h"
#include "drivers/services/systemd.h"
#include "drivers/services/timer.h"
#include "drivers/traffic/alb.h"
#include "drivers/traffic/haproxy.h"
#include "drivers/traffic/istio.h"
#include "drivers/traffic/nginx.h"
#include "drivers/traffic/nginx_upstream.h"

namespace backout::app {

void add_drivers(driver::Registry& registry, const std::string& self) {
  registry.add(drivers::make_releases_driver());
  registry.add(drivers::make_checkout_driver());
  registry.add(drivers::make_branch_driver());
  registry.add(drivers::make_deploy_command_driver());
  registry.add(drivers::make_coolify_driver(self));
  registry.add(drivers::make_compose_driver());
  registry.add(drivers::make_kubernetes_driver(self));
  registry.add(drivers::make_process_driver());
  registry.add(drivers::make_systemd_driver());
  registry.add(drivers::make_supervisor_driver());
  registry.add(drivers::make_pm2_driver());
  registry.add(drivers::make_timer_driver());
  registry.add(drivers::make_cron_driver());
  registry.add(drivers::make_crontab_driver());
  registry.add(drivers::make_leftovers_driver());
  registry.add(drivers::make_nginx_driver());
  registry.add(drivers::make_nginx_traffic_driver());
  registry.add(drivers::make_haproxy_driver());
  registry.add(drivers::make_alb_driver(self));
  registry.add(drivers::make_istio_driver(self));
  registry.add(drivers::make_door_command_driver());
  registry.add(drivers::make_http_driver());
  registry.add(drivers::make_log_driver());
  registry.add(drivers::make_resources_driver());
  registry.add(drivers::make_search_driver());
  registry.add(drivers::make_auto_deploy_driver());
  registry.add(drivers::make_run_check_driver());
  registry.add(drivers::make_ask_driver());
  registry.add(drivers::make_command_driver());
  registry.add(database::make_sqlite_driver(self));
  registry.add(postgresql::make_postgresql_driver(self));
}

}  // namespace backout::app
