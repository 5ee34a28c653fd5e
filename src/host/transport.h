// Transport: how the shim of one host is reached. It is the only thing in which this machine and another one differ;
// what is said through it is the same (shim.h). Thread-safe.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "os/process.h"

namespace backout::host {

class Transport {
 public:
  virtual ~Transport() = default;

  /// Puts the shim there unless it is, once; `again` looks once more. Returns the directory that holds its state.
  virtual Result<std::string> prepare(bool again) = 0;
  /// The local program that runs the shim there with these words. REQUIRES: prepare(). Words are [A-Za-z0-9._-].
  virtual os::ProcessSpec shim(const std::vector<std::string>& words) const = 0;
  /// The files of the shim's state can be read from here.
  virtual bool in_reach() const = 0;
  /// Why a call ended without an answer: what the program that carries us said.
  virtual Error silence(const os::ProcessResult& end) const = 0;
};

/// `root` as for make_local_host().
std::unique_ptr<Transport> make_local_transport(std::string root);
/// As for make_ssh_host(). $BACKOUT_SSH, split at spaces, takes the place of `ssh` for tests and unusual setups.
std::unique_ptr<Transport> make_ssh_transport(std::string destination, std::string root,
                                              std::vector<std::string> options);

}  // namespace backout::host
