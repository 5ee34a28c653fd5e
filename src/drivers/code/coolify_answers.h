// Coolify's answers, read as its API (v4) documents them and as 4.x gives them. Pure.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace backout::drivers::coolify {

struct Application {
  std::string name, status;         // "running:healthy"
  std::string branch, sha, pack;    // sha: "HEAD" or the commit that it is pinned to
  std::optional<bool> auto_deploy;  // none: this version of Coolify does not tell
};

struct Deployment {
  std::string uuid, commit, created;
  std::string status;  // queued | in_progress | finished | failed | cancelled-by-user
  std::string by;      // "a webhook", "the API", "a person"
  bool open() const { return status == "queued" || status == "in_progress"; }
  bool finished() const { return status == "finished"; }
};

struct Begun {
  std::string uuid, message;  // uuid: may be one that nobody knows, when another deployment was there already
};

/// kCorrupt when it is no such answer. Texts from outside are made harmless.
Result<Application> application_in(std::string_view body);
/// Newest first, without those of pull requests.
Result<std::vector<Deployment>> deployments_in(std::string_view body);
Result<Deployment> deployment_in(std::string_view body);
/// kRefused with Coolify's words when it did not begin one.
Result<Begun> begun_in(std::string_view body, const std::string& application);

/// "message" of an error's body, on one line; empty when it has none.
std::string message_in(std::string_view body);

/// What the application says of itself: by the header x-version, the JSON fields version, commit, sha or revision, or
/// its whole body in one short line. Not empty texts.
std::vector<std::string> reported_in(std::string_view body, const std::string& version_header);

/// Of the same commit, whichever is written shorter; at least seven digits.
bool same_commit(std::string_view a, std::string_view b);

Json to_json(const Application& application);
Json to_json(const Deployment& deployment);
Application application_from(const Json& value);  // of to_json()
std::vector<Deployment> deployments_from(const Json& list);

}  // namespace backout::drivers::coolify
