#include "journal/fold.h"

#include <gtest/gtest.h>

#include "model/plan.h"
#include "model/release.h"

namespace backout::journal {
namespace {

const SiteId kSite("shop/production");

struct FoldTest : ::testing::Test {
  MemoryTables tables;
  int64_t seq = 0;

  void happens(EventType type, Json body, const std::string& run = "") {
    ++seq;
    const Event event{.site = kSite,
                      .seq = seq,
                      .type = type,
                      .at = wall_from_millis(seq * 1000),
                      .boot = BootTime(seq),
                      .boot_id = "boot-1",
                      .run = RunId(run),
                      .body = std::move(body)};
    ASSERT_TRUE(fold(event, tables));
  }
  Json document(Model model, const std::string& key) {
    const auto found = tables.get(model, kSite, key);
    return found && *found ? (*found)->value : Json();
  }
  std::string run_state(const std::string& run) { return get_string(document(Model::kRun, run), "state"); }
  void release(const std::string& id, bool current) {
    Release value;
    value.id = ReleaseId(id);
    value.version = Version("v" + id);
    value.current = current;
    happens(EventType::kReleaseRecorded, to_json(value));
  }
  void run(const std::string& id, RunKind kind) {
    happens(EventType::kRunStarted,
            {{"kind", name_of(kind)}, {"from", "v2"}, {"to", "v1"}, {"reason", "it fails"}, {"incident", "INC-1"}}, id);
  }
  void step(const std::string& id, const std::string& purpose, const std::string& kind, int64_t took_ms) {
    happens(
        EventType::kStepEnded,
        {{"step", id}, {"host", "web-1"}, {"purpose", purpose}, {"outcome", {{"kind", kind}, {"took_ms", took_ms}}}},
        "RUN-1");
  }
};

TEST_F(FoldTest, ExactlyOneReleaseIsCurrent) {
  release("R-1", true);
  release("R-2", true);
  EXPECT_EQ(get_string(document(Model::kCurrent, ""), "release"), "R-2");
  happens(EventType::kReleaseCurrent, {{"release", "R-1"}, {"version", "v1"}, {"why", "rolled back"}});
  EXPECT_EQ(get_string(document(Model::kCurrent, ""), "release"), "R-1");
  release("R-3", false);
  EXPECT_EQ(get_string(document(Model::kCurrent, ""), "release"), "R-1");
}

TEST_F(FoldTest, AReleaseStateKeepsItsPlaceReasonAndTime) {
  release("R-1", true);
  release("R-2", true);
  happens(EventType::kReleaseState, {{"release", "R-1"}, {"state", "bad"}, {"why", "rolled back from"}});
  const Json bad = document(Model::kRelease, "R-1");
  EXPECT_EQ(get_string(bad, "state"), "bad");
  EXPECT_EQ(get_string(bad, "why"), "rolled back from");
  EXPECT_EQ(get_int(bad, "state_since_ms"), 3000);
  EXPECT_EQ(tables.get(Model::kRelease, kSite, "R-1").value()->order, 1) << "still the first release";
  happens(EventType::kReleaseState, {{"release", "R-2"}, {"state", "watching"}, {"why", ""}, {"bake_until_ms", 77}});
  EXPECT_EQ(get_int(document(Model::kRelease, "R-2"), "bake_until_ms"), 77);
}

TEST_F(FoldTest, ACheckpointIsVerifiedLater) {
  Checkpoint checkpoint;
  checkpoint.id = CheckpointId("C-1");
  happens(EventType::kCheckpointTaken, to_json(checkpoint));
  EXPECT_FALSE(get_bool(document(Model::kCheckpoint, "C-1"), "verified"));
  happens(EventType::kCheckpointVerified, {{"checkpoint", "C-1"}, {"how", "restored"}});
  EXPECT_TRUE(get_bool(document(Model::kCheckpoint, "C-1"), "verified"));
}

TEST_F(FoldTest, ARunStopsGoesOnAndEnds) {
  run("RUN-1", RunKind::kRollback);
  EXPECT_EQ(run_state("RUN-1"), "running");
  happens(EventType::kRunStopped, {{"why", "connection lost"}, {"exit", 4}}, "RUN-1");
  EXPECT_EQ(run_state("RUN-1"), "stopped");
  EXPECT_EQ(get_int(document(Model::kRun, "RUN-1"), "exit"), 4);
  happens(EventType::kAttemptIntended, {{"step", "a"}}, "RUN-1");
  EXPECT_EQ(run_state("RUN-1"), "running");
  happens(EventType::kRunStopped, {{"why", "interrupted"}, {"exit", 4}}, "RUN-1");
  happens(EventType::kRunTurned, {{"why", "a person said abort"}}, "RUN-1");
  EXPECT_EQ(run_state("RUN-1"), "running");
  EXPECT_EQ(get_string(document(Model::kRun, "RUN-1"), "why"), "a person said abort");
  happens(EventType::kRunEnded, {{"result", "aborted"}, {"exit", 0}, {"why", "put back"}}, "RUN-1");
  EXPECT_EQ(run_state("RUN-1"), "aborted");
  happens(EventType::kAttemptIntended, {{"step", "a"}}, "RUN-1");
  EXPECT_EQ(run_state("RUN-1"), "aborted");
}

TEST_F(FoldTest, OnlyAppliedStepsOfTheRunsKindAreTimedNewestFirst) {
  run("RUN-1", RunKind::kRollback);
  for (int64_t took = 1; took <= 12; ++took) step("build", "apply", "applied", took);
  step("build", "apply", "already_done", 100);
  step("build", "apply", "unknown", 100);
  step("build", "undo", "applied", 100);
  EXPECT_EQ(get(document(Model::kStepTimes, "rollback/build"), "ms"), Json({12, 11, 10, 9, 8, 7, 6, 5, 4, 3}));
  EXPECT_TRUE(document(Model::kStepTimes, "deploy/build").is_null());
}

TEST_F(FoldTest, ALeaseIsGivenBackOnlyByItsOwnToken) {
  happens(EventType::kLeaseGranted, {{"token", 1}, {"holder", "a"}});
  happens(EventType::kLeaseGranted, {{"token", 2}, {"holder", "b"}});
  happens(EventType::kLeaseReleased, {{"token", 1}});
  EXPECT_FALSE(get_bool(document(Model::kLease, ""), "released"));
  happens(EventType::kLeaseReleased, {{"token", 2}});
  EXPECT_TRUE(get_bool(document(Model::kLease, ""), "released"));
}

TEST_F(FoldTest, TheNewestAnswerAboutTheWayBackIsKept) {
  happens(EventType::kReadyLooked, {{"ready", false}, {"to", "v1"}});
  happens(EventType::kReadyLooked, {{"ready", true}, {"to", "v1"}});
  EXPECT_TRUE(get_bool(document(Model::kReady, ""), "ready"));
  EXPECT_GT(get_int(document(Model::kReady, ""), "at_ms"), 0);
}

TEST_F(FoldTest, EventsAboutTheUnknownAndNonsenseChangeNothing) {
  for (int type = 0; type <= static_cast<int>(EventType::kBackupDeleted); ++type) {
    if (static_cast<EventType>(type) == EventType::kLeaseGranted) continue;
    if (static_cast<EventType>(type) == EventType::kReleaseCurrent) continue;
    happens(static_cast<EventType>(type), Json::object());
    happens(static_cast<EventType>(type), {{"release", 7}, {"outcome", "x"}, {"state", Json::array()}}, "RUN-9");
  }
  EXPECT_TRUE(tables.all().empty()) << tables.all().begin()->second.value.dump();
}

}  // namespace
}  // namespace backout::journal
