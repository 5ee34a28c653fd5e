#include "host/own_site.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "base/fault.h"
#include "base/text.h"
#include "os/file.h"
#include "os/proc.h"

namespace backout::host {
namespace {

namespace fs = std::filesystem;

constexpr size_t kLineLimit = 1 << 16;
constexpr int kRemoveTries = 10;
constexpr const char* kShellPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";  // without a PATH

/// As the shim's read: without its newline; one that was never finished counts, too.
std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

/// As the shim finds it, which runs in /.
bool is_on_path(const std::string& program) {
  const char* const path = std::getenv("PATH");
  for (const std::string& directory : split(path == nullptr ? kShellPath : path, ':')) {
    const std::string file = (directory.starts_with('/') ? directory : "/" + directory) + "/" + program;
    struct stat info {};
    if (stat(file.c_str(), &info) == 0 && S_ISREG(info.st_mode) && access(file.c_str(), X_OK) == 0) return true;
  }
  return false;
}

Result<void> write_line(const std::string& path, const std::string& line) {
  const os::Descriptor file(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  if (!file.is_open()) return errno_error("opening " + path);
  const std::string text = line + "\n";
  ssize_t wrote = 0;
  do wrote = write(file.get(), text.data(), text.size());
  while (wrote < 0 && errno == EINTR);
  if (wrote < 0) return errno_error("writing " + path);
  if (static_cast<size_t>(wrote) != text.size()) return errno_error("writing " + path, ENOSPC);
  if (!fault::sabotaged("fsync") && fsync(file.get()) != 0) return errno_error("making durable " + path);
  return {};
}

bool has_complete_status(const std::string& attempt) {
  const auto status = os::read_file(attempt + "/status", kLineLimit);
  return status && first_line(*status).find(" end ") != std::string::npos;
}

/// The shim's files of an attempt, durable but for their names in it, and its lock taken. The status is later written
/// over bytes that are there already.
Result<os::FileLock> fill(const std::string& attempts, const std::string& attempt) {
  for (const char* pipe : {"/o", "/e", "/i"})
    if (mkfifo((attempt + pipe).c_str(), 0666) != 0) return errno_error("making " + attempt + pipe);
  for (const char* file : {"/out", "/err"})
    if (!os::Descriptor(open((attempt + file).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666)).is_open())
      return errno_error("making " + attempt + file);
  TRY_VOID(write_line(attempt + "/status.new", fmt::format("{:<127}", "reserved")));
  TRY_VOID(os::sync_directory(attempts));
  return os::FileLock::take(attempt + "/lock", Millis(0));
}

/// rm -rf. What drains an ended command's output may make its last file meanwhile: then once more.
bool remove_all(const std::string& directory) {
  std::error_code failure;
  for (int tries = 0; tries < kRemoveTries; ++tries) {
    fs::remove_all(directory, failure);
    if (failure != std::errc::directory_not_empty) break;
  }
  return !failure;
}

}  // namespace

OwnSite::OwnSite(Asker asker, Millis patience)
    : asker_(std::move(asker)),
      patience_(patience),
      sites_(asker_.root + "/sites"),
      site_(sites_ + "/" + escaped_site(asker_.guard.site)),
      attempts_(site_ + "/attempts") {}

Error OwnSite::refused(std::string_view words) const { return refusal(asker_, words); }

Error OwnSite::cannot(std::string_view what, Code why) const {
  return refused(fmt::format("{} cannot {}", why == Code::kNoSpace ? "full" : "state", what));
}

/// Seconds are long for it: whoever has it that long hangs, or somebody has stopped it.
Error OwnSite::held_by_another(const std::string& path) const {
  const auto holder = os::holder_of_lock(path);
  const auto facts = holder ? os::facts_of(*holder) : std::nullopt;
  if (!facts) return refused("busy another process holds " + path);
  const bool stopped = facts->state == 'T' || facts->state == 't';
  Error error = refused(fmt::format("busy process {} holds {}{}", *holder, path, stopped ? " and is stopped" : ""));
  if (stopped)
    error.next = fmt::format("let it go on (kill -CONT {0}) or end it (kill -KILL {0}), then try again", *holder);
  return error;
}

Result<void> OwnSite::sync_directories() const {
  for (const std::string& directory : {attempts_, site_, sites_, asker_.root})
    if (auto synced = os::sync_directory(directory); !synced) return cannot("make " + attempts_, synced.error().code);
  return {};
}

Result<void> OwnSite::make_directories() const {
  std::error_code ignored;
  if (fs::is_directory(attempts_, ignored)) return {};
  for (const std::string& directory : {sites_, site_, attempts_})
    if (mkdir(directory.c_str(), 0777) != 0 && errno != EEXIST)
      return cannot("make " + attempts_, errno_error("").code);
  return sync_directories();
}

Result<std::string> OwnSite::load(const std::string& name) const {
  const auto text = os::read_file(site_ + "/" + name, kLineLimit);
  if (text) return first_line(*text);
  if (text.error().code == Code::kNotFound) return std::string();
  return cannot("read " + site_ + "/" + name, text.error().code);
}

Result<void> OwnSite::store(const std::string& name, const std::string& line) const {
  // One name, under the lock: whoever was killed here leaves one file, and the next writes over it.
  const std::string path = site_ + "/" + name, fresh = path + ".new";
  auto stored = write_line(fresh, line);
  if (stored && rename(fresh.c_str(), path.c_str()) != 0) stored = errno_error("replacing " + path);
  if (stored) stored = os::sync_directory(site_);
  if (!stored) return cannot("write " + path, stored.error().code);
  return {};
}

Result<os::FileLock> OwnSite::guard() const {
  for (const std::string program : {"flock", "setsid", "mkfifo", "sync"})  // what starting a command will need
    if (!is_on_path(program)) return refused("tools " + program);
  TRY_VOID(make_directories());
  const std::string path = site_ + "/lock";
  auto lock = os::FileLock::take(path, patience_);
  if (!lock && lock.error().code == Code::kBusy) return held_by_another(path);
  if (!lock) return cannot("open " + path, lock.error().code);

  const std::string owner = TRY(load("owner")), journal = one_line(asker_.guard.journal);
  if (owner != journal) {
    if (!owner.empty()) return refused("owner " + owner);
    TRY_VOID(sync_directories());  // they may have been made by one who was killed before he came to that
    TRY_VOID(store("owner", journal));
  }
  std::string stored = TRY(load("token"));
  if (stored.empty()) stored = "0";
  if (stored.find_first_not_of("0123456789") != std::string::npos)
    return refused("state " + site_ + "/token is not a number");
  int64_t token = 0;
  const auto parsed = std::from_chars(stored.data(), stored.data() + stored.size(), token);
  if (parsed.ec == std::errc::result_out_of_range || asker_.guard.token < token) return refused("token " + stored);
  if (asker_.guard.token > token) TRY_VOID(store("token", std::to_string(asker_.guard.token)));
  return lock;
}

Result<void> OwnSite::claim() const {
  const os::FileLock held = TRY(guard());
  return {};
}

Result<OwnSite::Begun> OwnSite::begin(const AttemptId& id) const {
  os::FileLock held = TRY(guard());
  const std::string attempt = attempts_ + "/" + id.str();
  const bool made = mkdir(attempt.c_str(), 0777) == 0;
  if (!made && errno == EEXIST) return refused("exists " + id.str());
  const int why = errno;
  auto lock = made ? fill(attempts_, attempt) : Result<os::FileLock>(errno_error("making " + attempt, why));
  if (!lock) {
    if (made) remove_all(attempt);
    return cannot("write into " + attempt, lock.error().code);
  }
  return Begun{held.hand_over(), lock->hand_over()};
}

Result<bool> OwnSite::forget(const std::vector<AttemptId>& keep) const {
  const os::FileLock held = TRY(guard());
  const auto names = os::list_directory(attempts_);
  if (!names) return false;
  std::vector<std::string> ended;
  for (const std::string& name : *names) {
    if (name.starts_with('.') || std::find(keep.begin(), keep.end(), AttemptId(name)) != keep.end()) continue;
    const std::string attempt = attempts_ + "/" + name;
    std::error_code ignored;
    if (!fs::is_directory(attempt, ignored)) continue;
    if (fs::is_symlink(attempt, ignored) || !has_complete_status(attempt)) return false;
    ended.push_back(attempt);
  }
  bool removed = true;
  for (const std::string& attempt : ended) removed = remove_all(attempt) && removed;
  if (!removed) return refused("state cannot remove attempts of " + site_);
  return true;
}

}  // namespace backout::host
