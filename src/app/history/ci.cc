#include "app/history/ci.h"

#include "app/history/resolving.h"
#include "base/text.h"
#include "drivers/ci/ci.h"

namespace backout::app {
namespace {

Result<void> record(const Workspace& workspace, const Release& release, const std::string& commit,
                    const CiResult& result) {
  TRY(workspace.journal().append(workspace.site().id, 0,
                                 {{EventType::kCiSeen,
                                   {{"release", release.id.str()},
                                    {"version", release.version.str()},
                                    {"commit", commit},
                                    {"result", name_of(result.state)},
                                    {"why", result.why},
                                    {"url", result.url},
                                    {"nothing_ran", result.nothing_ran}}}}));
  return {};
}

}  // namespace

Result<std::optional<CiResult>> refresh_ci(const Workspace& workspace, const Release& release) {
  const Site& site = workspace.site();
  if (!site.ci) return std::optional<CiResult>();
  const std::string commit = release.commit.empty() ? commit_of(site, release.version, "") : release.commit;
  if (commit.empty())
    return std::optional(
        release.ci.value_or(CiResult{CiState::kUnknown, "its commit is not known", "", false, system_clock().wall()}));
  const drivers::ci::Answer answer = drivers::ci::ask(*site.ci, commit, kCiPatience);
  const bool known = release.ci && !(release.ci->state == CiState::kUnknown);
  if (!answer.heard && known) {
    CiResult kept = *release.ci;
    kept.why += fmt::format(" (seen {}; {})", to_iso(kept.seen_at).substr(0, 10), answer.result.why);
    return std::optional(std::move(kept));
  }
  const bool news = !release.ci || release.ci->state != answer.result.state || release.ci->why != answer.result.why;
  if (news) TRY_VOID(record(workspace, release, commit, answer.result));
  return std::optional(answer.result);
}

std::string ci_words(const CiResult& result) {
  std::string words = "CI " + std::string(name_of(result.state));
  return result.state == CiState::kPassed || result.why.empty() ? words : words + ": " + one_line(result.why);
}

std::string never_passed_words(const Version& version, const CiResult& result) {
  return fmt::format("{} never passed CI: {} ({})", version.str(), name_of(result.state), one_line(result.why));
}

bool never_passed(const CiResult& result) {
  switch (result.state) {
    case CiState::kPassed: return false;
    case CiState::kFailed:
    case CiState::kPending: return true;
    case CiState::kUnknown: return result.nothing_ran;
  }
  return false;
}

}  // namespace backout::app
