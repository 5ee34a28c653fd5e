// The application that Coolify builds and runs.
#include "config/read.h"

namespace backout::config {
namespace {

constexpr Millis kDeploymentTimeout{15 * 60'000};

void read_serves(const Reading& reading, const Node& coolify, CodeConfig& code) {
  const std::string serves = text_at(coolify, "serves"), &base = reading.site.base_url;
  if (serves.starts_with('/')) {
    if (base.empty())
      reading.findings.error(coolify.place, "code.coolify.serves: a path, and base_url is missing",
                             "for example: base_url: http://127.0.0.1:3000");
    code.coolify["serves"] = base + serves;
    if (!reading.site.public_url.empty()) code.coolify["serves_public"] = reading.site.public_url + serves;
    return;
  }
  if (!serves.empty() && !serves.starts_with("http://") && !serves.starts_with("https://"))
    reading.findings.error(coolify.place, "code.coolify.serves is neither a path nor an address of http or https",
                           "for example: serves: https://shop.example.com/version");
  code.coolify["serves"] = serves;
  // What is not surely behind the door may answer with the maintenance page.
  if (base.empty() || !(serves + "/").starts_with(base + "/")) code.coolify["in_front"] = true;
}

}  // namespace

void read_coolify(const Reading& reading, const Node& node, CodeConfig& code) {
  const Node* coolify = node.find("coolify");
  if (coolify == nullptr) {
    if (code.layout == "coolify")
      reading.findings.error(node.place, "layout: coolify without an application",
                             "for example: coolify: {url: https://coolify.example.com, application: vgsco4o, token: "
                             "$COOLIFY_TOKEN, serves: https://shop.example.com/version}");
    return;
  }
  if (!coolify->is_map()) return;
  for (const char* key : {"url", "application", "token", "serves"}) require(reading, *coolify, "code.coolify", key);
  if (code.layout != "coolify")
    reading.findings.error(coolify->place, "code.coolify is for layout: coolify", "take one of the two out");
  code.coolify = {{"url", without_slash(text_at(*coolify, "url"))},
                  {"application", text_at(*coolify, "application")},
                  {"within_ms", span_at(*coolify, "within", kDeploymentTimeout).count()},
                  {"secrets", {{"COOLIFY_TOKEN", text_at(*coolify, "token")}}}};
  read_serves(reading, *coolify, code);
  if (!flag_at(*coolify, "switch_branch", false)) return;
  code.coolify["switch_branch"] = true;
  if (get_string(code.branch, "how") != "branch")
    reading.findings.error(coolify->place, "code.coolify.switch_branch: nothing pushes a rollback branch",
                           "add it: branch: {name: main, how: branch}");
}

}  // namespace backout::config
