#include "os/file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "base/hash.h"
#include "os/test_directory.h"

namespace backout::os {
namespace {

unsigned mode_of(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0 ? info.st_mode & 07777U : 0U;
}

TEST(File, WrittenThroughALinkLeavesTheLink) {
  const TestDirectory directory;
  ASSERT_TRUE(make_directories(directory / "to"));
  ASSERT_TRUE(replace_symlink(directory / "link", "to/file"));
  ASSERT_TRUE(replace_symlink(directory / "second", directory / "link"));
  ASSERT_TRUE(write_through(directory / "second", "one")) << "nothing is there yet";
  EXPECT_EQ(*read_file(directory / "to/file"), "one");
  ASSERT_TRUE(write_through(directory / "link", "two"));
  EXPECT_EQ(*read_file(directory / "to/file"), "two");
  EXPECT_TRUE(std::filesystem::is_symlink(directory / "link"));
  EXPECT_TRUE(std::filesystem::is_symlink(directory / "second"));
  EXPECT_EQ(list_directory(directory / "to")->size(), 1U) << "nothing is left beside it";
}

TEST(File, WrittenThroughIsOnlyAFile) {
  const TestDirectory directory;
  ASSERT_TRUE(replace_symlink(directory / "circle", "circle"));
  ASSERT_TRUE(replace_symlink(directory / "null", "/dev/null"));
  ASSERT_TRUE(replace_symlink(directory / "here", "."));
  for (const char* name : {"circle", "null", "here"}) {
    const auto written = write_through(directory / name, "x");
    ASSERT_FALSE(written) << name;
    EXPECT_EQ(written.error().code, Code::kRefused) << name;
  }
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
}

TEST(WriteFileAtomic, WritesContentAndModeWhateverTheUmask) {
  const TestDirectory directory;
  const mode_t before = umask(077);
  ASSERT_TRUE(write_file_atomic(directory / "a", std::string("x\0y", 3), 0640));
  umask(before);
  EXPECT_EQ(*read_file(directory / "a"), std::string("x\0y", 3));
  EXPECT_EQ(mode_of(directory / "a"), 0640U);
  EXPECT_EQ(*list_directory(directory.path()), std::vector<std::string>{"a"});
}

TEST(WriteFileAtomic, AReaderNeverSeesPartOfIt) {
  const TestDirectory directory;
  const std::string path = directory / "a";
  const std::string old_content(300'000, 'o'), new_content(700'000, 'n');
  ASSERT_TRUE(write_file_atomic(path, old_content));
  std::jthread writer([&](const std::stop_token& stop) {
    for (int i = 0; !stop.stop_requested(); ++i) (void)write_file_atomic(path, i % 2 == 0 ? new_content : old_content);
  });
  for (int i = 0; i < 200; ++i) {
    const auto seen = read_file(path);
    ASSERT_TRUE(seen);
    ASSERT_TRUE(*seen == old_content || *seen == new_content) << "saw " << seen->size() << " bytes";
  }
}

TEST(WriteFileAtomic, AFailureLeavesTheOldContentAndNoRest) {
  const TestDirectory directory;
  ASSERT_EQ(mkdir((directory / "a").c_str(), 0755), 0);
  ASSERT_EQ(mkdir((directory / "a/b").c_str(), 0755), 0);
  EXPECT_FALSE(write_file_atomic(directory / "a", "x"));
  EXPECT_EQ(*list_directory(directory.path()), std::vector<std::string>{"a"});
  EXPECT_EQ(write_file_atomic(directory / "missing/x", "x").error().code, Code::kNotFound);
}

TEST(ReplaceSymlink, SwitchesAtOnceAndKeepsAnythingElse) {
  const TestDirectory directory;
  const std::string link = directory / "current";
  ASSERT_TRUE(replace_symlink(link, "releases/1"));
  ASSERT_TRUE(replace_symlink(link, "releases/2"));
  EXPECT_EQ(std::filesystem::read_symlink(link), "releases/2");
  std::jthread switcher([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) (void)replace_symlink(link, "releases/1");
  });
  for (int i = 0; i < 1000; ++i) {
    struct stat info {};
    ASSERT_EQ(lstat(link.c_str(), &info), 0) << "the link was gone for a moment";
  }
  switcher = {};
  ASSERT_TRUE(write_file_atomic(directory / "file", "precious"));
  EXPECT_EQ(replace_symlink(directory / "file", "x").error().code, Code::kConflict);
  EXPECT_EQ(*read_file(directory / "file"), "precious");
}

TEST(MakeDirectories, MakesAllWithTheModeAndRepeats) {
  const TestDirectory directory;
  const std::string path = directory / "a/b/c/";
  ASSERT_TRUE(make_directories(path, 0700));
  ASSERT_TRUE(make_directories(path, 0755));
  EXPECT_EQ(mode_of(directory / "a/b"), 0700U);
  EXPECT_EQ(mode_of(directory / "a/b/c"), 0700U);
  ASSERT_TRUE(write_file_atomic(directory / "file", ""));
  EXPECT_FALSE(make_directories(directory / "file/x"));
}

TEST(ReadFile, TellsWhyNot) {
  const TestDirectory directory;
  EXPECT_EQ(read_file(directory / "none").error().code, Code::kNotFound);
  ASSERT_TRUE(write_file_atomic(directory / "big", std::string(100, 'x')));
  EXPECT_EQ(read_file(directory / "big", 99).error().code, Code::kInvalid);
  EXPECT_EQ(read_file(directory / "big", 100)->size(), 100U);
  EXPECT_FALSE(read_file("/proc/self/stat")->empty());
}

TEST(RemoveTree, RefusesWhatCouldBeEverything) {
  for (const std::string path : {"/", "//", "", "relative", "/tmp/..", "/.", "/x/../"})
    EXPECT_EQ(remove_tree(path).error().code, Code::kInvalid) << path;
}

TEST(RemoveTree, DoesNotFollowLinks) {
  const TestDirectory directory;
  ASSERT_TRUE(make_directories(directory / "kept"));
  ASSERT_TRUE(write_file_atomic(directory / "kept/file", "x"));
  ASSERT_TRUE(make_directories(directory / "gone/deep"));
  ASSERT_TRUE(replace_symlink(directory / "gone/link", directory / "kept"));
  ASSERT_TRUE(remove_tree(directory / "gone"));
  ASSERT_TRUE(remove_tree(directory / "gone"));
  EXPECT_FALSE(exists(directory / "gone"));
  EXPECT_TRUE(exists(directory / "kept/file"));
}

TEST(Files, HashSizeAndRemoval) {
  const TestDirectory directory;
  const std::string content(200'000, 'h');
  ASSERT_TRUE(write_file_atomic(directory / "a", content));
  EXPECT_EQ(*sha256_of_file(directory / "a"), sha256_hex(content));
  EXPECT_EQ(*size_of(directory / "a"), content.size());
  EXPECT_GT(*free_bytes(directory.path()), 0U);
  EXPECT_TRUE(remove_file(directory / "a"));
  EXPECT_TRUE(remove_file(directory / "a"));
  EXPECT_FALSE(exists(directory / "a"));
}

}  // namespace
}  // namespace backout::os
