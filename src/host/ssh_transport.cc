#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <mutex>

#include "base/ids.h"
#include "base/text.h"
#include "host/root.h"
#include "host/shim.h"
#include "host/transport.h"

namespace backout::host {
namespace {

constexpr Millis kPreparing{60'000};
// A socket's path has at most 107 bytes: ssh binds "<directory>/<40 of %C>.<16 random>" before it renames.
constexpr size_t kSocketDirectoryLimit = 107 - 1 - 40 - 17;
constexpr int kSshItselfFailed = 255;

/// A directory that only we can enter, for the sockets of shared connections; empty when there is none.
std::string socket_directory() {
  const char* const runtime = std::getenv("XDG_RUNTIME_DIR");
  std::string path = runtime != nullptr && *runtime == '/' ? std::string(runtime) + "/backout-ssh" : "";
  if (path.empty() || path.size() > kSocketDirectoryLimit || access(runtime, W_OK) != 0)
    path = fmt::format("/tmp/backout-ssh-{}", geteuid());
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return "";
  struct stat info {};
  const bool ours = lstat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode) && info.st_uid == geteuid() &&
                    (info.st_mode & 077U) == 0;
  return ours ? path : "";
}

std::vector<std::string> ssh_program() {
  std::vector<std::string> words;
  const char* const replaced = std::getenv("BACKOUT_SSH");
  for (std::string& word : split(replaced == nullptr ? "ssh" : replaced, ' '))
    if (!word.empty()) words.push_back(std::move(word));
  if (words.empty()) words.emplace_back("ssh");
  return words;
}

/// After kFindRoot: puts the shim there when it is not. Runs in the login shell's `sh`, from standard input.
constexpr std::string_view kPrepare = R"sh(umask 077
bo_file=$bo_root/$bo_shim
if [ ! -r /proc/self/stat ]; then
  printf '%srefused tools %s\n' "$bo_nonce" /proc
elif [ -s "$bo_file" ] || {
  mkdir -p "$bo_root" && printf '%s' "$bo_text" >"$bo_file.$$" && { sync "$bo_file.$$" 2>/dev/null || sync; } &&
    mv -f "$bo_file.$$" "$bo_file" && { sync "$bo_root" "${bo_root%/*}/" 2>/dev/null || sync; }
}; then
  printf '%sready %s\n' "$bo_nonce" "$bo_root"
else
  rm -f "$bo_file.$$"
  printf '%srefused state cannot write %s\n' "$bo_nonce" "$bo_file"
fi
)sh";

class SshTransport : public Transport {
 public:
  SshTransport(std::string destination, std::string root, const std::vector<std::string>& options)
      : destination_(std::move(destination)), wanted_root_(std::move(root)), ssh_(ssh_program()) {
    const auto add = [&](std::initializer_list<std::string> words) { ssh_.insert(ssh_.end(), words); };
    ssh_.insert(ssh_.end(), options.begin(), options.end());  // first: ssh keeps the first value of an option
    add({"-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10", "-o", "ServerAliveInterval=5", "-o",
         "ServerAliveCountMax=3", "-o", "LogLevel=ERROR"});
    if (const std::string sockets = socket_directory(); !sockets.empty())
      add({"-o", "ControlMaster=auto", "-o", "ControlPersist=60", "-o", "ControlPath=" + sockets + "/%C"});
    add({"--", destination_});
  }

  Result<std::string> prepare(bool again) override {
    const std::lock_guard lock(mutex_);
    if (!root_.empty() && !again) return root_;
    const std::string nonce = "\x1E" + random_hex(16);
    std::string answer;
    Error refused{Code::kInternal, "", ""};
    Answer reader(nonce,
                  [&](std::string_view word, std::string_view rest) {
                    if (word == "ready") answer = rest;
                    if (word == "refused") refused.message = rest;
                  },
                  {});
    os::ProcessSpec spec = call("exec sh -s");
    spec.timeout = kPreparing;
    spec.on_stdout = [&](std::string_view chunk) { reader.feed(chunk); };
    Order order(nonce);
    order.set("root", wanted_root_).set("shim", shim_name()).set("text", shim_text());
    spec.stdin_text = order.text() + std::string(kFindRoot) + std::string(kPrepare);
    const os::ProcessResult end = TRY(os::run_process(spec));
    if (!refused.message.empty())
      return Error{Code::kDenied, "preparing " + destination_ + ": " + one_line(refused.message),
                   "the login user must be able to write there, on a Linux machine"};
    if (!answer.starts_with('/')) return silence(end);
    root_ = answer;
    return root_;
  }

  os::ProcessSpec shim(const std::vector<std::string>& words) const override {
    const std::lock_guard lock(mutex_);
    return call("exec sh " + shell_quoted(root_ + "/" + shim_name()) + " " + join(words, " "));
  }

  bool in_reach() const override { return false; }

  Error silence(const os::ProcessResult& end) const override {
    const std::string next = "try: ssh " + destination_ + " true";
    if (end.timed_out || end.exit_status == kSshItselfFailed || end.signal != 0)
      return {Code::kUnavailable, "no connection to " + destination_ + ": " + end.why_not_ok(), next};
    return {Code::kUnavailable, destination_ + " gave no answer: " + end.why_not_ok(), next};
  }

 private:
  os::ProcessSpec call(std::string remote) const {
    os::ProcessSpec spec;
    spec.argv = ssh_;
    spec.argv.push_back(std::move(remote));
    spec.own_session = true;
    return spec;
  }

  const std::string destination_, wanted_root_;
  std::vector<std::string> ssh_;
  mutable std::mutex mutex_;
  std::string root_;
};

}  // namespace

std::unique_ptr<Transport> make_ssh_transport(std::string destination, std::string root,
                                              std::vector<std::string> options) {
  return std::make_unique<SshTransport>(std::move(destination), std::move(root), options);
}

}  // namespace backout::host
