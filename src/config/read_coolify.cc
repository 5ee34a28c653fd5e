// The application that Coolify builds and runs.
#include "config/read.h"

namespace backout::config {
namespace {

constexpr Millis kDeploymentTimeout{15 * 60'000};

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
                  {"serves", text_at(*coolify, "serves")},
                  {"within_ms", span_at(*coolify, "within", kDeploymentTimeout).count()},
                  {"secrets", {{"COOLIFY_TOKEN", text_at(*coolify, "token")}}}};
  if (!flag_at(*coolify, "switch_branch", false)) return;
  code.coolify["switch_branch"] = true;
  if (get_string(code.branch, "how") != "branch")
    reading.findings.error(coolify->place, "code.coolify.switch_branch: nothing pushes a rollback branch",
                           "add it: branch: {name: main, how: branch}");
}

}  // namespace backout::config
