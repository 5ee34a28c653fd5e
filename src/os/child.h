// Child: one started program with pipes on its standard streams, in a process group or session of its own.
//
// Guarantees: nothing of ours but the three pipes and what it is lent reaches it (all other descriptors are closed),
// its signals are at their defaults, and it is reaped: by wait(), or later by whoever next calls spawn_child() when it
// was let go(). Not thread-safe itself; spawn_child() is.
#pragma once
#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "os/descriptor.h"

namespace backout::os {

struct ChildSpec {
  std::vector<std::string> argv;           // argv[0] is looked up on our PATH
  std::string cwd;                         // empty: ours
  std::map<std::string, std::string> env;  // added to ours
  bool own_session = false;                // else a process group of its own
  std::map<int, int> lent;                 // by its number there (3 and above): a descriptor of ours
  int input = -1;                          // of ours, to be its standard input: in() is not open then
};

/// How it ended: as WIFEXITED and WIFSIGNALED tell.
struct Ending {
  int exit_status = 0;
  int signal = 0;
};

class Child {
 public:
  Child(Child&& other) noexcept;
  Child& operator=(Child&&) = delete;
  /// Lets go of it when it has not been waited for.
  ~Child();

  pid_t pid() const { return pid_; }
  /// Readable once it has ended; not open on kernels without pidfd_open, then try_wait() has to be asked again and
  /// again.
  const Descriptor& ended() const { return pidfd_; }
  Descriptor& in() { return in_; }
  Descriptor& out() { return out_; }
  Descriptor& err() { return err_; }

  /// Its ending if it has ended. Reaps it.
  std::optional<Ending> try_wait();
  /// try_wait() until it ends or `limit` is over.
  std::optional<Ending> wait(Millis limit);
  void signal_group(int number) const;
  /// Something of its process group still lives; zombies do not count.
  bool group_lives() const;
  /// Leaves it running. It is reaped later.
  void let_go();

 private:
  friend Result<Child> spawn_child(const ChildSpec& spec);
  Child(pid_t pid, Descriptor in, Descriptor out, Descriptor err);

  pid_t pid_ = -1;
  Descriptor pidfd_, in_, out_, err_;
  std::optional<Ending> ending_;
};

/// kInvalid without argv; kNotFound when program or directory does not exist, kDenied when it may not be run.
Result<Child> spawn_child(const ChildSpec& spec);

}  // namespace backout::os
