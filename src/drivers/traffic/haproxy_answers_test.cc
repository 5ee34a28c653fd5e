#include "drivers/traffic/haproxy_answers.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "drivers/traffic/haproxy_look.h"

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

std::string with_admin(int admin) {
  return std::string(kState.substr(0, kState.find("3 app 1"))) + "3 app 1 blue 127.0.0.1 2 " + std::to_string(admin) +
         " 100 100 15 3 0 14 0 0 0 - 18301 - 0 0 - - 0\n\n";
}

TEST(HaproxyAnswers, AServerThatTheFileDisabledAndSomebodySetReadyServes) {
  // Each bit of "show servers state" in HAProxy's management guide; 5 and 4 as haproxy 2.6 tells a `disabled` server
  // before and after `set server ... state ready`.
  struct Case {
    int admin;
    bool out;
    const char* state;
    bool disabled;
  };
  for (const Case& one : std::initializer_list<Case>{{0, false, "ready", false},
                                                     {1, true, "maint", false},
                                                     {2, true, "ready", false},
                                                     {4, false, "ready", true},
                                                     {5, true, "maint", true},
                                                     {8, true, "drain", false},
                                                     {12, true, "drain", true},
                                                     {16, true, "ready", false},
                                                     {32, true, "ready", false},
                                                     {64, true, "ready", false}}) {
    const auto servers = haproxy_servers(with_admin(one.admin), kStat);
    ASSERT_TRUE(servers.has_value()) << one.admin;
    EXPECT_EQ(servers->front().out, one.out) << one.admin;
    EXPECT_EQ(servers->front().state, one.state) << one.admin;
    EXPECT_EQ(servers->front().disabled, one.disabled) << one.admin;
  }
}

TEST(HaproxyAnswers, WhatSomebodyKeepsOutOfServiceIsToldFromAPoolThatIsOutOfTraffic) {
  const auto server = [](const char* name, const char* state, int weight, bool disabled = false) {
    HaproxyServer made;
    made.name = name;
    made.state = state;
    made.weight = weight;
    made.disabled = disabled;
    return made;
  };
  const auto kept = [](const std::vector<HaproxyServer>& pool) {
    const auto names = kept_out(pool);
    return join({names.begin(), names.end()}, " ");
  };
  EXPECT_EQ(kept({server("a", "ready", 100), server("b", "ready", 0)}), "");
  EXPECT_EQ(kept({server("a", "maint", 0), server("b", "maint", 0)}), "") << "as backout leaves a pool";
  EXPECT_EQ(kept({server("a", "drain", 5), server("b", "drain", 5)}), "") << "as a script leaves one";
  EXPECT_EQ(kept({server("a", "maint", 5, true)}), "") << "as haproxy.cfg begins";
  EXPECT_EQ(kept({server("a", "maint", 100)}), "a");
  EXPECT_EQ(kept({server("a", "ready", 100), server("b", "maint", 0)}), "b");
  EXPECT_EQ(kept({server("a", "ready", 100), server("b", "drain", 100)}), "b");
  EXPECT_EQ(kept({server("a", "maint", 0), server("b", "maint", 100)}), "b") << "before the pool was taken out";
  EXPECT_EQ(kept({server("a", "ready", 1), server("b", "maint", 5, true)}), "b");
}

TEST(HaproxyAnswers, AnythingElseIsNoData) {
  EXPECT_EQ(haproxy_servers("Can't find backend.\n\n", "No such proxy.\n").error().code, Code::kNotFound);
  for (const std::string_view text :
       {"", "\n", "1\n", "Permission denied\n", "1\n# be_id be_name\n3 app\n", "3 app 1 blue 127.0.0.1 0 1 0 100\n"})
    EXPECT_EQ(haproxy_servers(text, kStat).error().code, Code::kCorrupt) << text;
  EXPECT_EQ(haproxy_servers(kState.substr(0, kState.size() - 60), "").error().code, Code::kCorrupt) << "cut off";
}

TEST(HaproxyAnswers, AServerOfAPoolOfWhichNothingIsToldIsNoSuccess) {
  const Json subject = {{"backend", "app"},
                        {"pools",
                         {{"blue", {{"urls", {"http://127.0.0.1:1"}}, {"servers", {"blue"}}}},
                          {"green", {{"urls", {"http://127.0.0.1:2"}}, {"servers", {"green", "nocheck"}}}}}}};
  const auto pools = pools_from(subject);
  ASSERT_TRUE(pools.has_value());
  const auto cut_off = haproxy_seen(subject, *pools, *haproxy_servers(kState, kStat));
  ASSERT_FALSE(cut_off.has_value());
  EXPECT_EQ(cut_off.error().code, Code::kCorrupt);
  EXPECT_EQ(cut_off.error().message, "HAProxy does not tell whether its server nocheck is up");
  const std::string whole =
      replaced(std::string(kStat), "\n\n", "\napp,nocheck,0,0,0,0,,0,0,0,,0,,0,0,0,0,no check,7,1\n\n");
  EXPECT_TRUE(haproxy_seen(subject, *pools, *haproxy_servers(kState, whole)).has_value());
}

TEST(HaproxyAnswers, NothingIsMadeOfNumbersThatAreNone) {
  for (const char* wrong : {"abc", "-1", "257", "99999999999999999999", "1e2", "0x10"}) {
    const std::string row = std::string("3 app 2 green 127.0.0.1 2 0 ") + wrong + " 1 15 3 4 6 0\n\n";
    const auto servers = haproxy_servers(std::string(kState.substr(0, kState.find("3 app 1"))) + row, kStat);
    EXPECT_FALSE(servers.has_value()) << wrong;
  }
  // The name behind the status, in lines that end before it.
  const std::string turned = "# status,weight,pxname,a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,svname\nUP,1\nUP,100,app\n\n";
  EXPECT_EQ(haproxy_servers(kState, turned)->at(1).status, "");
  EXPECT_EQ(haproxy_servers(std::string(kState) + std::string(kState), kStat).error().code, Code::kCorrupt);
  EXPECT_EQ(haproxy_servers(kState.substr(0, kState.size() - 1), kStat).error().code, Code::kCorrupt) << "cut off";
}

TEST(HaproxyAnswers, TheLevelIsOneOfThree) {
  EXPECT_EQ(haproxy_level("admin\n\n"), "admin");
  EXPECT_EQ(haproxy_level("operator\n"), "operator");
  EXPECT_EQ(haproxy_level("Unknown command."), "");
}

}  // namespace
}  // namespace backout::drivers
