#include "os/child.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <mutex>

#include "base/check.h"
#include "base/text.h"
#include "os/proc.h"

namespace backout::os {
namespace {

/// Children that were let go. They are reaped at the next start, so that a long-lived program collects no zombies.
class LetGo {
 public:
  void add(pid_t pid) {
    const std::lock_guard lock(mutex_);
    pids_.push_back(pid);
  }
  void reap() {
    const std::lock_guard lock(mutex_);
    std::erase_if(pids_, [](pid_t pid) {
      const pid_t got = waitpid(pid, nullptr, WNOHANG);
      return got == pid || (got < 0 && errno == ECHILD);
    });
  }

 private:
  std::mutex mutex_;
  std::vector<pid_t> pids_;
};

LetGo& let_go_children() {
  static LetGo children;
  return children;
}

Ending ending_of(int status) {
  if (WIFSIGNALED(status)) return {0, WTERMSIG(status)};
  return {WEXITSTATUS(status), 0};
}

/// Ours with `added` on top, as execve wants it.
std::vector<std::string> environment_with(const std::map<std::string, std::string>& added) {
  std::vector<std::string> all;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    if (!added.contains(std::string(text.substr(0, text.find('='))))) all.emplace_back(text);
  }
  for (const auto& [name, value] : added) all.push_back(name + "=" + value);
  return all;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (std::string& text : texts) all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

/// posix_spawn's two C objects, freed with their owner.
struct SpawnSettings {
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_t actions;
  SpawnSettings() {
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_init(&actions);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;
  ~SpawnSettings() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }
};

/// After the standard streams. Copies stand in between, above every number that is asked for, so that none is
/// overwritten before its turn; they are kept until the program runs.
Result<std::vector<Descriptor>> lend(const std::map<int, int>& lent, posix_spawn_file_actions_t& actions) {
  std::vector<Descriptor> copies;
  int next = STDERR_FILENO + 1;
  for (const auto& [there, ours] : lent) {
    BACKOUT_CHECK(there >= next, "the standard streams are not lent");
    copies.emplace_back(fcntl(ours, F_DUPFD_CLOEXEC, lent.rbegin()->first + 1));
    if (!copies.back().is_open()) return errno_error("lending a descriptor");
    for (; next < there; ++next) posix_spawn_file_actions_addclose(&actions, next);
    posix_spawn_file_actions_adddup2(&actions, copies.back().get(), next++);
  }
  posix_spawn_file_actions_addclosefrom_np(&actions, next);  // also what we inherited ourselves
  return copies;
}

Result<void> check_directory(const std::string& cwd) {
  struct stat info {};
  if (stat(cwd.c_str(), &info) != 0) return errno_error("directory " + one_line(cwd));
  if (!S_ISDIR(info.st_mode)) return errno_error("directory " + one_line(cwd), ENOTDIR);
  return {};
}

}  // namespace

Child::Child(pid_t pid, Descriptor in, Descriptor out, Descriptor err)
    : pid_(pid),
      pidfd_(static_cast<int>(syscall(SYS_pidfd_open, pid, 0))),
      in_(std::move(in)),
      out_(std::move(out)),
      err_(std::move(err)) {}

Child::Child(Child&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      pidfd_(std::move(other.pidfd_)),
      in_(std::move(other.in_)),
      out_(std::move(other.out_)),
      err_(std::move(other.err_)),
      ending_(other.ending_) {}

Child::~Child() { let_go(); }

std::optional<Ending> Child::try_wait() {
  if (ending_ || pid_ < 0) return ending_;
  int status = 0;
  pid_t got = 0;
  while ((got = waitpid(pid_, &status, WNOHANG)) < 0 && errno == EINTR) {
  }
  if (got == pid_) ending_ = ending_of(status);
  if (got < 0) ending_ = Ending{255, 0};  // somebody ignores SIGCHLD: the status is lost, the end is not
  return ending_;
}

std::optional<Ending> Child::wait(Millis limit) {
  const BootTime deadline = system_clock().boot() + limit;
  for (;;) {
    if (auto ending = try_wait()) return ending;
    const Millis left = deadline - system_clock().boot();
    if (left <= Millis(0)) return std::nullopt;
    pollfd watched{pidfd_.get(), POLLIN, 0};
    const Millis nap = pidfd_.is_open() ? left : std::min(left, Millis(5));
    poll(&watched, 1, static_cast<int>(std::min(nap, Millis(60'000)).count()));
  }
}

void Child::signal_group(int number) const {
  if (pid_ > 0) ::kill(-pid_, number);
}

bool Child::group_lives() const { return pid_ > 0 && process_group_lives(pid_); }

void Child::let_go() {
  if (pid_ > 0 && !ending_ && !try_wait()) let_go_children().add(pid_);
  pid_ = -1;
}

Result<Child> spawn_child(const ChildSpec& spec) {
  if (spec.argv.empty() || spec.argv[0].empty()) return Error{Code::kInvalid, "no program to run", ""};
  let_go_children().reap();
  if (!spec.cwd.empty()) TRY_VOID(check_directory(spec.cwd));
  Pipe in = TRY(make_pipe());
  Pipe out = TRY(make_pipe());
  Pipe err = TRY(make_pipe());

  SpawnSettings settings;
  posix_spawn_file_actions_adddup2(&settings.actions, spec.input < 0 ? in.read.get() : spec.input, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&settings.actions, out.write.get(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&settings.actions, err.write.get(), STDERR_FILENO);
  const std::vector<Descriptor> copies = TRY(lend(spec.lent, settings.actions));
  if (!spec.cwd.empty()) posix_spawn_file_actions_addchdir_np(&settings.actions, spec.cwd.c_str());

  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&settings.attributes, &none);
  posix_spawnattr_setsigdefault(&settings.attributes, &all);
  posix_spawnattr_setpgroup(&settings.attributes, 0);
  const int group = spec.own_session ? POSIX_SPAWN_SETSID : POSIX_SPAWN_SETPGROUP;
  posix_spawnattr_setflags(&settings.attributes,
                           static_cast<short>(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | group));

  std::vector<std::string> argv = spec.argv;
  std::vector<std::string> env = environment_with(spec.env);
  pid_t pid = -1;
  const int failure = posix_spawnp(&pid, argv[0].c_str(), &settings.actions, &settings.attributes,
                                   pointers(argv).data(), pointers(env).data());
  if (failure != 0) return errno_error("running " + one_line(argv[0]), failure);
  if (spec.input >= 0) in.write.close();
  return Child(pid, std::move(in.write), std::move(out.read), std::move(err.read));
}

}  // namespace backout::os
