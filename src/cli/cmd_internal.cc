#include <iostream>

#include "cli/command.h"
#include "database/sqlite/tool.h"

namespace backout::cli {

/// `backout internal sqlite VERB`: effects on a database, run through the shim like any other command. Not for people.
int internal(const Globals& globals, const std::vector<std::string>& arguments) {
  if (arguments.size() == 2 && arguments[0] == "complete") return complete(globals, arguments[1]);
  if (arguments.empty() || arguments[0] != "sqlite") {
    std::cerr << "backout: internal: unknown tool\n";
    return 2;
  }
  return database::run_sqlite_tool({arguments.begin() + 1, arguments.end()}, std::cin, std::cout, std::cerr);
}

}  // namespace backout::cli
