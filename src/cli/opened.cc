#include "cli/opened.h"

#include <cstdio>

namespace backout::cli {

void print_json(Json value) { std::printf("%s", as_document(std::move(value)).c_str()); }

std::string as_document(Json value) {
  value["version"] = 1;
  return value.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace backout::cli
