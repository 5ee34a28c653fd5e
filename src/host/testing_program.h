// FakeProgram: for tests only.
#pragma once
#include <gtest/gtest.h>
#include <stdlib.h>

#include <string>

#include "os/file.h"
#include "os/test_directory.h"

namespace backout::host {

/// Puts a program of that name in front of the real one on PATH, for as long as it lives.
class FakeProgram {
 public:
  FakeProgram(const os::TestDirectory& root, const std::string& name, const std::string& script)
      : path_(getenv("PATH")) {
    const std::string directory = root / "fake";
    EXPECT_TRUE(os::make_directories(directory));
    EXPECT_TRUE(os::write_file_atomic(directory + "/" + name, "#!/bin/sh\n" + script, 0755));
    setenv("PATH", (directory + ":" + path_).c_str(), 1);
  }
  FakeProgram(const FakeProgram&) = delete;
  FakeProgram& operator=(const FakeProgram&) = delete;
  ~FakeProgram() { setenv("PATH", path_.c_str(), 1); }

 private:
  std::string path_;
};

}  // namespace backout::host
