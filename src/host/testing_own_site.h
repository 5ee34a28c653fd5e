// OwnSiteTest: for tests only. A site at this machine, acted on by our own hand and by the shim.
#pragma once
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <fstream>

#include "base/text.h"
#include "host/attempt_session.h"
#include "host/own_site.h"
#include "host/shim.h"
#include "os/file.h"
#include "os/test_directory.h"

namespace backout::host {

template <class Condition>
bool comes(const Condition& condition, Millis limit = Millis(10'000)) {
  const BootTime deadline = system_clock().boot() + limit;
  while (!condition()) {
    if (system_clock().boot() >= deadline) return false;
    system_clock().wait(Millis(5), {});
  }
  return true;
}

inline std::string told(const Error& error) {
  return fmt::format("{}: {} [{}]", name_of(error.code), error.message, error.next);
}
template <class T>
std::string told(const Result<T>& result) {
  return result ? "done" : told(result.error());
}

class OwnSiteTest : public ::testing::Test {
 protected:
  Guard with(int64_t token) const { return {"shop/production", "journal-a", token}; }
  OwnSite own(const Guard& guard, Millis patience = Millis(10'000)) const {
    EXPECT_TRUE(make_local_transport(target_)->prepare(true));
    return OwnSite({"local", guard, target_}, patience);
  }
  /// The same, asked of the shim.
  Result<void> by_shim(const Guard& guard, const std::string& verb = "claim") const {
    const auto transport = make_local_transport(target_);
    const Asker asker{"local", guard, TRY(transport->prepare(true))};
    Order order(new_nonce());
    order.set("root", target_).add(guard);
    (void)TRY(ask(*transport, asker, {verb}, order, Millis(60'000), 0));
    return {};
  }
  /// An attempt that the shim begins all by itself, as it does behind ssh.
  Result<CommandResult> attempt_by_shim(const Guard& guard, const std::string& id, const Command& command) const {
    class OutOfReach : public Transport {
     public:
      explicit OutOfReach(std::unique_ptr<Transport> here) : here_(std::move(here)) {}
      Result<std::string> prepare(bool again) override { return here_->prepare(again); }
      os::ProcessSpec shim(const std::vector<std::string>& words) const override { return here_->shim(words); }
      bool in_reach() const override { return false; }
      Error silence(const os::ProcessResult& end) const override { return here_->silence(end); }

     private:
      const std::unique_ptr<Transport> here_;
    } there(make_local_transport(target_));
    const Asker asker{"local", guard, TRY(there.prepare(true))};
    const AttemptSession::Listener nobody;
    return AttemptSession(there, asker, AttemptId(id), command, nobody, {}).run();
  }
  void put(const std::string& name, const std::string& text) const { std::ofstream(site_ + "/" + name) << text; }
  std::string text_of(const std::string& name) const {
    const auto text = os::read_file(site_ + "/" + name);
    return text ? *text : "none";
  }
  std::vector<std::string> attempts() const { return *os::list_directory(site_ + "/attempts"); }
  void make_attempt(const std::string& id, const std::string& status) const {
    ASSERT_TRUE(os::make_directories(site_ + "/attempts/" + id));
    put("attempts/" + id + "/started", "1 1 00000000-0000-0000-0000-000000000000 1 .\n");
    if (!status.empty()) put("attempts/" + id + "/status", status);
  }
  /// Alone: a lock that it would share with others does not count.
  bool somebody_holds_the_lock() const {
    const os::Descriptor lock(open((site_ + "/lock").c_str(), O_RDONLY | O_CLOEXEC));
    return flock(lock.get(), LOCK_SH | LOCK_NB) != 0;
  }
  /// Some process is asleep until the lock is free.
  bool somebody_waits_for_the_lock() const {
    struct stat info {};
    stat((site_ + "/lock").c_str(), &info);
    const std::string number = fmt::format(":{} ", info.st_ino);
    for (const std::string& line : split(*os::read_file("/proc/locks"), '\n'))
      if (line.find("-> FLOCK") != std::string::npos && line.find(number) != std::string::npos) return true;
    return false;
  }

  const os::TestDirectory root_;
  const std::string target_ = root_ / "target", site_ = target_ + "/sites/shop%2Fproduction";
  const std::string whole_ = "exit=0 signal=0 took_ms=1 timed_out=0 end      \n";
};

}  // namespace backout::host
