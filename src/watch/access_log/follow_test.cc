#include "watch/access_log/follow.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <zlib.h>

#include <fstream>
#include <thread>

#include "base/text.h"
#include "os/file.h"
#include "os/test_directory.h"

namespace backout::watch {
namespace {

class Collected : public LineSink {
 public:
  void take(std::string_view text) override {
    for (const std::string& each : split(text, '\n'))
      if (!each.empty()) lines.push_back(each);
  }
  void take_broken() override { ++broken; }
  std::optional<int64_t> second_of(std::string_view line) override {
    if (line.empty() || line[0] < '0' || line[0] > '9') return std::nullopt;
    return std::strtoll(std::string(line).c_str(), nullptr, 10);
  }
  std::vector<std::string> lines;
  int broken = 0;
};

class AccessLogFollow : public ::testing::Test {
 protected:
  void write(const std::string& name, const std::string& text, bool append = true) {
    std::ofstream(directory / name, append ? std::ios::app | std::ios::binary : std::ios::trunc | std::ios::binary)
        << text;
  }
  void rename(const std::string& from, const std::string& to) {
    ASSERT_EQ(::rename((directory / from).c_str(), (directory / to).c_str()), 0);
  }
  void pack(const std::string& name) {
    const std::string text = *os::read_file(directory / name);
    const gzFile file = gzopen((directory / (name + ".gz")).c_str(), "wb");
    ASSERT_EQ(gzwrite(file, text.data(), static_cast<unsigned>(text.size())), static_cast<int>(text.size()));
    gzclose(file);
    ASSERT_EQ(::unlink((directory / name).c_str()), 0);
  }
  /// One look of a fresh process: everything it knows is the position.
  std::vector<std::string> look(int64_t first_second = 0, int64_t later_ms = 0) {
    const auto files = make_local_log_files(directory / "access.log");
    now_ms += later_ms;
    Follower follower(*files, position, to_millis(system_clock().wall()) + now_ms);
    Collected sink;
    const auto done = follower.look(sink, first_second, Millis(10'000), {});
    EXPECT_TRUE(done) << done.error().message;
    position = *parse_json(follower.position().dump());
    blind = follower.blind();
    remarks = follower.remarks();
    broken = sink.broken;
    return sink.lines;
  }
  using Lines = std::vector<std::string>;

  os::TestDirectory directory;
  Json position;
  std::string blind;
  std::vector<std::string> remarks;
  int broken = 0;
  int64_t now_ms = 0;
};

TEST_F(AccessLogFollow, ReadsOnAndWaitsForTheRestOfALine) {
  write("access.log", "1 a\n2 b\n3 ");
  EXPECT_EQ(look(), (Lines{"1 a", "2 b"}));
  EXPECT_EQ(look(), Lines{});
  write("access.log", "c\n4 d\n");
  EXPECT_EQ(look(), (Lines{"3 c", "4 d"}));
}

TEST_F(AccessLogFollow, GoesOnThroughRenameAndCreate) {
  write("access.log", "1 a\n");
  EXPECT_EQ(look(), Lines{"1 a"});
  write("access.log", "2 b\n");
  rename("access.log", "access.log.1");
  write("access.log.1", "3 c\n");  // the server was not told yet
  EXPECT_EQ(look(), (Lines{"2 b", "3 c"}));
  EXPECT_EQ(blind, "");  // it will be made anew
  write("access.log.1", "4 d\n");
  write("access.log", "5 e\n");
  EXPECT_EQ(look(), (Lines{"4 d", "5 e"}));
  write("access.log.1", "6 f\n");  // a worker that ends late
  EXPECT_EQ(look(), Lines{"6 f"});
  rename("access.log.1", "access.log.2");
  rename("access.log", "access.log.1");
  write("access.log", "7 g\n");
  EXPECT_EQ(look(), Lines{"7 g"});
  EXPECT_TRUE(remarks.empty());
}

TEST_F(AccessLogFollow, ReadsGenerationsThatCameAndWentBetweenTwoLooks) {
  write("access.log", "1 first generation\n");
  look();
  write("access.log", "2 b\n");
  rename("access.log", "access.log.1");
  write("access.log", "3 second generation\n");
  rename("access.log.1", "access.log.2");
  rename("access.log", "access.log.1");
  pack("access.log.2");
  write("access.log", "4 third generation\n");
  EXPECT_EQ(look(), (Lines{"2 b", "3 second generation", "4 third generation"}));
  EXPECT_EQ(look(), Lines{});
  rename("access.log.2.gz", "access.log.3.gz");
  pack("access.log.1");
  EXPECT_EQ(look(), Lines{});
  write("access.log", "5 e\n");
  EXPECT_EQ(look(), Lines{"5 e"});
  EXPECT_TRUE(remarks.empty());
}

TEST_F(AccessLogFollow, GoesOnThroughCopyAndTruncate) {
  const std::string long_text(300, 'x');
  write("access.log", "1 " + long_text + "\n2 b\n");
  EXPECT_EQ(look().size(), 2U);
  write("access.log", "3 c\n");
  std::filesystem::copy_file(directory / "access.log", directory / "access.log.1");
  EXPECT_EQ(look(), Lines{"3 c"});  // the copy is no new log
  write("access.log", "4 d\n");
  std::filesystem::copy_file(directory / "access.log", directory / "access.log.1",
                             std::filesystem::copy_options::overwrite_existing);
  write("access.log", "5 e\n", false);
  EXPECT_EQ(look(), (Lines{"4 d", "5 e"}));
  // Truncated, and longer than before when it is looked at.
  write("access.log", "6 f\n");
  rename("access.log.1", "access.log.2");
  std::filesystem::copy_file(directory / "access.log", directory / "access.log.1");
  write("access.log", "7 " + long_text + long_text + "\n", false);
  EXPECT_EQ(look(), (Lines{"6 f", "7 " + long_text + long_text}));
  EXPECT_EQ(look(), Lines{});
}

TEST_F(AccessLogFollow, WhatWasReadBetweenCopyAndTruncationIsNotReadAgain) {
  write("access.log", "1 " + std::string(1100, 'x') + "\n");
  look();
  write("access.log", "2 b\n");
  std::filesystem::copy_file(directory / "access.log", directory / "access.log.1");
  write("access.log", "3 c\n");  // not in the copy, but read
  EXPECT_EQ(look(), (Lines{"2 b", "3 c"}));
  write("access.log", "4 d\n", false);
  EXPECT_EQ(look(), Lines{"4 d"});
  EXPECT_EQ(look(0, 20'000), Lines{});
  EXPECT_TRUE(remarks.empty());
}

TEST_F(AccessLogFollow, TwoLogsThatBeginWithTheSameLineAreTwo) {
  write("access.log", "1 same\n");
  look();
  write("access.log", "2 b\n");
  rename("access.log", "access.log.2");
  write("access.log.1", "1 same\n3 c\n");
  write("access.log", "1 same\n4 d\n");
  EXPECT_EQ(look(), (Lines{"2 b", "1 same", "3 c", "1 same", "4 d"}));
  EXPECT_EQ(look(), Lines{});
}

TEST_F(AccessLogFollow, ALogThatCameCompressedIsReadOnce) {
  write("access.log", "1 a\n");
  look();
  rename("access.log", "access.log.2");
  write("access.log.1", "2 b\n");
  pack("access.log.1");
  write("access.log", "3 c\n");
  EXPECT_EQ(look(), (Lines{"2 b", "3 c"}));
  EXPECT_EQ(look(), Lines{});
  EXPECT_EQ(look(), Lines{});
}

TEST_F(AccessLogFollow, ACopyIsFoundWhenItIsCompressed) {
  write("access.log", "1 a\n");
  look();
  write("access.log", "2 b\n");
  std::filesystem::copy_file(directory / "access.log", directory / "access.log.1");
  write("access.log", "3 c\n", false);
  pack("access.log.1");
  EXPECT_EQ(look(), (Lines{"2 b", "3 c"}));
}

TEST_F(AccessLogFollow, ATruncationWithoutACopyGoesOnAndIsTold) {
  write("access.log", "1 a\n2 b\n");
  look();
  write("access.log", "3 c\n", false);
  EXPECT_EQ(look(), Lines{"3 c"});
  EXPECT_TRUE(remarks.empty());
  EXPECT_EQ(look(0, 20'000), Lines{});
  ASSERT_EQ(remarks.size(), 1U);
  EXPECT_NE(remarks[0].find("is not to be found"), std::string::npos);
  look(0, 20'000);
  EXPECT_TRUE(remarks.empty());
}

TEST_F(AccessLogFollow, AHoleInFrontIsSkipped) {
  write("access.log", "1 a\n" + std::string(5000, 'y') + "\n");
  look();
  write("access.log", "", false);
  {
    std::ofstream file(directory / "access.log", std::ios::in | std::ios::binary);
    file.seekp(100'000'000);
    file << "2 b\n";
  }
  const Lines lines = look();
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0].substr(lines[0].size() - 3), "2 b");
  EXPECT_LT(lines[0].size(), 5000U);
}

TEST_F(AccessLogFollow, BeginsAtASecondAlsoInTheLogBefore) {
  std::string text;
  for (int second = 1000; second < 3000; ++second)
    for (int i = 0; i < 50; ++i) text += fmt::format("{} some text of a line {}\n", second, i);
  write("access.log.1", text);
  write("access.log", "3000 a\n");
  const Lines lines = look(2500);
  EXPECT_EQ(lines.back(), "3000 a");
  EXPECT_GE(std::stoi(lines.front()), 2400);
  EXPECT_LE(std::stoi(lines.front()), 2500);
  EXPECT_GE(lines.size(), 500U * 50 + 1);
  EXPECT_EQ(look(2500), Lines{});
  position = nullptr;
  pack("access.log.1");
  EXPECT_EQ(look(2500).size(), 2000U * 50 + 1);
}

TEST_F(AccessLogFollow, LinesWithoutEndAreSkippedAndCounted) {
  write("access.log", "1 a\n" + std::string(3'000'000, 'z'));
  EXPECT_EQ(look(), Lines{"1 a"});
  write("access.log", std::string(1'000'000, 'z') + "\n2 b\n");
  EXPECT_EQ(look(), Lines{"2 b"});
  EXPECT_EQ(broken, 1);
}

TEST_F(AccessLogFollow, WhatCannotBeReadIsBlindAtOnce) {
  look();
  EXPECT_NE(blind.find("access.log"), std::string::npos);
  std::filesystem::create_directory(directory / "access.log");
  look();
  EXPECT_NE(blind.find("is a directory"), std::string::npos);
  std::filesystem::remove(directory / "access.log");
  ASSERT_EQ(mkfifo((directory / "access.log").c_str(), 0600), 0);
  look();
  EXPECT_NE(blind.find("named pipe"), std::string::npos);
  std::filesystem::remove(directory / "access.log");
  write("access.log", "1 a\n");
  EXPECT_EQ(look(), Lines{"1 a"});  // made after the watch began: all of it is new
  EXPECT_EQ(blind, "");
}

TEST_F(AccessLogFollow, ALogThatVanishesIsBlindAfterAWhile) {
  write("access.log", "1 a\n");
  look();
  std::filesystem::remove(directory / "access.log");
  look();
  EXPECT_EQ(blind, "");
  look(0, 30'000);
  EXPECT_NE(blind.find("access.log"), std::string::npos);
  write("access.log", "2 b\n");
  EXPECT_EQ(look(), Lines{"2 b"});
  EXPECT_EQ(blind, "");
}

TEST_F(AccessLogFollow, KnowsWhatRotationMakes) {
  for (const char* name :
       {"access.log.1", "access.log.2.gz", "access.log-20251010", "access.log-20251010-1760097336.gz", "access.log.old",
        "access-20251010.log", "access-20251010.log.gz", "access.log.2025-10-10T13:00:00Z"})
    EXPECT_TRUE(is_rotation_of(name, "access.log")) << name;
  for (const char* name : {"access.log", "access.log.bak", "access.log.1.tmp", "error.log.1", "access.log.",
                           "access.logs", "access_api.log", "access.log.gz"})
    EXPECT_FALSE(is_rotation_of(name, "access.log")) << name;
}

}  // namespace
}  // namespace backout::watch
