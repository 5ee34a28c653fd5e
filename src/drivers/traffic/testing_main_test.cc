// The test program is its own `backout internal alb` and `istio`, so that the command of a shift runs as a process that
// can be killed.
#include <gtest/gtest.h>

#include <iostream>

#include "drivers/traffic/alb.h"
#include "drivers/traffic/istio.h"

int main(int argc, char** argv) {
  if (argc >= 3 && std::string(argv[1]) == "internal" && std::string(argv[2]) == "alb")
    return backout::drivers::run_alb_tool({argv + 3, argv + argc}, std::cin, std::cout, std::cerr);
  if (argc >= 3 && std::string(argv[1]) == "internal" && std::string(argv[2]) == "istio")
    return backout::drivers::run_istio_tool({argv + 3, argv + argc}, std::cin, std::cout, std::cerr);
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
