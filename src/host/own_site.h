// OwnSite: a site's state at this very machine, read and written by this process. It keeps to docs/formats/target.md
// as the shim does, and takes the same lock, so each sees what the other did and neither acts while the other looks.
// Killed at any moment, it leaves a state that both go on from. What has to look at processes is left to the shim.
#pragma once
#include <string>
#include <vector>

#include "host/exchange.h"
#include "os/file_lock.h"

namespace backout::host {

class OwnSite {
 public:
  static constexpr Millis kPatience{30'000};  // as long as the shim waits for the lock

  /// REQUIRES: the shim's root exists (Transport::prepare()).
  explicit OwnSite(Asker asker, Millis patience = kPatience);

  /// Host::claim(), with the shim's errors.
  Result<void> claim() const;
  /// An attempt's directory, made durable and empty of a record, and both locks: for the shim, which goes on from there
  /// as the one who holds them. Whoever is killed before the shim has written its record has started nothing.
  struct Begun {
    os::Descriptor site_lock, attempt_lock;
  };
  Result<Begun> begin(const AttemptId& id) const;
  /// Host::forget(). False: nothing was removed, because some attempt has no complete status, and only the shim can
  /// tell whether it lives.
  Result<bool> forget(const std::vector<AttemptId>& keep) const;

 private:
  /// The guard of the format: held, the lock keeps everybody else from acting here or looking.
  Result<os::FileLock> guard() const;
  Result<void> make_directories() const;
  Result<void> sync_directories() const;
  Result<std::string> load(const std::string& name) const;
  Result<void> store(const std::string& name, const std::string& line) const;
  Error refused(std::string_view words) const;
  Error held_by_another(const std::string& path) const;
  Error cannot(std::string_view what, Code why) const;

  const Asker asker_;
  const Millis patience_;
  const std::string sites_, site_, attempts_;
};

}  // namespace backout::host
