#include <cstdio>

#include "app/site/linting.h"
#include "cli/opened.h"
#include "config/config.h"

namespace backout::cli {

int lint(const Globals& globals, const LintOptions& options) {
  if (options.schema || options.overlay_schema) {
    std::fputs(config::json_schema(options.schema ? config::SchemaOf::kFile : config::SchemaOf::kOverlay).c_str(),
               stdout);
    return 0;
  }
  const std::string& file = options.file;
  const std::string path = !file.empty()                     ? file
                           : !globals.where.file.empty()     ? globals.where.file
                           : globals.where.directory.empty() ? "backout.yaml"
                                                             : globals.where.directory + "/backout.yaml";
  auto loaded = config::inspect(path, globals.where.environment);
  if (!loaded) return fail(loaded.error()), 2;
  if (loaded->ok())
    for (config::Finding& finding : app::lint_rules(loaded->site)) loaded->findings.push_back(std::move(finding));
  if (globals.json) {
    Json findings = Json::array();
    for (const config::Finding& finding : loaded->findings)
      findings.push_back({{"severity", finding.severity == config::Severity::kError ? "error" : "warning"},
                          {"file", finding.file.empty() ? path : finding.file},
                          {"line", finding.line},
                          {"column", finding.column},
                          {"message", finding.message},
                          {"next", finding.next}});
    print_json({{"file", path}, {"ok", loaded->ok()}, {"findings", std::move(findings)}});
  } else {
    for (const config::Finding& finding : loaded->findings)
      std::fprintf(stderr, "%s\n", config::render(path, finding).c_str());
    if (loaded->ok() && !globals.quiet)
      std::printf("%s: %s/%s reads well\n", path.c_str(), loaded->site.name.c_str(), loaded->site.environment.c_str());
  }
  return loaded->ok() ? 0 : 2;
}

}  // namespace backout::cli
