#include "cli/opened.h"

#include <cstdio>

namespace backout::cli {

void print_json(Json value) {
  value["version"] = 1;
  std::printf("%s\n", value.dump(2, ' ', false, Json::error_handler_t::replace).c_str());
}

}  // namespace backout::cli
