#include "config/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include "base/text.h"
#include "config/document.h"
#include "config/keys.h"
#include "config/shape.h"

namespace backout::config {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

std::string content_of(const fs::path& file) {
  std::stringstream content;
  content << std::ifstream(file, std::ios::binary).rdbuf();
  return content.str();
}

const std::string kExample = std::string(BACKOUT_SOURCE_DIR) + "/examples/backout.yaml";
const std::string kWhole = std::string(BACKOUT_SOURCE_DIR) + "/tests/golden/config/whole/backout.yaml";

std::string all(const std::vector<Finding>& findings) {
  std::string text;
  for (const Finding& finding : findings) text += render("?", finding) + "\n";
  return text;
}

class Directory {
 public:
  Directory() : path_(::testing::TempDir() + "config_test." + std::to_string(::getpid())) {
    fs::create_directories(path_);
  }
  ~Directory() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(path_ + "/" + name) << text;
    return path_ + "/" + name;
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

TEST(Config, TheExampleReadsWithoutErrorsAndSoDoesTheWholeContract) {
  for (const std::string& file : {kExample, kWhole}) {
    const Result<Loaded> loaded = inspect(file);
    ASSERT_TRUE(loaded) << loaded.error().message;
    EXPECT_TRUE(loaded->ok()) << all(loaded->findings);
  }
}

TEST(Config, TheExampleSaysEveryKeyThatThisVersionActsOn) {
  // Both forms of a choice cannot stand in one file; golden cases read the others.
  const std::string text = content_of(kExample);
  for (const char* key : {"site", "environment", "state", "hosts", "base_url", "public_url", "code", "services", "door",
                          "database", "checks", "commands", "watch", "on_failed_check", "jobs"})
    EXPECT_NE(text.find(std::string("\n") + key + ":"), std::string::npos) << key;
}

TEST(Config, TheApprovalKindsAndTheUnbuiltPartsReachTheSite) {
  const Result<Site> site = load(kWhole);
  ASSERT_TRUE(site) << site.error().message;
  EXPECT_EQ(site->approvals, std::vector<std::string>{"database"});
  EXPECT_EQ(site->database->kind, "postgresql");
  EXPECT_EQ(site->services.at(3).kind, "cron");
  EXPECT_EQ(site->services.at(0).name, "shop-celery-beat.service");
  EXPECT_EQ(site->services.at(1).drain, Millis(30'000));
  EXPECT_EQ(site->checks.at(1).args["contains"], "{{version}}");
  EXPECT_EQ(site->checks.at(2).args["within_ms"], 800);
}

TEST(Config, ColumnsCountCharactersAndLinesCountFromOne) {
  const Loaded loaded = parse("site: shop\nx-é: {é: 1, é: 2}\n", "b.yaml");
  ASSERT_FALSE(loaded.ok());
  const auto error = std::find_if(loaded.findings.begin(), loaded.findings.end(),
                                  [](const Finding& finding) { return finding.severity == Severity::kError; });
  EXPECT_EQ(error->line, 2);
  EXPECT_EQ(error->column, 13);
}

TEST(Config, AnEmptyFileAndOneThatIsNoMapAreErrors) {
  for (const char* text : {"", "\n\n", "# nothing\n", "- a\n", "shop\n", "---\n", "~\n", "%YAML 1.2\n"}) {
    const Loaded loaded = parse(text, "b.yaml");
    EXPECT_FALSE(loaded.ok()) << text;
  }
}

TEST(Config, WindowsLineEndsAndAByteOrderMarkAreFine) {
  const Loaded loaded =
      parse("\xEF\xBB\xBFsite: shop\r\nx-a: |\r\n  one\r\n  two\r\ncode: {layout: releases, path: /srv}\r\n", "b.yaml");
  EXPECT_TRUE(loaded.ok()) << all(loaded.findings);
  EXPECT_EQ(loaded.site.name, "shop");
}

TEST(Bounds, ASmallFileCannotGrowLargeThroughAliases) {
  std::string text = "site: shop\nx-a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n";
  for (int level = 1; level < 12; ++level) {
    const std::string before = fmt::format("*a{}", level - 1);
    text += fmt::format("x-a{0}: &a{0} [{1}, {1}, {1}, {1}, {1}, {1}, {1}, {1}, {1}]\n", level, before);
  }
  EXPECT_THAT(all(parse(text, "b.yaml").findings), HasSubstr("too much"));

  std::string wide = "site: shop\nx-a: &a \"" + std::string(100'000, 'a') + "\"\nx-b:\n";
  for (int i = 0; i < 100; ++i) wide += "  - *a\n";
  EXPECT_THAT(all(parse(wide, "b.yaml").findings), HasSubstr("too much"));

  EXPECT_FALSE(parse("site: &a {b: *a}\n", "b.yaml").ok());
}

TEST(Bounds, NeitherDepthNorLengthEndsTheProgram) {
  EXPECT_FALSE(parse("x: " + std::string(200'000, '['), "b.yaml").ok());
  EXPECT_FALSE(parse("x: " + std::string(200'000, '{'), "b.yaml").ok());
  std::string steps;
  for (int i = 0; i < 1000; ++i) steps += std::string(static_cast<size_t>(i), ' ') + "a:\n";
  EXPECT_FALSE(parse(steps, "b.yaml").ok());
  EXPECT_THAT(all(parse("site: shop\n#" + std::string(kLargestText, 'x'), "b.yaml").findings),
              HasSubstr("is the most"));
  EXPECT_FALSE(parse(std::string(500'000, 'a') + ": 1\n", "b.yaml").ok());
}

TEST(Keys, TheirExamplesKeepToTheirOwnTypes) {
  for (const Key& key : all_keys()) {
    std::string inner(key.example);
    std::string_view rest = key.path;
    if (inner.starts_with("- ")) {
      rest.remove_suffix(2);  // "[]"
      const size_t dot = rest.rfind('.') + 1;
      inner = fmt::format("{}: [{}]", rest.substr(dot), inner.substr(2));
    }
    while (rest.find('.') != std::string_view::npos) {
      rest = rest.substr(0, rest.rfind('.'));
      std::string name(rest.substr(rest.rfind('.') + 1));
      if (name == "*") name = "any";
      if (name == "<command>") {
        inner = inner.starts_with("run:") ? fmt::format("code: {{build: [{{{}}}]}}", inner)
                                          : fmt::format("code: {{build: [{{run: make, {}}}]}}", inner);
      } else if (const size_t bracket = name.find('['); bracket != std::string::npos) {
        std::string head;
        const auto value = [&](std::string_view form) {
          if (name == "signals[prometheus]" || name == "signals[alertmanager]") return "\"http://a\"";
          if (name == "signals[restarts]" || name == "signals[resources]") return "true";
          if (rest == "auto_deploys[run]") return "{pause: a}";
          return form == "resources" ? "{load: 1}" : rest == "leftovers[run]" ? "{count: a}" : "a";
        };
        for (const Form& form : all_forms())
          if (rest == fmt::format("{}[{}]", form.path.substr(0, form.path.size() - 2), form.name) &&
              std::none_of(form.heads.begin(), form.heads.end(),
                           [&](std::string_view one) { return inner.starts_with(std::string(one) + ":"); }))
            head = fmt::format("{}: {}, ", form.heads.front(), value(form.name));
        inner = fmt::format("{}: [{{{}{}}}]", name.substr(0, bracket), head, inner);
      } else {
        inner = fmt::format("{}: {{{}}}", name, inner);
      }
    }
    Findings findings({"example"});
    const std::optional<Node> root = read_document(inner, 0, findings);
    ASSERT_TRUE(root) << inner;
    check_shape(*root, findings);
    for (const Finding& finding : findings.take())
      EXPECT_EQ(finding.severity, Severity::kWarning) << key.path << " in " << inner << ": " << finding.message;
  }
}

TEST(Load, SaysWhatIsWrongWithTheFileItself) {
  const Directory directory;
  const Result<Site> missing = load(directory.path() + "/backout.yaml");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Code::kNotFound);
  EXPECT_THAT(missing.error().next, HasSubstr("getting-started"));
  EXPECT_EQ(load(directory.path()).error().code, Code::kInvalid);

  const Result<Site> wrong = load(directory.write("backout.yaml", "site: shop\nkeep: 1\nchekcs: 2\n"));
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, Code::kInvalid);
  EXPECT_THAT(wrong.error().message, HasSubstr("backout.yaml:2:1: error: unknown key 'keep'; it belongs in code"));
  EXPECT_THAT(wrong.error().message,
              HasSubstr("backout.yaml:3:1: error: unknown key 'chekcs': did you mean 'checks'?"));
  EXPECT_THAT(wrong.error().next, HasSubstr("backout lint"));
}

TEST(Load, AnEnvironmentCannotLeaveTheDirectory) {
  const Directory directory;
  const std::string file = directory.write("backout.yaml", "site: shop\n");
  EXPECT_EQ(load(file, "../staging").error().code, Code::kInvalid);
  EXPECT_EQ(load(file, "a/b").error().code, Code::kInvalid);
  EXPECT_EQ(load(file, "staging").error().code, Code::kNotFound);
  const Result<Site> own = load(file, "production");
  ASSERT_TRUE(own) << own.error().message;
  EXPECT_EQ(own->id.str(), "shop/production");
}

/// One small change of the kind that hands, editors and cosmic rays make.
std::string mutated(std::string text, std::mt19937& random) {
  static constexpr std::string_view kPieces[] = {":",
                                                 " ",
                                                 "\t",
                                                 "\n",
                                                 "- ",
                                                 "{",
                                                 "}",
                                                 "[",
                                                 "]",
                                                 "\"",
                                                 "'",
                                                 "#",
                                                 "&a ",
                                                 "*a",
                                                 "|\n",
                                                 ">\n",
                                                 "? ",
                                                 "!!int ",
                                                 "---\n",
                                                 "...\n",
                                                 "<<: ",
                                                 "~",
                                                 "0",
                                                 "-1",
                                                 "99999999999999999999",
                                                 "true",
                                                 "\xFF",
                                                 "\xC3",
                                                 "\x1B",
                                                 "x-",
                                                 ",",
                                                 "%",
                                                 "\\",
                                                 "\xEF\xBB\xBF",
                                                 "name: ",
                                                 "run: "};
  const auto below = [&](size_t limit) {
    return std::uniform_int_distribution<size_t>(0, limit == 0 ? 0 : limit - 1)(random);
  };
  std::vector<std::string> lines = split(text, '\n');
  switch (below(7)) {
    case 0: return text.insert(below(text.size() + 1), kPieces[below(std::size(kPieces))]);
    case 1: return text.erase(below(text.size()), 1 + below(12));
    case 2: text[below(text.size())] = static_cast<char>(below(256)); return text;
    case 3: lines.erase(lines.begin() + static_cast<long>(below(lines.size()))); break;
    case 4: lines.insert(lines.begin() + static_cast<long>(below(lines.size())), lines[below(lines.size())]); break;
    case 5: lines[below(lines.size())].insert(0, below(2) == 0 ? "  " : "      "); break;
    default: return text.substr(0, below(text.size()));
  }
  return join(lines, "\n");
}

TEST(Parse, EndsOnTextsThatTheParserFindsNoEndIn) {
  for (const char* text : {",", "site: shop\n---\n,", ", ,", "}", "]", "a: [b\n,", ":", "?", "- ,", "{,}"}) {
    const Loaded loaded = parse(text, "b.yaml");
    EXPECT_FALSE(loaded.ok()) << text;
    for (const Finding& finding : loaded.findings)
      EXPECT_TRUE(finding.severity == Severity::kWarning || finding.line >= 1) << text << ": " << render("", finding);
  }
}

TEST(Mutations, NeverCrashAndEveryErrorHasItsPlace) {
  const unsigned seed = std::random_device{}();
  std::mt19937 random(seed);
  int broken = 0;
  for (const std::string& file : {kExample, kWhole}) {
    const std::string original = content_of(file);
    const long most_lines = 8 + std::count(original.begin(), original.end(), '\n') * 2;
    for (int round = 0; round < 400; ++round) {
      std::string text = original;
      for (int change = 0; change <= round % 4; ++change)
        if (!text.empty()) text = mutated(std::move(text), random);
      const Loaded loaded = parse(text, "b.yaml");
      broken += loaded.ok() ? 0 : 1;
      for (const Finding& finding : loaded.findings) {
        EXPECT_FALSE(finding.message.empty());
        EXPECT_EQ(sanitised(finding.message), finding.message);
        if (finding.severity == Severity::kWarning || finding.message == "the file is empty") continue;
        EXPECT_TRUE(finding.line >= 1 && finding.line <= most_lines && finding.column >= 1)
            << "seed " << seed << " round " << round << ": " << render("", finding) << "\n"
            << text;
      }
      if (HasFailure()) return;
    }
  }
  EXPECT_GT(broken, 100) << "seed " << seed;
}

}  // namespace
}  // namespace backout::config
