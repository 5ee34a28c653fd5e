#include <cstdio>

#include "base/text.h"
#include "cli/opened.h"

namespace backout::cli {

int audit_verify(const Globals& globals) {
  const auto shown = [&]() -> Result<int> {
    const auto workspace = TRY(open(globals));
    const journal::VerifyReport found = TRY(workspace->journal().verify());
    if (globals.json) {
      print_json({{"events", found.events}, {"faults", found.faults}});
    } else {
      for (const std::string& fault : found.faults) std::fprintf(stderr, "%s\n", one_line(fault).c_str());
      if (found.faults.empty()) std::printf("%s: every chain holds\n", counted(found.events, "event").c_str());
    }
    return found.faults.empty() ? 0 : 1;
  }();
  return shown ? *shown : fail(shown.error());
}

int journal_export(const Globals& globals) {
  const auto shown = [&]() -> Result<int> {
    const auto workspace = TRY(open(globals));
    TRY_VOID(workspace->journal().export_to([](std::string_view line) -> Result<void> {
      const bool newline = line.ends_with('\n');
      if (std::fwrite(line.data(), 1, line.size(), stdout) != line.size() ||
          (!newline && std::fputc('\n', stdout) == EOF))
        return errno_error("writing the export");
      return {};
    }));
    return 0;
  }();
  return shown ? *shown : fail(shown.error());
}

}  // namespace backout::cli
