#include "watch/metrics/exposition.h"

#include <gtest/gtest.h>

#include <cmath>

namespace backout::watch {
namespace {

std::string all_of(std::string_view text, Exposition* summary = nullptr) {
  std::string told;
  const Exposition read = read_exposition(
      text, [](std::string_view) { return true; },
      [&](const std::string& name, const Labels& labels, double value) {
        told += name;
        for (const auto& [label, each] : labels) told += fmt::format(" {}={}", label, each);
        told += fmt::format(" {}\n", value);
      });
  if (summary != nullptr) *summary = read;
  return told;
}

TEST(Exposition, ReadsWhatPrometheusDocumentsAsItsFormat) {
  Exposition summary;
  EXPECT_EQ(all_of(R"(# HELP http_requests_total The total number of HTTP requests.
# TYPE http_requests_total counter
http_requests_total{method="post",code="200"} 1027 1395066363000
http_requests_total{method="post",code="400"}    3 1395066363000

# Escaping in label values:
msdos_file_access_time_seconds{path="C:\\DIR\\FILE.TXT",error="Cannot find file:\n\"FILE.TXT\""} 1.458255915e9

# Minimalistic line:
metric_without_timestamp_and_labels 12.47

# A weird metric from before the epoch:
something_weird{problem="division by zero"} +Inf -3982045
http_request_duration_seconds_bucket{le="+Inf",} 144320
rpc_duration_seconds{quantile="0.99"} NaN
)",
                   &summary),
            "http_requests_total code=200 method=post 1027\n"
            "http_requests_total code=400 method=post 3\n"
            "msdos_file_access_time_seconds error=Cannot find file:\n\"FILE.TXT\" path=C:\\DIR\\FILE.TXT 1458255915\n"
            "metric_without_timestamp_and_labels 12.47\n"
            "something_weird problem=division by zero inf\n"
            "http_request_duration_seconds_bucket le=+Inf 144320\n"
            "rpc_duration_seconds quantile=0.99 nan\n");
  EXPECT_EQ(summary.not_understood, 0);
  EXPECT_FALSE(summary.ended);
}

TEST(Exposition, ReadsOpenMetricsWithExemplars) {
  Exposition summary;
  EXPECT_EQ(all_of("# TYPE foo counter\n"
                   "foo_total{a=\"b\"} 17.0 1520879607.789 # {trace_id=\"KOO5S4vxi0o\"} 0.67 1520879607.789\n"
                   "foo_created 1520872607.123\n# EOF\n",
                   &summary),
            "foo_total a=b 17\nfoo_created 1520872607.123\n");
  EXPECT_TRUE(summary.ended);
}

TEST(Exposition, WhatIsNoMetricIsToldAndSkipped) {
  Exposition summary;
  EXPECT_EQ(
      all_of("<html>\nok 1\nbad{a=\"b 1\nbad{a} 1\nbad one\nbad\n0 1\nfine{} 2\r\nbad{a=\"b\"c=\"d\"} 3\n\xff\xfe 1\n",
             &summary),
      "ok 1\nfine 2\n");
  EXPECT_EQ(summary.not_understood, 8);
  EXPECT_EQ(summary.first_not_understood, "<html>");
  EXPECT_EQ(all_of(std::string(1 << 20, 'a') + " 1\nok 1\n"), "ok 1\n") << "a line of a megabyte";
}

TEST(Exposition, ValuesAsBothFormatsWriteThem) {
  for (const auto& [text, value] :
       {std::pair{"1", 1.0}, {"+1e+06", 1e6}, {"-2.5", -2.5}, {".5", .5}, {"1e400", INFINITY}})
    EXPECT_EQ(sample_value(text), value) << text;
  EXPECT_TRUE(std::isnan(*sample_value("NaN")));
  EXPECT_EQ(sample_value("-Inf"), -INFINITY);
  for (const char* bad : {"", "one", "1x", "+", "--1", "0x10", "1,5", " 1"}) EXPECT_FALSE(sample_value(bad)) << bad;
}

}  // namespace
}  // namespace backout::watch
