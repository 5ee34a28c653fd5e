#include "database/sqlite/tool.h"

#include "database/sqlite/verbs.h"
#include "driver/tool.h"

namespace backout::database {

int run_sqlite_tool(const std::vector<std::string>& args, std::istream& in, std::ostream& out, std::ostream& err) {
  return driver::run_tool(args, in, out, err, &run_verb);
}

}  // namespace backout::database
