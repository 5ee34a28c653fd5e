#include "watch/access_log/format.h"

#include <gtest/gtest.h>

#include "watch/access_log/log_time.h"

namespace backout::watch {
namespace {

Fields parsed(const std::string& format, std::string_view line, const Naming& naming = {}) {
  const auto compiled = Format::compile(format, naming);
  EXPECT_TRUE(compiled) << (compiled ? "" : compiled.error().message);
  Fields fields;
  EXPECT_TRUE(compiled && compiled->parse(line, fields)) << line;
  return fields;
}

bool fits(const std::string& format, std::string_view line) {
  const auto compiled = Format::compile(format, {});
  Fields fields;
  return compiled && compiled->parse(line, fields);
}

std::string why_not(const std::string& format, const Naming& naming = {}) {
  const auto compiled = Format::compile(format, naming);
  return compiled ? "" : compiled.error().message + "; " + compiled.error().next;
}

constexpr std::string_view kLine =
    R"(203.0.113.7 - ann [10/Oct/2025:13:55:36 +0200] "GET /a?b=c HTTP/1.1" 502 12 "https://x/" "Moz \"q\" \\" 0.120 v42)";

TEST(AccessLogFormat, ReadsCombinedAndWhatStandsBehindIt) {
  for (const char* format : {"combined", "common", ""}) {
    const Fields fields = parsed(format, kLine);
    EXPECT_EQ(fields[Column::kClient], "203.0.113.7");
    EXPECT_EQ(fields[Column::kTime], "10/Oct/2025:13:55:36 +0200");
    EXPECT_EQ(fields[Column::kRequest], "GET /a?b=c HTTP/1.1");
    EXPECT_EQ(fields[Column::kStatus], "502");
  }
}

TEST(AccessLogFormat, ReadsALogFormatOfNginxAsItsConfigurationHasIt) {
  const std::string format =
      "log_format main '$remote_addr - $remote_user [$time_local] \"$request\" $status $body_bytes_sent '\n"
      "  '\"$http_referer\" \"$http_user_agent\" $request_time ${sent_http_x_release}';";
  const Fields fields = parsed(format, kLine, {.release = "$sent_http_x_release"});
  EXPECT_EQ(fields[Column::kDuration], "0.120");
  EXPECT_EQ(fields[Column::kRelease], "v42");
}

TEST(AccessLogFormat, ReadsALogFormatOfApache) {
  const std::string line =
      R"(10.0.0.1 192.0.2.9 - - [10/Oct/2025:13:55:36 +0200] "POST /x HTTP/1.1" 200 5 "-" "a \"quoted\" agent" 1234 v7)";
  const std::string format =
      R"(%h %{X-Forwarded-For}i %l %u %t "%r" %>s %O "%{Referer}i" "%{User-Agent}i" %D %{X-Release}o)";
  for (const std::string& each : {format, "LogFormat \"" + [&] {
                                    std::string text;
                                    for (const char c : format)
                                      text += c == '"' ? std::string("\\\"") : std::string(1, c);
                                    return text;
                                  }() + "\" mine"}) {
    const auto compiled = Format::compile(each, {.client = "http_x_forwarded_for", .release = "%{X-Release}o"});
    ASSERT_TRUE(compiled) << compiled.error().message;
    Fields fields;
    fields.unit = compiled->duration_unit();
    ASSERT_TRUE(compiled->parse(line, fields));
    EXPECT_EQ(fields[Column::kClient], "192.0.2.9");
    EXPECT_EQ(fields[Column::kTime], "10/Oct/2025:13:55:36 +0200");
    EXPECT_EQ(fields[Column::kDuration], "1234");
    EXPECT_EQ(fields.unit, DurationUnit::kMicros);
    EXPECT_EQ(fields[Column::kRelease], "v7");
    EXPECT_FALSE(compiled->time_is_end());
  }
}

TEST(AccessLogFormat, JoinsPathAndQueryThatStandSideBySide) {
  const Fields apache = parsed("%m %U%q %>s %{usec}t", "GET /a/b?c=d 200 1760097336123456");
  EXPECT_EQ(apache[Column::kPath], "/a/b?c=d");
  EXPECT_EQ(apache[Column::kTime], "1760097336123456");
  const Fields nginx = parsed("$msec $host$request_uri $status", "1760097336.123 shop.example.com/a/b 200");
  EXPECT_EQ(nginx[Column::kPath], "/a/b");
}

TEST(AccessLogFormat, ReadsJsonByItsUsualKeysAndByNamedOnes) {
  const std::string line =
      R"({"ts":1760097336.123,"status":500,"request":{"remote_ip":"192.0.2.1","method":"GET","uri":"\/a\/b?x=1","headers":{"A":["}"]}},"duration":0.25,"rel":"v9"})";
  const Fields fields = parsed("json", line, {.release = "rel"});
  EXPECT_EQ(fields[Column::kStatus], "500");
  EXPECT_EQ(fields[Column::kClient], "192.0.2.1");
  EXPECT_EQ(fields[Column::kMethod], "GET");
  EXPECT_EQ(fields[Column::kPath], "/a/b?x=1");
  EXPECT_EQ(fields[Column::kDuration], "0.25");
  EXPECT_EQ(fields[Column::kRelease], "v9");
  const Fields named = parsed("json", R"({"s":404,"took_ms":12,"when":"2025-10-10T13:55:36Z","who":"x","status":1})",
                              {.client = "who", .status = "s", .duration = "took_ms", .time = "when"});
  EXPECT_EQ(named[Column::kStatus], "404");
  EXPECT_EQ(named[Column::kDuration], "12");
  EXPECT_EQ(named.unit, DurationUnit::kMillis);
  EXPECT_EQ(named[Column::kClient], "x");
}

TEST(AccessLogFormat, WhatIsNoSuchLineDoesNotFit) {
  EXPECT_FALSE(fits("combined", ""));
  EXPECT_FALSE(fits("combined", "hello"));
  EXPECT_FALSE(fits("combined", "203.0.113.7 - - [10/Oct/2025:13:55:36 +0200] \"GET / HT"));
  EXPECT_FALSE(fits("json", "{\"a\":1"));
  EXPECT_FALSE(fits("json", "{\"a\":1} x"));
  EXPECT_FALSE(fits("json", "[1]"));
  EXPECT_TRUE(fits("json", "{}"));
}

TEST(AccessLogFormat, SaysWhatIsWrongWithAFormat) {
  EXPECT_NE(why_not("fancy").find("is not known"), std::string::npos);
  EXPECT_NE(why_not("$remote_addr [$time_local] $request").find("no status"), std::string::npos);
  EXPECT_NE(why_not("$remote_addr $status").find("no time"), std::string::npos);
  EXPECT_NE(why_not("$remote_addr$status [$time_local]").find("side by side"), std::string::npos);
  EXPECT_NE(why_not("%h %>s %{%A}t").find("its time in a form"), std::string::npos);
  EXPECT_NE(why_not("combined", {.release = "upstream_http_x_v"}).find("no variable of the log format"),
            std::string::npos);
  EXPECT_NE(why_not("$status $").find("without a name"), std::string::npos);
  EXPECT_NE(why_not("%>s %{a").find("not closed"), std::string::npos);
}

TEST(AccessLogTime, ReadsEachForm) {
  const int64_t instant = 1'760'097'336'000;  // 2025-10-10T11:55:36Z
  EXPECT_EQ(read_time("10/Oct/2025:13:55:36 +0200", TimeForm::kLocal), instant);
  EXPECT_EQ(read_time("10/Oct/2025:06:25:36 -0530", TimeForm::kLocal), instant);
  EXPECT_EQ(read_time("2025-10-10T13:55:36+02:00", TimeForm::kIso), instant);
  EXPECT_EQ(read_time("2025-10-10T11:55:36.123456Z", TimeForm::kIso), instant + 123);
  EXPECT_EQ(read_time("2025-10-10 11:55:36,5", TimeForm::kAny), instant + 500);
  EXPECT_EQ(read_time("1760097336.123", TimeForm::kSeconds), instant + 123);
  EXPECT_EQ(read_time("1760097336", TimeForm::kAny), instant);
  EXPECT_EQ(read_time("1760097336123", TimeForm::kAny), instant + 123);
  EXPECT_EQ(read_time("1760097336123456", TimeForm::kAny), instant + 123);
  EXPECT_EQ(read_time("1760097336123456789", TimeForm::kAny), instant + 123);
  EXPECT_EQ(read_time("1.760097336e9", TimeForm::kAny), instant);
  EXPECT_EQ(read_time("[10/Oct/2025:13:55:36 +0200]", TimeForm::kAny), instant);
  for (const char* bad :
       {"", "-", "10/Okt/2025:13:55:36 +0200", "31/Feb/2025:13:55:36 +0000", "10/Oct/2025:25:55:36 +0000",
        "2025-10-10T11:55", "99999999999999999999", "1760097336x", "10/Oct/1970:00:00:00 +0000"})
    EXPECT_EQ(read_time(bad, TimeForm::kAny), std::nullopt) << bad;
}

TEST(AccessLogTime, ReadsDurationsInMicroseconds) {
  EXPECT_EQ(read_duration("0.123", DurationUnit::kSeconds), 123'000);
  EXPECT_EQ(read_duration("12", DurationUnit::kMicros), 12);
  EXPECT_EQ(read_duration("1.5", DurationUnit::kMillis), 1500);
  EXPECT_EQ(read_duration("1500000", DurationUnit::kNanos), 1500);
  EXPECT_EQ(read_duration("2ms", DurationUnit::kSeconds), 2000);
  EXPECT_EQ(read_duration("35\xc2\xb5s", DurationUnit::kSeconds), 35);
  EXPECT_EQ(read_duration("0.010, 0.200 : 0.003", DurationUnit::kSeconds), 213'000);
  EXPECT_EQ(read_duration("0.010, -", DurationUnit::kSeconds), 10'000);
  for (const char* bad : {"", "-", "abc", "1.2.3", "1x", "99999999999999", "1e99"})
    EXPECT_EQ(read_duration(bad, DurationUnit::kSeconds), std::nullopt) << bad;
}

}  // namespace
}  // namespace backout::watch
