#include "drivers/checks/error_page.h"

#include <gtest/gtest.h>

#include "drivers/checks/answer.h"

namespace backout::drivers {
namespace {

std::string reported(std::string body) {
  return error_it_reports({.status = 200, .body = std::move(body)}).value_or("");
}

TEST(ErrorPage, IsKnownByWhatItCallsItself) {
  EXPECT_EQ(reported("<html><head><title>500 Internal Server Error</title></head><body>sorry</body></html>"),
            "500 Internal Server Error");
  EXPECT_EQ(reported("<!doctype html>\n<TITLE>Shop</TITLE><body><h1 class=\"big\">\n Something <b>went</b> wrong</h1>"),
            "Something went wrong");
  EXPECT_EQ(reported("<title>Down for maintenance</title>"), "Down for maintenance");
  EXPECT_EQ(reported("<title>502 Bad Gateway</title>"), "502 Bad Gateway");
  EXPECT_EQ(reported("<h1>Page not found</h1>"), "Page not found");
  EXPECT_EQ(reported("OperationalError: no such column: note\n  at line 3"), "OperationalError: no such column: note");
  EXPECT_EQ(reported("\nTraceback (most recent call last):\n"), "Traceback (most recent call last):");
  EXPECT_EQ(reported("Service temporarily unavailable"), "Service temporarily unavailable");
  EXPECT_EQ(reported("upstream error\x1b[31m"), "upstream error[31m") << "what was read is data";
}

TEST(ErrorPage, InJsonIsAFieldThatSaysSo) {
  EXPECT_EQ(reported(R"({"error": "no database"})"), "error: no database");
  EXPECT_EQ(reported(R"({"status": "unhealthy", "checks": 3})"), "status: unhealthy");
  EXPECT_EQ(reported(R"({"status": 500, "title": "oops"})"), "status: 500");
  EXPECT_EQ(reported(R"({"ok": false})"), "ok: false");
  EXPECT_EQ(reported(R"({"Errors": ["no stock"]})"), R"(Errors: ["no stock"])");
}

TEST(ErrorPage, IsNotAPageThatOnlySpeaksOfErrorsFurtherDown) {
  for (const char* body :
       {"", "ok", "v1", "ok 4", "Hello, world", "<h1>Shop</h1><p>No error today; was there an error yesterday?</p>",
        "<html><title>Our shop</title><script>onerror = function (error) {}</script><h1>Bread</h1></html>", "no errors",
        "0 errors", "No error", "terrors of the night", "ok\nerror: none", R"({"status": "ok", "error": null})",
        R"({"errors": [], "error": "", "ok": true})", R"({"items": [{"error": "of one"}], "status": 200})",
        R"(["error"])", R"("error")", "<title>unfinished error", "<"})
    EXPECT_EQ(reported(body), "") << body;
}

TEST(ErrorPage, FailsACheckThatAsksForAStatusAlone) {
  const auto judged = [](int status, const AnswerExpected& expected) {
    return mismatch({.status = status, .headers = {{"x-version", "v1"}}, .body = "<title>Something went wrong</title>"},
                    expected);
  };
  EXPECT_EQ(
      judged(200, {}),
      "status 200, but the answer calls itself an error: 'Something went wrong'; if it is right, say what it contains");
  EXPECT_NE(judged(200, {.headers = {{"x-version", "v1"}}}), std::nullopt) << "a header does not look into it";
  EXPECT_EQ(judged(200, {.contains = "went wrong"}), std::nullopt) << "who says what it contains is believed";
  EXPECT_EQ(judged(200, {.version = "v1", .version_header = "x-version"}), std::nullopt);
  EXPECT_EQ(judged(404, {.status = 404}), std::nullopt) << "an error is what is asked for";
}

}  // namespace
}  // namespace backout::drivers
