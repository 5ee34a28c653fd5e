// clang++ -fsanitize=fuzzer,address,undefined: the answers of tools to drivers. The first byte says which reader.
#include <cstddef>
#include <cstdint>

#include "fuzz/driver_readers.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace backout::drivers;
  constexpr void (*kReaders[])(std::string_view) = {fuzz_haproxy,  fuzz_upstream,  fuzz_alb,     fuzz_istio,
                                                    fuzz_workload, fuzz_helm,      fuzz_coolify, fuzz_compose,
                                                    fuzz_recap,    fuzz_deployers, fuzz_keepers};
  if (size == 0) return 0;
  kReaders[data[0] % std::size(kReaders)]({reinterpret_cast<const char*>(data) + 1, size - 1});
  return 0;
}
