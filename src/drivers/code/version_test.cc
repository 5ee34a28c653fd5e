#include "drivers/code/version.h"

#include <gtest/gtest.h>

namespace backout::drivers {
namespace {

TEST(Version, takes_what_teams_name_their_releases) {
  for (const char* good : {"v2.3.1", "2024-11-03", "1.0.0+build.7", "release_42", "a", "v1.0-rc.1"})
    EXPECT_TRUE(is_version(good)) << good;
  EXPECT_TRUE(is_version(std::string(128, 'v')));
}

TEST(Version, refuses_what_would_be_a_path_an_option_or_a_surprise) {
  for (const char* bad : {"", ".", "..", "-rf", ".hidden", "a/b", "../x", "a b", "a\nb", "v1;rm", "$(x)", "v1..v2",
                          "v1.", "v1.lock", "v1.backout-tmp", "v1.backout-trash", "caf\xC3\xA9"})
    EXPECT_FALSE(is_version(bad)) << bad;
  EXPECT_FALSE(is_version(std::string(129, 'v')));
  EXPECT_FALSE(is_version(std::string_view("a\0b", 3)));
  const auto refused = check_version("../../etc");
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Code::kInvalid);
  EXPECT_FALSE(refused.error().next.empty());
}

TEST(GitSource, refuses_options_and_passwords) {
  for (const char* good :
       {"/srv/repo.git", "git@example.com:shop.git", "ssh://git@example.com/shop.git", "https://example.com/shop.git",
        "https://token@example.com:8443/shop.git", "file:///srv/repo.git"})
    EXPECT_TRUE(check_git_source(good).has_value()) << good;
  for (const char* bad : {"", "--upload-pack=touch /tmp/x", "https://u:secret@example.com/shop.git", "/srv/a\nb"})
    EXPECT_FALSE(check_git_source(bad).has_value()) << bad;
  EXPECT_EQ(check_git_source("https://u:secret@h/x").error().message.find("secret"), std::string::npos);
}

}  // namespace
}  // namespace backout::drivers
