#include "drivers/traffic/nginx_workers.h"

#include "drivers/traffic/nginx_for_tests.h"

namespace backout::drivers {
namespace {

/// This machine, asked as one behind ssh is: by commands alone. Nothing may act on it.
class AsIfAway : public conformance::UnreachableHost {
 public:
  explicit AsIfAway(host::Host& here) : here_(here) {}
  Result<host::CommandResult> run(const host::Command& command, std::stop_token stop) override {
    return here_.run(command, std::move(stop));
  }
  Result<std::string> read(const std::string& path) override { return here_.read(path); }

 private:
  host::Host& here_;
};

/// Each test by this process's own reading of /proc, and by the script for other machines.
class NginxWorkersTest : public NginxUpstreamTest, public testing::WithParamInterface<bool> {
 protected:
  std::string amiss(const std::vector<std::string>& files) { return amiss_of(home + "/nginx.pid", files); }
  std::string amiss_of(const std::string& pid_file, const std::vector<std::string>& files) {
    const auto said = amiss_in_workers(GetParam() ? *local.host : away, pid_file, files, {});
    return said ? *said : "error: " + said.error().message;
  }
  AsIfAway away{*local.host};
};
INSTANTIATE_TEST_SUITE_P(HereAndAway, NginxWorkersTest, testing::Bool(),
                         [](const auto& made) { return made.param ? "here" : "away"; });

TEST_P(NginxWorkersTest, WorkersYoungerThanTheFilesAreWell) { EXPECT_EQ(amiss({include, configuration}), ""); }

TEST_P(NginxWorkersTest, AFileWrittenSinceIsNamed) {
  const std::string other = home + "/other.conf";
  write_text(other, "\n");
  EXPECT_EQ(amiss({include, other}), other + " was written after nginx last loaded its configuration");
  ::usleep(1'100'000);  // nor is it forgiven when no reload can be under way any more
  EXPECT_EQ(amiss({include, other}), other + " was written after nginx last loaded its configuration");
}

TEST_P(NginxWorkersTest, OldWorkersThatAreAboutToLeaveAreWaitedFor) {
  int at_once = 0;
  for (int round = 0; round < 4; ++round) {
    write_text(include, "server " + address_of(pools.blue.port) + ";\n");
    ASSERT_EQ(nginx("-s reload"), 0);
    at_once += amiss({include}).empty() ? 1 : 0;
    ASSERT_TRUE(comes_true([&] { return amiss({include}).empty(); }));
    EXPECT_EQ(version_at(port), "v1");
    ::usleep(100'000);
  }
  EXPECT_GE(at_once, 2) << "looks that needed no other look after them";
}

TEST_P(NginxWorkersTest, WithoutAMasterNginxDoesNotRun) {
  EXPECT_EQ(amiss_of(home + "/none.pid", {include}),
            "nginx does not run: there is no process as " + home + "/none.pid says");
  write_text(home + "/wrong.pid", "4194305\n");  // above the kernel's largest
  EXPECT_EQ(amiss_of(home + "/wrong.pid", {include}),
            "nginx does not run: there is no process as " + home + "/wrong.pid says");
  write_text(home + "/words.pid", "none of your business\n");
  EXPECT_EQ(amiss_of(home + "/words.pid", {include}),
            "nginx does not run: there is no process as " + home + "/words.pid says");
}

TEST_P(NginxWorkersTest, AProcessWithoutWorkersTakesNoConnections) {
  write_text(home + "/ours.pid", std::to_string(::getpid()) + "\n");
  EXPECT_EQ(amiss_of(home + "/ours.pid", {include}), "nginx has no worker that takes connections");
}

TEST_P(NginxWorkersTest, AFileThatIsGoneIsAnError) { EXPECT_EQ(amiss({home + "/gone.conf"}).substr(0, 6), "error:"); }

}  // namespace
}  // namespace backout::drivers
