// A small server of a test program's own: a Python script that prints its port, there for as long as the tests of one
// fixture run.
#pragma once
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "os/child.h"

namespace backout::testing_support {

class PythonServer {
 public:
  explicit PythonServer(const char* script) {
    auto child = os::spawn_child({.argv = {"/usr/bin/python3", "-c", script}});
    EXPECT_TRUE(child.has_value());
    if (!child) return;
    child_ = std::make_unique<os::Child>(std::move(*child));
    for (char c = 0; ::read(child_->out().get(), &c, 1) == 1 && c != '\n';) url_ += c;
  }
  ~PythonServer() {
    if (!child_) return;
    child_->signal_group(SIGKILL);
    child_->wait(Millis(5000));
  }
  PythonServer(const PythonServer&) = delete;
  PythonServer& operator=(const PythonServer&) = delete;
  const std::string& url() const { return url_; }

 private:
  std::unique_ptr<os::Child> child_;
  std::string url_ = "http://127.0.0.1:";
};

}  // namespace backout::testing_support
