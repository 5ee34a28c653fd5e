// A runbook of any bytes: no crash, no hang, a bounded draft that reads. The unit test that always runs is
// src/import/hostile_test.cc.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "config/config.h"
#include "import/import.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto imported = backout::import::import_runbook({reinterpret_cast<const char*>(data), size});
  if (!imported) return 0;
  if (imported->text.size() > size * 80 + 65536) std::abort();
  for (const backout::config::Finding& finding : backout::config::parse(imported->text, "/srv/backout.yaml").findings)
    if (finding.severity == backout::config::Severity::kError) std::abort();
  return 0;
}
