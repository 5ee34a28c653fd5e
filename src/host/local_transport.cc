#include <unistd.h>

#include <cstdlib>
#include <mutex>

#include "base/text.h"
#include "host/root.h"
#include "host/shim.h"
#include "host/transport.h"
#include "os/file.h"

namespace backout::host {
namespace {

std::string from_environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

std::string default_root() {
  if (std::string root = from_environment("BACKOUT_TARGET"); !root.empty()) return root;
  if (geteuid() == 0) return "/var/lib/backout/target";
  if (std::string state = from_environment("XDG_STATE_HOME"); !state.empty()) return state + "/backout/target";
  return from_environment("HOME") + "/.local/state/backout/target";
}

namespace {

class LocalTransport : public Transport {
 public:
  explicit LocalTransport(std::string root) : root_(root.empty() ? default_root() : std::move(root)) {}

  Result<std::string> prepare(bool again) override {
    const std::lock_guard lock(mutex_);
    if (ready_ && !again) return root_;
    if (!root_.starts_with('/'))
      return Error{Code::kInvalid, "the target directory must be an absolute path: " + one_line(root_),
                   "set BACKOUT_TARGET to one"};
    const std::string path = root_ + "/" + shim_name();
    const auto there = os::read_file(path);
    if (!there || *there != shim_text()) {
      TRY_VOID(os::make_directories(root_, 0700).with_context("preparing this machine"));
      TRY_VOID(os::write_file_atomic(path, shim_text(), 0700).with_context("preparing this machine"));
    }
    ready_ = true;
    return root_;
  }

  os::ProcessSpec shim(const std::vector<std::string>& words) const override {
    os::ProcessSpec spec;
    spec.argv = {"/bin/sh", root_ + "/" + shim_name()};
    spec.argv.insert(spec.argv.end(), words.begin(), words.end());
    spec.cwd = "/";
    spec.own_session = true;
    return spec;
  }

  bool in_reach() const override { return true; }

  Error silence(const os::ProcessResult& end) const override {
    return {Code::kInternal, "the shim did not answer: " + end.why_not_ok(), ""};
  }

 private:
  const std::string root_;
  std::mutex mutex_;
  bool ready_ = false;
};

}  // namespace

std::unique_ptr<Transport> make_local_transport(std::string root) {
  return std::make_unique<LocalTransport>(std::move(root));
}

}  // namespace backout::host
