// kill -9 of the tool at each step of a side cluster, and while pgbackrest and the server are at work; then again.
#ifdef BACKOUT_FAULTS
#include <sys/wait.h>

#include <csignal>
#include <random>

#include "database/postgresql/archived_for_tests.h"

namespace backout::postgresql {
namespace {

class RecoverCrash : public PointTest {
 protected:
  pid_t begin(const Json& args, const std::string& point) {
    const pid_t child = ::fork();
    if (child == 0) {
      if (!point.empty()) ::setenv("BACKOUT_KILL", point.c_str(), 1);
      ::_exit(run_verb("recover", args, {}) ? 0 : 1);
    }
    return child;
  }
  static int end(pid_t child) {
    int status = 0;
    ::waitpid(child, &status, 0);
    return status;
  }
  /// Whatever the killed one left, a second try ends well, and leaves nothing but its dump.
  void again(const Json& args, const std::string& where) {
    const auto recovered = run("recover", args);
    ASSERT_TRUE(recovered) << where << ": " << recovered.error().message;
    if (const Json& compared = get(*recovered, "compared"); compared.is_string()) {
      EXPECT_EQ(compared, "exact") << where;
    }
    EXPECT_EQ(get_int(*recovered, "rows"), 6000) << where;
    EXPECT_TRUE(std::filesystem::is_empty(cluster_.sides())) << where;
    EXPECT_EQ(ArchivedCluster::at_work(), 0) << where;
    std::filesystem::remove(get_string(args, "manifest"));
  }
};

TEST_F(RecoverCrash, AtEachStepIsRunAgain) {
  ASSERT_TRUE(run("backup", checkpoint_args()));
  const Json args = recover_args();
  // Restored; started; dumped, and about to be removed; removed.
  for (const char* point : {"side:1:after", "side:3:after", "side:5:before", "side:5:after"}) {
    EXPECT_TRUE(WIFSIGNALED(end(begin(args, point)))) << point;
    EXPECT_EQ(get_string(*look_at("recover", args), "sight"), "does-not-hold") << point;
    again(args, point);
  }
}

TEST_F(RecoverCrash, InBetweenIsRunAgainOrDiscarded) {
  ASSERT_TRUE(run("backup", checkpoint_args()));
  const char* wanted = std::getenv("BACKOUT_SEED");
  const unsigned seed = wanted != nullptr ? static_cast<unsigned>(std::stoul(wanted)) : std::random_device{}();
  std::printf("BACKOUT_SEED=%u\n", seed);
  std::mt19937 dice(seed);
  const Json args = recover_args();
  for (int i = 0; i < 3; ++i) {
    const pid_t child = begin(args, "");
    const auto after = Millis(std::uniform_int_distribution<int>(20, 1'800)(dice));
    std::this_thread::sleep_for(after);
    ::kill(child, SIGKILL);
    end(child);
    if (i % 2 == 0) {
      again(args, "after " + std::to_string(after.count()) + " ms");
    } else {
      ASSERT_TRUE(run("discard-side", prove_args()));
      EXPECT_EQ(get_string(*look_at("discard-side", prove_args()), "sight"), "holds");
      EXPECT_TRUE(std::filesystem::is_empty(cluster_.sides()));
    }
  }
  ASSERT_TRUE(run("recover", args));
}

}  // namespace
}  // namespace backout::postgresql
#endif
