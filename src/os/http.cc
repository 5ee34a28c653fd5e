#include "os/http.h"

#include <curl/curl.h>

#include <algorithm>
#include <cctype>
#include <memory>

#include "base/text.h"

namespace backout::os {
namespace {

template <class T, void (*Free)(T*)>
struct FreedBy {
  void operator()(T* object) const { Free(object); }
};
using Easy = std::unique_ptr<CURL, FreedBy<CURL, curl_easy_cleanup>>;
using Address = std::unique_ptr<CURLU, FreedBy<CURLU, curl_url_cleanup>>;
using HeaderList = std::unique_ptr<curl_slist, FreedBy<curl_slist, curl_slist_free_all>>;

struct Reception {
  HttpResponse response;
  size_t body_limit = 0;
  bool cut = false;
};

size_t take_body(char* bytes, size_t, size_t size, void* where) {
  auto& reception = *static_cast<Reception*>(where);
  const size_t room = reception.body_limit - reception.response.body.size();
  reception.response.body.append(bytes, std::min(room, size));
  if (size <= room) return size;
  reception.cut = true;
  return 0;  // ends the transfer
}

size_t take_header(char* bytes, size_t, size_t size, void* where) {
  auto& reception = *static_cast<Reception*>(where);
  const std::string_view line = trimmed(std::string_view(bytes, size));
  if (line.starts_with("HTTP/")) reception.response.headers.clear();  // after an interim "100 Continue"
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos || line.starts_with("HTTP/")) return size;
  std::string name(trimmed(line.substr(0, colon)));
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  reception.response.headers[name] = std::string(trimmed(line.substr(colon + 1)));
  return size;
}

/// Called by libcurl about once a second at least. Not 0 ends the transfer.
int heed(void* stop, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<const std::stop_token*>(stop)->stop_requested() ? 1 : 0;
}

bool is_loopback(std::string_view host) {
  return host == "localhost" || host.ends_with(".localhost") || host.starts_with("127.") || host == "[::1]";
}

/// The host of an http or https URL; kInvalid otherwise.
Result<std::string> host_of(const std::string& url) {
  const Error invalid{Code::kInvalid, "not an http:// or https:// address: " + shortened(one_line(url), 200), ""};
  if (url.find_first_of(std::string_view("\r\n\0 ", 4)) != std::string::npos) return invalid;
  const Address address(curl_url());
  if (!address || curl_url_set(address.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) return invalid;
  const auto part = [&](CURLUPart which) {
    char* text = nullptr;
    curl_url_get(address.get(), which, &text, 0);
    std::string copy = text == nullptr ? "" : text;
    curl_free(text);
    return copy;
  };
  const std::string scheme = part(CURLUPART_SCHEME);
  if (scheme != "http" && scheme != "https") return invalid;
  return part(CURLUPART_HOST);
}

Result<HeaderList> header_list(const HttpRequest& request) {
  const auto breaks_line = [](const std::string& text) {
    return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos;
  };
  curl_slist* list = curl_slist_append(nullptr, "Expect:");  // no waiting for "100 Continue"
  for (const auto& [name, value] : request.headers) {
    if (name.empty() || breaks_line(name) || breaks_line(value)) {
      curl_slist_free_all(list);
      return Error{Code::kInvalid, "not a header: " + one_line(name), ""};
    }
    list = curl_slist_append(list, (value.empty() ? name + ";" : name + ": " + value).c_str());
  }
  return HeaderList(list);
}

Error error_of(CURLcode code, const HttpRequest& request, const char* detail) {
  const std::string what = one_line(request.url) + ": ";
  if (code == CURLE_OPERATION_TIMEDOUT)
    return {Code::kTimedOut, what + "no answer within " + for_people(request.timeout), ""};
  const std::string why = one_line(*detail != '\0' ? detail : curl_easy_strerror(code));
  if (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL) return {Code::kInvalid, what + why, ""};
  return {Code::kUnavailable, what + why, ""};
}

}  // namespace

Result<HttpResponse> http(const HttpRequest& request, const std::stop_token& stop) {
  static const CURLcode global = curl_global_init(CURL_GLOBAL_DEFAULT);
  const std::string host = TRY(host_of(request.url));
  const HeaderList headers = TRY(header_list(request));
  const Easy easy(curl_easy_init());
  if (global != CURLE_OK || !easy) return Error{Code::kInternal, "libcurl does not start", ""};

  Reception reception;
  reception.body_limit = request.body_limit;
  char detail[CURL_ERROR_SIZE] = "";
  CURL* const curl = easy.get();
  curl_easy_setopt(curl, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "backout");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(std::max<int64_t>(1, request.timeout.count())));
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, detail);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &reception);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &reception);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, stop.stop_possible() ? 0L : 1L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, heed);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &stop);
  if (is_loopback(host)) curl_easy_setopt(curl, CURLOPT_PROXY, "");
  if (!request.body.empty()) {
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request.body.c_str());
  }
  if (request.method == "HEAD") curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
  if (request.method.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ") != std::string::npos || request.method.empty())
    return Error{Code::kInvalid, "not an HTTP method: " + one_line(request.method), ""};
  curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request.method.c_str());

  const BootTime started = system_clock().boot();
  const CURLcode code = curl_easy_perform(curl);
  if (code == CURLE_ABORTED_BY_CALLBACK)
    return Error{Code::kCancelled, one_line(request.url) + ": stopped before it answered", ""};
  if (code != CURLE_OK && !(code == CURLE_WRITE_ERROR && reception.cut)) return error_of(code, request, detail);
  long status = 0;  // NOLINT: libcurl's own type
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  reception.response.status = static_cast<int>(status);
  reception.response.cut = reception.cut;
  reception.response.took = system_clock().boot() - started;
  return std::move(reception.response);
}

}  // namespace backout::os
