// Whatever the bytes, the import ends soon, its output is bounded, and the draft reads. The same is what
// tests/fuzz/import_fuzz.cc asks of clang's fuzzer.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include "config/config.h"
#include "import/import.h"

namespace backout::import {
namespace {

namespace fs = std::filesystem;

/// Per byte of input at most so many, and a head of so many.
constexpr size_t kPerByte = 80, kHead = 64U << 10;

void expect_bounded(const std::string& bytes, const std::string& what) {
  const auto imported = import_runbook(bytes);
  if (!imported) {
    EXPECT_EQ(imported.error().code, Code::kInvalid) << what;
    return;
  }
  EXPECT_LT(imported->text.size(), bytes.size() * kPerByte + kHead) << what;
  EXPECT_EQ(imported->placed.size(), imported->runbook.items.size()) << what;
  for (const Item& item : imported->runbook.items) {
    ASSERT_GE(item.line, 1) << what;
    ASSERT_LE(item.last, imported->runbook.lines) << what;
    ASSERT_LE(item.line, item.last) << what;
  }
  if (bytes.size() > 200000) return;  // the draft was read once already
  for (const config::Finding& finding : config::parse(imported->text, "/srv/backout.yaml").findings)
    ASSERT_NE(finding.severity, config::Severity::kError) << what << ": " << config::render("draft", finding);
}

std::vector<std::string> corpus() {
  std::vector<std::string> all;
  for (const fs::directory_entry& entry :
       fs::directory_iterator(std::string(BACKOUT_SOURCE_DIR) + "/tests/golden/import"))
    if (entry.path().extension() == ".md") {
      std::stringstream content;
      content << std::ifstream(entry.path(), std::ios::binary).rdbuf();
      all.push_back(content.str());
    }
  std::sort(all.begin(), all.end());
  return all;
}

std::string mutated(std::string text, std::mt19937& random, const std::vector<std::string>& all) {
  static const std::vector<std::string> pieces = {"```",
                                                  "~~~",
                                                  "```bash\n",
                                                  "\n",
                                                  "\r\n",
                                                  "| a | b |\n|---|---|\n",
                                                  "- [ ] ",
                                                  "# ",
                                                  "  ",
                                                  "\t",
                                                  "> ",
                                                  "[name]",
                                                  "<TAG>",
                                                  "${SITE}",
                                                  "{{",
                                                  "}}",
                                                  "'",
                                                  "\"",
                                                  "\\",
                                                  "`",
                                                  "sudo systemctl stop ",
                                                  "git checkout ",
                                                  "curl http://localhost/",
                                                  "\xEF\xBB\xBF",
                                                  "\xC3",
                                                  "\x1b[31m",
                                                  "{host}",
                                                  ": ",
                                                  " #",
                                                  "<<EOF\n",
                                                  "---\n",
                                                  "1. ",
                                                  "psql x\n",
                                                  "\\q\n",
                                                  ">>> ",
                                                  "$(",
                                                  "%{",
                                                  "&",
                                                  "*",
                                                  "- - - ",
                                                  "## Verify\n",
                                                  "## Contacts\n",
                                                  "## When to roll back\n",
                                                  "Action: ",
                                                  "systemctl stop -x",
                                                  "door",
                                                  "\xF0\x9F\x9A\xA8"};
  const auto below = [&](size_t most) { return most == 0 ? 0 : random() % most; };
  for (size_t times = 1 + below(12); times > 0; --times) {
    const size_t at = below(text.size() + 1);
    switch (random() % 5) {
      case 0: text.insert(at, pieces[below(pieces.size())]); break;
      case 1: text.erase(at, below(40)); break;
      case 2:
        if (at < text.size()) text[at] = static_cast<char>(random() % 255 + 1);
        break;
      case 3: text.insert(at, text.substr(below(text.size()), below(200))); break;
      default: {
        const std::string& other = all[below(all.size())];
        text.insert(at, other.substr(below(other.size()), below(300)));
      }
    }
  }
  return text.substr(0, 20000);
}

TEST(Hostile, SomeThousandMutations) {
  const char* said = std::getenv("BACKOUT_FUZZ_SEED");
  const auto seed = static_cast<unsigned>(said != nullptr ? std::atoi(said) : 20261122);
  std::printf("seed %u\n", seed);
  std::mt19937 random(seed);
  const std::vector<std::string> all = corpus();
  ASSERT_FALSE(all.empty());
  for (int round = 0; round < 1500; ++round) {
    expect_bounded(mutated(all[random() % all.size()], random, all), fmt::format("seed {}, round {}", seed, round));
    if (HasFatalFailure() || HasNonfatalFailure()) return;
  }
}

TEST(Hostile, AMegabyteOfOneThing) {
  for (const std::string piece : {"[",
                                  "`",
                                  "|",
                                  ">",
                                  "- ",
                                  "#",
                                  "*",
                                  "_",
                                  "<",
                                  "'",
                                  "\"",
                                  "$A",
                                  "{{",
                                  "\\",
                                  "\n",
                                  "a",
                                  "[ab] ",
                                  "- a\n",
                                  "```\n",
                                  "```sh\n",
                                  "~~~\n",
                                  "| a |\n",
                                  "1. x\n",
                                  "- [ ] b\n",
                                  "# h\n",
                                  "git checkout x\n",
                                  "    ls\n",
                                  "for x\n",
                                  "psql\n",
                                  "cat <<E\n",
                                  "![l",
                                  "[a](",
                                  "**a",
                                  "> - ",
                                  "x|\n",
                                  "|-|\n",
                                  "```md\n",
                                  "a = b\n",
                                  "export A=1\n",
                                  "Stop if x\n",
                                  "\t- a\n"}) {
    std::string bytes = "# Rollback\n\n```bash\nsystemctl stop x\n```\n\n";
    const bool whole = piece == "[" || piece == "`" || piece == "|";
    while (bytes.size() < (whole ? 1U << 20 : 1U << 17)) bytes += piece;
    const auto begin = std::chrono::steady_clock::now();
    expect_bounded(bytes, piece);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    EXPECT_LT(took.count(), 60) << piece;
    if (took.count() > 5) std::printf("%.1f s for '%s'\n", took.count(), piece == "\n" ? "newline" : piece.c_str());
  }
}

TEST(Hostile, MuchOfOneThingInsideOfCommandsAndVerification) {
  for (const std::string head :
       {"```bash\n", "## Verify\n\n", "## Contacts\n\n| Role | Phone |\n|---|---|\n", "## Decision\n\n"})
    for (const std::string piece :
         {"cat <<E\n", "for x\n", "psql\n", "curl http://localhost/a[b]\n", "- a\n", "| a | 1 |\n", "'\n"}) {
      std::string bytes = "# Rollback\n\n" + head;
      for (int number = 0; bytes.size() < (1U << 16); ++number)
        bytes += number % 3 == 0 ? std::to_string(number) + piece : piece;
      const auto begin = std::chrono::steady_clock::now();
      expect_bounded(bytes, head + piece);
      const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
      EXPECT_LT(took.count(), 60) << head << piece;
    }
}

}  // namespace
}  // namespace backout::import
