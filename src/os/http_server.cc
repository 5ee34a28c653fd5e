#include "os/http_server.h"

// As Debian compiled the library: its classes are laid out by these.
#define CPPHTTPLIB_OPENSSL_SUPPORT
#define CPPHTTPLIB_ZLIB_SUPPORT
#define CPPHTTPLIB_BROTLI_SUPPORT
#include <httplib.h>

#include <charconv>
#include <thread>

#include "base/text.h"

namespace backout::os {

struct HttpServer::Running {
  httplib::Server server;
  std::thread listening;
  int port = 0;
};

namespace {

struct Where {
  std::string host;
  int port = 0;
};

Result<Where> loopback(const std::string& address) {
  const size_t colon = address.rfind(':');
  Where where;
  const char* const end = address.data() + address.size();
  if (colon != std::string::npos) {
    where.host = address.substr(0, colon);
    const auto [stopped, failure] = std::from_chars(address.data() + colon + 1, end, where.port);
    const bool number = failure == std::errc() && stopped == end && where.port >= 0 && where.port <= 65535;
    if (where.host == "[::1]") where.host = "::1";
    const bool inside =
        where.host == "localhost" || where.host == "::1" ||
        (where.host.starts_with("127.") && where.host.find_first_not_of("0123456789.") == where.host.npos);
    if (number && inside) return where;
  }
  return Error{Code::kInvalid,
               fmt::format("'{}' is no address of the loopback with a port", shortened(one_line(address), 60)),
               "for example: 127.0.0.1:9099"};
}

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::start(const std::string& address,
                                                      std::function<ServedAnswer(const ServedRequest&)> answer,
                                                      Limits limits) {
  const Where where = TRY(loopback(address));
  auto running = std::make_unique<Running>();
  httplib::Server& server = running->server;
  server.new_task_queue = [] { return new httplib::ThreadPool(2); };
  server.set_payload_max_length(limits.body);
  server.set_read_timeout(limits.seconds);
  server.set_write_timeout(limits.seconds);
  server.set_keep_alive_timeout(1);
  server.set_keep_alive_max_count(100);
  // Another listener at the same port must not share it: SO_REUSEADDR alone.
  server.set_socket_options([](socket_t socket) {
    const int yes = 1;
    ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  });
  const auto handle = [answer = std::move(answer)](const httplib::Request& request, httplib::Response& response) {
    const ServedAnswer given =
        answer({request.method, request.path, request.get_header_value("Authorization"), request.body});
    response.status = given.status;
    response.set_content(given.text + "\n", "text/plain; charset=utf-8");
  };
  server.Get(".*", handle);
  server.Post(".*", handle);
  server.Put(".*", handle);
  server.set_exception_handler(
      [](const httplib::Request&, httplib::Response& response, std::exception_ptr) { response.status = 500; });
  running->port = where.port == 0 ? server.bind_to_any_port(where.host)
                                  : (server.bind_to_port(where.host, where.port) ? where.port : -1);
  if (running->port <= 0)
    return Error{Code::kUnavailable, fmt::format("{} cannot be listened at: something else does", one_line(address)),
                 "choose another port"};
  running->listening = std::thread([raw = running.get()] { raw->server.listen_after_bind(); });
  while (!server.is_running()) std::this_thread::yield();  // stop() before that would be lost
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(running)));
}

HttpServer::HttpServer(std::unique_ptr<Running> running) : running_(std::move(running)) {}
HttpServer::~HttpServer() {
  running_->server.stop();
  running_->listening.join();
}
int HttpServer::port() const { return running_->port; }

}  // namespace backout::os
