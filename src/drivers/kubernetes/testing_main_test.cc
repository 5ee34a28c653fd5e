// The test program is its own `backout internal kubernetes`, so that verbs run as processes that can be killed.
#include <gtest/gtest.h>

#include <iostream>

#include "drivers/kubernetes/tool.h"

int main(int argc, char** argv) {
  if (argc >= 3 && std::string(argv[1]) == "internal" && std::string(argv[2]) == "kubernetes")
    return backout::drivers::kubernetes::run_kubernetes_tool({argv + 3, argv + argc}, std::cin, std::cout, std::cerr);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
