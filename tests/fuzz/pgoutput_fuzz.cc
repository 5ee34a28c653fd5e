// clang++ -fsanitize=fuzzer,address,undefined: messages of logical replication.
#include <cstddef>
#include <cstdint>

#include "fuzz/pgoutput_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  backout::postgresql::fuzz_pgoutput({reinterpret_cast<const char*>(data), size});
  return 0;
}
