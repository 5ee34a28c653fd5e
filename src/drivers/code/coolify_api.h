// One application of a Coolify, by its HTTP API (v4). The token goes into a header and nowhere else.
#pragma once
#include "drivers/code/coolify_answers.h"
#include "os/http.h"

namespace backout::drivers::coolify {

class Api {
 public:
  /// `url`: of the instance, with or without a slash at its end. `application`: its uuid.
  Api(const std::string& url, std::string application, std::string token);

  // Errors of all: kUnavailable (no connection, 5xx), kDenied (401, 403), kNotFound (404), kBusy (429), kInvalid (4xx).
  Result<Application> application() const;
  Result<std::vector<Deployment>> deployments() const;  // the newest twenty
  Result<Deployment> deployment(const std::string& uuid) const;
  Result<void> change(const Json& fields) const;
  /// Of what the application is set to. What a failed call did is not known.
  Result<Begun> deploy() const;
  Result<void> cancel(const std::string& uuid) const;
  /// The tag of the image of the container that runs, where this version of Coolify tells it; else empty.
  std::string image() const;
  /// The abilities ("write", "deploy") that the token does not have: asked by requests that Coolify refuses after that.
  Result<std::vector<std::string>> missing_abilities() const;

 private:
  Result<std::string> ask(const char* method, const std::string& path, const std::string& body = "") const;
  Result<os::HttpResponse> send(const char* method, const std::string& path, const std::string& body) const;

  std::string root_, application_, token_;
};

}  // namespace backout::drivers::coolify
