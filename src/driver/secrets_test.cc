#include "driver/secrets.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace backout::driver {
namespace {

struct Secrets : ::testing::Test {
  std::map<std::string, std::string> values{{"PORT", "8000"}};
  std::string file = ::testing::TempDir() + "/backout-secret-" + std::to_string(::getpid());
  Secrets() { std::ofstream(file) << "from the file\n"; }
  ~Secrets() override { std::filesystem::remove(file); }
  std::string refused(const std::string& place) {
    const auto revealed = reveal({{"TOKEN", place}}, values);
    return revealed ? "" : revealed.error().message;
  }
};

TEST_F(Secrets, AreReadFromTheEnvironmentAndFromFiles) {
  ::setenv("BACKOUT_TEST_SECRET", "from the environment", 1);
  ASSERT_TRUE(reveal({{"A", "$BACKOUT_TEST_SECRET"}, {"B", file}}, values));
  EXPECT_EQ(values, (std::map<std::string, std::string>{
                        {"A", "from the environment"}, {"B", "from the file"}, {"PORT", "8000"}}));
  ::unsetenv("BACKOUT_TEST_SECRET");
}

TEST_F(Secrets, ThatAreNotThereAreRefusedByTheirPlace) {
  EXPECT_NE(refused("$BACKOUT_TEST_NOT_SET").find("BACKOUT_TEST_NOT_SET"), std::string::npos);
  EXPECT_NE(refused(file + ".gone").find(file + ".gone"), std::string::npos);
}

TEST_F(Secrets, WhoseValueStandsInTheFileAreRefusedWithoutSayingIt) {
  EXPECT_NE(refused("hunter2"), "");
  EXPECT_EQ(refused("hunter2").find("hunter2"), std::string::npos);
}

TEST_F(Secrets, WithAZeroByteAreRefused) {
  std::ofstream(file) << std::string("a\0b", 3);
  EXPECT_NE(refused(file).find("NUL"), std::string::npos);
}

}  // namespace
}  // namespace backout::driver
