#include <iostream>

#include "cli/command.h"
#include "database/postgresql/verbs.h"
#include "database/sqlite/tool.h"
#include "drivers/code/coolify_tool.h"
#include "drivers/kubernetes/tool.h"
#include "drivers/traffic/alb.h"
#include "drivers/traffic/istio.h"

namespace backout::cli {

/// `backout internal TOOL VERB`: effects on a database or a cluster, run through the shim like any other command. Not
/// for people.
int internal(const Globals& globals, const std::vector<std::string>& arguments) {
  if (arguments.size() == 2 && arguments[0] == "complete") return complete(globals, arguments[1]);
  const std::string tool = arguments.empty() ? "" : arguments.front();
  const std::vector<std::string> rest(arguments.begin() + (arguments.empty() ? 0 : 1), arguments.end());
  if (tool == "sqlite") return database::run_sqlite_tool(rest, std::cin, std::cout, std::cerr);
  if (tool == "postgresql") return postgresql::run_postgresql_tool(rest, std::cin, std::cout, std::cerr);
  if (tool == "istio") return drivers::run_istio_tool(rest, std::cin, std::cout, std::cerr);
  if (tool == "alb") return drivers::run_alb_tool(rest, std::cin, std::cout, std::cerr);
  if (tool == "coolify") return drivers::run_coolify_tool(rest, std::cin, std::cout, std::cerr);
  if (tool == "kubernetes") return drivers::kubernetes::run_kubernetes_tool(rest, std::cin, std::cout, std::cerr);
  std::cerr << "backout: internal: unknown tool\n";
  return 2;
}

}  // namespace backout::cli
