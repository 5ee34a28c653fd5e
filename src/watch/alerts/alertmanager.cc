#include "watch/alerts/alertmanager.h"

#include <algorithm>
#include <mutex>

#include "base/text.h"
#include "os/http.h"
#include "os/http_server.h"
#include "os/secret.h"
#include "watch/alerts/alert.h"
#include "watch/pace.h"

namespace backout::watch {
namespace {

constexpr size_t kLargestWebhook = 4U << 20, kLargestList = 32U << 20;
constexpr Millis kTimeout{4000};

/// Which firings were told, and how they stood then.
class Told {
 public:
  explicit Told(const Json& position) : known_(get(position, "told")) {
    if (!known_.is_object()) known_ = Json::object();
  }
  /// Is this news? Then it is told from now on. A resolution of what was never told is none.
  bool take(const Alert& alert) {
    const std::string key = alert.key(), state = get_string(known_, key);
    const bool resolved = alert.state == Alert::State::kResolved;
    if (state == "resolved" || (state == "firing" && !resolved) || (state.empty() && resolved)) return false;
    known_[key] = resolved ? "resolved" : "firing";
    return true;
  }
  std::vector<std::string> firing() const {
    std::vector<std::string> keys;
    for (const auto& [key, state] : known_.items())
      if (state == "firing") keys.push_back(key);
    return keys;
  }
  Json take_json() && {
    // What is resolved goes first when there are too many.
    for (const char* state : {"resolved", "firing"})
      for (auto each = known_.begin(); each != known_.end() && known_.size() > kMostAlerts;)
        each = *each == state ? known_.erase(each) : std::next(each);
    return std::move(known_);
  }

 private:
  Json known_;
};

void tell(Seen& seen, Told& told_before, const std::vector<Alert>& alerts, const AlertRules& rules) {
  for (const Alert& alert : alerts)
    if (auto occurrence = occurrence_of(alert, rules); occurrence && told_before.take(alert))
      seen.occurrences.push_back(std::move(*occurrence));
  std::stable_sort(seen.occurrences.begin(), seen.occurrences.end(),
                   [](const Occurrence& a, const Occurrence& b) { return a.at < b.at; });
}

/// What webhooks brought, by the time that each alert fired; the last word counts.
class Heard {
 public:
  os::ServedAnswer take(const os::ServedRequest& request, const std::string& token) {
    if (request.method != "POST") return {405, "webhooks are POSTed"};
    if (!token.empty() && request.authorization != "Bearer " + token)
      return {401, "the bearer token is missing or another"};
    const auto alerts = read_webhook(request.body);
    const std::lock_guard lock(mutex_);
    ++webhooks_;
    if (!alerts) {
      ++refused_;
      return {400, alerts.error().message};
    }
    left_out_ += alerts->left_out;
    for (const Alert& alert : alerts->list) {
      const std::string key = alert.key();
      const auto known = alerts_.find(key);
      if (known == alerts_.end()) order_.push_back(key);
      if (known != alerts_.end() && known->second.state == Alert::State::kResolved) continue;  // it does not fire again
      alerts_[key] = alert;
    }
    while (order_.size() > kMostAlerts) {
      alerts_.erase(order_.front());
      order_.erase(order_.begin());
    }
    return {200, "ok"};
  }

  /// An alert that came and went since the last look is told as both.
  std::vector<Alert> all() const {
    const std::lock_guard lock(mutex_);
    std::vector<Alert> list;
    for (const std::string& key : order_) {
      const Alert& alert = alerts_.at(key);
      if (alert.state == Alert::State::kResolved) {
        Alert began = alert;
        began.state = Alert::State::kFiring;
        list.push_back(std::move(began));
      }
      list.push_back(alert);
    }
    return list;
  }
  struct Counts {
    int64_t webhooks, refused, left_out;
  };
  Counts counts() const {
    const std::lock_guard lock(mutex_);
    return {webhooks_, refused_, left_out_};
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, Alert> alerts_;
  std::vector<std::string> order_;
  int64_t webhooks_ = 0, refused_ = 0, left_out_ = 0;
};

class ListeningSource : public Source {
 public:
  ListeningSource(std::string listen, std::string token_place, AlertRules rules)
      : listen_(std::move(listen)), token_place_(std::move(token_place)), rules_(std::move(rules)) {
    begin();
  }

  Result<Seen> look(const Scope&, const Json& position, const std::stop_token&) override {
    if (!server_) begin();  // the address may be free by now
    if (!server_) return blind(position, why_);
    Seen seen;
    Told told_before(position);
    tell(seen, told_before, heard_.all(), rules_);
    const Heard::Counts counts = heard_.counts();
    seen.figures = {{"listening", listen_}, {"heard", counts.webhooks}};
    if (counts.refused > refused_told_)
      seen.remarks.push_back(counted(counts.refused - refused_told_, "webhook") + " could not be understood");
    if (counts.left_out > left_out_told_)
      seen.remarks.push_back(counted(counts.left_out - left_out_told_, "alert") + " left out of webhooks");
    refused_told_ = counts.refused;
    left_out_told_ = counts.left_out;
    seen.position = {{"told", std::move(told_before).take_json()}};
    return seen;
  }

 private:
  void begin() {
    std::string token;
    if (!token_place_.empty()) {
      auto value = os::secret_at("token", token_place_);
      if (!value) {
        why_ = value.error().message;
        return;
      }
      token = std::move(*value);
    }
    auto server = os::HttpServer::start(
        listen_, [this, token](const os::ServedRequest& request) { return heard_.take(request, token); },
        {.body = kLargestWebhook});
    if (server)
      server_ = std::move(*server);
    else
      why_ = server.error().message;
  }

  const std::string listen_, token_place_;
  const AlertRules rules_;
  Heard heard_;
  std::string why_;
  int64_t refused_told_ = 0, left_out_told_ = 0;
  std::unique_ptr<os::HttpServer> server_;  // last: it ends before what its threads use
};

class AskingSource : public Source {
 public:
  AskingSource(std::string url, std::string token_place, AlertRules rules, Millis every)
      : url_(std::move(url)), token_place_(std::move(token_place)), rules_(std::move(rules)), pace_(every) {}

  Result<Seen> look(const Scope& scope, const Json& position, const std::stop_token&) override {
    if (!pace_.is_due(position, scope.now)) return Pace::nothing_new(position);
    const auto alerts = ask();
    Seen seen = alerts ? told_of(scope, position, *alerts)
                       : blind(position, fmt::format("{}: {}", one_line(url_), alerts.error().message));
    Pace::asked(seen, scope.now);
    return seen;
  }

 private:
  Result<Alerts> ask() const {
    os::HttpRequest request{.url = (url_.ends_with('/') ? url_ : url_ + "/") + "api/v2/alerts",
                            .timeout = kTimeout,
                            .body_limit = kLargestList};
    if (!token_place_.empty()) request.headers["Authorization"] = "Bearer " + TRY(os::secret_at("token", token_place_));
    const os::HttpResponse answer = TRY(os::http(request));
    if (answer.status != 200) return Error{Code::kUnavailable, fmt::format("it answers {}", answer.status), ""};
    if (answer.cut) return Error{Code::kUnavailable, "the answer is larger than " + bytes_for_people(kLargestList), ""};
    return read_alerts_api(answer.body);
  }

  Seen told_of(const Scope& scope, const Json& position, const Alerts& alerts) const {
    Seen seen;
    Told told_before(position);
    std::map<std::string, bool> there;
    for (const Alert& alert : alerts.list) there[alert.key()] = true;
    // The API does not tell what is resolved: it is no longer in the list.
    const Json& known = get(position, "alerts");
    std::vector<Alert> gone;
    for (const std::string& key : told_before.firing()) {
      if (there.contains(key) || alerts.left_out > 0) continue;
      Alert alert;
      alert.state = Alert::State::kResolved;
      alert.ends = scope.now;
      const size_t blank = key.find(' ');
      alert.fingerprint = key.substr(0, blank);
      alert.starts = wall_from_millis(blank == std::string::npos ? 0 : std::strtoll(key.c_str() + blank, nullptr, 10));
      for (const auto& [label, value] : get(known, key).items())
        if (value.is_string()) alert.labels[label] = value.get<std::string>();
      gone.push_back(std::move(alert));
    }
    tell(seen, told_before, gone, rules_);
    tell(seen, told_before, alerts.list, rules_);
    seen.figures = {{"alerts", alerts.list.size()}};
    if (alerts.left_out > 0) seen.remarks.push_back(counted(alerts.left_out, "alert") + " left out");
    Json labels = Json::object();  // of what fires, to tell of it when it is gone
    const std::vector<std::string> firing = told_before.firing();
    for (const Alert& alert : alerts.list)
      if (std::find(firing.begin(), firing.end(), alert.key()) != firing.end()) labels[alert.key()] = alert.labels;
    seen.position = {{"told", std::move(told_before).take_json()}, {"alerts", std::move(labels)}};
    return seen;
  }

  const std::string url_, token_place_;
  const AlertRules rules_;
  const Pace pace_;
};

Result<Labels> wanted_labels(const Json& subject, const char* key) {
  Labels labels;
  const Json& object = get(subject, key);
  if (!object.is_null() && !object.is_object())
    return Error{Code::kInvalid, fmt::format("alertmanager: {} is no map of labels", key), ""};
  for (const auto& [name, value] : object.items())
    if (value.is_string()) labels[name] = value.get<std::string>();
  return labels;
}

}  // namespace

Result<std::unique_ptr<Source>> make_alertmanager(const Json& subject, host::Host&) {
  AlertRules rules;
  rules.match = TRY(wanted_labels(subject, "match"));
  rules.elsewhere = TRY(wanted_labels(subject, "elsewhere"));
  rules.release = get_string(subject, "release", "version");
  const std::string token = get_string(subject, "token"), url = get_string(subject, "url");
  if (const std::string listen = get_string(subject, "listen"); !listen.empty())
    return std::unique_ptr<Source>(std::make_unique<ListeningSource>(listen, token, std::move(rules)));
  if (!url.starts_with("http://") && !url.starts_with("https://"))
    return Error{Code::kInvalid, "alertmanager: neither an address to listen at nor a URL",
                 "for example: alertmanager: {listen: 127.0.0.1:9099}"};
  return std::unique_ptr<Source>(
      std::make_unique<AskingSource>(url, token, std::move(rules), Millis(get_int(subject, "every_ms", 5000))));
}

}  // namespace backout::watch
