#include "watch/probe.h"

#include "base/text.h"
#include "os/http.h"
#include "os/tcp.h"
#include "watch/pace.h"

namespace backout::watch {
namespace {

struct Tried {
  bool good = false;
  std::string what;   // "503, expected 200"
  std::string blind;  // not empty: it tells nothing
  Millis took{0};
};

Tried not_reached(const Error& error) {
  // A name that cannot be looked up is a fault of where we ask from, as often as not.
  const bool unresolved = error.message.find("resolve") != std::string::npos ||
                          error.message.find("Name or service") != std::string::npos ||
                          error.message.find("name resolution") != std::string::npos;
  if (unresolved || error.code == Code::kInvalid) return {.blind = error.message};
  return {.what = error.message};
}

class ProbeSource : public Source {
 public:
  explicit ProbeSource(Json subject)
      : subject_(std::move(subject)),
        pace_(Millis(get_int(subject_, "every_ms", 1000))),
        within_(Millis(get_int(subject_, "within_ms", 2000))) {}

  Result<Seen> look(const Scope& scope, const Json& position, const std::stop_token&) override {
    // One vote a second, also when the clock is set back.
    const int64_t second = to_millis(scope.now) / 1000, before = get_int(position, "asked_ms") / 1000;
    if (!pace_.is_due(position, scope.now) || second == before) return Pace::nothing_new(position);
    const Tried tried = subject_.contains("tcp") ? connection() : request();
    Seen seen;
    if (!tried.blind.empty()) {
      seen = blind(position, tried.blind);
    } else {
      Observation vote;
      vote.second = second_of(scope.now);
      vote.arm = scope.now < scope.cutover ? Arm::kOld : Arm::kNew;
      vote.outcomes = {{1, tried.good ? 1 : 0, tried.good ? 0 : 1}};
      vote.requests = 1;
      vote.failed = tried.good ? 0 : 1;
      seen.observations.push_back(std::move(vote));
      seen.figures = {{"clients", 1}, {"took_ms", tried.took.count()}};
      if (!tried.good) seen.figures["failed"] = told(tried.what);
    }
    Pace::asked(seen, scope.now);
    return seen;
  }

 private:
  Tried connection() const {
    const auto took = os::tcp_connect(get_string(subject_, "tcp"), within_);
    return took ? Tried{.good = true, .took = *took} : not_reached(took.error());
  }

  Tried request() const {
    const auto answer = os::http({.url = get_string(subject_, "url"), .timeout = within_, .body_limit = 1U << 20});
    if (!answer) return not_reached(answer.error());
    const auto expected = static_cast<int>(get_int(subject_, "status", 200));
    const std::string contains = get_string(subject_, "contains");
    Tried tried{.took = answer->took};
    if (answer->status != expected)
      tried.what = fmt::format("{}, expected {}", answer->status, expected);
    else if (!contains.empty() && answer->body.find(contains) == std::string::npos)
      tried.what = fmt::format("the answer does not contain '{}'", one_line(contains));
    else
      tried.good = true;
    return tried;
  }

  const Json subject_;
  const Pace pace_;
  const Millis within_;
};

}  // namespace

Result<std::unique_ptr<Source>> make_probe(const Json& subject, host::Host&) {
  const std::string url = get_string(subject, "url");
  if (get_string(subject, "tcp").empty() && !url.starts_with("http://") && !url.starts_with("https://"))
    return Error{Code::kInvalid, fmt::format("probe: '{}' is no URL", shortened(one_line(url), 80)),
                 "for example: probe: http://127.0.0.1:8000/health/"};
  return std::unique_ptr<Source>(std::make_unique<ProbeSource>(subject));
}

}  // namespace backout::watch
