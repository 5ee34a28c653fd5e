#include "drivers/checks/resources.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "conformance/conformance.h"
#include "os/test_directory.h"

namespace backout::drivers {
namespace {

constexpr const char* kPrinted = R"(cores 4
load 6.00
MemTotal 8000000
MemAvailable 2000000
disk 50 50 /
disk 95 5 /srv/big disk
proc 100 1 2000
proc 101 100 1000
proc 102 101 500
proc 200 1 90000
service 100 web
files 512 1024 web
restarts 3 web
nonsense
)";

TEST(Resources, AreReadFromWhatTheHostPrints) {
  const auto figures = figures_in(kPrinted);
  EXPECT_DOUBLE_EQ(figures.at("load").value, 1.5);
  EXPECT_DOUBLE_EQ(figures.at("memory").value, 75);
  EXPECT_DOUBLE_EQ(figures.at("disk").value, 95);
  EXPECT_EQ(figures.at("disk").of, "/srv/big disk");
  EXPECT_DOUBLE_EQ(figures.at("rss").value, 3500 * 1024) << "with its children";
  EXPECT_DOUBLE_EQ(figures.at("open_files").value, 50);
  EXPECT_DOUBLE_EQ(figures.at("restarts").value, 3);
  EXPECT_TRUE(figures_in("").empty());
  EXPECT_TRUE(figures_in("load\ncores\ndisk 0 0 /\nproc 1 1 1\nservice 1 a\nfiles 1 0 a\n").count("open_files") == 0);
}

class ResourcesTest : public ::testing::Test {
 protected:
  Sight look(const Json& limits, const Json& services = Json::array()) {
    return driver->verify(
        {"resources", "check", {{"limits", limits}, {"paths", {"/", "/nowhere"}}, {"services", services}}}, *host, {});
  }
  os::TestDirectory directory;
  std::unique_ptr<host::Host> host = host::make_local_host(host::HostName("local"), directory.path() + "/target");
  std::unique_ptr<driver::Driver> driver = make_resources_driver();
};

TEST_F(ResourcesTest, AreComparedWithLimits) {
  Sight sight = look({{"disk", "<=100%"}, {"memory", "<=100%"}, {"load", "<100000"}});
  EXPECT_EQ(sight.kind, SightKind::kHolds) << sight.why;
  EXPECT_TRUE(sight.evidence["figures"]["disk"].is_number());
  sight = look({{"disk", "<=100%"}, {"memory", "<0%"}});
  EXPECT_EQ(sight.kind, SightKind::kDoesNotHold);
  EXPECT_NE(sight.why.find("expected <0%"), std::string::npos) << sight.why;
}

TEST_F(ResourcesTest, AnUnknownFigureIsNoGoodSign) {
  EXPECT_EQ(look({{"restarts", "0"}}).kind, SightKind::kCannotTell);
  EXPECT_EQ(look({{"rss", "<1GB"}}, {{{"name", "web"}, {"pidfile", "/nowhere/web.pid"}}}).kind, SightKind::kCannotTell);
  EXPECT_EQ(look(Json::object()).kind, SightKind::kCannotTell);
  EXPECT_EQ(look({{"restarts", "0"}, {"memory", "<0%"}}).kind, SightKind::kDoesNotHold) << "one broken is enough";
  conformance::UnreachableHost nowhere;
  EXPECT_EQ(driver->verify({"resources", "check", {{"limits", {{"load", "<1"}}}}}, nowhere, {}).kind,
            SightKind::kCannotTell);
}

TEST_F(ResourcesTest, OfAServiceAreThoseOfItsProcess) {
  std::ofstream(directory.path() + "/web.pid") << getpid() << "\n";
  const Sight sight = look({{"rss", "<100GB"}, {"open_files", "<=100%"}},
                           {{{"name", "web"}, {"pidfile", directory.path() + "/web.pid"}}});
  EXPECT_EQ(sight.kind, SightKind::kHolds) << sight.why;
  EXPECT_GT(sight.evidence["figures"]["rss"], 100000);
}

}  // namespace
}  // namespace backout::drivers
