// ShiftDriver: what every driver of traffic has in common. One kind of balancer is one class below it, and says only
// how its weights are looked at and how they are set.
//
// Subject: pools.h, and {steps?: [percent], hold_ms?, door?: true, ...} with what the kind owns.
//
// serves   look    {pool, release}: the pool runs that release and is healthy, several times in a row
// shift    effect  {weights: {pool: percent}} or {weights_on: {host: {pool: percent}}}: new requests are divided so;
//                  {undo: true}: they were before, so a pool that is sick is no obstacle; {found_on: {host: ...}}:
//                  what the kind saw there, for an undo that puts back just that; {apart_on: {host: {place: ...}}}:
//                  the weights of each place, where a balancer divides in several
// steady   look    {pool, release, hold_ms}: the same as `serves`, looked at for so long
// answers  look    {release, share: "all" | "some", not: [versions]}: that release gets the traffic, by the balancer's
//                  own word, by what its pools run, and by what answers at public_url
//
// A rollback: serves (prepare) -> shift (start, after everything else has started) -> answers (check). Nothing is
// built, and the pool of the bad release is left running, without traffic. With `steps`, shift and steady take turns.
// Behind a closed door public_url is asked once it is open. A deploy has the look `answers` alone: the team's own
// command shifts.
#pragma once
#include <memory>

#include "driver/driver.h"
#include "drivers/traffic/pools.h"

namespace backout::drivers {

class ShiftDriver : public driver::Driver {
 public:
  std::vector<driver::Verb> capabilities() const final;
  Result<std::vector<Step>> offer(const driver::Offering& offering) const final;
  /// {weights: {pool: percent}, pools: {NAME: {version, well, why}}, ...what the kind's look() saw}.
  Result<Json> observe(const Json& subject, host::Host& host, std::stop_token stop) const final;
  Result<host::Command> command(const Action& action, const host::Host& host) const final;
  Sight verify(const Action& action, host::Host& host, std::stop_token stop) const final;
  driver::Readiness ready(const driver::Offering& offering, host::Host& host, driver::Depth depth,
                          std::stop_token stop) const override;

 protected:
  /// Looks at the balancer itself: {weights: {pool: percent}, servers?, amiss?, sick?}. `weights` may name fewer pools.
  /// `amiss`: why what it was told is not what it does ("the file is in place, but nginx was not told to load it");
  /// `note`: a sentence for people once traffic was shifted; `sick`: {pool: why} of those that it would give nothing
  /// to, whatever their weight ("no server of it is up"); `apart`: {place: weights} where it divides in several, each
  /// of which a shift sets; `elsewhere`: [{pool, what, next}]: a place that no shift reaches gives that pool traffic.
  virtual Result<Json> look(const Json& subject, const Pools& pools, host::Host& host, std::stop_token stop) const = 0;
  /// The command that sets the weights: repeatable, killable at any instant, and never a moment without any pool.
  /// Of several places each has its own in `apart` of the subject, and else `weights`.
  virtual Result<host::Command> set(const Json& subject, const Pools& pools, const Weights& weights) const = 0;
  /// kInvalid when what the kind owns in the subject is wrong.
  virtual Result<void> check(const Json& subject, const Pools& pools) const = 0;
  /// What a kind keeps whose look() tells `as_set` (pools.h, Numbers).
  static Json numbers_kept(const Json& seen) { return {{"as_set", get(seen, "as_set")}}; }
  /// What of a look belongs into the plan: what the undo must put back as it was, and what shall be left alone. Handed
  /// to set() and look() as `found` of their subject, by host. Null: the weights say all.
  virtual Json to_keep(const Json& /*seen*/) const { return Json(); }
  /// kRefused when `pool` must not be given traffic, though it serves.
  virtual Result<void> may_get_traffic(const Json&, const Json& /*seen*/, const std::string& /*pool*/) const {
    return {};
  }
  /// Looked at once when a shift is seen to be so: what it left as it was, though it sends to the pools; sentences for
  /// the last words.
  virtual std::vector<std::string> stays_beside(const Json& /*subject*/, host::Host&, std::stop_token) const {
    return {};
  }
  /// How long what was set may take until it is so.
  virtual Patience patience() const { return {500, Millis(10)}; }

 private:
  Sight sight_of_shift(const Json& args, const Pools& pools, host::Host& host, const std::stop_token& stop) const;
  Sight sight_of_answers(const Json& args, const Pools& pools, host::Host& host, const std::stop_token& stop) const;
};

}  // namespace backout::drivers
