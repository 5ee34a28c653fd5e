// Against a server here that speaks the wire formats, and misbehaves in every way that a real one does.
#include "drivers/ci/ci.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include "support/python_server.h"

namespace backout::drivers::ci {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// The project's name says how it behaves.
constexpr const char* kServer = R"py(
import http.server, json, time, urllib.parse
SHA = "4f1c0de" + "0" * 33
def run(name, conclusion, sha=SHA):
    return {"id": 1, "head_sha": sha, "name": name, "status": "completed", "conclusion": conclusion, "html_url": "https://ci/" + name}
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def log_message(self, *a): pass
    def reply(self, status, body, headers=()):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for k, v in headers: self.send_header(k, v)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        page, parts = int(query.get("page", 1)), url.path.split("/")
        if parts[1] == "repos": return self.github(parts[3], parts[-1], page)
        return self.gitlab(urllib.parse.unquote(parts[4]), query, page)
    def github(self, how, what, page):
        none = {"state": "pending", "statuses": [], "sha": SHA, "total_count": 0}
        if how == "limited":
            return self.reply(403, {"message": "API rate limit exceeded"}, [("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset", "1772374931")])
        if how == "secondary": return self.reply(429, {"message": "slow down"}, [("Retry-After", "60")])
        if how == "forbidden": return self.reply(403, {"message": "Resource not accessible by personal access token"})
        if how == "missing": return self.reply(404, {"message": "Not Found"})
        if how == "unprocessable": return self.reply(422, {"message": "No commit found for SHA: x"})
        if how == "moved": return self.reply(301, {}, [("Location", "http://127.0.0.1:9/")])
        if how == "ill": return self.reply(502, b"<html>Bad gateway</html>")
        if how == "login": return self.reply(200, b"<html>Sign in</html>")
        if how == "slow": time.sleep(5)
        if how == "private" and self.headers.get("Authorization") != "Bearer s3cret": return self.reply(401, {"message": "Bad credentials"})
        if what == "status":
            if how == "half": return self.reply(500, b"")
            if how == "oldstyle":
                return self.reply(200, {"state": "failure", "sha": SHA, "total_count": 1, "statuses": [{"state": "failure", "context": "jenkins", "target_url": "https://j/1"}]})
            return self.reply(200, none)
        if how == "empty" or how == "oldstyle": return self.reply(200, {"total_count": 0, "check_runs": []})
        if how == "other": return self.reply(200, {"total_count": 1, "check_runs": [run("test", "success", "f" * 40)]})
        if how == "short": return self.reply(200, {"total_count": 3, "check_runs": [run("test", "success")]})
        if how == "failing-half": return self.reply(200, {"total_count": 1, "check_runs": [run("test", "failure")]})
        if how.startswith("paged"):
            last = [run("last", "failure" if how == "paged-bad" else "success")]
            runs = [run("c%d" % i, "success") for i in range(100)] if page < 3 else last
            link = '<http://x/?page=%d>; rel="next", <http://x/?page=3>; rel="last"' % (page + 1)
            return self.reply(200, {"total_count": 201, "check_runs": runs}, [("Link", link)] if page < 3 else [])
        self.reply(200, {"total_count": 1, "check_runs": [run("test", "success")]})
    def gitlab(self, how, query, page):
        if how == "group/missing": return self.reply(404, {"message": "404 Project Not Found"})
        if how == "group/private" and self.headers.get("PRIVATE-TOKEN") != "s3cret": return self.reply(401, {"message": "401 Unauthorized"})
        one = {"id": 7, "sha": query["sha"], "ref": "main", "status": "success", "web_url": "https://gl/7"}
        if how == "group/sub/paged":
            if page == 1: return self.reply(200, [one], [("X-Next-Page", "2"), ("X-Page", "1")])
            return self.reply(200, [dict(one, id=8, ref="v1", status="failed")], [("X-Next-Page", "")])
        if how == "group/empty": return self.reply(200, [], [("X-Next-Page", "")])
        self.reply(200, [one], [("X-Next-Page", "")])
server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
)py";

class CiServer : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    server_ = std::make_unique<testing_support::PythonServer>(kServer);
    base_ = server_->url();
  }
  static void TearDownTestSuite() { server_.reset(); }
  static Answer github(const std::string& how, const std::string& token = "", Millis within = Millis(4000)) {
    return ask({.kind = "github", .project = "example/" + how, .url = base_, .token = token}, kSha, within);
  }
  static Answer gitlab(const std::string& project, const std::string& token = "") {
    return ask({.kind = "gitlab", .project = project, .url = base_, .token = token}, kSha, Millis(4000));
  }
  static inline const std::string kSha = "4f1c0de" + std::string(33, '0');
  static inline std::unique_ptr<testing_support::PythonServer> server_;
  static inline std::string base_;
};

TEST_F(CiServer, SaysWhatPassedAndWhatFailed) {
  EXPECT_EQ(github("fine").result.state, CiState::kPassed);
  EXPECT_TRUE(github("fine").heard);
  EXPECT_EQ(github("oldstyle").result.why, "jenkins: failure") << "commit statuses count beside check runs";
  EXPECT_EQ(github("empty").result.state, CiState::kUnknown);
  EXPECT_TRUE(github("empty").heard);
  EXPECT_TRUE(github("empty").result.nothing_ran);
}

TEST_F(CiServer, IsReadToItsLastPage) {
  EXPECT_EQ(github("paged").result.why, "201 checks passed");
  EXPECT_EQ(github("paged-bad").result.why, "last: failure");
  EXPECT_EQ(gitlab("group/sub/paged").result.why, "pipeline of v1: failed");
}

TEST_F(CiServer, ThatDoesNotAnswerLeavesItUnknownWithTheReason) {
  const std::pair<const char*, const char*> cases[] = {{"limited", "rate limit, until 14:22:11 UTC"},
                                                       {"secondary", "rate limit"},
                                                       {"forbidden", "does not let this token"},
                                                       {"missing", "knows no example/missing"},
                                                       {"unprocessable", "does not know the commit"},
                                                       {"moved", "answered 301"},
                                                       {"ill", "answered 502"},
                                                       {"login", "its answer"},
                                                       {"other", "another commit (fffffff"},
                                                       {"short", "it gave 1 of 3 results"},
                                                       {"half", "answered 500"}};
  for (const auto& [how, why] : cases) {
    const Answer answer = github(how);
    EXPECT_EQ(answer.result.state, CiState::kUnknown) << how;
    EXPECT_FALSE(answer.heard) << how;
    EXPECT_THAT(answer.result.why, HasSubstr(why)) << how;
  }
  EXPECT_THAT(github("slow", "", Millis(300)).result.why, HasSubstr("no answer within"));
  EXPECT_FALSE(ask({.kind = "github", .project = "a/b", .url = "http://127.0.0.1:9"}, kSha, Millis(2000)).heard);
}

TEST_F(CiServer, TakesATokenThatIsNeverShown) {
  ASSERT_EQ(setenv("CI_TEST_TOKEN", "s3cret", 1), 0);
  EXPECT_EQ(github("private", "$CI_TEST_TOKEN").result.state, CiState::kPassed);
  EXPECT_EQ(gitlab("group/private", "$CI_TEST_TOKEN").result.state, CiState::kPassed);
  ASSERT_EQ(setenv("CI_TEST_TOKEN", "wr0ng", 1), 0);
  EXPECT_THAT(github("private", "$CI_TEST_TOKEN").result.why, HasSubstr("does not take the token"));
  EXPECT_THAT(github("private", "$CI_TEST_TOKEN").result.why, Not(HasSubstr("wr0ng")));
  EXPECT_THAT(github("private", "$CI_TEST_NO_SUCH").result.why, HasSubstr("CI_TEST_NO_SUCH"));
  unsetenv("CI_TEST_TOKEN");
}

TEST_F(CiServer, OfGitLabIsAskedForThePipelinesOfTheCommit) {
  EXPECT_EQ(gitlab("group/fine").result.state, CiState::kPassed);
  EXPECT_EQ(gitlab("group/empty").result.state, CiState::kUnknown);
  EXPECT_THAT(gitlab("group/missing").result.why, HasSubstr("knows no group/missing"));
}

}  // namespace
}  // namespace backout::drivers::ci
