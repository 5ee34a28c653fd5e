#include "watch/alerts/alert.h"

#include "base/hash.h"
#include "base/text.h"
#include "model/log_lines.h"
#include "watch/pace.h"

namespace backout::watch {
namespace {

constexpr size_t kMostAlertLabels = 64, kLongestLabel = 200, kToldLabels = 20;

Labels labels_from(const Json& object) {
  Labels labels;
  if (!object.is_object()) return labels;
  for (const auto& [name, value] : object.items()) {
    if (!value.is_string() || labels.size() == kMostAlertLabels) continue;
    labels[shortened(one_line(name.substr(0, kLongestLabel)), kLongestLabel)] =
        shortened(one_line(value.get_ref<const std::string&>().substr(0, kLongestLabel)), kLongestLabel);
  }
  return labels;
}

/// Epoch when it is none, or "0001-01-01T00:00:00Z".
WallTime time_from(const std::string& text) {
  const auto at = time_of(text, 0);
  return at && *at > WallTime{} ? *at : WallTime{};
}

std::optional<Alert> alert_from(const Json& object, const std::string& state) {
  if (!object.is_object()) return std::nullopt;
  Alert alert;
  alert.labels = labels_from(get(object, "labels"));
  if (alert.labels.empty()) return std::nullopt;
  alert.state = state == "resolved"     ? Alert::State::kResolved
                : state == "suppressed" ? Alert::State::kSuppressed
                                        : Alert::State::kFiring;
  const Json& annotations = get(object, "annotations");
  for (const char* key : {"summary", "message", "description"})
    if (alert.summary.empty()) alert.summary = told(get_string(annotations, key));
  alert.starts = time_from(get_string(object, "startsAt"));
  alert.ends = time_from(get_string(object, "endsAt"));
  alert.fingerprint = shortened(one_line(get_string(object, "fingerprint").substr(0, 100)), 61);
  if (alert.fingerprint.empty()) {
    std::string all;
    for (const auto& [name, value] : alert.labels) all += name + '\n' + value + '\n';
    alert.fingerprint = sha256_hex(all).substr(0, 16);
  }
  return alert;
}

Result<Json> json_in(std::string_view body, std::string_view what) {
  auto value = parse_json(body);
  if (!value)
    return Error{Code::kInvalid, fmt::format("{} is not JSON: {}", what, one_line(value.error().message)), ""};
  return value;
}

Alerts all_in(const Json& list, bool of_api) {
  Alerts alerts;
  for (const Json& each : list) {
    const Json& status = get(each, "status");
    auto alert = alert_from(each, of_api               ? get_string(status, "state")
                                  : status.is_string() ? status.get<std::string>()
                                                       : "");
    if (alert && alerts.list.size() < kMostAlerts)
      alerts.list.push_back(std::move(*alert));
    else
      ++alerts.left_out;
  }
  return alerts;
}

bool has_all(const Labels& labels, const Labels& wanted) {
  for (const auto& [name, value] : wanted) {
    const auto found = labels.find(name);
    if (found == labels.end() || found->second != value) return false;
  }
  return true;
}

std::string label_of(const Labels& labels, std::string_view name) {
  const auto found = labels.find(name);
  return found == labels.end() ? "" : found->second;
}

}  // namespace

std::string Alert::key() const { return fmt::format("{} {}", fingerprint, to_millis(starts)); }

Result<Alerts> read_webhook(std::string_view body) {
  const Json value = TRY(json_in(body, "the body"));
  if (!value.is_object() || !get(value, "alerts").is_array())
    return Error{Code::kInvalid, "the body has no list of alerts: a webhook of Alertmanager (version 4) is expected",
                 ""};
  Alerts alerts = all_in(value["alerts"], false);
  if (alerts.list.empty() && !value["alerts"].empty())
    return Error{Code::kInvalid, "not one of the alerts has labels", ""};
  alerts.left_out += std::max<int64_t>(0, get_int(value, "truncatedAlerts"));
  return alerts;
}

Result<Alerts> read_alerts_api(std::string_view body) {
  const Json value = TRY(json_in(body, "the answer"));
  if (!value.is_array())
    return Error{Code::kInvalid, "the answer is no list of alerts: is this the address of Alertmanager?", ""};
  return all_in(value, true);
}

std::optional<Occurrence> occurrence_of(const Alert& alert, const AlertRules& rules) {
  if (alert.state == Alert::State::kSuppressed) return std::nullopt;
  const bool elsewhere = !rules.elsewhere.empty() && has_all(alert.labels, rules.elsewhere);
  const bool here = rules.match.empty() ? !elsewhere : has_all(alert.labels, rules.match);
  if (!here && !elsewhere) return std::nullopt;
  Occurrence occurrence;
  const bool resolved = alert.state == Alert::State::kResolved;
  occurrence.kind = resolved ? "alert-resolved" : "alert";
  occurrence.at = resolved && alert.ends != WallTime{} ? alert.ends : alert.starts;
  const std::string name = label_of(alert.labels, "alertname");
  occurrence.what = told(name.empty() ? alert.summary : alert.summary.empty() ? name : name + ": " + alert.summary);
  if (occurrence.what.empty()) occurrence.what = "an alert without a name";
  occurrence.release = rules.release.empty() ? "" : label_of(alert.labels, rules.release);
  const std::string severity = label_of(alert.labels, "severity");
  occurrence.severe = severity == "page" || severity == "critical";
  occurrence.elsewhere = elsewhere && !here;
  Json labels = Json::object();
  for (const auto& [label, value] : alert.labels)
    if (labels.size() < kToldLabels) labels[label] = value;
  occurrence.more = {{"fingerprint", alert.fingerprint}, {"labels", std::move(labels)}};
  return occurrence;
}

}  // namespace backout::watch
