#include <cstddef>
#include <cstdint>

#include "fuzz/watch_readers.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  backout::watch::fuzz_alerts({reinterpret_cast<const char*>(data), size});
  return 0;
}
