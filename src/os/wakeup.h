// Wakeup: a descriptor that becomes readable when a stop is requested, for use in poll(2).
#pragma once
#include <sys/eventfd.h>

#include <functional>
#include <stop_token>

#include "os/descriptor.h"

namespace backout::os {

class Wakeup {
 public:
  explicit Wakeup(std::stop_token stop)
      : event_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
        callback_(std::move(stop), [this] { eventfd_write(event_.get(), 1); }) {}
  const Descriptor& descriptor() const { return event_; }

 private:
  Descriptor event_;
  std::stop_callback<std::function<void()>> callback_;
};

}  // namespace backout::os
