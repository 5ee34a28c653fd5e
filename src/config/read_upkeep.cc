// What is known beside a release, and how long it is kept: ci, retention.
#include <fmt/format.h>

#include "base/text.h"
#include "config/read.h"

namespace backout::config {
namespace {

/// It goes into a URL: "owner/repository", with more groups on GitLab.
bool is_project(std::string_view text, size_t most_slashes) {
  static constexpr std::string_view kAllowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-/";
  const auto slashes = static_cast<size_t>(std::count(text.begin(), text.end(), '/'));
  return slashes >= 1 && slashes <= most_slashes && text.find_first_not_of(kAllowed) == std::string_view::npos &&
         text.find("//") == std::string_view::npos && text.find("..") == std::string_view::npos &&
         text.front() != '/' && text.back() != '/';
}

void read_ci(const Reading& reading, const Node& node) {
  const Node* github = node.find("github");
  const Node* gitlab = node.find("gitlab");
  if ((github != nullptr) == (gitlab != nullptr)) {
    reading.findings.error(node.place, "ci: exactly one of github, gitlab", "for example: github: example/shop");
    return;
  }
  CiConfig ci;
  ci.kind = github != nullptr ? "github" : "gitlab";
  const Node& project = github != nullptr ? *github : *gitlab;
  ci.project = text_at(node, ci.kind);
  if (project.is_text() && !is_project(ci.project, github != nullptr ? 1 : 20))
    reading.findings.error(project.place,
                           fmt::format("ci.{}: '{}' is no repository", ci.kind, shortened(ci.project, 60)),
                           github != nullptr ? "expected OWNER/REPOSITORY" : "expected GROUP/PROJECT");
  ci.url = text_at(node, "url", github != nullptr ? "https://api.github.com" : "https://gitlab.com");
  while (ci.url.ends_with('/')) ci.url.pop_back();
  ci.token = text_at(node, "token");
  for (const Node& name : items_at(node, "required"))
    if (name.is_text()) ci.required.push_back(name.text);
  reading.site.ci = std::move(ci);
}

}  // namespace

void read_upkeep(const Reading& reading) {
  if (const Node* ci = reading.root.find("ci"); ci != nullptr && ci->is_map()) read_ci(reading, *ci);
  if (const Node* retention = reading.root.find("retention"); retention != nullptr && retention->is_map())
    reading.site.retention = {.checkpoints = span_at(*retention, "checkpoints", Millis(0)),
                              .rescue = span_at(*retention, "rescue", Millis(0)),
                              .evidence = span_at(*retention, "evidence", Millis(0))};
}

}  // namespace backout::config
