// Where a driver's test acts: directories that clean up after themselves, this machine, and a host that never answers.
#pragma once
#include <gtest/gtest.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "host/host.h"

namespace backout::conformance {

/// A host that never answers.
class UnreachableHost : public host::Host {
 public:
  const host::HostName& name() const override { return name_; }
  bool is_local() const override { return false; }
  Result<host::CommandResult> run(const host::Command&, std::stop_token) override { return gone(); }
  Result<std::string> read(const std::string&) override { return gone(); }
  Result<void> claim(const host::Guard&) override { return gone(); }
  Result<host::CommandResult> attempt(const host::Guard&, const host::AttemptId&, const host::Command&,
                                      const std::function<void(std::string_view)>&, std::stop_token) override {
    return gone();
  }
  Result<host::AttemptState> inspect(const host::Guard&, const host::AttemptId&) override { return gone(); }
  Result<void> kill(const host::Guard&, const host::AttemptId&, Millis) override { return gone(); }
  Result<void> forget(const host::Guard&, const std::vector<host::AttemptId>&) override { return gone(); }

 private:
  static Error gone() { return {Code::kUnavailable, "nowhere does not answer", ""}; }
  host::HostName name_{"nowhere"};
};

/// A directory of its own for a test, removed with everything in it.
class ScratchDirectory {
 public:
  ScratchDirectory() {
    std::string pattern = parent() + "/backout-test-XXXXXX";
    const char* made = ::mkdtemp(pattern.data());
    EXPECT_NE(made, nullptr);
    path_ = made == nullptr ? "" : made;
    std::filesystem::permissions(path_, std::filesystem::perms(0755));  // other users work inside
  }
  ~ScratchDirectory() {
    std::error_code failed;  // a shim may still be tidying up in it: what is made while we remove needs another round
    for (int round = 0; round < 100 && !path_.empty(); ++round) {
      std::filesystem::remove_all(path_, failed);
      if (!std::filesystem::exists(path_)) return;
      ::usleep(20'000);
    }
    ADD_FAILURE() << path_ << " could not be removed: " << failed.message();
  }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  const std::string& path() const { return path_; }
  std::string operator/(const std::string& below) const { return path_ + "/" + below; }

 private:
  /// In memory where there is room and programs may run: these tests make and remove many thousands of small files.
  static std::string parent() {
    struct statvfs memory {};
    const bool fits = std::getenv("TMPDIR") == nullptr && ::statvfs("/dev/shm", &memory) == 0 &&
                      (memory.f_flag & ST_NOEXEC) == 0 && memory.f_bavail * memory.f_frsize > (512U << 20) &&
                      ::access("/dev/shm", W_OK) == 0;
    return fits ? "/dev/shm" : std::filesystem::temp_directory_path().string();
  }
  std::string path_;
};

/// A local host whose shim keeps its state in a directory of its own.
struct LocalHost {
  ScratchDirectory root;
  std::unique_ptr<host::Host> host = host::make_local_host(host::HostName("local"), root.path());
};

}  // namespace backout::conformance
