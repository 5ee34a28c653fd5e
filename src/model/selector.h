// Selector: which series of metrics are meant, as Prometheus writes it: http_requests_total{code=~"5..",job!="probe"}.
// Regular expressions are RE2 and match whole values, as there. Immutable and thread-safe.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/pattern.h"
#include "base/result.h"

namespace backout {

using Labels = std::map<std::string, std::string, std::less<>>;  // of one series, without its name

class Selector {
 public:
  enum class Relation { kIs, kIsNot, kMatches, kMatchesNot };
  struct Matcher {
    std::string label;
    Relation relation = Relation::kIs;
    std::string value;
  };

  /// kInvalid with what is wrong. An expression with functions, operators or a range is no selector; one without a
  /// name is refused.
  static Result<Selector> parse(std::string_view text);

  const std::string& name() const { return name_; }
  const std::vector<Matcher>& matchers() const { return matchers_; }
  /// A label that the series lacks counts as empty.
  bool matches(std::string_view name, const Labels& labels) const;
  /// As Prometheus reads it.
  std::string text() const;

 private:
  std::string name_;
  std::vector<Matcher> matchers_;
  std::vector<std::shared_ptr<const Pattern>> patterns_;  // for matchers of that kind, else null
};

/// A value between double quotes, with \\ \" \n escaped.
std::string label_quoted(std::string_view value);

}  // namespace backout
