#include "model/selector.h"

#include <gtest/gtest.h>

namespace backout {
namespace {

bool matches(std::string_view selector, const Labels& labels, std::string_view name = "http_requests_total") {
  const auto parsed = Selector::parse(selector);
  EXPECT_TRUE(parsed) << selector << ": " << (parsed ? "" : parsed.error().message);
  return parsed && parsed->matches(name, labels);
}

TEST(Selector, MatchesAsPrometheusDoes) {
  const Labels labels = {{"code", "502"}, {"job", "shop"}, {"path", "/a\"b\\c\n"}};
  EXPECT_TRUE(matches("http_requests_total", labels));
  EXPECT_TRUE(matches("http_requests_total{}", labels));
  EXPECT_TRUE(matches("  http_requests_total { code =~ \"5..\" , job != 'probe', } ", labels));
  EXPECT_TRUE(matches("{__name__=\"http_requests_total\",code=\"502\"}", labels));
  EXPECT_TRUE(matches("http_requests_total{code!~`4..|2..`}", labels));
  EXPECT_TRUE(matches(R"(http_requests_total{path="/a\"b\\c\n"})", labels));
  EXPECT_TRUE(matches("http_requests_total{version=\"\"}", labels)) << "a label that is not there is empty";
  EXPECT_FALSE(matches("http_requests_total{code=~\"5\"}", labels)) << "whole values";
  EXPECT_FALSE(matches("http_requests_total{code=~\"50|2\"}", labels)) << "whole values, both ways of an alternative";
  EXPECT_FALSE(matches("http_requests_total{version!=\"\"}", labels));
  EXPECT_FALSE(matches("http_requests_total", labels, "other_total"));
}

TEST(Selector, WhatIsNoneIsRefusedWithWhy) {
  for (const auto& [text, why] : {std::pair{"", "names no metric"},
                                  {"{code=\"200\"}", "names no metric"},
                                  {"rate(x[5m])", "nothing may follow"},
                                  {"x_total[5m]", "nothing may follow"},
                                  {"a/b", "nothing may follow"},
                                  {"x{code=5}", "not in quotes"},
                                  {"x{code=\"5}", "not in quotes"},
                                  {"x{code=\"5\" job=\"a\"}", "expected , or }"},
                                  {"x{code}", "expected =, !=, =~ or !~"},
                                  {"x{=\"5\"}", "a label is missing"},
                                  {"x{code=~\"(\"}", "no regular expression"},
                                  {"x{code=\"5\\", "not in quotes"},
                                  {"x{", "a label is missing"}}) {
    const auto parsed = Selector::parse(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_NE(parsed.error().message.find(why), std::string::npos) << text << ": " << parsed.error().message;
  }
}

TEST(Selector, IsWrittenAsItWouldBeReadAgain) {
  const auto parsed = Selector::parse("x_total{a=~'5..', b=\"q\\\"\\n\"}");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->text(), R"(x_total{a=~"5..",b="q\"\n"})");
  EXPECT_EQ(Selector::parse(parsed->text())->text(), parsed->text());
}

}  // namespace
}  // namespace backout
