#include "drivers/code/coolify_answers.h"

#include <algorithm>

#include "base/text.h"

namespace backout::drivers::coolify {
namespace {

constexpr size_t kLongest = 200;

std::string word(const Json& object, std::string_view key) {
  return shortened(one_line(get_string(object, key)), kLongest);
}

Error no_answer(const char* what) {
  return {Code::kCorrupt, fmt::format("its answer is not {}", what), "is code.coolify.url that of a Coolify?"};
}

Deployment deployment_of(const Json& value) {
  Deployment deployment{word(value, "deployment_uuid"), word(value, "commit"), word(value, "created_at"),
                        word(value, "status"), "a person"};
  if (get_bool(value, "is_webhook")) deployment.by = "a webhook";
  if (get_bool(value, "is_api")) deployment.by = "the API";
  return deployment;
}

}  // namespace

Result<Application> application_in(std::string_view body) {
  const auto value = parse_json(body);
  if (!value || !value->is_object() || get_string(*value, "uuid").empty()) return no_answer("an application");
  Application application{word(*value, "name"),           word(*value, "status"),     word(*value, "git_branch"),
                          word(*value, "git_commit_sha"), word(*value, "build_pack"), std::nullopt};
  if (application.sha.empty()) application.sha = "HEAD";
  for (const Json* place : {&get(*value, "settings"), &*value})
    if (const Json& said = get(*place, "is_auto_deploy_enabled"); said.is_boolean() && !application.auto_deploy)
      application.auto_deploy = said.get<bool>();
  return application;
}

Result<std::vector<Deployment>> deployments_in(std::string_view body) {
  const auto value = parse_json(body);
  if (!value) return no_answer("a list of deployments");
  const Json& list = value->is_array() ? *value : get(*value, "deployments");
  if (!list.is_array()) return no_answer("a list of deployments");
  std::vector<Deployment> deployments;
  for (const Json& each : list) {
    if (get_int(each, "pull_request_id") != 0) continue;
    deployments.push_back(deployment_of(each));
    if (deployments.back().uuid.empty() || deployments.back().status.empty())
      return no_answer("a list of deployments: one has no deployment_uuid or no status");
  }
  return deployments;
}

Result<Deployment> deployment_in(std::string_view body) {
  const auto value = parse_json(body);
  if (!value || !value->is_object()) return no_answer("a deployment");
  Deployment deployment = deployment_of(*value);
  if (deployment.uuid.empty() || deployment.status.empty()) return no_answer("a deployment");
  return deployment;
}

Result<Begun> begun_in(std::string_view body, const std::string& application) {
  const auto value = parse_json(body);
  if (!value || !get(*value, "deployments").is_array()) return no_answer("what a deployment was begun with");
  for (const Json& each : get(*value, "deployments")) {
    if (get_string(each, "resource_uuid") != application) continue;
    Begun begun{word(each, "deployment_uuid"), word(each, "message")};
    if (begun.uuid.empty())
      return Error{Code::kRefused, "it began no deployment: " + begun.message, "look at the application in Coolify"};
    return begun;
  }
  return no_answer("about this application");
}

std::string message_in(std::string_view body) {
  const auto value = parse_json(body);
  return value ? word(*value, "message") : "";
}

std::vector<std::string> reported_in(std::string_view body, const std::string& version_header) {
  std::vector<std::string> reported;
  const auto add = [&](std::string_view text) {
    const std::string_view plain = trimmed(text);
    if (!plain.empty() && plain.size() <= kLongest && plain.find('\n') == std::string_view::npos)
      reported.push_back(one_line(plain));
  };
  add(version_header);
  const auto value = parse_json(body);
  if (value && value->is_object()) {
    for (const char* field : {"version", "commit", "sha", "revision"}) add(get_string(*value, field));
  } else if (value && value->is_string()) {
    add(value->get<std::string>());
  } else {
    add(body);
  }
  return reported;
}

bool same_commit(std::string_view a, std::string_view b) {
  if (std::min(a.size(), b.size()) < 7) return false;
  return a.starts_with(b) || b.starts_with(a);
}

Json to_json(const Application& application) {
  Json value = {{"name", application.name},
                {"status", application.status},
                {"branch", application.branch},
                {"sha", application.sha},
                {"pack", application.pack}};
  if (application.auto_deploy) value["auto_deploy"] = *application.auto_deploy;
  return value;
}

Json to_json(const Deployment& deployment) {
  return {{"uuid", deployment.uuid},
          {"commit", deployment.commit},
          {"created", deployment.created},
          {"status", deployment.status},
          {"by", deployment.by}};
}

Application application_from(const Json& value) {
  Application application{get_string(value, "name"), get_string(value, "status"), get_string(value, "branch"),
                          get_string(value, "sha"),  get_string(value, "pack"),   std::nullopt};
  if (value.contains("auto_deploy")) application.auto_deploy = get_bool(value, "auto_deploy");
  return application;
}

std::vector<Deployment> deployments_from(const Json& list) {
  std::vector<Deployment> deployments;
  if (!list.is_array()) return deployments;
  for (const Json& each : list)
    deployments.push_back({get_string(each, "uuid"), get_string(each, "commit"), get_string(each, "created"),
                           get_string(each, "status"), get_string(each, "by")});
  return deployments;
}

}  // namespace backout::drivers::coolify
