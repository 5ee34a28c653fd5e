// Alert: one alert as Alertmanager tells it, by its webhook (version 4) or its API (v2). Pure readers: any bytes may
// come, keys that are not known are left alone, and none is required but the labels.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "model/observation.h"
#include "model/selector.h"

namespace backout::watch {

inline constexpr size_t kMostAlerts = 1000;

struct Alert {
  enum class State { kFiring, kResolved, kSuppressed };
  State state = State::kFiring;
  Labels labels;              // at most 64, each value at most 200 bytes
  std::string summary;        // of its annotations
  std::string fingerprint;    // made from the labels when there is none
  WallTime starts{}, ends{};  // epoch: not said. A firing alert has no end
  /// Names this one time that it fired.
  std::string key() const;
};

struct Alerts {
  std::vector<Alert> list;  // at most kMostAlerts
  int64_t left_out = 0;     // by Alertmanager (truncatedAlerts), or more than that, or no alerts
};

/// kInvalid with what is wrong, for the one who posted it.
Result<Alerts> read_webhook(std::string_view body);
/// The answer to GET /api/v2/alerts.
Result<Alerts> read_alerts_api(std::string_view body);

/// Which alerts count. Empty `match`: all but those elsewhere.
struct AlertRules {
  Labels match, elsewhere;
  std::string release;  // the label that names it
};
/// The occurrence of an alert that counts; nothing for one that does not, or is suppressed.
std::optional<Occurrence> occurrence_of(const Alert& alert, const AlertRules& rules);

}  // namespace backout::watch
