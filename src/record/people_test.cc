// What people wrote survives the report being made again; and a page that untrusted text cannot get out of.
#include "record/people.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "record/html.h"
#include "record/public.h"

namespace backout::record {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string page(const std::string& cause) {
  return "# INC-1\n\nfacts: 3\n\n## Root cause\n\n" + people_block("root-cause", cause) + "\n## Lessons\n\n" +
         people_block("lessons", "Nobody has written this yet.\n") + "\nend\n";
}

std::string written(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos);
  return text.replace(at, from.size(), to);
}

TEST(People, TextSurvivesWhileTheFactsAreNew) {
  const std::string before = written(page("Nobody has written this yet.\n"), "Nobody has written this yet.",
                                     "The pool was too small.\n\n- <b>raise</b> it");
  const std::string made = written(page("Nobody has written this yet.\n"), "facts: 3", "facts: 4");
  const auto joined = with_peoples_text(made, before);
  ASSERT_TRUE(joined) << joined.error().message;
  EXPECT_THAT(*joined, HasSubstr("facts: 4"));
  EXPECT_THAT(*joined, HasSubstr("The pool was too small.\n\n- <b>raise</b> it"));
  const auto again = with_peoples_text(made, *joined);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(*again, *joined) << "twice is the same as once";
}

TEST(People, TextThatOnlyTheProgramWroteIsToday) {
  const auto joined = with_peoples_text(page("Said with backout note.\n"), page("Nobody has written this yet.\n"));
  ASSERT_TRUE(joined) << joined.error().message;
  EXPECT_EQ(*joined, page("Said with backout note.\n"));
}

TEST(People, LinesOutsideTheBlocksAreMissed) {
  const std::string made = page("Nobody has written this yet.\n");
  EXPECT_FALSE(loses_lines(made, made));
  EXPECT_FALSE(loses_lines(page("Said with backout note.\n"), made)) << "the program's own text in a block";
  EXPECT_TRUE(loses_lines(made, "My analysis\n" + made));
  EXPECT_TRUE(loses_lines(made, made + "<!-- /backout:people:lessons -->\nMy analysis\n")) << "and damaged markers";
}

TEST(People, TextOfBothSidesIsRefused) {
  const std::string before =
      written(page("Nobody has written this yet.\n"), "Nobody has written this yet.", "Written into the file.");
  const auto joined = with_peoples_text(page("Said with backout note.\n"), before);
  ASSERT_FALSE(joined);
  EXPECT_EQ(joined.error().code, Code::kRefused);
  EXPECT_THAT(joined.error().message, HasSubstr("root-cause"));
}

TEST(People, DamagedMarkersAndStrangeFilesAreRefused) {
  const std::string made = page("Nobody has written this yet.\n");
  for (const std::string& before :
       {std::string("a shopping list\n"), written(made, "<!-- /backout:people:root-cause -->\n", ""),
        written(made, "<!-- backout:people:lessons", "<!-- backout:people:lesson"),
        written(made, "<!-- /backout:people:lessons -->", "<!-- backout:people:lessons -->")}) {
    const auto joined = with_peoples_text(made, before);
    ASSERT_FALSE(joined) << before;
    EXPECT_EQ(joined.error().code, Code::kRefused) << before;
  }
}

TEST(Html, NothingGetsOutOfItsPlace) {
  const std::string evil = "</title><script>alert(1)</script>\"'><img src=x onerror=y>\u202e{{#each}}\x1b[31m";
  Report report;
  report.run = RunId("RUN-1");
  report.incident = IncidentId("INC-1");
  report.site = SiteId("shop/" + evil);
  report.from = Version(evil);
  report.to = Version("v1");
  report.reason = report.by = report.why = evil;
  report.result = "done";
  report.people["root-cause"] = report.people["public"] = evil;
  report.steps.push_back({evil, evil, evil, evil, "apply", OutcomeKind::kFailed, evil, {}, Millis(3)});
  report.commands.push_back({.step = evil, .host = evil, .argv = {evil}, .cwd = evil, .out_tail = evil});
  report.questions.push_back({{}, evil, evil, evil});
  report.notes.push_back({{}, evil, evil, evil});
  report.follow_ups.push_back({Millis(1), {}, evil});
  report.conflicts = report.residue = report.changes = report.impact = {evil};
  for (const std::string& text : {to_html(report), to_html(public_of(report))}) {
    EXPECT_THAT(text, Not(HasSubstr("<script")));
    EXPECT_THAT(text, Not(HasSubstr("<img")));
    EXPECT_THAT(text, Not(HasSubstr("\x1b")));
    EXPECT_THAT(text, Not(HasSubstr("http://")));
    EXPECT_THAT(text, Not(HasSubstr("https://")));
    EXPECT_THAT(text, HasSubstr("</html>"));
  }
  EXPECT_THAT(to_html(report), HasSubstr("&lt;script&gt;"));
}

TEST(Public, TellsNothingButItsList) {
  Report report;
  report.incident = IncidentId("INC-1");
  report.site = SiteId("shop/production");
  report.from = Version("v2-secretname");
  report.to = Version("v1-secretname");
  report.by = "dana-secretname";
  report.reason = report.why = "the secretname pool";
  report.result = "done";
  report.steps.push_back({"switch", "t", "switch", "web-secretname", "apply", OutcomeKind::kApplied, "secretname"});
  report.notes.push_back({{}, "secretname", "secretname", "secretname"});
  const PublicReport told = public_of(report);
  EXPECT_THAT(to_markdown(told), Not(HasSubstr("secretname")));
  EXPECT_THAT(to_html(told), Not(HasSubstr("secretname")));
  EXPECT_THAT(to_json(told).dump(), Not(HasSubstr("secretname")));
  EXPECT_THAT(to_markdown(told), HasSubstr("INC-1"));
}

}  // namespace
}  // namespace backout::record
