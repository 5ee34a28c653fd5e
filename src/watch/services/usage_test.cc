#include "watch/services/usage.h"

#include <unistd.h>

#include <random>

#include "watch/services/resources.h"
#include "watch/testing.h"

namespace backout::watch {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
const WallTime kStart = wall_from_millis(1'700'000'000'000);

TEST(Usage, SumsATreeOfProcesses) {
  const auto usage = usage_in(
      "ticks 100\npage 4096\nprocess 10 10 250 1000 2\nprocess 10 11 50 500 1\nprocess 20 20 0 1 1\n"
      "files 10 30 1024\nfiles 10 900 1000\nfiles 10 x y\nprocess 10\nrubbish\nend\n");
  ASSERT_EQ(usage.size(), 2U);
  const Usage& of = usage.at(10);
  EXPECT_DOUBLE_EQ(of.cpu_seconds, 3);
  EXPECT_DOUBLE_EQ(of.rss, 1500 * 4096);
  EXPECT_EQ(of.threads, 3);
  EXPECT_EQ(of.processes, 2);
  EXPECT_EQ(of.files, 930);
  EXPECT_DOUBLE_EQ(of.files_share, 90);
}

TEST(Usage, OfThisVeryProcess) {
  const auto host = host::make_local_host(host::HostName("local"));
  const auto out = host->run(look_at_processes({::getpid(), 999'999'999}));
  ASSERT_TRUE(out && out->ok());
  const auto usage = usage_in(out->out);
  ASSERT_EQ(usage.size(), 1U) << out->out;
  EXPECT_GT(usage.at(::getpid()).rss, 1e6);
  EXPECT_GE(usage.at(::getpid()).threads, 1);
  EXPECT_GE(usage.at(::getpid()).files, 3);
}

Json trend_of(const std::vector<double>& values) {
  Json trend;
  for (size_t minute = 0; minute < values.size(); ++minute)
    add_to_trend(trend, static_cast<int64_t>(minute), values[minute]);
  return trend;
}

TEST(Growth, IsClearOnlyWhenTheLowestValuesRise) {
  std::vector<double> leak, saw, warming, level;
  for (int minute = 0; minute < 30; ++minute) {
    leak.push_back(100e6 + minute * 4e6 + (minute % 3) * 10e6);
    saw.push_back(100e6 + (minute % 7) * 30e6);  // a collector of garbage
    warming.push_back(minute < 4 ? 50e6 * minute : 160e6);
    level.push_back(100e6);
  }
  EXPECT_TRUE(growth_of(trend_of(leak), 0.2, 20e6).clear);
  EXPECT_NEAR(growth_of(trend_of(leak), 0.2, 20e6).per_hour, 240e6, 40e6);
  for (const auto& values : {saw, warming, level}) EXPECT_FALSE(growth_of(trend_of(values), 0.2, 20e6).clear);
  leak.resize(static_cast<size_t>(kTrendMinutes) - 1);
  EXPECT_FALSE(growth_of(trend_of(leak), 0.2, 20e6).clear) << "too early to tell";
}

TEST(Growth, RandomWalksOfALevelFigureAreSeldomTakenForIt) {
  std::mt19937_64 random(20261122);
  std::printf("seed 20261122\n");
  std::uniform_real_distribution<double> noise(0, 60e6);
  int clear = 0;
  for (int watch = 0; watch < 1000; ++watch) {
    std::vector<double> values;
    for (int minute = 0; minute < 40; ++minute) values.push_back(200e6 + noise(random));
    clear += growth_of(trend_of(values), 0.2, 20e6).clear ? 1 : 0;
  }
  EXPECT_LE(clear, 3);
}

TEST(Growth, TrendsAreBoundedAndRubbishIsNone) {
  Json trend;
  for (int minute = 0; minute < 500; ++minute) add_to_trend(trend, minute, minute);
  EXPECT_EQ(trend.size(), 60U);
  add_to_trend(trend, 499, 3);
  EXPECT_EQ(trend.back()[1], 3) << "the lowest of a minute";
  add_to_trend(trend, 10, 1);
  EXPECT_EQ(trend.size(), 1U) << "the clock went back";
  EXPECT_FALSE(growth_of(Json::parse(R"([1,2,3,4,5,6,7,8,9,0,1,2,3,4,5])"), 0.2, 1).clear);
}

/// A process of ours that takes more and more memory when it is told to.
TEST(Resources, TellsLimitsAndGrowthOnce) {
  os::TestDirectory directory;
  const std::string pidfile = directory / "web.pid";
  const Program program("echo $$ >" + pidfile +
                            "; exec /usr/bin/python3 -c '\nimport time, os\nheld = []\nwhile True:\n"
                            "    if os.path.exists(\"" +
                            directory / "more" +
                            "\"):\n        held.append(bytearray(os.urandom(1) * 12_000_000))\n"
                            "        os.remove(\"" +
                            directory / "more" + "\")\n    time.sleep(0.01)'",
                        directory / "log");
  ASSERT_TRUE(soon([&] { return std::filesystem::exists(pidfile) && std::filesystem::file_size(pidfile) > 1; }));
  std::this_thread::sleep_for(Millis(300));
  const Json services = Json::array({{{"kind", "process"}, {"name", "web"}, {"pidfile", pidfile}}});
  Looking looking("resources",
                  {{"services", services}, {"limits", {{"threads", "<1"}, {"rss", "<10GB"}}}, {"every_ms", 1000}},
                  kStart);
  std::vector<std::string> told;
  for (int minute = 0; minute < 20; ++minute) {
    write_text(directory / "more", "");
    ASSERT_TRUE(soon([&] { return !std::filesystem::exists(directory / "more"); }));
    const Seen seen = looking.look(kStart + std::chrono::minutes(minute));
    EXPECT_EQ(seen.blind, "");
    for (const Occurrence& each : seen.occurrences) {
      EXPECT_EQ(each.kind, "resource");
      told.push_back(each.what);
    }
    EXPECT_EQ(seen.figures.at("web").contains("cpu"), minute > 0) << seen.figures;
  }
  ASSERT_EQ(told.size(), 2U) << ::testing::PrintToString(told);
  EXPECT_EQ(told[0], "web: threads is 1, expected <1");
  EXPECT_THAT(told[1], HasSubstr("web: memory grows and does not come down"));
}

TEST(Resources, WithoutAProcessItIsBlind) {
  const Json services = Json::array({{{"kind", "process"}, {"name", "web"}, {"pidfile", "/nowhere/web.pid"}}});
  Looking looking("resources", {{"services", services}}, kStart);
  EXPECT_THAT(looking.look(kStart).blind, HasSubstr("no service has a process"));
}

}  // namespace
}  // namespace backout::watch
