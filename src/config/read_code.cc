// code: where the program's files are and what brings them.
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/text.h"
#include "config/read.h"
#include "config/read_compose.h"

namespace backout::config {
namespace {

constexpr Millis kBuildTimeout{15 * 60'000};

/// "git@server:shop.git" and "ssh://..." are not paths of this machine.
bool is_remote_repository(std::string_view git) {
  const size_t colon = git.find(':');
  return colon != std::string_view::npos && git.find('/') >= colon;
}

void read_keep_builds(const Reading& reading, const Node& node, CodeConfig& code) {
  for (const Node& item : items_at(node, "keep_builds")) {
    if (!item.is_text()) continue;
    const std::string directory = absolute(code.path, item.text);
    const bool holds_the_checkout = directory == "/" || (code.path + "/").starts_with(directory + "/");
    const bool is_gits_own = (directory + "/").starts_with(code.path + "/.git/");
    if (item.text.empty() || holds_the_checkout || is_gits_own)
      reading.findings.error(item.place, "keep_builds: '" + item.text + "' is not a directory that a build fills",
                             "name one in the checkout or beside it, such as venv or ../venv");
    code.keep_builds.push_back(directory);
  }
  if (code.keep_builds.empty() || code.layout == "in-place") return;
  reading.findings.error(node.entry("keep_builds")->place, "keep_builds is for layout: in-place",
                         "with layout: releases each release has its own, and it stays on disk; take the line out");
}

void read_static(const Reading& reading, const Node& node, CodeConfig& code) {
  for (const Node& item : items_at(node, "static")) {
    if (!item.is_map()) continue;
    require(reading, item, "code.static[]", "to");
    require(reading, item, "code.static[]", "from");
    StaticConfig assets{.from = text_at(item, "from"), .to = path_at(reading, item, "to")};
    assets.keep = span_at(item, "keep", assets.keep);
    if (assets.from.starts_with('/') || ("/" + assets.from + "/").find("/../") != std::string::npos)
      reading.findings.error(item.place, "static: '" + assets.from + "' is not a directory of the release",
                             "name it as seen from there, such as from: public/assets");
    code.statics.push_back(std::move(assets));
  }
  if (code.statics.empty() || !code_is_elsewhere(code)) return;
  reading.findings.error(node.entry("static")->place, "static is for layout: releases and in-place",
                         "where code comes by a branch or a command, that brings them, too; take the line out");
}

void read_branch(const Reading& reading, const Node& node, CodeConfig& code) {
  const Node* branch = node.find("branch");
  if (branch == nullptr) {
    if (code.layout == "branch")
      reading.findings.error(node.place, "layout: branch without a branch",
                             "for example: branch: {name: main, how: revert}");
    return;
  }
  if (!branch->is_map()) return;
  require(reading, *branch, "code.branch", "name");
  std::string path = path_at(reading, *branch, "path");
  if (path.empty() && code.layout != "releases") path = code.path;
  if (path.empty())
    reading.findings.error(branch->place, "code.branch: a clone to work with is missing",
                           "for example: path: /srv/shop/clone");
  code.branch = {{"name", text_at(*branch, "name")},
                 {"remote", text_at(*branch, "remote", "origin")},
                 {"how", text_at(*branch, "how", "revert")},
                 {"path", path}};
  if (!code.user.empty()) code.branch["user"] = code.user;
}

void read_deploy(const Reading& reading, const Node& node, CodeConfig& code) {
  const Node* deploy = node.find("deploy");
  if (deploy == nullptr) {
    if (code.layout == "command")
      reading.findings.error(node.place, "layout: command without a command",
                             "for example: deploy: {run: [make, deploy]}");
    return;
  }
  if (!deploy->is_map()) return;
  require(reading, *deploy, "code.deploy", "run");
  if (code.layout != "command")
    reading.findings.error(deploy->place, "code.deploy is for layout: command",
                           "with another layout the code is brought back without it; take it out");
  const Node* run = deploy->find("run");
  if (run == nullptr) return;
  code.deploy = {{"run", to_json(command_of(*run, {.cwd = "", .relative_to = "", .timeout = kBuildTimeout}))},
                 {"recap", text_at(*deploy, "recap", "none")}};
  for (const Node& item : items_at(*deploy, "bring")) {
    if (!item.is_text()) continue;
    const std::string within = "/" + item.text + "/";
    const bool is_below = item.text.find_first_of(std::string_view("\n\r\0", 3)) == std::string::npos &&
                          within.find("//") == std::string::npos && within.find("/../") == std::string::npos &&
                          within.find("/./") == std::string::npos && !within.starts_with("/.git/");
    if (!is_below)
      reading.findings.error(item.place, "code.deploy.bring: '" + item.text + "' is not a file of the clone",
                             "name it as seen from the top of the clone, such as .vault_pass");
    code.deploy["bring"].push_back(item.text);
  }
  for (const Node& host : items_at(*deploy, "hosts")) code.deploy["recap_hosts"].push_back(host.text);
  if (code.deploy.contains("recap_hosts") && get_string(code.deploy, "recap") == "none")
    reading.findings.error(deploy->place, "code.deploy.hosts without a recap that could name them",
                           "for example: recap: ansible");
}

}  // namespace

void read_code(const Reading& reading) {
  const Node* node = reading.root.find("code");
  if (node == nullptr || !node->is_map()) return;
  require(reading, *node, "code", "layout");
  const bool has_path = text_at(*node, "layout") != "kubernetes";
  if (has_path) require(reading, *node, "code", "path");
  CodeConfig code{.layout = text_at(*node, "layout"), .path = path_at(reading, *node, "path")};
  if (const Node* source = node->find("source")) {
    code.git = text_at(*source, "git");
    if (!is_remote_repository(code.git)) code.git = absolute(reading.site.directory, code.git);
    code.user = text_at(*source, "user");
  }
  for (const Node& item : items_at(*node, "build"))
    code.build.push_back(command_of(item, {.cwd = "", .relative_to = "", .timeout = kBuildTimeout}));
  for (const Node& item : items_at(*node, "config"))
    if (item.is_text()) code.config.push_back(absolute(reading.site.directory, item.text));
  read_keep_builds(reading, *node, code);
  read_static(reading, *node, code);
  read_branch(reading, *node, code);
  read_deploy(reading, *node, code);
  read_coolify(reading, *node, code);
  read_compose(reading, *node, code);
  read_kubernetes(reading, *node, code);
  code.binary = text_at(*node, "binary");
  for (const Node& item : items_at(*node, "ignore"))
    if (item.is_text()) code.ignore.push_back(item.text);
  code.keep = whole_at(*node, "keep", code.keep);
  code.hosts = hosts_at(reading, *node);
  reading.site.code = std::move(code);
}

}  // namespace backout::config
