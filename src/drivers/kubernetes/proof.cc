// Whether a workload runs what it should: by its ready pods, never by what a command said.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "drivers/kubernetes/workload.h"

namespace backout::drivers::kubernetes {
namespace {

/// The first trouble of a pod of the newest template, else of any.
std::string pod_trouble(const Workload& workload) {
  for (const bool newest : {true, false})
    for (const Pod& pod : workload.pods)
      if (!pod.trouble.empty() && (pod.hash == workload.hash) == newest)
        return "; pod " + pod.name + ": " + pod.trouble;
  return "";
}

/// Whether the pods run the very images that `wanted` knows by digest.
Lack lack_of_digests(const Workload& workload, const Identity& wanted) {
  const std::string name = workload.name.str();
  for (const Pod& pod : workload.pods)
    for (const auto& [container, known] : wanted.digests) {
      const auto id = pod.image_ids.find(container);
      const std::string digest = id == pod.image_ids.end() ? "" : digest_of(id->second);
      if (pod.going || known.empty() || known.count(digest) > 0) continue;
      const auto image = wanted.images.find(container);
      return {fmt::format("{}: pod {} runs {} as image {}, and what ran before was {}: the tag {} has been moved", name,
                          pod.name, container, digest.empty() ? "unknown" : digest, *known.begin(),
                          image == wanted.images.end() ? "" : image->second),
              true};
    }
  return {};
}

/// With no pods nothing tells which image would run. `known`: null where nothing is.
Lack lack_of_pods(const Workload& workload, const Identity* known) {
  const std::string name = workload.name.str();
  if (workload.replicas != 0 || (known != nullptr && known->replicas == 0)) return {};
  if (known == nullptr || known->replicas < 0)
    return {name + ": it is scaled to 0, so nothing of it runs, and whether that is right is not known", false, true};
  return {fmt::format("{}: it is scaled to 0, and had {} as that release: kubectl scale {} --replicas={}", name,
                      counted(known->replicas, "pod"), name, known->replicas)};
}

}  // namespace

Lack lack_of(const Workload& workload) {
  const std::string name = workload.name.str();
  if (!workload.observed) return {name + ": the controller has not taken the change up yet"};
  if (workload.hash.empty()) return {name + ": the controller has made no revision of its pod template yet"};
  if (workload.strategy == "OnDelete")
    if (std::any_of(workload.pods.begin(), workload.pods.end(),
                    [&](const Pod& pod) { return pod.hash != workload.hash; }))
      return {name + ": its update strategy is OnDelete, so pods of another revision stay until somebody deletes them",
              true};
  int64_t ready = 0, others = 0, going = 0;
  for (const Pod& pod : workload.pods) {
    if (pod.hash == workload.hash && !pod.going && pod.ready) ++ready;
    if (pod.hash != workload.hash) pod.going ? ++going : ++others;
  }
  Lack lack;
  if (ready < workload.replicas)
    lack.why = fmt::format("{}: {} of {} pods of revision {} are ready{}", name, ready, workload.replicas,
                           workload.hash, pod_trouble(workload));
  else if (others > 0)
    lack.why =
        fmt::format("{}: {} of another revision still {}", name, counted(others, "pod"), others == 1 ? "runs" : "run");
  else if (going > 0)
    lack.why = fmt::format("{}: {} of another revision {} still ending", name, counted(going, "pod"),
                           going == 1 ? "is" : "are");
  if (lack.why.empty()) return lack;
  if (workload.partition > 0 && others > 0) {
    lack.why += fmt::format("; its partition is {}: pods below that number are not updated", workload.partition);
    lack.final = true;
  }
  if (workload.deadline_exceeded) {
    lack.why += "; it exceeded its progress deadline";
    lack.final = true;
  }
  if (workload.paused) {
    lack.why += "; it is paused";
    lack.final = true;
  }
  return lack;
}

Lack lack_of(const Workload& workload, const Identity& wanted) {
  const std::string name = workload.name.str();
  if (!workload.observed) return {name + ": the controller has not taken the change up yet"};
  if (!is_at(workload, wanted))
    return {fmt::format("{} is at revision {} ({}), not at {} ({})", name,
                        workload.hash.empty() ? "unknown" : workload.hash, in_words(workload.images), wanted.hash,
                        in_words(wanted.images))};
  if (!wanted.whole) return {};
  if (Lack lack = lack_of(workload); !lack.why.empty()) return lack;
  if (Lack lack = lack_of_pods(workload, &wanted); !lack.why.empty()) return lack;
  return lack_of_digests(workload, wanted);
}

Lack lack_of_release(const Workload& workload, const Identity* recorded, const std::string& version) {
  const std::string name = workload.name.str();
  if (recorded == nullptr && !has_tag(workload.images, version))
    return {fmt::format("{} runs {}; no image has the tag {}, and nothing is recorded of that release, so whether "
                        "this is it is not known; while it runs: backout checkpoint",
                        name, in_words(workload.images), version),
            false, true};
  if (recorded != nullptr && workload.images != recorded->images)
    return {
        fmt::format("{} runs {}, and {} is {}", name, in_words(workload.images), version, in_words(recorded->images))};
  if (Lack lack = lack_of(workload); !lack.why.empty()) return lack;
  if (Lack lack = lack_of_pods(workload, recorded); !lack.why.empty()) return lack;
  return recorded == nullptr ? Lack{} : lack_of_digests(workload, *recorded);
}

}  // namespace backout::drivers::kubernetes
