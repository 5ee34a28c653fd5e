// Reports from events, against files in tests/golden/record. ACCEPT=1 writes them anew; look at the difference before
// you commit.
#include "record/report.h"
#include "record/html.h"
#include "record/public.h"
#include "record/summary.h"
#include "record/timeline.h"
#include "record/words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

namespace backout::record {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

/// Events of one site, a chosen time apart.
class Story {
 public:
  void happens(EventType type, Json body, const std::string& run = "RUN-0012") {
    Event event{.site = SiteId("shop/production"),
                .seq = static_cast<int64_t>(events_.size()) + 1,
                .type = type,
                .at = wall_from_millis(1'772'374'931'000) + now_,
                .boot = BootTime(500'000) + now_,
                .boot_id = boot,
                .actor = "dana",
                .run = RunId(run),
                .body = std::move(body)};
    events_.push_back(std::move(event));
  }
  Story& after(Millis span) {
    now_ += span;
    return *this;
  }
  void step(const std::string& id, const std::string& kind, const std::string& why, int64_t took,
            Json evidence = Json::object(), const std::string& purpose = "apply", const std::string& host = "web-1") {
    after(Millis(took));
    happens(EventType::kStepEnded,
            {{"step", id},
             {"host", host},
             {"purpose", purpose},
             {"outcome", {{"kind", kind}, {"why", why}, {"took_ms", took}, {"evidence", std::move(evidence)}}}});
  }
  void command(const std::string& id, std::vector<std::string> argv, const std::string& attempt) {
    happens(EventType::kAttemptIntended,
            {{"step", id},
             {"host", "web-1"},
             {"attempt", attempt},
             {"purpose", "apply"},
             {"command", {{"argv", argv}, {"cwd", "/srv/shop"}, {"user", "deploy"}, {"timeout_ms", 60000}}}});
  }
  void answers(const std::string& id, const std::string& attempt, int status, const std::string& out,
               const std::string& err = "") {
    happens(EventType::kAttemptEnded, {{"step", id},
                                       {"host", "web-1"},
                                       {"attempt", attempt},
                                       {"purpose", "apply"},
                                       {"exit_status", status},
                                       {"signal", 0},
                                       {"timed_out", false},
                                       {"truncated", false},
                                       {"took_ms", 120},
                                       {"out_tail", out},
                                       {"err_tail", err}});
  }

  /// v1 known-good, v2 deployed by sam and failing a check, a plan back to v1.
  void so_far() {
    for (const char* version : {"v1", "v2"}) {
      const std::string release = version == std::string("v1") ? "R-1" : "R-2";
      happens(EventType::kRunStarted, {{"kind", "deploy"}, {"from", ""}, {"to", version}}, "RUN-0011");
      happens(EventType::kReleaseRecorded,
              {{"release", release}, {"version", version}, {"commit", "4f1c0dedeadbeef"}, {"state", "watching"}},
              "RUN-0011");
      happens(EventType::kReleaseCurrent, {{"release", release}, {"version", version}, {"why", "deployed"}},
              "RUN-0011");
      after(Millis(60'000));
    }
    happens(EventType::kStepEnded,
            {{"step", "check-checkout"},
             {"host", "web-1"},
             {"purpose", "apply"},
             {"outcome", {{"kind", "failed"}, {"why", "status 500, expected 200"}, {"took_ms", 20}}}},
            "RUN-0011");
    after(Millis(120'000));
    Json steps = Json::array();
    const auto planned = [&](const char* id, const char* phase, const char* kind, const char* driver) {
      steps.push_back({{"id", id},
                       {"phase", phase},
                       {"kind", kind},
                       {"title", std::string("the ") + id},
                       {"action", {{"driver", driver}, {"verb", "x"}}}});
    };
    planned("save", "prepare", "effect", "sqlite");
    planned("close-door", "close", "effect", "nginx");
    planned("carry-rows", "last rows", "effect", "sqlite");
    planned("switch-code", "switch", "effect", "releases");
    planned("check-version", "check", "look", "http");
    planned("ask-order", "check", "ask", "ask");
    planned("open-door", "open", "effect", "nginx");
    happens(EventType::kPlanMade, {{"plan", "9b1c4e7a"}, {"contract", {{"steps", steps}}}}, "");
    happens(EventType::kLeaseGranted, {{"token", 7}, {"holder", "dana@desk pid 77"}, {"doing", "rollback to v1"}}, "");
    happens(EventType::kRunStarted, {{"kind", "rollback"},
                                     {"incident", "INC-2026-0007"},
                                     {"plan", "9b1c4e7a"},
                                     {"from", "v2"},
                                     {"to", "v1"},
                                     {"reason", "checkout fails for one in ten"},
                                     {"by", "dana"},
                                     {"jobs", 4}});
  }
  void close() {
    command("close-door", {"/bin/sh", "-c", "echo closed > door\nreload", "sh"}, "a1");
    answers("close-door", "a1", 0, "");
    step("close-door", "applied", "the maintenance page answers", 1800);
    happens(EventType::kDoorClosed, {{"step", "close-door"}});
  }
  void open() {
    command("open-door", {"/usr/sbin/nginx", "-s", "reload"}, "a9");
    answers("open-door", "a9", 0, "");
    step("open-door", "applied", "the site answers", 200);
    happens(EventType::kDoorOpened, {{"step", "open"}});
  }
  void rows() {
    step("carry-rows", "applied", "37 rows carried", 2100,
         {{"rows", {{"orders", {{"insert", 30}, {"update", 4}, {"delete", 1}}}, {"lines", {{"insert", 2}}}}},
          {"carried", {{"orders", {{"insert", 30}, {"update", 3}, {"delete", 1}}}, {"lines", {{"insert", 2}}}}},
          {"conflicts", Json::array({{{"table", "orders"},
                                      {"operation", "update"},
                                      {"key", {17}},
                                      {"kind", "unique"},
                                      {"why", "another row has its e-mail"}}})},
          {"conflict_count", 3},
          {"conflicts_file", "/var/lib/backout/runs/RUN-0012/conflicts.jsonl"},
          {"residue", {{"orders", {{"insert", 0}, {"update", 3}, {"delete", 0}}}}},
          {"left", {{"sessions", {{"insert", 9}}}}},
          {"archived", {{"file", "/var/lib/backout/runs/RUN-0012/archive.jsonl"}}}});
  }
  void ends(const std::string& result, int exit, const std::string& why) {
    happens(EventType::kRunEnded, {{"result", result}, {"exit", exit}, {"why", why}});
  }
  Report report() const { return make_report(events_, RunId("RUN-0012")); }

  std::string boot = "boot-1";

 private:
  std::vector<Event> events_;
  Millis now_{0};
};

std::string content_of(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

void expect_golden(const std::string& name, const Report& report) {
  const PublicReport told = public_of(report);
  const auto lines = [](const Json& value) { return value.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"; };
  const std::vector<std::pair<std::string, std::string>> files = {
      {".md", to_markdown(report)},      {".json", lines(to_json(report))},      {".html", to_html(report)},
      {".public.md", to_markdown(told)}, {".public.json", lines(to_json(told))}, {".public.html", to_html(told)}};
  for (const auto& [suffix, text] : files) {
    const std::string path = std::string(BACKOUT_SOURCE_DIR "/tests/golden/record/") + name + suffix;
    if (std::getenv("ACCEPT") != nullptr) std::ofstream(path) << text;
    EXPECT_EQ(text, content_of(path)) << path << ": run with ACCEPT=1 if this is meant";
  }
}

Story clean() {
  Story story;
  story.so_far();
  story.step("save", "applied", "saved and restored beside", 20'400, {{"rows", {{"orders", {{"insert", 29}}}}}});
  story.close();
  story.rows();
  story.step("switch-code", "applied", "current -> releases/v1", 12);
  story.step("check-version", "applied", "v1 answers", 300);
  story.happens(EventType::kQuestionAsked, {{"step", "ask-order"}, {"question", "Can you place an order?"}});
  story.after(Millis(4000))
      .happens(EventType::kQuestionAnswered,
               {{"step", "ask-order"}, {"question", "Can you place an order?"}, {"answer", "yes"}, {"by", "sam"}});
  story.step("ask-order", "applied", "answered yes by sam", 0);
  story.open();
  story.happens(EventType::kReleaseState, {{"release", "R-2"}, {"state", "bad"}, {"why", "rolled back from"}});
  story.happens(EventType::kReleaseCurrent, {{"release", "R-1"}, {"version", "v1"}, {"why", "rolled back"}});
  story.happens(EventType::kNote, {{"text", "the payment provider confirms"}, {"by", "sam"}});
  story.after(Millis(500)).ends("done", 0, "every check passed");
  return story;
}

TEST(Report, OfACleanRollback) { expect_golden("clean", clean().report()); }

TEST(Report, OfAnInterruptedOneThatWasResumed) {
  Story story;
  story.so_far();
  story.close();
  story.command("switch-code", {"ln", "-sfn", "releases/v1", "current"}, "a2");
  story.after(Millis(12'000)).step("switch-code", "unknown", "connection lost", 12'000);
  story.happens(EventType::kRunStopped,
                {{"why", "'switch-code' on web-1: connection lost"}, {"step", "switch-code"}, {"exit", 4}});
  story.after(Millis(90'000));
  story.happens(EventType::kLeaseGranted,
                {{"token", 8}, {"holder", "sam@desk pid 99"}, {"doing", "resume of RUN-0012"}}, "");
  story.step("switch-code", "applied", "looked again: current -> releases/v1", 40);
  story.open();
  story.ends("done", 0, "every check passed");
  expect_golden("interrupted", story.report());
}

TEST(Report, OfAnAbortWithHostileText) {
  Story story;
  story.so_far();
  story.close();
  story.command("switch-code", {"sh", "-c", "echo '</code>'; it's\n\n# mine"}, "a2");
  story.answers("switch-code", "a2", 3,
                "```\n# Not a heading\n<script>alert(1)</script>\n\n\n| a | b |\n\x1b[31mred\xff\n",
                "[click](http://evil)\n");
  story.step("switch-code", "failed", "exit status 3: <img src=x> | `code` **bold** [l](u) &amp; $x$", 120);
  story.happens(EventType::kRunTurned, {{"why", "<b>'switch-code'</b> failed\n# heading"}});
  story.step("close-door", "applied", "the site answers", 300, Json::object(), "undo");
  story.happens(EventType::kDoorOpened, {{"step", "put back"}});
  story.happens(EventType::kNote, {{"text", "- [x] done\n## or not"}, {"by", "<mallory>"}, {"file", "a|b.png"}});
  story.ends("aborted", 1, "'switch-code' failed");
  expect_golden("hostile", story.report());
  const std::string page = to_markdown(story.report());
  for (std::string line, rest = page; !rest.empty(); rest.erase(0, line.size() + 1)) {
    line = rest.substr(0, rest.find('\n'));
    if (line.starts_with("    ")) continue;  // a code block
    if (line.starts_with("<!-- backout:people:") || line.starts_with("<!-- /backout:people:")) continue;
    EXPECT_THAT(line, Not(::testing::ContainsRegex("(^|[^\\])<"))) << line;
    EXPECT_THAT(line, Not(HasSubstr("## or not"))) << line;
  }
}

TEST(Report, CountsEveryTimeThatUsersWereOutside) {
  Story story;
  story.so_far();
  story.happens(EventType::kDoorClosed, {{"step", "close-door"}});
  story.after(Millis(3000)).happens(EventType::kDoorOpened, {{"step", "open"}});
  story.after(Millis(10'000)).happens(EventType::kDoorClosed, {{"step", "stop-web"}, {"by", "services"}});
  story.after(Millis(2500)).happens(EventType::kDoorOpened, {{"step", "open"}, {"by", "services"}});
  story.ends("done", 0, "");
  EXPECT_EQ(story.report().outage, Millis(5500));
  EXPECT_EQ(timeline_of(story.report()).outage.size(), 2U);
  for (const char* words : {"door closed", "door opened", "services stopped", "services run"})
    EXPECT_THAT(to_markdown(story.report()), HasSubstr(words));
  EXPECT_FALSE(story.report().door_closed);
}

TEST(Report, OfARunThatStoppedSaysThatUsersAreStillOutside) {
  Story story;
  story.so_far();
  story.close();
  story.after(Millis(14'000)).happens(EventType::kRunStopped, {{"why", "connection lost"}, {"exit", 4}});
  const Report report = story.report();
  EXPECT_TRUE(report.door_closed);
  EXPECT_EQ(report.outage, Millis(14'000));
  EXPECT_EQ(report.result, "stopped");
  ASSERT_TRUE(report.outside_since);
  EXPECT_THAT(report.impact, Contains("Users are outside since " + stamp(*report.outside_since) + "."));
  EXPECT_THAT(to_markdown(report), HasSubstr("outage since " + stamp(*report.outside_since) + ", not over"));
  EXPECT_THAT(report.follow_ups, IsEmpty());
  EXPECT_EQ(report.clock.back().what, "last event");
}

TEST(Report, OfARunThatLeftTheDoorClosedCountsUntilALaterRunOpenedIt) {
  Story story;
  story.so_far();
  story.close();
  story.after(Millis(14'000)).happens(EventType::kRunStopped, {{"why", "could not put back"}, {"exit", 5}});
  story.after(Millis(60'000)).ends("unverified", 5, "it was left unfinished and is closed by what follows");
  EXPECT_TRUE(story.report().door_closed) << "nobody has opened it yet";
  story.after(Millis(6000)).happens(EventType::kDoorOpened, {{"step", "open"}}, "RUN-9999");
  const Report report = story.after(Millis(99'000)).report();
  EXPECT_FALSE(report.door_closed);
  EXPECT_FALSE(report.outside_since);
  EXPECT_EQ(report.outage, Millis(80'000));
  EXPECT_THAT(report.impact, Contains("Users were outside for 80 s."));
  EXPECT_EQ(report.clock.back().what, "door opened");
  EXPECT_THAT(report.clock.back().detail, HasSubstr("RUN-9999"));
}

TEST(Report, ACommandWithoutAnEndSaysSo) {
  Story story;
  story.so_far();
  story.command("switch-code", {"true"}, "a2");
  const Report report = story.report();
  ASSERT_THAT(report.commands, SizeIs(1));
  EXPECT_FALSE(report.commands[0].ended);
  EXPECT_THAT(to_markdown(report), HasSubstr("its end is not known"));
  EXPECT_EQ(report.result, "running");
}

TEST(Report, DurationsDoNotFollowTheWallClock) {
  Story story;
  story.so_far();
  story.happens(EventType::kDoorClosed, {{"step", "close-door"}});
  Story jumped = story;
  story.after(Millis(5000)).happens(EventType::kDoorOpened, {{"step", "open"}});
  EXPECT_EQ(story.report().outage, Millis(5000));
  jumped.boot = "boot-2";  // the machine was started again: only the wall clock is left
  jumped.after(Millis(60'000)).happens(EventType::kDoorOpened, {{"step", "open"}});
  EXPECT_EQ(jumped.report().outage, Millis(60'000));
}

TEST(Report, ALaterStepKnowsMoreAboutTheRows) {
  const Report report = clean().report();
  EXPECT_EQ(report.rows_found(), 37);
  EXPECT_EQ(report.rows_carried(), 36);
  EXPECT_THAT(report.conflicts, ElementsAre("orders 17 (update): another row has its e-mail"));
}

TEST(Report, OfAnAbortClaimsNoRowsCarriedOver) {
  Story story;
  story.so_far();
  story.rows();
  story.ends("aborted", 1, "a check failed");
  const Report report = story.report();
  EXPECT_EQ(report.rows_found(), 37);
  EXPECT_EQ(report.rows_carried(), 0);
  EXPECT_THAT(report.conflicts, IsEmpty());
  EXPECT_THAT(report.impact, Contains("37 rows had been written since the checkpoint."));
}

TEST(Summary, SaysWhatBecameOfTheRowsAndHidesNone) {
  const std::vector<std::string> lines = summary(clean().report());
  ASSERT_GE(lines.size(), 4U);
  EXPECT_NE(lines[0].find("outage 6.6 s, 36 of 37 rows carried over"), std::string::npos) << lines[0];
  EXPECT_EQ(lines[1], "! NOT carried over: orders 17 (update): another row has its e-mail");
  EXPECT_EQ(lines[2], "! NOT carried over: 2 rows more");
  EXPECT_EQ(lines.back(),
            "! values that this version has no place for, for the next upgrade: "
            "/var/lib/backout/runs/RUN-0012/archive.jsonl");
}

TEST(Summary, RowsThatFailAlikeAreCountedAfterTheFirstThree) {
  Report report = clean().report();
  report.conflicts.clear();
  for (int row = 1; row <= 100; ++row)
    report.conflicts.push_back(
        fmt::format("books {{\"id\":{}}} (insert): NOT NULL constraint failed: books.note", row));
  report.conflicts.push_back("orders 17 (update): another row has its e-mail");
  report.conflict_count = 121;
  const std::vector<std::string> lines = summary(report);
  ASSERT_GE(lines.size(), 7U);
  EXPECT_EQ(lines[3], "! NOT carried over: books {\"id\":3} (insert): NOT NULL constraint failed: books.note");
  EXPECT_EQ(lines[4], "! NOT carried over: orders 17 (update): another row has its e-mail");
  EXPECT_EQ(lines[5], "! NOT carried over: 97 rows more of books (insert): NOT NULL constraint failed: books.note");
  EXPECT_EQ(lines[6], "! NOT carried over: 20 rows more");
}

TEST(Summary, OfARunThatWasPutBackSaysOnlyWhatWasWrittenMeanwhile) {
  Story story;
  story.so_far();
  story.close();
  story.rows();
  story.happens(EventType::kRunTurned, {{"why", "a check failed"}});
  story.open();
  const Json undone{{"kind", "applied"}, {"evidence", {{"not_carried", {"orders: in shop_undone"}}}}};
  story.happens(EventType::kStepEnded, {{"step", "carry-rows"}, {"purpose", "undo"}, {"outcome", undone}});
  story.ends("aborted", 1, "a check failed");
  EXPECT_THAT(summary(story.report()), ElementsAre("! orders: in shop_undone"));
}

TEST(Report, OfAnUnknownRunIsEmpty) {
  const Report report = make_report({}, RunId("RUN-9"));
  EXPECT_EQ(report.result, "");
  EXPECT_THAT(to_markdown(report), HasSubstr("no such run"));
}

TEST(Report, SurvivesBodiesOfAnyShape) {
  std::vector<Event> events;
  for (int type = 0; type <= static_cast<int>(EventType::kBackupDeleted); ++type)
    for (const Json& body :
         {Json::object(), Json({{"outcome", 3}, {"step", nullptr}, {"command", {{"argv", 1}}}}),
          Json({{"outcome", {{"evidence", {{"rows", 1}, {"conflicts", "x"}}}}}, {"contract", {{"steps", "x"}}}})})
      for (const char* run : {"RUN-1", ""}) {
        Event event;
        event.seq = static_cast<int64_t>(events.size()) + 1;
        event.type = static_cast<EventType>(type);
        event.run = RunId(run);
        event.body = body;
        events.push_back(std::move(event));
      }
  const Report report = make_report(events, RunId("RUN-1"));
  EXPECT_FALSE(to_markdown(report).empty());
  EXPECT_EQ(get_int(to_json(report), "version"), 1);
}

}  // namespace
}  // namespace backout::record
