#include "os/http_server.h"

#include <gtest/gtest.h>

#include "os/http.h"

namespace backout::os {
namespace {

std::unique_ptr<HttpServer> served(HttpServer::Limits limits = {}) {
  auto server = HttpServer::start(
      "127.0.0.1:0",
      [](const ServedRequest& request) {
        return ServedAnswer{request.body == "bad" ? 400 : 200, fmt::format("{} {} {} {}", request.method, request.path,
                                                                           request.authorization, request.body.size())};
      },
      limits);
  EXPECT_TRUE(server) << (server ? "" : server.error().message);
  return server ? std::move(*server) : nullptr;
}

Result<HttpResponse> post(const HttpServer& server, std::string body) {
  return http({.method = "POST",
               .url = fmt::format("http://127.0.0.1:{}/hook", server.port()),
               .headers = {{"Authorization", "Bearer x"}},
               .body = std::move(body),
               .timeout = Millis(3000)});
}

TEST(HttpServer, AnswersWhatItIsAsked) {
  const auto server = served();
  ASSERT_TRUE(server);
  for (int round = 0; round < 20; ++round) {
    const auto answer = post(*server, "four");
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->status, 200);
    EXPECT_EQ(answer->body, "POST /hook Bearer x 4\n");
  }
  EXPECT_EQ(post(*server, "bad")->status, 400);
}

TEST(HttpServer, ABodyThatIsTooLargeIsRefused) {
  const auto server = served({.body = 1000});
  const auto answer = post(*server, std::string(100'000, 'x'));
  EXPECT_TRUE(!answer || answer->status == 413);
  EXPECT_EQ(post(*server, "small")->status, 200) << "and it goes on";
}

TEST(HttpServer, OnlyOneListensAtAPortAndOnlyOnTheLoopback) {
  const auto server = served();
  const auto second = HttpServer::start(fmt::format("127.0.0.1:{}", server->port()), {}, {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::kUnavailable);
  for (const char* address : {"0.0.0.0:9099", "example.com:80", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:70000", ""})
    EXPECT_EQ(HttpServer::start(address, {}, {}).error().code, Code::kInvalid) << address;
}

}  // namespace
}  // namespace backout::os
