#include "decide/detector/judge.h"

#include <algorithm>

#include "decide/detector/signal_judge.h"
#include "decide/detector/stored.h"

namespace backout::decide {
namespace {

constexpr int kFormat = 1;
const Json kNull;

}  // namespace

Judge::Judge(Watched watched) : watched_(std::make_unique<const Watched>(std::move(watched))) {
  const double share = watched_->alpha / static_cast<double>(std::max<size_t>(1, watched_->signals.size()));
  for (const JudgedSignal& signal : watched_->signals)
    signals_[signal.name] = std::make_unique<SignalJudge>(*watched_, signal, share);
}
Judge::~Judge() = default;
Judge::Judge(Judge&&) noexcept = default;
Judge& Judge::operator=(Judge&&) noexcept = default;

Result<void> Judge::feed(const std::string& signal, const Seen& seen, WallTime now) {
  const auto found = signals_.find(signal);
  if (found == signals_.end()) return Error{Code::kInvalid, "no such signal is watched: " + signal, ""};
  found->second->feed(seen, now);
  return {};
}

std::vector<Evidence> Judge::evidence(WallTime now) const {
  std::vector<Evidence> evidence;
  for (const JudgedSignal& signal : watched_->signals) signals_.at(signal.name)->tell(evidence, now);
  return evidence;
}

const Json& Judge::position(const std::string& signal) const {
  const auto found = signals_.find(signal);
  return found == signals_.end() ? kNull : found->second->position();
}

Habits Judge::outcomes_of(const std::string& signal) const {
  const auto found = signals_.find(signal);
  return found == signals_.end() ? Habits() : found->second->outcomes();
}

Habits Judge::speeds_of(const std::string& signal) const {
  const auto found = signals_.find(signal);
  return found == signals_.end() ? Habits() : found->second->speeds();
}

std::vector<std::string> Judge::remarks(const std::string& signal) const {
  const auto found = signals_.find(signal);
  return found == signals_.end() ? std::vector<std::string>() : found->second->remarks();
}

Json Judge::to_json() const {
  Json value = {{"format", kFormat}, {"signals", Json::object()}};
  for (const auto& [name, signal] : signals_) value["signals"][name] = signal->to_json();
  return value;
}

Result<Judge> Judge::from_json(Watched watched, const Json& value) {
  if (get_int(value, "format") != kFormat) return not_stored("another format");
  Judge judge(std::move(watched));
  for (const auto& [name, stored] : get(value, "signals").items()) {
    const auto found = judge.signals_.find(name);
    if (found == judge.signals_.end()) continue;
    TRY_VOID(found->second->restore(stored).with_context("signal " + name));
  }
  return judge;
}

}  // namespace backout::decide
