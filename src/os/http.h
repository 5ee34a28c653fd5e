// One HTTP request by libcurl: bounded in time and size, redirects not followed, no proxy from the environment for
// loopback.
#pragma once
#include <map>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace backout::os {

struct HttpRequest {
  std::string method = "GET";
  std::string url;  // http:// or https://
  std::map<std::string, std::string> headers;
  std::string body;
  Millis timeout{5000};
  size_t body_limit = 4 << 20;
};
struct HttpResponse {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lowercase; the last one wins
  std::string body;                            // raw bytes
  bool cut = false;                            // there was more than body_limit
  Millis took{0};
};
/// kUnavailable: no connection; kTimedOut; kInvalid: not a URL; kCancelled: `stop`, heeded within about a second. Any
/// status code is a response.
Result<HttpResponse> http(const HttpRequest& request, const std::stop_token& stop = {});

}  // namespace backout::os
