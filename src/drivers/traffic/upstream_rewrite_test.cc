#include "drivers/traffic/upstream_rewrite.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "conformance/conformance.h"
#include "drivers/traffic/upstream_block.h"

namespace backout::drivers {
namespace {

Pools pools_of(const Json& blue, const Json& green) {
  const auto pools = pools_from({{"pools",
                                  {{"blue", {{"urls", {"http://127.0.0.1:1"}}, {"servers", blue}}},
                                   {"green", {{"urls", {"http://127.0.0.1:2"}}, {"servers", green}}}}}});
  EXPECT_TRUE(pools.has_value()) << (pools ? "" : pools.error().message);
  return pools ? *pools : Pools();
}

struct UpstreamRewrite : ::testing::Test {
  conformance::LocalHost local;
  Pools pools = pools_of({"a:1", "a:2"}, {"b:1"});

  std::string once(const std::string& content, int blue) {
    const auto spec = rewrite_spec(pools, {{"blue", blue}, {"green", 100 - blue}});
    EXPECT_TRUE(spec.has_value());
    const auto result = local.host->run(host::shell(
        std::string(kRewriteUpstream) + "printf '%s' \"$2\" | { rewrite \"$1\"; }", {spec.value_or(""), content}));
    EXPECT_TRUE(result.has_value() && result->ok()) << (result ? result->err : result.error().message);
    return result ? result->out : "";
  }
  /// And the same again for what it made, and divided as wanted.
  std::string rewritten(const std::string& content, int blue) {
    std::string made = once(content, blue);
    EXPECT_EQ(once(made, blue), made);
    const auto weights = upstream_weights(made, pools);
    EXPECT_TRUE(weights && same({{"blue", blue}, {"green", 100 - blue}}, *weights)) << made;
    return made;
  }
};

TEST_F(UpstreamRewrite, ChangesWhoServesAndNothingElse) {
  const std::string before =
      "# by Kim; do not touch\nleast_conn;\nserver a:1 max_conns=50 max_fails=3;  # old disk\n"
      "\tserver a:2 max_conns=50;\n# out of traffic: server b:1 slow_start=30s; # new\nserver sorry:1 backup;\n"
      "keepalive 16;\n";
  const std::string after = rewritten(before, 0);
  EXPECT_EQ(after,
            "# by Kim; do not touch\nleast_conn;\n# out of traffic: server a:1 max_conns=50 max_fails=3;  # old disk\n"
            "\t# out of traffic: server a:2 max_conns=50;\nserver b:1 slow_start=30s; # new\nserver sorry:1 backup;\n"
            "keepalive 16;\n");
  EXPECT_EQ(rewritten(after, 100), before) << "and back";
}

TEST_F(UpstreamRewrite, WhatSomebodyTookOutStaysOut) {
  const std::string before = "server a:1 weight=9;\nserver a:2 down; # disk is dying\nserver b:1 weight=1;\n";
  EXPECT_EQ(rewritten(before, 100),
            "server a:1;\nserver a:2 down; # disk is dying\n# out of traffic: server b:1 weight=1;\n");
  EXPECT_EQ(rewritten(rewritten(before, 0), 100),
            "server a:1;\nserver a:2 down; # disk is dying\n# out of traffic: server b:1 weight=1;\n");
  EXPECT_EQ(taken_out(before, pools), Json({{"kept_out", {{"blue", {"a:2"}}}}}));
  EXPECT_EQ(taken_out(rewritten(before, 0), pools), Json({{"kept_out", {{"blue", {"a:2"}}}}}));
  EXPECT_EQ(taken_out("server b:1;", pools), Json::object());
}

TEST_F(UpstreamRewrite, APoolThatIsOutByDownOrBackupAsAWholeServes) {
  EXPECT_EQ(rewritten("server a:1 down max_fails=2;\nserver a:2 down;\nserver b:1;\n", 100),
            "server a:1 max_fails=2;\nserver a:2;\n# out of traffic: server b:1;\n");
  EXPECT_EQ(taken_out("server a:1 down; server a:2 down; server b:1;", pools),
            Json({{"down", {{"blue", {"a:1", "a:2"}}}}}));
  EXPECT_EQ(rewritten("server a:1 backup;\nserver a:2 down;\nserver b:1;\n", 100),
            "server a:1;\nserver a:2 down;\n# out of traffic: server b:1;\n");
  EXPECT_EQ(rewritten("server a:1;\nserver a:2 backup;\n", 100), "server a:1;\nserver a:2 backup;\n");
}

TEST_F(UpstreamRewrite, WhatIsNotThereIsWrittenAndALineMayHoldSeveral) {
  pools = pools_of({"a:1", "a:2 max_fails=7"}, {"b:1"});
  EXPECT_EQ(rewritten("server b:1;", 100), "# out of traffic: server b:1;\nserver a:1;\nserver a:2 max_fails=7;\n");
  EXPECT_EQ(rewritten("", 100), "server a:1;\nserver a:2 max_fails=7;\n");
  EXPECT_EQ(rewritten("server a:1; server b:1; zone x 64k; server a:2;\r\n", 100),
            "server a:1; # out of traffic: server b:1;\n zone x 64k; server a:2;\r\n");
  EXPECT_EQ(rewritten("server\n  a:1 # one\n weight=3;server a:2 weight=3;server b:1;\n", 0),
            "# out of traffic: server a:1 weight=3;\n# out of traffic: server a:2 weight=3;\nserver b:1;\n");
  EXPECT_EQ(rewritten("balancer_by_lua_block { server b:1; \"}\" }\nserver a:1; server a:2;\nserver b:1;\n", 100),
            "balancer_by_lua_block { server b:1; \"}\" }\nserver a:1; server a:2;\n# out of traffic: server b:1;\n");
  EXPECT_EQ(rewritten("server a:1; # \"x;y '\xff\nserver a:2;\n", 0),
            "# out of traffic: server a:1; # \"x;y '\xff\n# out of traffic: server a:2;\nserver b:1;\n");
}

TEST_F(UpstreamRewrite, WeightsCountPoolsAndKeepThePartsWithinOne) {
  EXPECT_EQ(rewritten("server a:1 weight=5;\nserver a:2;\nserver b:1;\n", 100),
            "server a:1 weight=5;\nserver a:2;\n# out of traffic: server b:1;\n");
  EXPECT_EQ(rewritten("server a:1 weight=5;\nserver a:2;\nserver b:1;\n", 50),
            "server a:1 weight=5;\nserver a:2;\nserver b:1 weight=6;\n");
  EXPECT_EQ(once("server a:1 weight=45;\nserver a:2 weight=45;\nserver b:1 weight=10;\n", 90),
            "server a:1 weight=45;\nserver a:2 weight=45;\nserver b:1 weight=10;\n")
      << "as somebody wrote it";
  pools = pools_of({"a:1", "a:2", "a:3"}, {"b:1"});
  for (const int percent : {1, 2, 7, 10, 33, 50, 67, 90, 99})
    rewritten("server a:1 weight=97;\nserver a:2;\nserver b:1;\nserver a:3 weight=13;\n", percent);
}

}  // namespace
}  // namespace backout::drivers
