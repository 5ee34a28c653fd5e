// CHECK: a broken invariant of our own, never bad input. Prints and aborts; recovery is the normal start (`backout
// resume`).
#pragma once
#include <string_view>

namespace backout {
[[noreturn]] void check_failed(const char* file, int line, const char* condition, std::string_view detail);
}

#define BACKOUT_CHECK(condition, detail)                                               \
  do {                                                                                 \
    if (!(condition)) ::backout::check_failed(__FILE__, __LINE__, #condition, detail); \
  } while (false)
