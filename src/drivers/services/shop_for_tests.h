// A small real shop for the tests of services: releases/<version>/{app.py,VERSION}, current, a free port. Only tests
// use it.
#pragma once
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "base/json.h"
#include "os/http.h"
#include "os/test_port.h"

namespace backout::drivers {

using os::free_port;

/// Answers every GET with the version it was started with. Words after the port: "deaf" ignores TERM, "child" has a
/// child that ignores TERM, "silent" opens no port, "crash" ends after a moment, "crash-v2" only as v2, "circle" after
/// it has served for a second and a half, "hold" binds with SO_REUSEPORT.
inline constexpr const char* kShopApp = R"py(
import http.server, os, signal, socket, sys, threading, time
limit = threading.Timer(240, os._exit, [9]); limit.daemon = True; limit.start()  # a test that was killed cleans nothing up
port, flags = int(sys.argv[1]), sys.argv[2:]
version = open('VERSION').read().strip()
class Shop(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = version.encode()
        self.send_response(200); self.send_header('Content-Length', str(len(body))); self.end_headers(); self.wfile.write(body)
    def log_message(self, *words): pass
print('shop', version, 'starts', flush=True)
if 'deaf' in flags: signal.signal(signal.SIGTERM, signal.SIG_IGN)
if 'child' in flags and os.fork() == 0:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(240); os._exit(0)
if 'crash' in flags or 'crash-' + version in flags:
    time.sleep(0.05); print('no such table: orders', flush=True); sys.exit(3)
if 'circle' in flags: threading.Timer(1.5, os._exit, [3]).start()
if 'silent' in flags: time.sleep(240)
class Server(http.server.ThreadingHTTPServer):
    allow_reuse_address = True
    def server_bind(self):
        if 'hold' in flags: self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        super().server_bind()
Server(('127.0.0.1', port), Shop).serve_forever()
)py";

inline void write_text(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}
inline std::string read_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string((std::istreambuf_iterator<char>(in)), {});
}

/// Polls for at most 10 s.
inline bool comes_true(const std::function<bool()>& condition) {
  for (int i = 0; i < 500; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(Millis(20));
  }
  return false;
}

class Shop {
 public:
  explicit Shop(const std::string& base = std::filesystem::temp_directory_path().string()) {
    std::string pattern = base + "/backout-shop-XXXXXX";
    path = ::mkdtemp(pattern.data());
    std::filesystem::permissions(path, std::filesystem::perms(0755));
    for (const char* version : {"v1", "v2"}) {
      std::filesystem::create_directories(path + "/releases/" + version);
      write_text(path + "/releases/" + version + "/app.py", kShopApp);
      write_text(path + "/releases/" + version + "/VERSION", std::string(version) + "\n");
    }
    switch_to("v1");
  }
  ~Shop() {
    for (const pid_t pid : children_) {
      ::kill(pid, SIGKILL);
      ::waitpid(pid, nullptr, 0);
    }
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  Shop(const Shop&) = delete;
  Shop& operator=(const Shop&) = delete;

  void switch_to(const std::string& version) const {
    std::this_thread::sleep_for(Millis(60));  // further apart than the grain of a process's start
    std::filesystem::remove(path + "/current");
    std::filesystem::create_directory_symlink("releases/" + version, path + "/current");
    std::this_thread::sleep_for(Millis(60));
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port) + "/version"; }
  std::string version_served() const {
    const auto answer = os::http({.url = url(), .timeout = Millis(2000)});
    return answer ? answer->body : "";
  }
  Json code() const { return {{"layout", "releases"}, {"path", path}}; }

  /// A process that backout knows nothing of.
  pid_t stranger(const std::string& cwd, std::vector<std::string> flags = {}) {
    std::vector<std::string> words = {"/usr/bin/python3", "app.py", std::to_string(port)};
    words.insert(words.end(), flags.begin(), flags.end());
    const pid_t pid = ::fork();
    if (pid == 0) {
      std::vector<char*> argv;
      for (std::string& word : words) argv.push_back(word.data());
      argv.push_back(nullptr);
      if (::chdir(cwd.c_str()) == 0) ::execv(argv[0], argv.data());
      ::_exit(127);
    }
    children_.push_back(pid);
    return pid;
  }

  std::string path;
  int port = free_port();

 private:
  std::vector<pid_t> children_;
};

}  // namespace backout::drivers
