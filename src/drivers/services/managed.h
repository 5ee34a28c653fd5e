// Managed: a service whose processes another program keeps: supervisord, PM2. What that program claims is read into the
// same few values, and judged against what is really there; the two drivers differ in how they ask and in what they
// run.
#pragma once
#include <set>
#include <string>
#include <vector>

#include "driver/driver.h"
#include "drivers/services/look.h"
#include "drivers/services/steps.h"

namespace backout::drivers {

/// One process of the service, as its keeper tells it.
struct Instance {
  enum class Kind { kUp, kComing, kDown };
  std::string name;   // "shop:worker_01"
  std::string state;  // in the keeper's own words: "BACKOFF, Exited too quickly"
  Kind kind = Kind::kDown;
  int64_t pid = 0;
  int64_t restarts = 0;   // by the keeper itself, lately
  bool given_up = false;  // it is down, and its keeper will not start it again by itself
  bool starting = false;  // it was begun and is not called up yet; not one that fell and waits for its next try
};

struct Managed {
  std::string keeper;  // "supervisor"
  std::vector<Instance> instances;
  std::set<int64_t> port_keepers;  // processes of the keeper that may hold the port for them
  std::vector<std::string> marks;  // LookAt::marks of every process of the service
  std::string unusable;            // why it could not be started as the release that is current; empty: nothing known
};

/// Every instance is up by its keeper's word, and each serves as serves.h says. Evidence: that of the first, and
/// `instances`.
Sight judge_managed_serving(const Service& service, const Managed& managed, const Look& seen);
/// Every instance is down by its keeper's word, and so they are.
Sight judge_managed_stopped(const Service& service, const Managed& managed, const Look& seen);

/// What both drivers do alike. A derived class asks its keeper, and says what to run.
class ManagedDriver : public driver::Driver {
 public:
  std::vector<driver::Verb> capabilities() const override { return service_verbs(); }
  Result<std::vector<Step>> offer(const driver::Offering& offering) const override;
  Result<Json> observe(const Json& subject, host::Host& host, std::stop_token stop) const override;
  Sight verify(const Action& action, host::Host& host, std::stop_token stop) const override;

 protected:
  /// kInvalid naming the key. `host` may be empty.
  virtual Result<Service> service_of(const Json& args, std::string_view host) const = 0;
  /// What the keeper says; changes nothing, and never starts the keeper. kNotFound: it knows no such service, and none
  /// could be started. kUnavailable: it does not answer.
  virtual Result<Managed> ask(const Json& args, host::Host& host, std::stop_token stop) const = 0;
  /// The last lines of the service's own log; empty when there are none.
  virtual Json log_of(const Json& args, const Managed& managed, host::Host& host, std::stop_token stop) const = 0;
};

}  // namespace backout::drivers
