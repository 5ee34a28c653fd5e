// One question to several machines: all at once, so that it takes as long as the slowest and not as all together.
#pragma once
#include <future>
#include <map>
#include <set>
#include <string>

#include "base/result.h"
#include "host/host.h"

namespace backout::run {

/// The first error in the order of the names, said with its host; every answer is waited for. `ask` is called from
/// several threads, for another host each. REQUIRES: `hosts` has every name.
template <class Hosts, class Ask>
Result<void> on_all(const Hosts& hosts, const std::set<std::string>& names, const Ask& ask) {
  std::map<std::string, std::future<Result<void>>> answers;
  for (const std::string& name : names) {
    host::Host& host = *hosts.at(name);
    answers[name] =
        std::async(names.size() == 1 ? std::launch::deferred : std::launch::async, [&ask, &host] { return ask(host); });
  }
  Result<void> all;
  for (auto& [name, answer] : answers)
    if (Result<void> one = answer.get().with_context("on " + name); !one && all) all = std::move(one);
  return all;
}

}  // namespace backout::run
