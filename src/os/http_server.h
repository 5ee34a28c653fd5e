// HttpServer: a small HTTP server on one address of the loopback, for the few who may speak to this process. The only
// file that knows cpp-httplib. Requests are handled by two threads; bodies and times are bounded.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"

namespace backout::os {

struct ServedRequest {
  std::string method, path;
  std::string authorization;  // the header, empty when there is none
  std::string body;
};
struct ServedAnswer {
  int status = 200;
  std::string text;  // as text/plain, a newline is added
};

class HttpServer {
 public:
  struct Limits {
    size_t body = 4U << 20;  // more is answered 413
    int seconds = 5;         // to send a request, and to take an answer
  };
  /// Listens at "127.0.0.1:9099" (port 0: any) until it is destroyed. `answer` is called on threads of the server, more
  /// than one at once. kInvalid: not an address of the loopback; kUnavailable: it is taken.
  static Result<std::unique_ptr<HttpServer>> start(const std::string& address,
                                                   std::function<ServedAnswer(const ServedRequest&)> answer,
                                                   Limits limits);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  int port() const;

 private:
  struct Running;
  explicit HttpServer(std::unique_ptr<Running> running);
  std::unique_ptr<Running> running_;
};

}  // namespace backout::os
