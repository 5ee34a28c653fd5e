#include "drivers/traffic/haproxy_answers.h"

#include <gtest/gtest.h>

namespace backout::drivers {
namespace {

// Of haproxy 2.6.12, but for the columns at the end of each line.
constexpr std::string_view kState =
    "1\n"
    "# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight "
    "srv_time_since_last_change srv_check_status srv_check_result srv_check_health srv_check_state srv_agent_state "
    "bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord srv_use_ssl srv_check_port srv_check_addr "
    "srv_agent_addr srv_agent_port\n"
    "3 app 1 blue 127.0.0.1 0 1 0 100 0 15 3 0 14 0 0 0 - 18301 - 0 0 - - 0\n"
    "3 app 2 green 127.0.0.1 2 0 100 0 1 15 3 4 6 0 0 0 - 18302 - 0 0 - - 0\n"
    "3 app 3 nocheck 127.0.0.1 2 8 7 1 1 1 0 2 0 0 0 0 - 18303 - 0 0 - - 0\n\n";
constexpr std::string_view kStat =
    "# pxname,svname,qcur,qmax,scur,smax,slim,stot,bin,bout,dreq,dresp,ereq,econ,eresp,wretr,wredis,status,weight,act\n"
    "app,blue,0,0,0,0,,0,0,0,,0,,0,0,0,0,MAINT,0,1\napp,green,0,0,0,0,,0,0,0,,0,,0,0,0,0,UP 1/2,100,1\n\n";

TEST(HaproxyAnswers, ServersWithTheirWeightsAndStates) {
  const auto servers = haproxy_servers(kState, kStat);
  ASSERT_TRUE(servers.has_value());
  ASSERT_EQ(servers->size(), 3U);
  EXPECT_EQ((*servers)[0].name, "blue");
  EXPECT_EQ((*servers)[0].weight, 0);
  EXPECT_EQ((*servers)[0].weight_of_the_file, 100);
  EXPECT_TRUE((*servers)[0].out);
  EXPECT_FALSE((*servers)[0].serves());
  EXPECT_EQ((*servers)[1].weight, 100);
  EXPECT_FALSE((*servers)[1].out);
  EXPECT_TRUE((*servers)[1].serves());
  EXPECT_TRUE((*servers)[2].out) << "draining";
  EXPECT_EQ((*servers)[2].status, "");
}

TEST(HaproxyAnswers, AnythingElseIsNoData) {
  EXPECT_EQ(haproxy_servers("Can't find backend.\n\n", "No such proxy.\n").error().code, Code::kNotFound);
  for (const std::string_view text :
       {"", "\n", "1\n", "Permission denied\n", "1\n# be_id be_name\n3 app\n", "3 app 1 blue 127.0.0.1 0 1 0 100\n"})
    EXPECT_EQ(haproxy_servers(text, kStat).error().code, Code::kCorrupt) << text;
  EXPECT_EQ(haproxy_servers(kState.substr(0, kState.size() - 60), "").error().code, Code::kCorrupt) << "cut off";
}

TEST(HaproxyAnswers, TheLevelIsOneOfThree) {
  EXPECT_EQ(haproxy_level("admin\n\n"), "admin");
  EXPECT_EQ(haproxy_level("operator\n"), "operator");
  EXPECT_EQ(haproxy_level("Unknown command."), "");
}

}  // namespace
}  // namespace backout::drivers
