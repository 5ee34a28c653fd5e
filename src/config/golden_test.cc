// Each directory of tests/golden/config is a case: backout.yaml (and perhaps an overlay, named in the file
// `environment`) and expected.txt: the findings, then the site when none is an error. ACCEPT=1 writes what came out.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/text.h"
#include "config/config.h"

namespace backout::config {
namespace {

namespace fs = std::filesystem;
const std::string kCases = std::string(BACKOUT_SOURCE_DIR) + "/tests/golden/config";

std::string content_of(const fs::path& file) {
  std::stringstream content;
  content << std::ifstream(file, std::ios::binary).rdbuf();
  return content.str();
}

std::string reading_of(const fs::path& directory) {
  const std::string environment(trimmed(content_of(directory / "environment")));
  const Result<Loaded> loaded = inspect((directory / "backout.yaml").string(), environment);
  std::string text;
  if (!loaded) {
    text = fmt::format("{}\n{}\n", loaded.error().message, loaded.error().next);
  } else {
    for (const Finding& finding : loaded->findings) text += render("", finding) + "\n";
    text += loaded->ok() ? to_json(loaded->site).dump(2) + "\n" : "not usable\n";
  }
  return replaced(replaced(std::move(text), directory.string() + "/", "./"), directory.string(), ".");
}

std::vector<std::string> cases() {
  std::vector<std::string> names;
  for (const fs::directory_entry& entry : fs::directory_iterator(kCases))
    names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

class Golden : public ::testing::TestWithParam<std::string> {};

TEST_P(Golden, ReadsAsExpected) {
  const fs::path directory = fs::path(kCases) / GetParam();
  const std::string reading = reading_of(directory);
  if (std::getenv("ACCEPT") != nullptr) std::ofstream(directory / "expected.txt") << reading;
  EXPECT_EQ(content_of(directory / "expected.txt"), reading) << "ACCEPT=1 takes it as it is now";
}

std::string readable(std::string name) {
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == '-'; }, '_');
  return name;
}
INSTANTIATE_TEST_SUITE_P(Config, Golden, ::testing::ValuesIn(cases()),
                         [](const ::testing::TestParamInfo<std::string>& one) { return readable(one.param); });

}  // namespace
}  // namespace backout::config
