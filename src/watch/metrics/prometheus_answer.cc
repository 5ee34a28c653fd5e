#include "watch/metrics/prometheus_answer.h"

#include <cmath>

#include "base/json.h"
#include "base/text.h"
#include "watch/metrics/exposition.h"

namespace backout::watch {
namespace {

constexpr size_t kDeepest = 16, kLongestText = 500, kMostDoubts = 3;

/// Follows the path of keys to where it is: data.result[].metric.KEY, data.result[].values[][0].
class AnswerReader : public nlohmann::json_sax<Json> {
 public:
  PrometheusAnswer answer;
  std::string status, error_type, error, why;  // why: it cannot be read

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t value) override { return number(static_cast<double>(value)); }
  bool number_unsigned(number_unsigned_t value) override { return number(static_cast<double>(value)); }
  bool number_float(number_float_t value, const string_t&) override { return number(value); }
  bool binary(binary_t&) override { return true; }

  bool string(string_t& text) override {
    const size_t depth = path_.size();
    if (depth == 1) {
      if (key_ == "status") status = text.substr(0, kLongestText);
      if (key_ == "errorType") error_type = text.substr(0, kLongestText);
      if (key_ == "error") error = text.substr(0, kLongestText);
    } else if (depth == 2 && path_[1] == In::kData && key_ == "resultType") {
      answer.type = text.substr(0, kLongestText);
    } else if (depth == 2 && path_[1] == In::kWarnings) {
      if (answer.doubts.size() < kMostDoubts) answer.doubts.push_back(shortened(one_line(text.substr(0, 200)), 200));
    } else if (!answer.series.empty() && path_.back() == In::kMetric) {
      Series& series = answer.series.back();
      if (key_ == "__name__")
        series.name = std::move(text);
      else if (!text.empty())
        series.labels[key_] = std::move(text);
    } else if (path_.back() == In::kPair) {
      value_ = sample_value(text);
      ++in_pair_;
    }
    return true;
  }

  bool start_object(std::size_t) override {
    if (path_.empty()) return go(In::kTop);
    if (path_.size() == 1 && key_ == "data") return go(In::kData);
    if (path_.back() == In::kResult) {
      if (answer.series.size() == kMostSeries) return stop(fmt::format("more than {} series", kMostSeries));
      answer.series.emplace_back();
      return go(In::kSeries);
    }
    if (path_.back() == In::kSeries && key_ == "metric") return go(In::kMetric);
    return go(In::kElse);
  }
  bool key(string_t& name) override {
    key_ = name.substr(0, kLongestText);
    return true;
  }
  bool end_object() override { return back(); }

  bool start_array(std::size_t) override {
    if (path_.empty()) return stop("a list, and no object");
    const In in = path_.back();
    if (in == In::kTop && key_ == "warnings") return go(In::kWarnings);
    if (in == In::kData && key_ == "result") return go(In::kResult);
    if (in == In::kSeries && key_ == "values") return go(In::kValues);
    if ((in == In::kSeries && key_ == "value") || in == In::kValues) {
      in_pair_ = 0, at_ms_ = -1, value_.reset();
      return go(In::kPair);
    }
    return go(In::kElse);
  }
  bool end_array() override {
    if (path_.back() == In::kPair && !take_sample()) return stop(fmt::format("more than {} samples", kMostSamples));
    return back();
  }
  bool parse_error(std::size_t at, const std::string&, const nlohmann::detail::exception&) override {
    return stop(fmt::format("no JSON at byte {}", at));
  }

 private:
  enum class In { kTop, kData, kWarnings, kResult, kSeries, kMetric, kValues, kPair, kElse };

  bool number(double value) {
    if (path_.empty()) return stop("a number, and no object");
    if (path_.back() == In::kPair && in_pair_++ == 0 && value > 0 && value < 4e9)
      at_ms_ = static_cast<int64_t>(std::llround(value * 1000));
    return true;
  }
  /// False: there are too many.
  bool take_sample() {
    std::vector<Sample>& samples = answer.series.back().samples;
    const bool ordered = samples.empty() || samples.back().at_ms < at_ms_;
    if (in_pair_ != 2 || at_ms_ < 0 || !value_ || !ordered)
      ++answer.odd;
    else
      samples.push_back({at_ms_, *value_});
    return ++samples_ <= kMostSamples;
  }
  bool go(In where) {
    if (path_.size() == kDeepest) return stop("nested too deep");
    path_.push_back(where);
    return true;
  }
  bool back() {
    path_.pop_back();
    return true;
  }
  bool stop(std::string what) {
    if (why.empty()) why = std::move(what);
    return false;
  }

  std::vector<In> path_;
  std::string key_;
  int in_pair_ = 0;
  int64_t at_ms_ = -1;
  std::optional<double> value_;
  size_t samples_ = 0;
};

}  // namespace

Result<PrometheusAnswer> read_prometheus(std::string_view body) {
  AnswerReader reader;
  const size_t first = body.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos || body[first] != '{')
    return Error{
        Code::kCorrupt,
        first != std::string_view::npos && body[first] == '<' ? "it answers HTML and no JSON" : "it answers no JSON",
        "is this the address of Prometheus itself?"};
  if (!Json::sax_parse(body.begin(), body.end(), &reader))
    return Error{Code::kCorrupt, "its answer cannot be read: " + reader.why, ""};
  if (reader.status == "error")
    return Error{Code::kUnavailable, "it says " + one_line(reader.error_type) + ": " + one_line(reader.error), ""};
  if (reader.status != "success") return Error{Code::kCorrupt, "it answers JSON, but not that of Prometheus", ""};
  return std::move(reader.answer);
}

}  // namespace backout::watch
