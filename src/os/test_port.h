// free_port: for tests only. A port of 127.0.0.1 that nobody listens on and nobody is given by chance.
#pragma once
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <random>
#include <set>

#include "os/descriptor.h"

namespace backout::os {

/// Drawn below the ports that Linux gives to connections that go out (ip_local_port_range begins at 32768): one that
/// was free a moment ago would otherwise be some client's when the server under test wants it. Never the same twice in
/// a process. Not thread-safe. 0 and a failure of the test where none is found.
inline int free_port() {
  static std::mt19937 random{std::random_device{}()};
  static std::set<int> given;
  for (int attempt = 0; attempt < 1000; ++attempt) {
    const int port = std::uniform_int_distribution<int>(10'000, 31'999)(random);
    const Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 && given.insert(port).second)
      return port;
  }
  ADD_FAILURE() << "no free port of 127.0.0.1";
  return 0;
}

}  // namespace backout::os
