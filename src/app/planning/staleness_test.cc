#include "app/planning/staleness.h"

#include <gtest/gtest.h>

namespace backout::app {
namespace {

Json of(const Json& sight) {
  const Subject traffic{.part = plan::Part::kTraffic,
                        .driver = "",
                        .name = "traffic",
                        .config = Json(),
                        .hosts = {"local"},
                        .patience = {},
                        .in_front = false};
  return precondition_of(traffic, {{"local", sight}});
}
Json pools() { return {{"blue", {{"version", "v1"}}}, {"green", {{"version", "v2"}}}}; }

TEST(Staleness, APlanThatWouldPutBackOtherWeightsThanThoseFoundIsStale) {
  const auto numbers = [](int blue) {
    return of({{"pools", pools()}, {"weights", {{"blue", 99}}}, {"as_set", {{"blue", blue}, {"green", 1}}}});
  };
  EXPECT_EQ(numbers(999), numbers(999));
  EXPECT_NE(numbers(999), numbers(998)) << "both are 99 %";
  const auto server = [](int weight, const char* state, const char* status, const Json& kept_out) {
    return of({{"pools", pools()},
               {"kept_out", kept_out},
               {"servers", {{"b1", {{"weight", weight}, {"state", state}, {"status", status}}}}}});
  };
  const Json none = Json::object(), left = {{"blue", {"b1"}}};
  EXPECT_EQ(server(10, "ready", "UP", none), server(10, "ready", "DOWN", none)) << "health moves by itself";
  EXPECT_NE(server(10, "ready", "UP", none), server(50, "ready", "UP", none));
  EXPECT_NE(server(10, "ready", "UP", none), server(10, "drain", "UP", none));
  EXPECT_EQ(server(10, "maint", "MAINT", left), server(50, "maint", "MAINT", left)) << "no shift touches it";
}

TEST(Staleness, NginxKeepsWhatItReplacesSoACanaryMayGrow) {
  const auto nginx = [](int green) {
    return of({{"pools", pools()}, {"weights", {{"blue", 100 - green}, {"green", green}}}});
  };
  EXPECT_EQ(nginx(10), nginx(50));
}

TEST(Staleness, OfADatabaseIsWhatItsMigratorNotedToo) {
  const auto database = [](const Json& sight) {
    return precondition_of({.part = plan::Part::kDatabase,
                            .driver = "sqlite",
                            .name = "sqlite",
                            .config = Json(),
                            .hosts = {"local"},
                            .patience = {},
                            .in_front = false},
                           {{"local", sight}});
  };
  const Json schema = {{"tables", Json::array()}};
  const Json two = database({{"schema", schema}, {"applied", {{"django_migrations", "2 rows (aa)"}}}});
  EXPECT_EQ(two, database({{"schema", schema}, {"applied", {{"django_migrations", "2 rows (aa)"}}}, {"size", 7}}));
  EXPECT_NE(two, database({{"schema", schema}, {"applied", {{"django_migrations", "3 rows (bb)"}}}}));
}

}  // namespace
}  // namespace backout::app
