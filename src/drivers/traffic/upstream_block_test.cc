#include "drivers/traffic/upstream_block.h"

#include <gtest/gtest.h>

namespace backout::drivers {
namespace {

Pools some_pools(const Json& blue, const Json& green) {
  const auto pools = pools_from({{"pools",
                                  {{"blue", {{"urls", {"http://127.0.0.1:1"}}, {"servers", blue}}},
                                   {"green", {{"urls", {"http://127.0.0.1:2"}}, {"servers", green}}}}}});
  EXPECT_TRUE(pools.has_value()) << (pools ? "" : pools.error().message);
  return pools ? *pools : Pools();
}

TEST(UpstreamBlock, WeightsStayBelowWhatHaproxyTakes) {
  for (int percent = 0; percent <= 100; ++percent) {
    const auto each = weight_of_each({{"blue", 100 - percent}, {"green", percent}}, {{"blue", 7}, {"green", 5}}, 256);
    EXPECT_LE(std::max(each.at("blue"), each.at("green")), 256);
    EXPECT_EQ(each.at("green") == 0, percent == 0);
    EXPECT_EQ(each.at("blue") == 0, percent == 100);
    EXPECT_TRUE(same({{"blue", 100 - percent}, {"green", percent}},
                     in_percent({{"blue", 7.0 * each.at("blue")}, {"green", 5.0 * each.at("green")}})))
        << percent;
  }
}

TEST(UpstreamBlock, AFileByHandIsRead) {
  const Pools pools = some_pools({"a:1"}, {"b:1", "b:2"});
  const auto read = [&](std::string_view text) {
    const auto weights = upstream_weights(text, pools);
    return weights ? in_words(*weights) : weights.error().message;
  };
  EXPECT_EQ(read("server a:1 weight=9 max_fails=2;\n  server\tb:1; # server b:2;\n"), "blue 90 %, green 10 %");
  EXPECT_EQ(read("server a:1; server b:1 down; server b:2 backup;"), "blue 100 %");
  EXPECT_EQ(read("zone app 64k;\n# server a:1;\n"), "no pool");
  EXPECT_EQ(read("server a:1; server sorry:1 backup; server c:1 down;"), "blue 100 %");
  EXPECT_EQ(read("server c:1;"), "c:1 gets traffic and is in no pool");
  EXPECT_EQ(read("server a:1 weight=999; server b:1 weight=1;"), "blue 99 %, green 1 %") << "never told as nothing";
}

TEST(UpstreamBlock, ServersThatNginxWouldReadAsItsOwnAreRefused) {
  for (const Json& bad : {Json({"a:1;"}), Json({"a:1 weight=3"}), Json({"a{"}), Json({""}), Json({" "}), Json({"a\nb"}),
                          Json({1}), Json("a:1"), Json::array()})
    EXPECT_FALSE(servers_of(some_pools(bad, {"b:1"})).has_value()) << bad.dump();
  EXPECT_FALSE(servers_of(some_pools({"a:1"}, {"a:1 max_fails=1"})).has_value()) << "in two pools";
}

// Of nginx 1.22.1.
TEST(UpstreamBlock, TheDumpTellsFilesAndThePid) {
  const NginxDump dump = nginx_dump(
      "# configuration file /etc/nginx/nginx.conf:\nuser www-data;\nworker_processes auto;\npid /run/nginx.pid;\n"
      "events {\n\tworker_connections 768; # pid /no;\n}\nhttp { pid /nor; include /etc/nginx/conf.d/*.conf; }\n\n"
      "# configuration file /etc/nginx/conf.d/pool.conf:\nserver 127.0.0.1:8001;\n\n");
  EXPECT_EQ(dump.pid_file, "/run/nginx.pid");
  EXPECT_EQ(dump.files, (std::set<std::string>{"/etc/nginx/nginx.conf", "/etc/nginx/conf.d/pool.conf"}));
  EXPECT_TRUE(nginx_dump("").files.empty());
}

TEST(UpstreamBlock, TheDumpTellsWhereRequestsGo) {
  const NginxDump dump = nginx_dump(
      "# configuration file /etc/nginx/nginx.conf:\nevents { }\nhttp {\n  log_format a '{\"x\": \"$uri\"; }';\n"
      "  upstream shop { include pool.conf; }\n  upstream api {\n    server 10.0.0.1:80 weight=3; server 10.0.0.2:80\n"
      "      down; # server 10.0.0.9:80;\n  }\n  server { listen 10.0.0.8:80; set $to \"10.0.0.3:80\";\n"
      "    location ~ \"^/a{2}\" { proxy_pass http://10.0.0.4:80/x; }\n    location /b { fastcgi_pass unix:/run/a:; } "
      "} }\n"
      "# configuration file /etc/nginx/pool.conf:\nserver 10.0.0.5:80;\n");
  std::vector<std::string> told;
  for (const NginxDump::Target& target : dump.targets)
    told.push_back(target.file.substr(11) + "|" + target.upstream + "|" + target.directive + "|" + target.address +
                   (target.is_included ? "|included" : ""));
  EXPECT_EQ(told,
            (std::vector<std::string>{"nginx.conf|api|server|10.0.0.1:80", "nginx.conf||set|10.0.0.3:80",
                                      "nginx.conf||proxy_pass|10.0.0.4:80", "nginx.conf||fastcgi_pass|unix:/run/a",
                                      "pool.conf||server|10.0.0.5:80|included"}));
}

TEST(Weights, AreOfKnownPoolsAndAHundredInAll) {
  const Pools pools = some_pools({"a:1"}, {"b:1"});
  EXPECT_TRUE(weights_from({{"blue", 100}}, pools).has_value());
  for (const Json& bad :
       {Json::object(), Json(), Json({{"blue", 99}}), Json({{"blue", 50}, {"green", 51}}),
        Json({{"blue", -1}, {"green", 101}}), Json({{"blue", "100"}}), Json({{"blue", 100.0}}), Json({{"red", 100}})})
    EXPECT_FALSE(weights_from(bad, pools).has_value()) << bad.dump();
}

TEST(Weights, OnePoolIsRaisedAndTheOthersShareWhatIsLeftAsBefore) {
  const auto after = [](const Weights& had, int percent) { return in_words(raised(had, "a", percent)); };
  EXPECT_EQ(after({{"a", 0}, {"b", 100}}, 10), "a 10 %, b 90 %");
  EXPECT_EQ(after({{"a", 0}, {"b", 100}}, 100), "a 100 %");
  EXPECT_EQ(after({{"a", 0}, {"b", 67}, {"c", 33}}, 50), "a 50 %, b 34 %, c 16 %");
  EXPECT_EQ(after({{"a", 90}, {"b", 10}}, 50), "a 90 %, b 10 %") << "never less than it has";
  EXPECT_EQ(after({{"a", 100}, {"b", 0}}, 10), "a 100 %");
  for (int percent = 1; percent <= 100; ++percent) {
    int all = 0;
    for (const auto& [name, share] : raised({{"a", 3}, {"b", 60}, {"c", 37}}, "a", percent)) all += share;
    EXPECT_EQ(all, 100) << percent;
  }
}

TEST(Weights, NothingIsNotTheSameAsALittle) {
  EXPECT_TRUE(same({{"a", 90}, {"b", 10}}, {{"a", 91}, {"b", 9}}));
  EXPECT_FALSE(same({{"a", 100}, {"b", 0}}, {{"a", 99}, {"b", 1}}));
  EXPECT_FALSE(same({{"a", 100}}, {{"a", 100}, {"b", 1}}));
}

}  // namespace
}  // namespace backout::drivers
