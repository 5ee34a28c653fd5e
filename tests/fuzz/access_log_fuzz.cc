#include <cstddef>
#include <cstdint>

#include "fuzz/access_log_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  backout::watch::fuzz_access_log(input);
  backout::watch::fuzz_access_log_state(input);
  return 0;
}
