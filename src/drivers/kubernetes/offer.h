// What the Kubernetes driver offers. Pure.
#pragma once
#include <vector>

#include "driver/driver.h"

namespace backout::drivers::kubernetes {

inline constexpr const char* kKubernetes = "kubernetes";
inline constexpr Millis kSlack{120'000};  // beyond the time that a rollout may take

/// ConfigMaps and Secrets that pods are given and that go with no release, as sentences: they may be what the bad
/// release made of them.
std::vector<std::string> what_stays(const driver::Offering& offering);

Result<std::vector<Step>> steps_for(const driver::Offering& offering);

/// What each workload shall be: by the checkpoint, else by the tag of its image. Refused when nothing would change but
/// the image behind a tag.
Result<Json> target_of(const driver::Offering& offering);

Millis wait_in(const Json& args);

}  // namespace backout::drivers::kubernetes
