#include "watch/metrics/prometheus_answer.h"

#include <gtest/gtest.h>

#include <cmath>

namespace backout::watch {
namespace {

TEST(PrometheusAnswer, ReadsAMatrix) {
  const auto answer = read_prometheus(
      R"({"status":"success","data":{"resultType":"matrix","result":[
        {"metric":{"__name__":"up","job":"shop","empty":""},"values":[[1435781430.781,"1"],[1435781445.781,"NaN"],[1435781460,"+Inf"]]},
        {"metric":{},"values":[],"histograms":[[1435781430,{"count":"3","buckets":[[1,"2","3","4"]]}]]}]}})");
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->type, "matrix");
  ASSERT_EQ(answer->series.size(), 2U);
  EXPECT_EQ(answer->series[0].name, "up");
  EXPECT_EQ(answer->series[0].labels, (Labels{{"job", "shop"}}));
  ASSERT_EQ(answer->series[0].samples.size(), 3U);
  EXPECT_EQ(answer->series[0].samples[0].at_ms, 1435781430781);
  EXPECT_EQ(answer->series[0].samples[0].value, 1);
  EXPECT_TRUE(std::isnan(answer->series[0].samples[1].value));
  EXPECT_TRUE(answer->series[1].samples.empty());
  EXPECT_EQ(answer->odd, 0);
}

TEST(PrometheusAnswer, ReadsAVectorAndWarnings) {
  const auto answer = read_prometheus(
      R"({"status":"success","data":{"resultType":"vector","result":[{"metric":{"code":"200"},"value":[1435781451.781,"7"]}]},
          "warnings":["remote read: a\nstore is down","b","c","d"]})");
  ASSERT_TRUE(answer) << answer.error().message;
  ASSERT_EQ(answer->series.size(), 1U);
  EXPECT_EQ(answer->series[0].samples.at(0).value, 7);
  ASSERT_EQ(answer->doubts.size(), 3U);
  EXPECT_EQ(answer->doubts[0], "remote read: a store is down");
}

TEST(PrometheusAnswer, AnErrorIsToldInItsWords) {
  const auto answer = read_prometheus(R"({"status":"error","errorType":"bad_data","error":"parse \u001b[31merror"})");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::kUnavailable);
  EXPECT_EQ(answer.error().message, "it says bad_data: parse [31merror");
}

TEST(PrometheusAnswer, AnythingElseIsNone) {
  const std::string deep = R"({"status":"success","data":)" + std::string(2000, '[') + std::string(2000, ']') + "}";
  for (const std::string& body :
       {std::string(), std::string("<html>"), std::string("[]"), std::string("7"), std::string("{"), std::string("{}"),
        std::string("null"), deep, std::string("{\"status\":\"success\"} x"), std::string("{\"status\":\"fine\"}"),
        std::string("{\"status\":\"success\",\"data\":{\"a\xff\":1}}")})
    EXPECT_FALSE(read_prometheus(body)) << body.substr(0, 60);
  EXPECT_NE(read_prometheus("<html>").error().message.find("HTML"), std::string::npos);
}

TEST(PrometheusAnswer, SamplesThatAreNoneAreCounted) {
  const auto answer = read_prometheus(
      R"({"status":"success","data":{"resultType":"matrix","result":[{"metric":{"a":"b"},"values":
        [[1,"1"],[1,"2"],["2","3"],[3],[4,5],[5,"x"],[6,"1","2"],[-1,"1"],[1e300,"1"],[7,"7"]]}]}})");
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->series[0].samples.size(), 2U);
  EXPECT_EQ(answer->odd, 8);
}

}  // namespace
}  // namespace backout::watch
