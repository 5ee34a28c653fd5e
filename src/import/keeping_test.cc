// Nothing of a runbook is lost: every command, checkbox and row of a table is in the draft, and the draft reads.
// What counts as one is said here a second time, by plain patterns, so that the reader is not its own judge.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/pattern.h"
#include "base/text.h"
#include "config/config.h"
#include "import/import.h"

namespace backout::import {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
namespace fs = std::filesystem;
const std::string kMessy = std::string(BACKOUT_SOURCE_DIR) + "/tests/golden/import";

std::string bytes_of(const fs::path& file) {
  std::stringstream content;
  content << std::ifstream(file, std::ios::binary).rdbuf();
  return content.str();
}

bool fits(const char* expression, const std::string& line) {
  const auto pattern = Pattern::compile(expression);
  EXPECT_TRUE(pattern) << expression;
  return pattern && pattern->found_in(line);
}

std::string squeezed(std::string_view text) {
  std::string squeezed;
  for (const char c : text)
    if (c != ' ' && c != '\t' && c != '\r') squeezed += c;
  return squeezed;
}

/// The draft without what its comments have in front, as one line.
std::string words_of(const std::string& draft) {
  std::string all;
  const auto front = Pattern::compile(R"(^\s*#\s*(\d+  )?)");
  for (const std::string& line : split(draft, '\n')) {
    const auto groups = front->groups_in(line);
    all += groups.empty() ? line : line.substr(groups[0].size());
  }
  return squeezed(all);
}

/// The lines that must be kept, without their marks.
std::vector<std::pair<int, std::string>> loud_lines(const std::string& text) {
  std::vector<std::pair<int, std::string>> loud;
  const std::vector<std::string> lines = split(replaced(text, "\r\n", "\n"), '\n');
  const auto box = Pattern::compile(R"(^[\s>]*(?:[-*+]|\d+[.)])\s+\[[ xX]\]\s+(\S.*)$)");
  bool shell = false, fence = false;
  for (size_t at = 0; at < lines.size(); ++at) {
    const std::string& line = lines[at];
    const int number = static_cast<int>(at) + 1;
    if (fits(R"(^[\s>]*(```|~~~))", line)) {
      const bool opens = fits(R"((```|~~~)\s*\w)", line);
      shell = fits(R"((```|~~~)\s*(bash|sh|shell|powershell|console)\b)", line);
      fence = opens || !fence;
      continue;
    }
    if (const auto found = box->groups_in(line); !found.empty())
      loud.emplace_back(number, std::string(found[1]));
    else if (fits(R"(^\s*\|.*\|\s*$)", line) && !fits(R"(^[\s|:-]*$)", line) &&
             !(at + 1 < lines.size() && fits(R"(^[\s|:-]*-[\s|:-]*$)", lines[at + 1])))
      loud.emplace_back(number, line);
    else if (shell && fence && fits(R"(^[\s>]*[\w./"$-])", line) && !fits(R"(^[\s>]*#)", line))
      loud.emplace_back(number, line.substr(line.find_first_not_of(" \t>")));
  }
  return loud;
}

void expect_all_kept(const std::string& text, const std::string& name, size_t least) {
  const auto imported = import_runbook(text, {.file = name});
  ASSERT_TRUE(imported) << imported.error().message;
  const config::Loaded loaded = config::parse(imported->text, "/srv/site/backout.yaml");
  for (const config::Finding& finding : loaded.findings)
    EXPECT_NE(finding.severity, config::Severity::kError) << config::render(name, finding);
  const std::string kept = words_of(imported->text);
  const auto loud = loud_lines(text);
  EXPECT_GE(loud.size(), least);
  for (const auto& [number, words] : loud) {
    std::string plain(words);
    if (plain.starts_with("$ ")) plain = plain.substr(2);
    EXPECT_THAT(kept, HasSubstr(squeezed(plain))) << name << ", line " << number;
  }
}

TEST(Keeping, MessyRunbooksLoseNothing) {
  size_t files = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator(kMessy))
    if (entry.path().extension() == ".md") {
      SCOPED_TRACE(entry.path().filename().string());
      expect_all_kept(bytes_of(entry.path()), entry.path().filename().string(), 1);
      ++files;
    }
  EXPECT_GE(files, 7U);
}

/// $BACKOUT_SEEDS, $BACKOUT_RUNBOOKS: directories of runbooks that are not part of this repository.
TEST(Keeping, RunbooksOfOthersLoseNothing) {
  size_t files = 0;
  for (const char* where : {"BACKOUT_SEEDS", "BACKOUT_RUNBOOKS"}) {
    const char* said = std::getenv(where);
    std::error_code none;
    for (const fs::directory_entry& entry : fs::directory_iterator(said == nullptr ? "" : said, none)) {
      SCOPED_TRACE(entry.path().string());
      expect_all_kept(bytes_of(entry.path()), "runbook.md", 0);
      ++files;
    }
  }
  if (files == 0) GTEST_SKIP() << "name a directory of runbooks in BACKOUT_RUNBOOKS";
  std::printf("%zu runbooks of others\n", files);
}

Imported import_of(const std::string& text, const Options& options = {}) {
  auto imported = import_runbook(text, options);
  EXPECT_TRUE(imported) << imported.error().message;
  return imported ? *std::move(imported) : Imported();
}
Imported messy(const std::string& name, const Options& options = {}) {
  return import_of(bytes_of(kMessy + "/messy-" + name + ".md"), options);
}
const Placed* placed_at(const Imported& imported, int line) {
  for (size_t at = 0; at < imported.placed.size(); ++at)
    if (imported.runbook.items[at].line == line) return &imported.placed[at];
  return nullptr;
}
std::string at_line(const Imported& imported, int line) {
  const Placed* placed = placed_at(imported, line);
  if (placed == nullptr) return "nothing";
  return std::string(placed->phase ? name_of(*placed->phase) : "-") + " " + std::string(name_of(placed->to)) +
         (placed->off ? "~" : "");
}

TEST(Keeping, AFenceThatIsNotClosedEndsWhereTheTextGoesOn) {
  const Imported imported = messy("fences");
  EXPECT_EQ(at_line(imported, 8), "close services");
  EXPECT_EQ(at_line(imported, 9), "close services");
  EXPECT_EQ(at_line(imported, 15), "switch code");
  EXPECT_EQ(at_line(imported, 16), "switch build");
  EXPECT_EQ(at_line(imported, 38), "check checks");
  EXPECT_EQ(at_line(imported, 45), "check checks");
  EXPECT_THAT(imported.text, HasSubstr("path: /srv/bakery"));
  EXPECT_THAT(imported.text, Not(HasSubstr("run: echo")));
  EXPECT_TRUE(imported.open.empty()) << imported.open.front().name;
  EXPECT_GE(imported.runbook.remarks.size(), 2U);
}

TEST(Keeping, CommandsStandAsParagraphs) {
  const Imported imported = messy("no-headings");
  EXPECT_EQ(at_line(imported, 3), "close services");
  EXPECT_EQ(at_line(imported, 7), "prepare version");
  EXPECT_EQ(at_line(imported, 9), "switch code");
  EXPECT_EQ(at_line(imported, 13), "prepare database");
  EXPECT_EQ(at_line(imported, 14), "switch database");
  EXPECT_EQ(at_line(imported, 16), "start services");
  EXPECT_EQ(at_line(imported, 18), "- text") << "a sentence that begins with a verb";
  EXPECT_THAT(imported.text, HasSubstr("path: /srv/ledger"));
  EXPECT_THAT(imported.text, Not(HasSubstr("\n  - {run: git push")));
}

TEST(Keeping, ASessionEndsWhereItIsLeft) {
  const Imported imported = messy("session");
  const Placed* session = placed_at(imported, 6);
  ASSERT_NE(session, nullptr);
  EXPECT_THAT(session->text, HasSubstr("DROP TABLE orders_new;\n\\q"));
  EXPECT_EQ(session->danger, "drops a part of the schema");
  EXPECT_EQ(at_line(imported, 10), "switch commands");
  EXPECT_EQ(at_line(imported, 11), "switch commands");
  EXPECT_EQ(at_line(imported, 19), "switch commands~") << "rm -rf is never in force";
  EXPECT_EQ(at_line(imported, 29), "switch stop");
  std::vector<std::string> open;
  for (const Open& each : imported.open) open.push_back(each.name);
  EXPECT_THAT(open, ::testing::ElementsAre("SITE"));
}

TEST(Keeping, TwoShellsAreTwoWays) {
  const Imported imported = messy("windows");
  EXPECT_EQ(imported.runbook.title, "Orders rollback");
  EXPECT_EQ(placed_at(imported, 11)->off, true);
  EXPECT_EQ(at_line(imported, 20), "close services");
  EXPECT_EQ(at_line(imported, 21), "start services");
  EXPECT_EQ(at_line(imported, 28), "- people");
}

TEST(Keeping, HeadingsOfOtherLanguages) {
  const Imported german = messy("deutsch");
  EXPECT_EQ(at_line(german, 5), "prepare hand");
  EXPECT_EQ(at_line(german, 11), "close services");
  EXPECT_EQ(at_line(german, 19), "switch code");
  EXPECT_EQ(at_line(german, 23), "switch database");
  EXPECT_EQ(at_line(german, 29), "start services");
  EXPECT_EQ(at_line(german, 34), "check ask");
  EXPECT_EQ(at_line(german, 35), "check checks");
  EXPECT_EQ(at_line(german, 39), "settle hand");
  EXPECT_EQ(at_line(german, 45), "- people");
  const Imported others = messy("languages");
  EXPECT_EQ(at_line(others, 7), "- rules");
  EXPECT_EQ(at_line(others, 11), "prepare hand");
  EXPECT_EQ(at_line(others, 16), "close services");
  EXPECT_EQ(at_line(others, 22), "switch code");
  EXPECT_EQ(at_line(others, 27), "check ask");
  EXPECT_EQ(at_line(others, 32), "start services");
  EXPECT_EQ(at_line(others, 37), "settle hand");
  EXPECT_EQ(at_line(others, 43), "- people");
}

TEST(Keeping, PlaceholdersAreFilledOnRequest) {
  const Imported open = messy("long");
  EXPECT_EQ(at_line(open, 7), "switch commands~");
  const Imported filled = messy("long", {.fill = {{"revision", "41"}, {"pod", "p1"}}});
  EXPECT_EQ(at_line(filled, 7), "switch commands");
  EXPECT_THAT(filled.text, HasSubstr("helm rollback shop 41 -n shop"));
  EXPECT_EQ(at_line(filled, 8), "switch commands~") << "filled in, and still destructive";
  EXPECT_THAT(filled.text, HasSubstr("DESTRUCTIVE"));
}

TEST(Keeping, SecretsAreNotPutInForce) {
  const Imported imported =
      import_of("# Rollback\n\n## Restore\n\n```sh\n./purge --token=tok_4f9a8b7c6d5e4f3a2b1c\n```\n");
  EXPECT_EQ(at_line(imported, 6), "switch commands~");
}

TEST(Keeping, AnotherWayCanBeChosen) {
  const std::string text =
      "# Rollback of shop\n\n## Option 1: Helm\n\n```bash\nhelm rollback shop 4\n```\n\n## Option 2: Compose\n\n"
      "```bash\ndocker compose up -d web\n```\n";
  EXPECT_EQ(at_line(import_of(text), 6), "switch commands");
  EXPECT_EQ(at_line(import_of(text), 12), "start commands~");
  const Imported other = import_of(text, {.ways = {"compose"}});
  EXPECT_EQ(at_line(other, 6), "switch commands~");
  EXPECT_EQ(at_line(other, 12), "start commands");
}

TEST(Keeping, WhatIsNoRunbookIsRefusedInWords) {
  const auto why = [](const std::string& bytes, const std::string& file = "x.md") {
    const auto imported = import_runbook(bytes, {.file = file});
    EXPECT_FALSE(imported);
    if (imported) return std::string();
    EXPECT_EQ(imported.error().code, Code::kInvalid);
    return imported.error().message;
  };
  EXPECT_THAT(why(""), HasSubstr("it is empty"));
  EXPECT_THAT(why(" \n\t\n"), HasSubstr("it is empty"));
  EXPECT_THAT(why(std::string("\x89PNG\r\n\x1a\n\0\0", 10)), HasSubstr("a PNG picture"));
  EXPECT_THAT(why(std::string("a\0b", 3)), HasSubstr("zero bytes"));
  EXPECT_THAT(why("\xFF\xFE#\0"), HasSubstr("UTF-16"));
  EXPECT_THAT(why(std::string(5U << 20, 'a')), HasSubstr("read at most"));
  EXPECT_THAT(why("#include <a>\nint main() {\n  return 0;\n}\n"), HasSubstr("reads as a program"));
  EXPECT_THAT(why("import os\n\n# go\nos.system('x')\n", "deploy.py"), HasSubstr("by its name"));
  EXPECT_THAT(why("Just a letter to somebody.\n\nWith two paragraphs.\n"), HasSubstr("no command"));
  EXPECT_THAT(why(std::string(3000, '\xE9')), HasSubstr("UTF-8"));
}

}  // namespace
}  // namespace backout::import
