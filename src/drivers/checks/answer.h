// Judging one HTTP answer against what a check expects. Pure.
#pragma once
#include <map>
#include <optional>
#include <string>

#include "base/json.h"
#include "os/http.h"

namespace backout::drivers {

struct AnswerExpected {
  int status = 200;
  std::string contains;
  std::map<std::string, std::string> headers;  // names in lowercase
  Json conditions = Json::object();
  std::string version, version_header;  // header name in lowercase
  Millis within{0};                     // 0: any

  /// Asks for nothing but a status: then what the answer calls itself is all that tells an error page from the site.
  bool status_alone() const { return contains.empty() && conditions.empty() && version.empty(); }
};

/// The first thing that is not as expected; empty when all is.
std::optional<std::string> mismatch(const os::HttpResponse& answer, const AnswerExpected& expected);

/// The version that an answer reports: by header, by a JSON field "version", or as its whole body (one short line).
std::optional<std::string> reported_version(const os::HttpResponse& answer, const std::string& version_header);

/// The body for a message: one line, sanitised, short.
std::string shown_body(const std::string& body);

}  // namespace backout::drivers
