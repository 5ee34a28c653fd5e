#include "os/tcp.h"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <memory>

#include "base/text.h"
#include "os/descriptor.h"

namespace backout::os {
namespace {

struct FreeAddresses {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};

/// 0, or the errno of one try.
int try_address(const addrinfo& address, BootTime deadline) {
  const Descriptor socket(::socket(address.ai_family, address.ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket.is_open()) return errno;
  if (::connect(socket.get(), address.ai_addr, address.ai_addrlen) == 0) return 0;
  if (errno != EINPROGRESS) return errno;
  for (;;) {
    const Millis left = deadline - system_clock().boot();
    if (left <= Millis(0)) return ETIMEDOUT;
    pollfd waiting{socket.get(), POLLOUT, 0};
    const int ready = ::poll(&waiting, 1, static_cast<int>(left.count()));
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0) return ETIMEDOUT;
    if (ready < 0) return errno;
    int failure = 0;
    socklen_t size = sizeof failure;
    if (::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &failure, &size) != 0) return errno;
    return failure;
  }
}

}  // namespace

Result<Millis> tcp_connect(const std::string& address, Millis timeout) {
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos || colon == 0 || colon + 1 == address.size() ||
      address.find('\0') != std::string::npos)
    return Error{Code::kInvalid, "not a host and port: " + shortened(one_line(address), 200), ""};
  std::string host = address.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  const BootTime started = system_clock().boot();
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int failure = getaddrinfo(host.c_str(), address.substr(colon + 1).c_str(), &hints, &found);
  const std::unique_ptr<addrinfo, FreeAddresses> list(found);
  const std::string what = shortened(one_line(address), 200) + ": ";
  if (failure != 0) return Error{Code::kUnavailable, what + gai_strerror(failure), ""};
  int last = ENOENT;
  for (const addrinfo* each = list.get(); each != nullptr; each = each->ai_next) {
    last = try_address(*each, started + timeout);
    if (last == 0) return system_clock().boot() - started;
  }
  if (last == ETIMEDOUT) return Error{Code::kTimedOut, what + "no answer within " + for_people(timeout), ""};
  Error error = errno_error(what.substr(0, what.size() - 2), last);
  error.code = Code::kUnavailable;
  return error;
}

}  // namespace backout::os
