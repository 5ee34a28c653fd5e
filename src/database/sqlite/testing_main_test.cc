// The test program is its own `backout internal sqlite`, so that verbs run as processes that can be killed.
#include <gtest/gtest.h>

#include <iostream>

#include "database/sqlite/tool.h"

int main(int argc, char** argv) {
  if (argc >= 3 && std::string(argv[1]) == "internal" && std::string(argv[2]) == "sqlite")
    return backout::database::run_sqlite_tool({argv + 3, argv + argc}, std::cin, std::cout, std::cerr);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
