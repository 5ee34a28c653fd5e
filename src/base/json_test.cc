#include "base/json.h"

#include <gtest/gtest.h>

namespace backout {
namespace {

std::string nested(int levels) { return std::string(levels, '[') + std::string(levels, ']'); }

TEST(ParseJson, IsNoDeeperThanTheStackBears) {
  const auto deep = parse_json(nested(512));
  ASSERT_TRUE(deep.has_value());
  EXPECT_EQ(canonical(Json(*deep)), nested(512));
  for (const std::string& text : {nested(513), nested(1'000'000), std::string(1'000'000, '[')}) {
    const auto refused = parse_json(text);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, Code::kCorrupt);
    EXPECT_NE(refused.error().message.find("512 levels deep"), std::string::npos) << refused.error().message;
  }
  std::string side_by_side = "[";
  for (int i = 0; i < 2'000; ++i) side_by_side += "{},";
  EXPECT_TRUE(parse_json(side_by_side + "{}]").has_value());
  EXPECT_TRUE(parse_json("\"" + std::string(2'000, '[') + "\\\"" + std::string(2'000, '{') + "\"").has_value())
      << "in a text they are nothing";
}

TEST(GetInt, OfWhatNoInt64HoldsIsTheDefault) {
  const auto number = [](const std::string& text) { return get_int(*parse_json("{\"n\": " + text + "}"), "n", 7); };
  EXPECT_EQ(number("-3"), -3);
  EXPECT_EQ(number("9223372036854775807"), INT64_MAX);
  EXPECT_EQ(number("12.9"), 12);
  for (const char* text : {"9223372036854775808", "18446744073709551615", "1e300", "-1e300", "99999999999999999999999",
                           "\"3\"", "null", "true", "[3]"})
    EXPECT_EQ(number(text), 7) << text;
}

}  // namespace
}  // namespace backout
