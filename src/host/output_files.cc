#include "host/output_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>

#include "base/clock.h"
#include "os/file.h"

namespace backout::host {
namespace {
constexpr Millis kSettling{200};
constexpr Millis kBetweenLooks{1};
}  // namespace

OutputFiles::OutputFiles(std::string directory, size_t limit) : directory_(std::move(directory)), limit_(limit) {}

void OutputFiles::read_one(os::Descriptor& file, const char* name, Kept& kept,
                           const std::function<void(std::string_view)>& listener) {
  if (!file.is_open()) file = os::Descriptor(open((directory_ + "/" + name).c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) return;
  std::array<char, 65536> buffer;
  for (;;) {
    const ssize_t got = read(file.get(), buffer.data(), buffer.size());
    if (got <= 0) return;
    const std::string_view bytes(buffer.data(), static_cast<size_t>(got));
    kept.add(bytes, limit_);
    if (listener) listener(bytes);
  }
}

void OutputFiles::read_new(const std::function<void(std::string_view)>& listener) {
  read_one(out_file_, "out", out, listener);
  read_one(err_file_, "err", err, listener);
}

void OutputFiles::settle(const std::function<void(std::string_view)>& listener) {
  const BootTime deadline = system_clock().boot() + kSettling;
  for (;;) {
    const bool complete = os::exists(directory_ + "/out.end") && os::exists(directory_ + "/err.end");
    read_new(listener);
    if (complete || system_clock().boot() >= deadline) break;
    system_clock().wait(kBetweenLooks, {});
  }
  if (os::exists(directory_ + "/out.cut")) out.truncated = true;
  if (os::exists(directory_ + "/err.cut")) err.truncated = true;
}

}  // namespace backout::host
