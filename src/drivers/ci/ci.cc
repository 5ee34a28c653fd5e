#include "drivers/ci/ci.h"

#include "base/text.h"
#include "driver/secrets.h"
#include "drivers/ci/answers.h"
#include "os/http.h"

namespace backout::drivers::ci {
namespace {

constexpr int kPerPage = 100, kMostPages = 20;
constexpr size_t kPageLimit = 16U << 20;

std::string in_url(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    encoded += std::isalnum(byte) != 0 || c == '-' || c == '_' || c == '.' || c == '~' ? std::string(1, c)
                                                                                       : fmt::format("%{:02X}", byte);
  }
  return encoded;
}

std::string header(const os::HttpResponse& response, const std::string& name) {
  const auto found = response.headers.find(name);
  return found == response.headers.end() ? "" : one_line(found->second);
}

/// What a status other than 200 means.
Error refused(const os::HttpResponse& response, const CiConfig& config) {
  const std::string who = config.kind == "github" ? "GitHub" : "GitLab";
  const bool spent = header(response, "x-ratelimit-remaining") == "0" || header(response, "ratelimit-remaining") == "0";
  if (response.status == 429 || (response.status == 403 && (spent || !header(response, "retry-after").empty()))) {
    const std::string reset = header(response, "x-ratelimit-reset") + header(response, "ratelimit-reset");
    const auto seconds =
        reset.empty() || reset.find_first_not_of("0123456789") != std::string::npos || reset.size() > 11
            ? 0
            : std::stoll(reset);
    return {Code::kUnavailable,
            who + " answers no more for now (rate limit" +
                (seconds == 0 ? std::string(")") : ", until " + to_hms(wall_from_millis(seconds * 1000)) + " UTC)"),
            config.token.empty() ? "give it a token: ci.token" : ""};
  }
  switch (response.status) {
    case 401: return {Code::kDenied, who + " does not take the token", ""};
    case 403: return {Code::kDenied, who + " does not let this token see " + one_line(config.project), ""};
    case 404:
      return {Code::kNotFound,
              fmt::format("{} knows no {} or not this commit of it{}", who, one_line(config.project),
                          config.token.empty() ? ", or shows it only with a token (ci.token)" : ""),
              ""};
    case 422: return {Code::kNotFound, who + " does not know the commit", ""};
    default: return {Code::kUnavailable, fmt::format("{} answered {}", who, response.status), ""};
  }
}

class Asking {
 public:
  Asking(const CiConfig& config, std::string commit, Millis within)
      : config_(config), commit_(std::move(commit)), end_(system_clock().boot() + within) {}

  Answer ask() {
    const auto token = driver::reveal({{"token", config_.token}}, secrets_);
    if (!config_.token.empty() && !token) return nothing(token.error().message);
    const bool github = config_.kind == "github";
    Result<void> read;
    if (github) {
      const std::string at = fmt::format("{}/repos/{}/commits/{}/", config_.url, config_.project, in_url(commit_));
      read = all_pages(at + "check-runs?filter=latest&", check_runs_in, "");
      const Result<void> statuses = all_pages(at + "status?", statuses_in, "");
      if (read) read = statuses;
    } else {
      read = all_pages(
          fmt::format("{}/api/v4/projects/{}/pipelines?sha={}&", config_.url, in_url(config_.project), in_url(commit_)),
          pipelines_in, "x-next-page");
    }
    CiResult result = sum_of(parts_, config_.required);
    if (!read && result.state != CiState::kFailed) return nothing(read.error().message);  // what failed, failed
    result.seen_at = system_clock().wall();
    return {std::move(result), true};
  }

 private:
  static Answer nothing(const std::string& why) {
    return {{CiState::kUnknown, "it cannot be asked: " + one_line(why), "", false, system_clock().wall()}, false};
  }

  Result<os::HttpResponse> fetch(const std::string& url) {
    const Millis left = end_ - system_clock().boot();
    if (left <= Millis(0)) return Error{Code::kTimedOut, "it takes too long to answer", ""};
    os::HttpRequest request{.url = url, .timeout = left, .body_limit = kPageLimit};
    if (config_.kind == "github") {
      request.headers = {{"Accept", "application/vnd.github+json"}, {"X-GitHub-Api-Version", "2022-11-28"}};
      if (!config_.token.empty()) request.headers["Authorization"] = "Bearer " + secrets_["token"];
    } else if (!config_.token.empty()) {
      request.headers["PRIVATE-TOKEN"] = secrets_["token"];
    }
    os::HttpResponse response = TRY(os::http(request));
    if (response.status != 200) return refused(response, config_);
    return response;
  }

  /// Page after page until the server has no more. `next`: the header that says so, else the count or "Link".
  Result<void> all_pages(const std::string& url, Result<Page> (*read)(std::string_view, const std::string&),
                         const std::string& next) {
    int64_t held = 0;
    for (int number = 1; number <= kMostPages; ++number) {
      const os::HttpResponse response = TRY(fetch(fmt::format("{}per_page={}&page={}", url, kPerPage, number)));
      const Page page = TRY(read(response.body, commit_).with_context("its answer"));
      parts_.insert(parts_.end(), page.parts.begin(), page.parts.end());
      held += page.held;
      const bool more = next.empty() ? header(response, "link").find("rel=\"next\"") != std::string::npos
                                     : !header(response, next).empty();
      if (more && page.held > 0) continue;
      if (page.total > held)
        return Error{Code::kCorrupt, fmt::format("it gave {} of {} results", held, page.total), ""};
      return {};
    }
    return Error{Code::kUnsupported, fmt::format("it has more than {} pages", kMostPages), ""};
  }

  const CiConfig& config_;
  std::string commit_;
  BootTime end_;
  std::map<std::string, std::string> secrets_;
  std::vector<Part> parts_;
};

}  // namespace

Answer ask(const CiConfig& config, const std::string& commit, Millis within) {
  return Asking(config, commit, within).ask();
}

}  // namespace backout::drivers::ci
