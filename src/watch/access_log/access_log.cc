#include "watch/access_log/access_log.h"

#include "base/text.h"
#include "watch/access_log/follow.h"
#include "watch/access_log/tally.h"

namespace backout::watch {
namespace {

constexpr Millis kLookSpan{800};
constexpr int64_t kNothingFits = 20;  // lines of one look

class TallySink : public LineSink {
 public:
  explicit TallySink(Tally& tally) : tally_(tally) {}
  void take(std::string_view lines) override { tally_.take(lines); }
  void take_broken() override { tally_.take_broken(); }
  std::optional<int64_t> second_of(std::string_view line) override { return tally_.second_of(line); }

 private:
  Tally& tally_;
};

class AccessLog : public Source {
 public:
  AccessLog(std::string path, std::string format_text, LineRules rules, host::Host& host)
      : path_(std::move(path)), format_text_(std::move(format_text)), rules_(std::move(rules)), host_(host) {}

  Result<Seen> look(const Scope& scope, const Json& position, const std::stop_token& stop) override {
    const auto files = host_.is_local() ? make_local_log_files(path_) : make_remote_log_files(path_, host_, stop);
    Tally tally(rules_, scope, get(position, "tally"));
    Follower follower(*files, get(position, "log"), to_millis(scope.now));
    TallySink sink(tally);
    const int64_t first_second = to_millis(scope.cutover - std::chrono::duration_cast<Millis>(kHabits)) / 1000;
    Seen seen;
    if (auto read = follower.look(sink, first_second, kLookSpan, stop); !read) {
      seen.position = position;
      seen.blind = one_line(read.error().message);
      return seen;
    }
    if (follower.behind() == 0 && !stop.stop_requested()) tally.close_by_now();
    seen.observations = tally.take_observations();
    seen.position = {{"log", follower.position()}, {"tally", tally.state()}};
    seen.figures = tally.figures();
    seen.figures["behind_bytes"] = follower.behind();
    seen.remarks = tally.remarks();
    seen.remarks.insert(seen.remarks.end(), follower.remarks().begin(), follower.remarks().end());
    seen.blind = follower.blind();
    const bool nothing_fits =
        tally.understood() == 0 && tally.broken() > 0 && (!tally.ever_understood() || tally.broken() >= kNothingFits);
    if (seen.blind.empty() && nothing_fits)
      seen.blind = fmt::format("{}: no line is of the format '{}'; they look like: {}", one_line(path_),
                               shortened(one_line(format_text_), 60), tally.broken_shape());
    if (!seen.blind.empty() && !seen.observations.empty()) {  // what is there counts; why there is no more is told
      seen.remarks.push_back(seen.blind);
      seen.blind.clear();
    }
    return seen;
  }

 private:
  const std::string path_, format_text_;
  const LineRules rules_;
  host::Host& host_;
};

Error wrong_subject(const std::string& what) {
  return {Code::kInvalid, "access log: " + what, "see docs/signals-access-log.md"};
}

Result<std::vector<std::string>> texts(const Json& subject, std::string_view key) {
  std::vector<std::string> list;
  const Json& value = get(subject, key);
  if (value.is_null()) return list;
  if (!value.is_array()) return wrong_subject(std::string(key) + " is no list");
  for (const Json& each : value) {
    if (each.is_string())
      list.push_back(each.get<std::string>());
    else if (each.is_number_integer())
      list.push_back(each.dump());  // errors: [499]
    else
      return wrong_subject(std::string(key) + " has something that is not text");
  }
  return list;
}

Result<std::vector<RoutePattern>> route_patterns(const Json& subject, std::string_view key) {
  std::vector<RoutePattern> patterns;
  for (const std::string& each : TRY(texts(subject, key))) patterns.push_back(TRY(RoutePattern::parse(each)));
  if (patterns.size() >= Routes::kMost) return wrong_subject(fmt::format("{}: at most {}", key, Routes::kMost - 1));
  return patterns;
}

}  // namespace

Result<std::unique_ptr<Source>> make_access_log(const Json& subject, host::Host& host) {
  std::string path = get_string(subject, "access_log");
  if (!path.starts_with('/') || path.ends_with('/') || path.find('\0') != std::string::npos)
    return wrong_subject("needs 'access_log', the absolute path of a log");
  const Naming naming{.client = get_string(subject, "client"),
                      .release = get_string(subject, "release"),
                      .status = get_string(subject, "status"),
                      .duration = get_string(subject, "duration"),
                      .time = get_string(subject, "time")};
  std::string format = get_string(subject, "format", "combined");
  LineRules rules{.format = TRY(Format::compile(format, naming))};
  rules.statuses = TRY(StatusRules::parse(TRY(texts(subject, "errors"))));
  rules.routes = TRY(route_patterns(subject, "routes"));
  rules.ignored = TRY(route_patterns(subject, "ignore"));
  return std::unique_ptr<Source>(
      std::make_unique<AccessLog>(std::move(path), std::move(format), std::move(rules), host));
}

}  // namespace backout::watch
