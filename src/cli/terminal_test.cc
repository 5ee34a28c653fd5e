#include "cli/terminal.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/text.h"

namespace backout::cli {
namespace {

const Style kPlain(false, true);
const Style kColoured(true, true);

TEST(Colour, IsForTerminalsOfPeopleWhoDidNotSayNo) {
  EXPECT_TRUE(wants_colour(true, false, nullptr, "xterm"));
  EXPECT_TRUE(wants_colour(true, false, "", "xterm"));
  EXPECT_FALSE(wants_colour(false, false, nullptr, "xterm"));
  EXPECT_FALSE(wants_colour(true, true, nullptr, "xterm"));
  EXPECT_FALSE(wants_colour(true, false, "1", "xterm"));
  EXPECT_FALSE(wants_colour(true, false, nullptr, "dumb"));
  EXPECT_FALSE(wants_colour(true, false, nullptr, nullptr));
}

TEST(Colour, APipeGetsNoneAndAFixedWidth) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  EXPECT_FALSE(style_for(ends[1], false).colour());
  EXPECT_EQ(columns_of(ends[1]), 100U);
  close(ends[0]);
  close(ends[1]);
}

TEST(Colour, TakesNothingAwayAndAddsNoWord) {
  EXPECT_EQ(kPlain.in(Tone::kBad, "failed"), "failed");
  EXPECT_EQ(kColoured.in(Tone::kBad, "failed"), "\x1B[31mfailed\x1B[0m");
  EXPECT_EQ(kColoured.in(Tone::kBad, ""), "");
  EXPECT_EQ(display_width(kColoured.in(Tone::kBad, "failed")), 6U);
}

TEST(Unicode, TheFirstLocaleThatIsSetDecides) {
  EXPECT_TRUE(wants_unicode(nullptr, nullptr, "C.UTF-8"));
  EXPECT_TRUE(wants_unicode("", "de_DE.utf8", "C"));
  EXPECT_FALSE(wants_unicode("C", nullptr, "C.UTF-8"));
  EXPECT_FALSE(wants_unicode(nullptr, nullptr, nullptr));
}

TEST(Marks, AlwaysComeWithTheWord) {
  EXPECT_EQ(kPlain.mark(Mark::kDone, "save"), "✓ save");
  EXPECT_EQ(kPlain.mark(Mark::kFailed, "start"), "✗ start");
  EXPECT_EQ(kPlain.mark(Mark::kRunning, "start"), "▸ start");
  EXPECT_EQ(kPlain.mark(Mark::kUnknown, "start\x1B[2J"), "? start[2J");
  EXPECT_EQ(Style(false, false).mark(Mark::kFailed, "start"), "x start");
}

TEST(DisplayWidth, CountsColumnsNotBytes) {
  EXPECT_EQ(display_width("shop"), 4U);
  EXPECT_EQ(display_width("Müller"), 6U);
  EXPECT_EQ(display_width("日本"), 4U);
  EXPECT_EQ(display_width("e\xCC\x81"), 1U);  // e and a combining acute
  EXPECT_EQ(display_width("🚀"), 2U);
  EXPECT_EQ(display_width("\xFF\xC3"), 2U);  // broken bytes end nothing
}

TEST(CutTo, NeverCutsACharacterAndNeverIsTooWide) {
  EXPECT_EQ(cut_to("shop", 4), "shop");
  EXPECT_EQ(cut_to("shopping", 6), "sho...");
  EXPECT_EQ(cut_to("日本日本", 6), "日...");
  for (size_t width = 0; width < 12; ++width) EXPECT_LE(display_width(cut_to("aé日本🚀 more text", width)), width);
}

TEST(Table, AlignsByWidthAndPutsNumbersToTheRight) {
  Table table({{"version"}, {"rows", true}, {"by"}});
  table.add({{"v2.4.0"}, {"7"}, {"dana"}});
  table.add({{"v日本"}, {"1234"}, {"sam\nand co"}});
  EXPECT_EQ(table.text(kPlain, 80),
            "  version  rows  by\n"
            "  v2.4.0      7  dana\n"
            "  v日本    1234  sam and co\n");
}

TEST(Table, ColoursChangeNoColumn) {
  Table table({{"state"}, {"version"}});
  table.add({{"bad", Tone::kBad}, {"v1"}});
  table.add({{"known-good", Tone::kGood}, {"v2"}});
  std::string coloured = table.text(kColoured, 80);
  for (const char* code : {"\x1B[0m", "\x1B[2m", "\x1B[31m", "\x1B[32m"})
    coloured = replaced(std::move(coloured), code, "");
  const auto columns_only = [](const std::string& text) {
    std::string all;
    for (const std::string& line : split(text, '\n'))
      all += std::string(line.substr(0, line.find_last_not_of(' ') + 1)) + "\n";
    return all;
  };
  EXPECT_EQ(columns_only(coloured), columns_only(table.text(kPlain, 80)));
}

TEST(Table, FitsTheTerminalByCuttingTheLastColumn) {
  Table table({{"step"}, {"why"}});
  table.add({{"switch-code"}, {std::string(200, 'x')}});
  for (const std::string& line : split(table.text(kPlain, 50), '\n')) EXPECT_LE(display_width(line), 50U);
  EXPECT_NE(table.text(kPlain, 50).find("..."), std::string::npos);
  for (const std::string& line : split(table.text(kPlain, 1), '\n')) EXPECT_LE(display_width(line), 2U + 11 + 2 + 12);
}

TEST(Table, WithoutRowsIsNothingAndShortRowsAreFilledUp) {
  Table table({{"a"}, {"b"}});
  EXPECT_EQ(table.text(kPlain, 80), "");
  table.add({{"only"}});
  table.add({{"1"}, {"2"}, {"3"}});
  EXPECT_EQ(table.text(kPlain, 80), "  a     b\n  only\n  1     2\n");
}

TEST(KeyValues, WrapBelowThemselves) {
  EXPECT_EQ(key_values({{"now", "v2.4.0"}, {"database", "compatible: old code runs on the new schema"}}, 34),
            "  now       v2.4.0\n"
            "  database  compatible: old code\n"
            "            runs on the new schema\n");
  EXPECT_EQ(key_values({{"log", "one\ntwo\x1B[31m"}, {"none", ""}}, 80), "  log   one\n        two[31m\n  none\n");
}

TEST(Wrapped, KeepsALongWordWhole) {
  const std::string path(40, 'p');
  EXPECT_EQ(wrapped("see " + path + " now", 20), (std::vector<std::string>{"see", path, "now"}));
  EXPECT_EQ(wrapped("", 20), std::vector<std::string>{""});
}

TEST(Relative, IsHowAPersonSaysIt) {
  const WallTime now = wall_from_millis(1'700'000'000'000);
  const auto ago = [&](int64_t seconds) { return relative(now - Millis(seconds * 1000), now); };
  EXPECT_EQ(ago(0), "just now");
  EXPECT_EQ(ago(48), "48 s ago");
  EXPECT_EQ(ago(41 * 60), "41 min ago");
  EXPECT_EQ(ago(3 * 3600), "3 h ago");
  EXPECT_EQ(ago(6 * 86'400), "6 days ago");
  EXPECT_EQ(ago(-300), "in 5 min");
  EXPECT_EQ(ago(-2), "now");
}

}  // namespace
}  // namespace backout::cli
