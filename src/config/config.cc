#include "config/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/text.h"
#include "config/document.h"
#include "config/file_text.h"
#include "config/read.h"
#include "config/shape.h"

namespace backout::config {
namespace {

std::string absolute_file(const std::string& file) {
  std::error_code failure;
  const std::filesystem::path path = std::filesystem::absolute(file, failure);
  return (failure ? std::filesystem::path(file) : path).lexically_normal().string();
}

Loaded read(const Node& root, const std::string& file, const std::string& environment, Findings& findings) {
  Loaded loaded;
  loaded.site.file = absolute_file(file);
  loaded.site.directory = std::filesystem::path(loaded.site.file).parent_path().string();
  if (!environment.empty()) loaded.site.environment = environment;
  const Reading reading{root, loaded.site, findings};
  check_shape(root, findings);
  read_basics(reading);
  read_code(reading);
  read_services(reading);
  read_door(reading);
  read_traffic(reading);
  read_database(reading);
  read_upkeep(reading);
  read_checks(reading);
  read_commands(reading);
  read_leftovers(reading);
  read_auto_deploys(reading);
  read_search(reading);
  read_signals(reading);
  read_policies(reading);
  lint(reading);
  return loaded;
}

bool is_environment_name(const std::string& name) {
  return name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") ==
             std::string::npos &&
         name.front() != '.' && name.front() != '-';
}

/// The environment that the tree must end with when `environment` was asked for.
void check_environment(const Node& root, const std::string& environment, Findings& findings) {
  const Node* said = root.find("environment");
  if (said == nullptr || !said->is_text() || said->text == environment) return;
  findings.error(said->place, fmt::format("environment is '{}' here, but '{}' was asked for", said->text, environment));
}

Loaded lay_over(std::optional<Node> root, const std::string* over_text, const std::string& file,
                const std::string& environment, Findings& findings) {
  Loaded loaded;
  if (over_text != nullptr) {
    std::optional<Node> over = read_document(*over_text, 1, findings);
    if (over) check_environment(*over, environment, findings);
    if (root && over) {
      // What the base says of its own environment does not hold for the overlay's.
      std::erase_if(root->entries, [](const Entry& entry) { return entry.key == "environment"; });
      root = merged(std::move(*root), std::move(*over));
    } else {
      root.reset();
    }
  }
  if (root) loaded = read(*root, file, environment, findings);
  loaded.findings = findings.take();
  return loaded;
}

}  // namespace

std::string overlay_file(const std::string& file, const std::string& environment) {
  const std::filesystem::path path(file);
  return (path.parent_path() / fmt::format("{}.{}{}", path.stem().string(), environment, path.extension().string()))
      .string();
}

std::string render(const std::string& file, const Finding& finding) {
  std::string text = finding.file.empty() ? file : finding.file;
  if (finding.line > 0) text += fmt::format(":{}:{}", finding.line, finding.column);
  text += fmt::format(": {}: {}", finding.severity == Severity::kError ? "error" : "warning", finding.message);
  if (!finding.next.empty()) text += "\n    " + finding.next;
  return text;
}

bool Loaded::ok() const {
  return std::none_of(findings.begin(), findings.end(),
                      [](const Finding& finding) { return finding.severity == Severity::kError; });
}

Loaded parse(const std::string& text, const std::string& file) {
  Findings findings({file});
  Loaded loaded;
  if (const std::optional<Node> root = read_document(text, 0, findings)) loaded = read(*root, file, "", findings);
  loaded.findings = findings.take();
  return loaded;
}

Loaded parse(const std::string& text, const std::string& over, const std::string& file,
             const std::string& environment) {
  Findings findings({file, overlay_file(file, environment)});
  std::optional<Node> root = read_document(text, 0, findings);
  return lay_over(std::move(root), &over, file, environment, findings);
}

Result<Loaded> inspect(const std::string& file, const std::string& environment) {
  if (environment.empty()) return parse(TRY(file_text(file)), file);
  if (!is_environment_name(environment))
    return Error{Code::kInvalid,
                 fmt::format("'{}' cannot be an environment: letters, digits, '.', '_' and '-'", one_line(environment)),
                 ""};

  const std::string over_file = overlay_file(file, environment);
  Findings findings({file, over_file});
  std::optional<Node> root = read_document(TRY(file_text(file)), 0, findings);
  Result<std::string> over_text = file_text(over_file);
  const bool own = root && text_at(*root, "environment", "production") == environment;
  if (!over_text && !(own && over_text.error().code == Code::kNotFound)) {
    Error error = std::move(over_text).error();
    error.next = fmt::format("-e {} lays that file over {}", environment, file);
    return error;
  }
  return lay_over(std::move(root), over_text ? &*over_text : nullptr, file, environment, findings);
}

Result<Site> load(const std::string& file, const std::string& environment) {
  Loaded loaded = TRY(inspect(file, environment));
  if (loaded.ok()) return std::move(loaded.site);
  std::string message;
  for (const Finding& finding : loaded.findings)
    if (finding.severity == Severity::kError) message += (message.empty() ? "" : "\n") + render(file, finding);
  return Error{Code::kInvalid, std::move(message), "mend it, then look again: backout lint " + file};
}

}  // namespace backout::config
