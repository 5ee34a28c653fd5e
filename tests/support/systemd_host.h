// SystemdHost: a real systemd to test against, and a Host whose commands run inside it.
//
// The container shares the machine's network and, under the same path, the directory given to it. The shim's own state
// stays outside; only the commands go in (nsenter). Needs root and systemd-container; start() says so when they are
// missing.
#pragma once
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>

#include "base/text.h"
#include "conformance/places.h"
#include "host/host.h"
#include "os/process.h"

namespace backout::testing_support {

class InContainer : public host::Host {
 public:
  InContainer(host::Host& outer, std::string leader) : outer_(outer), leader_(std::move(leader)) {}
  const host::HostName& name() const override { return outer_.name(); }
  bool is_local() const override { return false; }
  Result<host::CommandResult> run(const host::Command& command, std::stop_token stop) override {
    return outer_.run(inside(command), stop);
  }
  Result<std::string> read(const std::string& path) override {
    const auto result = TRY(outer_.run(inside({.argv = {"cat", "--", path}})));
    if (!result.ok()) return Error{Code::kNotFound, result.why_not_ok(), ""};
    return result.out;
  }
  Result<void> claim(const host::Guard& guard) override { return outer_.claim(guard); }
  Result<host::CommandResult> attempt(const host::Guard& guard, const host::AttemptId& id, const host::Command& command,
                                      const std::function<void(std::string_view)>& on_output,
                                      std::stop_token stop) override {
    return outer_.attempt(guard, id, inside(command), on_output, stop);
  }
  Result<host::AttemptState> inspect(const host::Guard& guard, const host::AttemptId& id) override {
    return outer_.inspect(guard, id);
  }
  Result<void> kill(const host::Guard& guard, const host::AttemptId& id, Millis grace) override {
    return outer_.kill(guard, id, grace);
  }
  Result<void> forget(const host::Guard& guard, const std::vector<host::AttemptId>& keep) override {
    return outer_.forget(guard, keep);
  }

 private:
  host::Command inside(host::Command command) const {
    std::vector<std::string> argv = {"nsenter", "-t", leader_, "-a", "--"};
    argv.insert(argv.end(), command.argv.begin(), command.argv.end());
    command.argv = std::move(argv);
    return command;
  }
  host::Host& outer_;
  std::string leader_;
};

class SystemdHost {
 public:
  SystemdHost() {
    std::string pattern = (std::filesystem::temp_directory_path() / "backout-systemd-XXXXXX").string();
    const char* made = ::mkdtemp(pattern.data());
    base_ = made == nullptr ? "" : made;
    std::filesystem::create_directory(shared());
    std::filesystem::permissions(base_, std::filesystem::perms(0755));
  }
  ~SystemdHost() {
    if (!leader_.empty()) (void)script({"down", base_ + "/host"});
    std::error_code ignored;
    if (!std::filesystem::exists(base_ + "/host")) std::filesystem::remove_all(base_, ignored);
  }
  SystemdHost(const SystemdHost&) = delete;
  SystemdHost& operator=(const SystemdHost&) = delete;

  /// Boots it; the error says what to install or what the machine forbids.
  Result<void> start() {
    const auto result = TRY(script({"up", base_ + "/host", "--bind=" + shared()}));
    if (!result.ok())
      return Error{Code::kUnavailable, sanitised(result.err), "apt-get install systemd-container; run as root"};
    leader_ = std::string(trimmed(result.out));
    return {};
  }
  /// Seen under this path on both sides.
  std::string shared() const { return base_ + "/shared"; }
  const std::string& leader() const { return leader_; }

 private:
  Result<os::ProcessResult> script(std::vector<std::string> words) const {
    words.insert(words.begin(), std::string(BACKOUT_SOURCE_DIR) + "/tests/support/systemd_host.sh");
    return os::run_process({.argv = std::move(words), .timeout = Millis(90'000)});
  }
  std::string base_, leader_;
};

/// One container for all tests of the fixture SELF that derives from it; `inside` is a host in there.
template <typename Self>
class SystemdFixture : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    container = new SystemdHost();
    const auto started = container->start();
    if (!started) boot_error = started.error().message + "\n" + started.error().next;
  }
  static void TearDownTestSuite() {
    delete container;
    container = nullptr;
  }
  void SetUp() override {
    ASSERT_TRUE(boot_error.empty()) << "no systemd to test against: " << boot_error;
    inside.emplace(*local.host, container->leader());
  }

  static inline SystemdHost* container = nullptr;
  static inline std::string boot_error;
  conformance::LocalHost local;
  std::optional<InContainer> inside;
};

}  // namespace backout::testing_support
