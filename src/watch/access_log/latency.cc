#include "watch/access_log/latency.h"

namespace backout::watch {

int Latency::bound() const {
  if (total_ < kFewest) return -1;
  int64_t above = 0;
  for (int bucket = kBuckets - 1; bucket >= 0; --bucket) {
    above += counts_[static_cast<size_t>(bucket)];
    if (above * 20 > total_) return bucket;
  }
  return 0;
}

Json Latency::to_json() const {
  Json list = Json::array();
  for (size_t i = 0; i < counts_.size(); ++i)
    if (counts_[i] != 0) list.push_back({i, counts_[i]});
  return list;
}

Latency Latency::from_json(const Json& value) {
  Latency latency;
  if (!value.is_array()) return latency;
  for (const Json& each : value) {
    if (!each.is_array() || each.size() != 2 || !each[0].is_number_unsigned() || !each[1].is_number_unsigned())
      continue;
    const auto bucket = each[0].get<uint64_t>();
    const auto count = each[1].get<uint64_t>();
    if (bucket >= kBuckets || count > UINT32_MAX) continue;
    latency.counts_[bucket] = static_cast<uint32_t>(count);
    latency.total_ += static_cast<int64_t>(count);
  }
  return latency;
}

}  // namespace backout::watch
