// Real nginx and real Apache, real requests, real rotation: every request is counted, once, as what it was.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <mutex>
#include <thread>

#include "base/text.h"
#include "os/descriptor.h"
#include "os/file.h"
#include "os/process.h"
#include "os/test_directory.h"
#include "watch/access_log/access_log.h"

namespace backout::watch {
namespace {

int port_that_is_free() {
  const os::Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  bind(socket.get(), reinterpret_cast<sockaddr*>(&address), size);
  getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

/// The answer's status, 0 when there is none.
int status_of(int port, const std::string& target) {
  const os::Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return 0;
  const std::string request =
      "GET " + target + " HTTP/1.1\r\nHost: shop\r\nConnection: close\r\nUser-Agent: a \"quoted\" \\ agent\r\n\r\n";
  if (::send(socket.get(), request.data(), request.size(), MSG_NOSIGNAL) < 0) return 0;
  std::string answer;
  char buffer[4096];
  for (ssize_t got; (got = ::recv(socket.get(), buffer, sizeof buffer, 0)) > 0;)
    answer.append(buffer, static_cast<size_t>(got));
  return answer.starts_with("HTTP/1.1 ") ? std::atoi(answer.c_str() + 9) : 0;
}

class AccessLogServers : public ::testing::Test {
 protected:
  /// A server that goes into the background by itself and writes access.log and server.pid.
  void start(const std::vector<std::string>& argv) {
    const auto started = os::run_process({.argv = argv});
    ASSERT_TRUE(started);
    ASSERT_TRUE(started->ok()) << started->why_not_ok() << started->err;
    for (int i = 0; i < 500 && status_of(port, "/ok") == 0; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    ASSERT_NE(status_of(port, "/ok"), 0);
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    ASSERT_EQ(::truncate(path.c_str(), 0), 0);
    const auto pid = os::read_file(directory / "server.pid");
    ASSERT_TRUE(pid);
    server = std::atoi(pid->c_str());
    ASSERT_GT(server, 1);
  }
  void TearDown() override {
    if (server <= 1) return;
    ::kill(server, SIGTERM);
    for (int i = 0; i < 500 && ::kill(server, 0) == 0; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    EXPECT_NE(::kill(server, 0), 0);
  }
  /// Requests from two clients until stopped; an answer that was not got is not counted.
  void clients(const std::stop_token& stop) {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 2; ++t)
      threads.emplace_back([this, stop, t] {
        for (int i = 0; !stop.stop_requested(); ++i) {
          const std::lock_guard guard(pause[t]);
          const bool fails = i % 7 == 3;
          const std::string version = i % 3 == 0 ? "v1" : "v2";
          const int status = status_of(port, fmt::format("{}?n={}&v={}", fails ? "/bad" : "/ok", i, version));
          if (status == 0) {
            ++unanswered;
            continue;
          }
          ++sent;
          failed += status == 503;
          if (version == "v2") ++sent_new;
        }
      });
  }
  void look(const Json& subject, int64_t later_ms = 0) {
    auto source = make_access_log(subject, *local);
    ASSERT_TRUE(source) << source.error().message;
    auto seen = (*source)->look(
        {.current = "v2", .before = "v1", .cutover = begun, .now = system_clock().wall() + Millis(later_ms)}, position,
        {});
    ASSERT_TRUE(seen) << seen.error().message;
    EXPECT_EQ(seen->blind, "");
    for (const std::string& each : seen->remarks) remarks += each + "\n";
    for (const Observation& each : seen->observations) {
      requests += each.requests;
      bad += each.failed;
      if (each.release == "v2") of_new += each.requests;
      slow_votes += !each.speeds.empty();
    }
    figures = seen->figures;
    position = seen->position;
  }
  void expect_all() const {
    EXPECT_EQ(unanswered, 0);
    EXPECT_GT(sent, 500);
    EXPECT_EQ(requests, sent);
    EXPECT_EQ(bad, failed);
    EXPECT_EQ(remarks, "");
  }

  const os::TestDirectory directory;
  const std::string path = directory / "access.log";
  const int port = port_that_is_free();
  const WallTime begun = system_clock().wall() - Millis(2000);
  const std::unique_ptr<host::Host> local = host::make_local_host(host::HostName("local"));
  pid_t server = 0;
  std::mutex pause[2];
  std::atomic<int64_t> sent{0}, failed{0}, sent_new{0}, unanswered{0};
  int64_t requests = 0, bad = 0, of_new = 0, slow_votes = 0;
  Json position, figures;
  std::string remarks;
};

TEST_F(AccessLogServers, NginxRotatedFiftyTimesUnderTraffic) {
  if (!os::exists("/usr/sbin/nginx")) GTEST_SKIP() << "there is no nginx";
  const std::string format =
      "$remote_addr - $remote_user [$time_local] \"$request\" $status $body_bytes_sent \"$http_referer\" "
      "\"$http_user_agent\" $request_time \"$sent_http_x_release\" $upstream_response_time";
  ASSERT_TRUE(os::write_file_atomic(
      directory / "nginx.conf",
      fmt::format(
          "user root;\nworker_processes 2;\npid {0}/server.pid;\nerror_log {0}/error.log;\nevents {{ "
          "worker_connections 256; }}\n"
          "http {{\n  log_format full '{1}';\n  access_log {0}/access.log full;\n  client_body_temp_path {0}/t1;\n"
          "  proxy_temp_path {0}/t2;\n  fastcgi_temp_path {0}/t3;\n  uwsgi_temp_path {0}/t4;\n  scgi_temp_path "
          "{0}/t5;\n"
          "  server {{\n    listen 127.0.0.1:{2};\n    add_header X-Release $arg_v always;\n"
          "    location /bad {{ return 503; }}\n    location / {{ return 200 ok; }}\n  }}\n}}\n",
          directory.path(), format, port)));
  ASSERT_NO_FATAL_FAILURE(start({"/usr/sbin/nginx", "-p", directory.path(), "-c", directory / "nginx.conf"}));
  const Json subject = {{"access_log", path}, {"format", format}, {"release", "$sent_http_x_release"}};
  look(subject);
  std::jthread traffic([this](const std::stop_token& stop) { clients(stop); });
  for (int i = 0; i < 50; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(15));
    if (i % 2 == 0) look(subject);
    ASSERT_EQ(::rename(path.c_str(), fmt::format("{}.{}", path, 100 - i).c_str()), 0);
    if (i % 5 == 0) look(subject);
    ASSERT_EQ(::kill(server, SIGUSR1), 0);
    for (int tries = 0; tries < 1000 && !os::exists(path); ++tries)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  traffic.request_stop();
  traffic.join();
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  look(subject);
  look(subject, 5'000);
  expect_all();
  EXPECT_EQ(of_new, sent_new);
  EXPECT_EQ(figures["clients"], 1);
  EXPECT_EQ(figures["worst_routes"][0]["route"], "GET /bad");
}

TEST_F(AccessLogServers, ApacheRotatedByGracefulRestartAndByCopying) {
  if (!os::exists("/usr/sbin/apache2")) GTEST_SKIP() << "there is no Apache";
  const std::string format = R"(%h %l %u %t "%r" %>s %O "%{Referer}i" "%{User-Agent}i" %D)";
  std::string in_quotes = replaced(format, "\"", "\\\"");
  ASSERT_TRUE(os::make_directories(directory / "www"));
  ASSERT_TRUE(os::write_file_atomic(directory / "www/ok", "ok\n"));
  std::filesystem::permissions(directory.path(), std::filesystem::perms(0755));
  ASSERT_TRUE(os::write_file_atomic(
      directory / "apache.conf",
      fmt::format(
          "ServerRoot {0}\nServerName shop\nPidFile {0}/server.pid\nErrorLog {0}/error.log\nListen 127.0.0.1:{2}\n"
          "LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so\n"
          "LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so\n"
          "LoadModule alias_module /usr/lib/apache2/modules/mod_alias.so\n"
          "Mutex file:{0} default\nDefaultRuntimeDir {0}\nUser nobody\nGroup nogroup\nDocumentRoot {0}/www\n"
          "<Directory {0}/www>\n  Require all granted\n</Directory>\nRedirect 503 /bad\n"
          "LogFormat \"{1}\" full\nCustomLog {0}/access.log full\n",
          directory.path(), in_quotes, port)));
  ASSERT_NO_FATAL_FAILURE(start({"/usr/sbin/apache2", "-f", directory / "apache.conf", "-k", "start"}));
  const Json subject = {{"access_log", path}, {"format", format}};
  look(subject);
  std::jthread traffic([this](const std::stop_token& stop) { clients(stop); });
  for (int i = 0; i < 12; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    if (i % 2 == 0) look(subject);
    const std::string kept = fmt::format("{}.{}", path, 100 - i);
    const std::scoped_lock guard(pause[0], pause[1]);  // between copy and truncation lines would be lost to everybody
    std::this_thread::sleep_for(std::chrono::milliseconds(30));  // Apache writes its line after the answer
    if (i % 4 == 3) {
      ASSERT_EQ(::rename(path.c_str(), kept.c_str()), 0);
      ASSERT_EQ(::kill(server, SIGUSR1), 0);
      for (int tries = 0; tries < 3000 && (!os::exists(path) || status_of(port, "/ok") == 0); ++tries)
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      ++sent;  // the one that answered
    } else {
      std::filesystem::copy_file(path, kept);
      ASSERT_EQ(::truncate(path.c_str(), 0), 0);
    }
  }
  traffic.request_stop();
  traffic.join();
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  look(subject);
  look(subject, 5'000);
  expect_all();
}

}  // namespace
}  // namespace backout::watch
