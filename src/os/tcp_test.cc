#include "os/tcp.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <fmt/format.h>

#include "os/descriptor.h"

namespace backout::os {
namespace {

TEST(TcpConnect, ReachesWhatListensAndSaysWhyNotOtherwise) {
  Descriptor listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  ASSERT_EQ(::listen(listener.get(), 4), 0);
  const std::string where = fmt::format("127.0.0.1:{}", ntohs(address.sin_port));
  EXPECT_TRUE(tcp_connect(where, Millis(2000)));
  listener.close();
  const auto refused = tcp_connect(where, Millis(2000));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kUnavailable) << refused.error().message;
  EXPECT_NE(refused.error().message.find("refused"), std::string::npos) << refused.error().message;
}

TEST(TcpConnect, ANameThatIsNoneAndAnAddressThatIsNone) {
  EXPECT_EQ(tcp_connect("no-such-host.invalid:80", Millis(1000)).error().code, Code::kUnavailable);
  for (const char* bad : {"", "localhost", ":80", "localhost:", "a b"})
    EXPECT_EQ(tcp_connect(bad, Millis(100)).error().code, Code::kInvalid) << bad;
  EXPECT_FALSE(tcp_connect("127.0.0.1:http-or-so", Millis(100)));
}

}  // namespace
}  // namespace backout::os
