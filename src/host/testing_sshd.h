// SshServer: for tests only. A real sshd on a free port of 127.0.0.1 with keys of its own, and the options that reach
// it. Everything lies in one temporary directory; server and shared connection are ended with the object.
#pragma once
#include <arpa/inet.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <memory>

#include "host/host.h"
#include "os/child.h"
#include "os/file.h"
#include "os/process.h"
#include "os/test_directory.h"
#include "os/test_port.h"

namespace backout::host {

class SshServer {
 public:
  /// Null when there is no sshd on this machine.
  static std::unique_ptr<SshServer> start() {
    if (!os::exists("/usr/sbin/sshd")) return nullptr;
    std::unique_ptr<SshServer> server(new SshServer());
    return server->child_ ? std::move(server) : nullptr;
  }
  ~SshServer() {
    close_connection();
    child_->signal_group(SIGKILL);
    child_->wait(Millis(5000));
  }
  /// For make_ssh_host(); the destination is "target".
  std::vector<std::string> options() const {
    return {"-F", directory_ / "client", "-o", "ControlPath=" + directory_.path() + "/%C"};
  }
  std::unique_ptr<Host> host(const std::string& root) const {
    return make_ssh_host(HostName("web-1"), "target", root, options());
  }
  /// Ends the shared connection's master, as a lost network does to everything that goes over it.
  void cut_connection() const {
    const auto check = ssh({"-O", "check", "target"});  // "Master running (pid=123)"
    const size_t at = check.err.find("pid=");
    if (at != std::string::npos) ::kill(std::atoi(check.err.c_str() + at + 4), SIGKILL);
  }
  void close_connection() const { (void)ssh({"-O", "exit", "target"}); }
  const std::string& directory() const { return directory_.path(); }

 private:
  SshServer() {
    (void)os::make_directories("/run/sshd");
    generate("host_key");
    generate("user_key");
    const int port = os::free_port();
    const std::string user_public = *os::read_file(directory_ / "user_key.pub");
    (void)os::write_file_atomic(directory_ / "authorized_keys", user_public, 0600);
    (void)os::write_file_atomic(directory_ / "known_hosts",
                                fmt::format("[127.0.0.1]:{} {}", port, *os::read_file(directory_ / "host_key.pub")));
    (void)os::write_file_atomic(
        directory_ / "server",
        fmt::format("Port {}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\nUsePAM no\nStrictModes no\n"
                    "PidFile none\nMaxStartups 100\nPermitRootLogin prohibit-password\nSetEnv HOME={}\n",
                    port, directory_ / "host_key", directory_ / "authorized_keys",
                    directory()));  // what the login shell of this machine reads must not be part of a test
    (void)os::write_file_atomic(
        directory_ / "client",
        fmt::format("Host target\n HostName 127.0.0.1\n Port {}\n IdentityFile {}\n IdentitiesOnly yes\n"
                    " UserKnownHostsFile {}\n StrictHostKeyChecking yes\n",
                    port, directory_ / "user_key", directory_ / "known_hosts"));
    auto started = os::spawn_child({.argv = {"/usr/sbin/sshd", "-D", "-e", "-f", directory_ / "server"}});
    if (!started) return;
    for (int i = 0; i < 200 && !answers(port); ++i) system_clock().wait(Millis(10), {});
    child_ = std::make_unique<os::Child>(std::move(*started));
  }

  void generate(const std::string& name) const {
    (void)os::run_process({.argv = {"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", directory_ / name}});
  }
  os::ProcessResult ssh(const std::vector<std::string>& words) const {
    os::ProcessSpec spec{.argv = {"ssh"}};
    for (const std::string& word : options()) spec.argv.push_back(word);
    spec.argv.insert(spec.argv.end(), words.begin(), words.end());
    return os::run_process(spec).value_or(os::ProcessResult{});
  }
  static sockaddr_in loopback(int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
  }
  static bool answers(int port) {
    const os::Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_in address = loopback(port);
    return connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }

  const os::TestDirectory directory_;
  std::unique_ptr<os::Child> child_;
};

}  // namespace backout::host
