#include "drivers/code/coolify_api.h"

#include "base/text.h"

namespace backout::drivers::coolify {
namespace {

constexpr Millis kTimeout{15'000};

std::string said(const os::HttpResponse& response) {
  const std::string message = message_in(response.body);
  return message.empty() ? "" : ": " + message;
}

/// What a status other than 2xx means.
Error refused(const os::HttpResponse& response) {
  switch (response.status) {
    case 401:
      return {Code::kDenied, "Coolify does not take the token" + said(response),
              "make one under Keys & Tokens with read, write and deploy, and put it where code.coolify.token says"};
    case 403:
      return {Code::kDenied, "Coolify does not let this token do it" + said(response),
              "it needs read, write and deploy; and Coolify's settings must allow the API from this machine"};
    case 404:
      return {Code::kNotFound, "Coolify does not know it" + said(response),
              "see code.coolify.application: the uuid in the address of the application's page, of the token's team"};
    case 429: return {Code::kBusy, "Coolify is full" + said(response), "wait, or look at its deployments"};
    default: break;
  }
  const std::string words = fmt::format("Coolify answered {}{}", response.status, said(response));
  if (response.status >= 300 && response.status < 400)
    return {Code::kUnavailable, words, "code.coolify.url leads elsewhere: write where it leads"};
  return {response.status >= 500 ? Code::kUnavailable : Code::kInvalid, words, "look at Coolify"};
}

}  // namespace

Api::Api(const std::string& url, std::string application, std::string token)
    : root_(url), application_(std::move(application)), token_(std::move(token)) {
  while (root_.ends_with('/')) root_.pop_back();
  root_ += "/api/v1";
}

Result<os::HttpResponse> Api::send(const char* method, const std::string& path, const std::string& body) const {
  os::HttpRequest request{.method = method, .url = root_ + path, .body = body, .timeout = kTimeout};
  request.headers = {{"Authorization", "Bearer " + token_}, {"Accept", "application/json"}};
  if (!body.empty()) request.headers["Content-Type"] = "application/json";
  auto answer = os::http(request);
  if (answer) return answer;
  Error error = answer.error();
  error.message = "Coolify does not answer: " + one_line(error.message);
  if (error.next.empty()) error.next = "see code.coolify.url, and whether Coolify runs";
  return error;
}

Result<std::string> Api::ask(const char* method, const std::string& path, const std::string& body) const {
  os::HttpResponse answer = TRY(send(method, path, body));
  if (answer.status < 200 || answer.status > 299) return refused(answer);
  return std::move(answer.body);
}

Result<Application> Api::application() const {
  return application_in(TRY(ask("GET", "/applications/" + application_)));
}

Result<std::vector<Deployment>> Api::deployments() const {
  return deployments_in(TRY(ask("GET", "/deployments/applications/" + application_ + "?skip=0&take=20")));
}

Result<Deployment> Api::deployment(const std::string& uuid) const {
  return deployment_in(TRY(ask("GET", "/deployments/" + uuid)));
}

Result<void> Api::change(const Json& fields) const {
  TRY(ask("PATCH", "/applications/" + application_, fields.dump()));
  return {};
}

Result<Begun> Api::deploy() const {
  return begun_in(TRY(ask("POST", "/deploy?uuid=" + application_ + "&force=false")), application_);
}

Result<void> Api::cancel(const std::string& uuid) const {
  TRY(ask("POST", "/deployments/" + uuid + "/cancel"));
  return {};
}

std::string Api::image() const {
  const auto body = ask("GET", "/applications/" + application_ + "/rollback-images");
  const auto value = body ? parse_json(*body) : Result<Json>(Json());
  return value ? one_line(get_string(*value, "current")) : "";
}

Result<std::vector<std::string>> Api::missing_abilities() const {
  std::vector<std::string> missing;
  // Nothing to change and nothing to deploy: whoever may is answered 400, whoever may not 403.
  const os::HttpResponse write = TRY(send("PATCH", "/applications/" + application_, "{}"));
  if (write.status == 403) missing.emplace_back("write");
  const os::HttpResponse deploy = TRY(send("POST", "/deploy", ""));
  if (deploy.status == 403) missing.emplace_back("deploy");
  return missing;
}

}  // namespace backout::drivers::coolify
