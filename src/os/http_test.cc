#include "os/http.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <thread>

#include "support/python_server.h"

namespace backout::os {
namespace {

constexpr const char* kServer = R"py(
import http.server, time
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def log_message(self, *a): pass
    def reply(self, status, body, headers=()):
        self.send_response(status)
        for k, v in headers: self.send_header(k, v)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        if self.command != 'HEAD': self.wfile.write(body)
    def do_GET(self):
        if self.path == '/slow': time.sleep(5)
        if self.path == '/redirect': return self.reply(302, b'', [('Location', '/ok')])
        if self.path == '/raw': return self.reply(200, bytes([255, 0, 128]))
        if self.path == '/big': return self.reply(200, b'x' * 1000000)
        if self.path == '/broken': return self.reply(500, b'no')
        if self.path == '/cut': return self.connection.shutdown(2)
        self.reply(200, self.headers.get('X-Ask', 'none').encode(), [('X-Version', 'v2'), ('X-Twice', 'a'), ('X-Twice', 'b')])
    do_HEAD = do_GET
    def do_POST(self):
        self.reply(201, self.command.encode() + b' ' + self.rfile.read(int(self.headers['Content-Length'])))
server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
)py";

/// A real server on a free port for as long as the tests of this file run.
class Http : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    server_ = std::make_unique<testing_support::PythonServer>(kServer);
    base_ = server_->url();
  }
  static void TearDownTestSuite() { server_.reset(); }
  static Result<HttpResponse> get(const std::string& path, HttpRequest request = {}) {
    request.url = base_ + path;
    return http(request);
  }
  static inline std::unique_ptr<testing_support::PythonServer> server_;
  static inline std::string base_;
};

TEST_F(Http, ReturnsStatusHeadersAndBody) {
  const auto response = get("/", {.headers = {{"X-Ask", "it"}}});
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->body, "it");
  EXPECT_EQ(response->headers.at("x-version"), "v2");
  EXPECT_EQ(response->headers.at("x-twice"), "b");
}

TEST_F(Http, AnyStatusIsAResponse) {
  EXPECT_EQ(get("/broken")->status, 500);
  EXPECT_EQ(get("/broken")->body, "no");
}

TEST_F(Http, DoesNotFollowRedirects) {
  const auto response = get("/redirect");
  EXPECT_EQ(response->status, 302);
  EXPECT_EQ(response->headers.at("location"), "/ok");
}

TEST_F(Http, BodiesAreRawAndBounded) {
  EXPECT_EQ(get("/raw")->body, std::string("\xFF\x00\x80", 3));
  EXPECT_EQ(get("/big", {.body_limit = 1000})->body.size(), 1000U);
  EXPECT_EQ(get("/big")->body.size(), 1'000'000U);
}

TEST_F(Http, SendsMethodAndBody) {
  EXPECT_EQ(get("/", {.method = "POST", .body = "a=1"})->body, "POST a=1");
  const auto head = get("/", {.method = "HEAD"});
  ASSERT_TRUE(head) << head.error().message;
  EXPECT_EQ(head->status, 200);
  EXPECT_EQ(head->body, "");
}

TEST_F(Http, IsBoundedInTime) {
  const BootTime before = system_clock().boot();
  const auto response = get("/slow", {.timeout = Millis(200)});
  EXPECT_EQ(response.error().code, Code::kTimedOut);
  EXPECT_LT(system_clock().boot() - before, Millis(2000));
}

TEST_F(Http, IsStoppedWhileItWaits) {
  const BootTime before = system_clock().boot();
  std::stop_source stop;
  const std::jthread impatient([&] { stop.request_stop(); });
  const auto response = http({.url = base_ + "/slow", .timeout = Millis(20'000)}, stop.get_token());
  EXPECT_EQ(response.error().code, Code::kCancelled);
  EXPECT_LT(system_clock().boot() - before, Millis(4'000));
}

TEST_F(Http, NoConnectionIsUnavailable) {
  EXPECT_EQ(http({.url = "http://127.0.0.1:1/"}).error().code, Code::kUnavailable);
  EXPECT_EQ(get("/cut").error().code, Code::kUnavailable);
}

TEST_F(Http, WhatIsNoRequestIsInvalid) {
  for (const std::string url :
       {"", "nothing", "ftp://127.0.0.1/", "file:///etc/passwd", "http://a b/", "http://x/\r\nY: z"})
    EXPECT_EQ(http({.url = url}).error().code, Code::kInvalid) << url;
  EXPECT_EQ(get("/", {.headers = {{"X", "a\r\nY: b"}}}).error().code, Code::kInvalid);
  EXPECT_EQ(get("/", {.method = "GET /x"}).error().code, Code::kInvalid);
}

TEST_F(Http, LoopbackUsesNoProxyFromTheEnvironment) {
  setenv("http_proxy", "http://127.0.0.1:1", 1);
  const auto response = get("/");
  unsetenv("http_proxy");
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->status, 200);
}

}  // namespace
}  // namespace backout::os
