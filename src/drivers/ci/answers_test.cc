// Answers in the wire formats of docs.github.com (API version 2022-11-28) and docs.gitlab.com (v4), shortened to the
// members around those that are read.
#include "drivers/ci/answers.h"

#include <gtest/gtest.h>

namespace backout::drivers::ci {
namespace {

constexpr const char* kSha = "ce587453ced02b1526dfb4cb910479d431683101";

std::string check_run(const std::string& name, const std::string& status, const std::string& conclusion) {
  return R"({"id": 4, "head_sha": ")" + std::string(kSha) +
         R"(", "node_id": "MDg6Q2hlY2tSdW40", "external_id": "", "url": "https://api.github.com/repos/github/hello-world/check-runs/4",
  "html_url": "https://github.com/github/hello-world/runs/4", "details_url": "https://example.com", "status": ")" +
         status + R"(", "conclusion": )" + (conclusion.empty() ? "null" : "\"" + conclusion + "\"") +
         R"(, "started_at": "2018-05-04T01:14:52Z", "completed_at": null, "output": {"title": "Mighty Readme report",
  "summary": "There are 0 failures, 2 warnings, and 1 notice.", "text": null, "annotations_count": 2,
  "annotations_url": "https://api.github.com/repos/github/hello-world/check-runs/4/annotations"}, "name": ")" +
         name +
         R"(", "check_suite": {"id": 5}, "app": {"id": 1, "slug": "octoapp", "name": "Octocat App"}, "pull_requests": []})";
}
std::string check_runs(const std::vector<std::string>& runs) {
  std::string text = R"({"total_count": )" + std::to_string(runs.size()) + R"(, "check_runs": [)";
  for (size_t i = 0; i < runs.size(); ++i) text += (i == 0 ? "" : ", ") + runs[i];
  return text + "]}";
}

constexpr const char* kStatuses =
    R"({"state": "success", "statuses": [{"url": "https://api.github.com/repos/octocat/Hello-World/statuses/6dcb09b",
  "avatar_url": "https://github.com/images/error/hubot_happy.gif", "id": 1, "node_id": "MDY6U3RhdHVzMQ==", "state": "success",
  "description": "Build has completed successfully", "target_url": "https://ci.example.com/1000/output",
  "context": "continuous-integration/jenkins", "created_at": "2012-07-20T01:19:13Z", "updated_at": "2012-07-20T01:19:13Z"},
  {"url": "https://api.github.com/repos/octocat/Hello-World/statuses/6dcb09b", "id": 2, "state": "success",
  "description": "Testing has completed successfully", "target_url": "https://ci.example.com/2000/output",
  "context": "security/brakeman", "created_at": "2012-08-20T01:19:13Z", "updated_at": "2012-08-20T01:19:13Z"}],
  "sha": "ce587453ced02b1526dfb4cb910479d431683101", "total_count": 2, "repository": {"id": 1296269, "name": "Hello-World"},
  "commit_url": "https://api.github.com/repos/octocat/Hello-World/6dcb09b", "url": "https://api.github.com/repos/octocat/Hello-World/6dcb09b/status"})";
constexpr const char* kNoStatuses =
    R"({"state": "pending", "statuses": [], "sha": "ce587453ced02b1526dfb4cb910479d431683101", "total_count": 0})";

std::string pipeline(int id, const std::string& ref, const std::string& status) {
  return R"({"id": )" + std::to_string(id) + R"(, "iid": 11, "project_id": 1, "sha": ")" + kSha + R"(", "ref": ")" +
         ref + R"(", "status": ")" + status +
         R"(", "source": "push", "created_at": "2024-08-11T11:28:34.085Z", "updated_at": "2024-08-11T11:32:35.169Z",
  "web_url": "https://gitlab.example.com/group/project/-/pipelines/)" +
         std::to_string(id) + R"(", "name": null})";
}

CiResult of_runs(const std::vector<std::string>& runs, const std::vector<std::string>& required = {}) {
  return sum_of(check_runs_in(check_runs(runs), kSha)->parts, required);
}
CiResult of_pipelines(const std::string& list) { return sum_of(pipelines_in("[" + list + "]", kSha)->parts, {}); }

TEST(CheckRuns, EveryConclusionCountsAsGitHubDocumentsIt) {
  const std::string passed = check_run("lint", "completed", "success");
  for (const char* bad : {"failure", "cancelled", "timed_out", "action_required", "startup_failure"}) {
    const CiResult result = of_runs({passed, check_run("test", "completed", bad)});
    EXPECT_EQ(result.state, CiState::kFailed) << bad;
    EXPECT_EQ(result.why, std::string("test: ") + bad);
    EXPECT_EQ(result.url, "https://github.com/github/hello-world/runs/4");
  }
  for (const char* status : {"queued", "in_progress", "waiting", "requested", "pending"})
    EXPECT_EQ(of_runs({passed, check_run("test", status, "")}).state, CiState::kPending) << status;
  for (const char* idle : {"neutral", "skipped"})
    EXPECT_EQ(of_runs({passed, check_run("test", "completed", idle)}).why, "1 check passed") << idle;
  EXPECT_EQ(of_runs({passed, check_run("test", "completed", "stale")}).state, CiState::kUnknown);
  EXPECT_EQ(of_runs({passed, check_run("test", "completed", "brand_new")}).state, CiState::kUnknown);
}

TEST(CheckRuns, NothingThatPassedIsNotPassed) {
  EXPECT_EQ(of_runs({}).state, CiState::kUnknown);
  EXPECT_TRUE(of_runs({}).nothing_ran);
  EXPECT_EQ(of_runs({check_run("docs", "completed", "skipped")}).state, CiState::kUnknown);
  EXPECT_TRUE(of_runs({check_run("docs", "completed", "skipped")}).nothing_ran);
}

TEST(CheckRuns, AFailureWinsOverWhatIsPending) {
  const CiResult result = of_runs({check_run("a", "in_progress", ""), check_run("b", "completed", "failure"),
                                   check_run("c", "completed", "failure")});
  EXPECT_EQ(result.state, CiState::kFailed);
  EXPECT_EQ(result.why, "b: failure, and 1 more");
}

TEST(CheckRuns, OnlyRequiredOnesCountAndEachMustBeThere) {
  const std::string flaky = check_run("nightly", "completed", "failure"),
                    test = check_run("test", "completed", "success");
  EXPECT_EQ(of_runs({flaky, test}, {"test"}).state, CiState::kPassed);
  EXPECT_EQ(of_runs({flaky, test}, {"test", "build"}).state, CiState::kUnknown);
  EXPECT_EQ(of_runs({flaky, test}, {"test", "build"}).why, "there is no result of 'build', which is required");
  EXPECT_EQ(of_runs({flaky, test}, {"nightly"}).state, CiState::kFailed);
}

TEST(CheckRuns, NamesFromOutsideAreData) {
  EXPECT_EQ(of_runs({check_run("evil\\u001b[31m\\nname", "completed", "failure")}).why.find('\x1b'), std::string::npos);
}

TEST(Statuses, CountEachOfThem) {
  const Page page = statuses_in(kStatuses, kSha).value();
  EXPECT_EQ(page.total, 2);
  EXPECT_EQ(sum_of(page.parts, {}).state, CiState::kPassed);
  EXPECT_EQ(sum_of(page.parts, {}).why, "2 checks passed");
  EXPECT_EQ(sum_of(statuses_in(kNoStatuses, kSha)->parts, {}).state, CiState::kUnknown)
      << "GitHub calls none 'pending'";
}

TEST(Statuses, AnAnswerAboutAnotherCommitIsRefused) {
  EXPECT_FALSE(statuses_in(kStatuses, "0000000000000000000000000000000000000000"));
  EXPECT_FALSE(check_runs_in(check_runs({check_run("a", "completed", "success")}), "1111111"));
  EXPECT_TRUE(statuses_in(kStatuses, "ce58745")) << "a short name of the same commit";
}

TEST(Answers, WhatIsNoSuchAnswerIsRefused) {
  for (const char* body :
       {"", "<html>Sign in</html>", "[]", "{}", "null", R"({"check_runs": 3})", R"({"statuses": {}})"}) {
    EXPECT_FALSE(check_runs_in(body, kSha)) << body;
    EXPECT_FALSE(statuses_in(body, kSha)) << body;
  }
  EXPECT_FALSE(pipelines_in("{\"message\": \"404 Project Not Found\"}", kSha));
}

TEST(Pipelines, EveryStatusCountsAsGitLabDocumentsIt) {
  EXPECT_EQ(of_pipelines(pipeline(1, "main", "success")).state, CiState::kPassed);
  for (const char* bad : {"failed", "canceled", "canceling"})
    EXPECT_EQ(of_pipelines(pipeline(1, "main", bad)).state, CiState::kFailed) << bad;
  for (const char* waits :
       {"created", "waiting_for_resource", "preparing", "pending", "running", "scheduled", "manual"})
    EXPECT_EQ(of_pipelines(pipeline(1, "main", waits)).state, CiState::kPending) << waits;
  EXPECT_EQ(of_pipelines(pipeline(1, "main", "skipped")).state, CiState::kUnknown);
  EXPECT_EQ(of_pipelines("").state, CiState::kUnknown);
}

TEST(Pipelines, TheNewestOfEachRefCounts) {
  EXPECT_EQ(of_pipelines(pipeline(48, "main", "success") + "," + pipeline(47, "main", "failed")).state,
            CiState::kPassed);
  EXPECT_EQ(of_pipelines(pipeline(47, "main", "failed") + "," + pipeline(48, "main", "success")).state,
            CiState::kPassed);
  EXPECT_EQ(of_pipelines(pipeline(47, "v1", "failed") + "," + pipeline(48, "main", "success")).state, CiState::kFailed);
}

}  // namespace
}  // namespace backout::drivers::ci
