// The five seeds against what was read in them by hand: tests/golden/import/*.expected, and README there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>
#include <algorithm>
#include <cstdlib>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "base/text.h"
#include "config/config.h"
#include "import/import.h"

namespace backout::import {
namespace {

namespace fs = std::filesystem;
const std::string kGoldens = std::string(BACKOUT_SOURCE_DIR) + "/tests/golden/import";

std::string content_of(const fs::path& file) {
  std::stringstream content;
  content << std::ifstream(file, std::ios::binary).rdbuf();
  return content.str();
}

/// The runbook behind a golden: not part of this repository. $BACKOUT_SEEDS, else beside the source.
std::string seed_of(const std::string& number) {
  const char* said = std::getenv("BACKOUT_SEEDS");
  const fs::path directory =
      said != nullptr ? fs::path(said) : fs::path(BACKOUT_SOURCE_DIR) / ".." / "shared" / "seeds";
  std::error_code none;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory, none))
    if (entry.path().filename().string().starts_with(number)) return content_of(entry.path());
  return "";
}

struct Expected {
  std::string phase, to, words;
  int first = 0, last = 0;
};
std::vector<Expected> goldens_of(const std::string& name) {
  std::vector<Expected> all;
  std::ifstream file(kGoldens + "/" + name + ".expected");
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    Expected one;
    std::string range;
    words >> one.phase >> one.to >> range >> std::ws;
    std::getline(words, one.words);
    one.first = std::stoi(range);
    one.last = range.find('-') == std::string::npos ? one.first : std::stoi(range.substr(range.find('-') + 1));
    all.push_back(one);
  }
  return all;
}

std::string phase_name(const Placed& placed) { return placed.phase ? std::string(name_of(*placed.phase)) : "-"; }
std::string how(const Placed& placed) { return std::string(name_of(placed.to)) + (placed.off ? "~" : ""); }

class Seed : public ::testing::TestWithParam<std::pair<const char*, const char*>> {
 protected:
  void SetUp() override {
    text_ = seed_of(GetParam().second);
    if (text_.empty()) GTEST_SKIP() << "the seeds are not here; name their directory in BACKOUT_SEEDS";
    auto imported = import_runbook(text_, {.file = std::string(GetParam().first) + ".md"});
    ASSERT_TRUE(imported) << imported.error().message;
    imported_ = *std::move(imported);
    if (const char* to = std::getenv("BACKOUT_DRAFTS"))
      std::ofstream(std::string(to) + "/" + GetParam().first + ".yaml") << imported_.text;
  }
  std::string text_;
  Imported imported_;
};

TEST_P(Seed, EveryStepIsInItsPhase) {
  const std::vector<Expected> expected = goldens_of(GetParam().first);
  const std::vector<std::string> lines = split(text_, '\n');
  std::string wrong;
  std::set<int> covered;
  for (size_t at = 0; at < imported_.placed.size(); ++at) {
    const Placed& placed = imported_.placed[at];
    const Item& item = imported_.runbook.items[at];
    const auto own = std::find_if(expected.begin(), expected.end(),
                                  [&](const Expected& one) { return item.line >= one.first && item.line <= one.last; });
    const std::string found = phase_name(placed) + " " + how(placed);
    if (own == expected.end()) {
      if (placed.to != To::kText)
        wrong += fmt::format("{}: is {}, and not expected: {}\n", item.line, found, shortened(one_line(item.text), 60));
      continue;
    }
    if (found != own->phase + " " + own->to)
      wrong += fmt::format("{}: is {}, expected {} {}: {}\n", item.line, found, own->phase, own->to,
                           shortened(one_line(item.text), 60));
    for (int line = item.line; line <= item.last; ++line) covered.insert(line);
  }
  for (const Expected& one : expected) {
    EXPECT_THAT(lines.at(static_cast<size_t>(one.first) - 1), ::testing::HasSubstr(one.words));
    for (int line = one.first; line <= one.last; ++line) {
      const std::string_view words = trimmed(lines.at(static_cast<size_t>(line) - 1));
      if (!covered.contains(line) && !words.empty() && !words.starts_with('#') && !words.starts_with("--"))
        wrong += fmt::format("{}: expected {} {}, and not there: {}\n", line, one.phase, one.to, words);
    }
  }
  EXPECT_EQ(wrong, "");
}

TEST_P(Seed, TheDraftLintsClean) {
  const config::Loaded loaded = config::parse(imported_.text, "/srv/site/backout.yaml");
  for (const config::Finding& finding : loaded.findings)
    EXPECT_NE(finding.severity, config::Severity::kError) << config::render("draft", finding);
  EXPECT_EQ(imported_.text.find("not as it must be"), std::string::npos);
}

TEST(Draft, TheSiteOfTheFirstSeedIsInItsOrder) {
  const std::string text = seed_of("000");
  if (text.empty()) GTEST_SKIP() << "the seeds are not here; name their directory in BACKOUT_SEEDS";
  const auto imported = import_runbook(text);
  ASSERT_TRUE(imported);
  const Site site = config::parse(imported->text, "/srv/site/backout.yaml").site;
  std::vector<std::string> services, build, commands;
  for (const ServiceConfig& service : site.services) services.push_back(service.name);
  for (const UserCommand& command : site.code->build) build.push_back(command.argv.back());
  for (const CommandConfig& command : site.commands)
    commands.push_back(std::string(name_of(command.phase)) + ": " + command.run.argv.back());
  EXPECT_THAT(services, ::testing::ElementsAre("celery_worker", "celery_beat", "web"));
  EXPECT_THAT(build, ::testing::ElementsAre("cd frontends/open-discussions && npm install",
                                            "cd frontends/open-discussions && npm run build", "poetry install",
                                            "python manage.py collectstatic --noinput"));
  ASSERT_EQ(commands.size(), 5U);
  EXPECT_EQ(commands.front(), "settle: python manage.py recreate_index --all");
  EXPECT_EQ(commands.back(), "settle: curl -fsS 'http://localhost/api/v0/search/?q=test&type=course'");
  EXPECT_EQ(site.jobs, 1) << "commands of one phase run one after the other, as in the runbook";
  ASSERT_TRUE(site.door);
  EXPECT_EQ(site.door->kind, "command");
  ASSERT_TRUE(site.database);
  EXPECT_EQ(site.database->backups->dir, "/backups/postgresql");
  EXPECT_EQ(site.checks.size(), 22U);
}

INSTANTIATE_TEST_SUITE_P(Import, Seed,
                         ::testing::Values(std::pair{"od", "000"}, std::pair{"gen", "001"}, std::pair{"sum", "002"},
                                           std::pair{"obc", "003"}, std::pair{"bin", "004"}),
                         [](const auto& each) { return std::string(each.param.first); });

}  // namespace
}  // namespace backout::import
