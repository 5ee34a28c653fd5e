#include <random>

#include "journal/testing.h"

namespace backout::journal {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct ReadModels : ::testing::Test {
  TestDirectory directory;
  FakeClock clock;
  std::unique_ptr<Journal> journal = opened(directory.path(), clock);

  void happens(EventType type, Json body, const std::string& run = "") {
    clock.wall_now += Millis(1000);
    ASSERT_OK(journal->append(kShop, 0, {event(type, std::move(body), run)}));
  }
  void release(const std::string& id, const std::string& version) {
    Release value;
    value.id = ReleaseId(id);
    value.version = Version(version);
    value.commit = "4f1c0de";
    value.deployed_by = "dana";
    value.checkpoint_before = CheckpointId("C-1");
    value.current = true;
    happens(EventType::kReleaseRecorded, to_json(value));
  }
};

TEST_F(ReadModels, ReleasesComeNewestFirstWithOneCurrent) {
  release("R-1", "v1");
  release("R-2", "v2");
  happens(EventType::kReleaseState, {{"release", "R-2"}, {"state", "bad"}, {"why", "checkout fails"}});
  happens(EventType::kReleaseCurrent, {{"release", "R-1"}, {"version", "v1"}, {"why", "rolled back"}});
  const auto releases = journal->releases(kShop).value();
  ASSERT_EQ(releases.size(), 2U);
  EXPECT_EQ(releases[0].id, ReleaseId("R-2"));
  EXPECT_EQ(releases[0].state, ReleaseState::kBad);
  EXPECT_EQ(releases[0].why, "checkout fails");
  EXPECT_FALSE(releases[0].current);
  EXPECT_TRUE(releases[1].current);
  EXPECT_EQ(releases[1].commit, "4f1c0de");
  EXPECT_EQ(releases[1].checkpoint_before, CheckpointId("C-1"));
  EXPECT_THAT(journal->releases(kBlog).value(), IsEmpty());
}

TEST_F(ReadModels, CheckpointsKeepTheirParts) {
  Checkpoint checkpoint;
  checkpoint.id = CheckpointId("C-1");
  checkpoint.version = Version("v1");
  checkpoint.parts = Json::array({{{"driver", "sqlite"}, {"file", "/b/1"}}});
  happens(EventType::kCheckpointTaken, to_json(checkpoint));
  happens(EventType::kCheckpointVerified, {{"checkpoint", "C-1"}, {"how", "restored"}});
  const auto checkpoints = journal->checkpoints(kShop).value();
  ASSERT_EQ(checkpoints.size(), 1U);
  EXPECT_TRUE(checkpoints[0].verified);
  EXPECT_EQ(checkpoints[0].parts, checkpoint.parts);
}

TEST_F(ReadModels, RunsComeNewestFirst) {
  for (const char* id : {"RUN-1", "RUN-2", "RUN-3"})
    happens(EventType::kRunStarted,
            {{"kind", "rollback"},
             {"incident", "INC-1"},
             {"plan", "9b1c4e7a"},
             {"from", "v2"},
             {"to", "v1"},
             {"reason", "r"}},
            id);
  happens(EventType::kRunStopped, {{"why", "lost"}, {"exit", 4}}, "RUN-1");
  const auto runs = journal->runs(kShop, 2).value();
  ASSERT_EQ(runs.size(), 2U);
  EXPECT_EQ(runs[0].id, RunId("RUN-3"));
  EXPECT_EQ(runs[0].incident, IncidentId("INC-1"));
  EXPECT_EQ(runs[0].plan, PlanId("9b1c4e7a"));
  EXPECT_TRUE(runs[0].open());
  const auto first = journal->runs(kShop, 20)->back();
  EXPECT_EQ(first.state, "stopped");
  EXPECT_EQ(first.exit, 4);
  EXPECT_EQ(first.changed_at - first.started_at, Millis(3000));
}

TEST_F(ReadModels, TheNewestPlanOfAnIdIsFound) {
  Plan plan;
  plan.contract.site = kShop;
  plan.contract.steps.push_back(
      {.id = StepId("switch"), .title = "current -> v1", .action = {"releases", "switch", Json::object()}});
  plan.id = id_of(plan.contract);
  plan.made_by = "dana";
  happens(EventType::kPlanMade, to_json(plan));
  plan.made_by = "sam";
  happens(EventType::kPlanMade, to_json(plan));
  const auto found = journal->plan(kShop, plan.id).value();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->made_by, "sam");
  EXPECT_EQ(found->contract.steps, plan.contract.steps);
  EXPECT_FALSE(journal->plan(kShop, PlanId("00000000")).value());
}

TEST_F(ReadModels, StepDurationsAreOfTheKindOfRunThatWasAskedFor) {
  for (const auto& [run, kind] : {std::pair("RUN-1", "rollback"), std::pair("RUN-2", "deploy")}) {
    happens(EventType::kRunStarted, {{"kind", kind}}, run);
    for (const int took : {10, 20})
      happens(EventType::kStepEnded,
              {{"step", "build"},
               {"host", "web-1"},
               {"purpose", "apply"},
               {"outcome", {{"kind", "applied"}, {"took_ms", took}}}},
              run);
  }
  const auto durations = journal->step_durations(kShop, RunKind::kDeploy).value();
  ASSERT_EQ(durations.size(), 1U);
  EXPECT_THAT(durations.at("build"), ElementsAre(Millis(20), Millis(10)));
}

/// Events as a wild program would write them: few names, so that they meet; wrong bodies now and then.
class Wild {
 public:
  explicit Wild(uint64_t seed) : random_(seed) {}

  NewEvent next() {
    static constexpr EventType kTypes[] = {EventType::kCheckpointTaken,
                                           EventType::kCheckpointVerified,
                                           EventType::kReleaseRecorded,
                                           EventType::kReleaseState,
                                           EventType::kReleaseCurrent,
                                           EventType::kPlanMade,
                                           EventType::kRunStarted,
                                           EventType::kAttemptIntended,
                                           EventType::kStepEnded,
                                           EventType::kRunTurned,
                                           EventType::kRunStopped,
                                           EventType::kRunEnded,
                                           EventType::kNote,
                                           EventType::kLeaseReleased,
                                           EventType::kLeaseGranted};
    const EventType type = kTypes[number(std::size(kTypes))];
    Json body = {{"release", name("R-")},
                 {"version", name("v")},
                 {"checkpoint", name("C-")},
                 {"verified", false},
                 {"plan", name("p")},
                 {"why", "because \xff\x01\n" + name("")},
                 {"state", one_of({"watching", "known-good", "bad", "nonsense"})},
                 {"current", number(2) == 0},
                 {"kind", one_of({"rollback", "deploy", "nonsense"})},
                 {"result", one_of({"done", "aborted"})},
                 {"exit", number(6)},
                 {"token", number(4)},
                 {"step", name("s")},
                 {"purpose", one_of({"apply", "undo"})},
                 {"ratio", 0.1 * static_cast<double>(number(100))},
                 {"outcome", {{"kind", one_of({"applied", "failed"})}, {"took_ms", number(1000)}}}};
    if (number(20) == 0) body = {{"release", nullptr}, {"outcome", 3}};
    return event(type, std::move(body), number(3) == 0 ? "" : name("RUN-"));
  }
  int number(size_t below) { return static_cast<int>(random_() % below); }

 private:
  std::string name(const std::string& prefix) { return prefix + std::to_string(number(4)); }
  std::string one_of(std::vector<std::string> choices) { return choices[static_cast<size_t>(number(choices.size()))]; }
  std::mt19937_64 random_;
};

TEST_F(ReadModels, RebuiltFromEventsTheyAreTheSameToTheByte) {
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Wild wild(seed);
    for (int i = 0; i < 25; ++i) {
      clock.boot_now += Millis(wild.number(1000));
      clock.wall_now += Millis(wild.number(5000) - 1000);
      std::vector<NewEvent> events;
      for (int n = wild.number(4); n >= 0; --n) events.push_back(wild.next());
      ASSERT_OK(journal->append(wild.number(2) == 0 ? kShop : kBlog, 0, events));
    }
    const std::vector<std::string> before = models_in(directory.path());
    ASSERT_FALSE(before.empty());
    ASSERT_OK(journal->rebuild());
    EXPECT_EQ(models_in(directory.path()), before);
    EXPECT_THAT(faults_of(*journal), IsEmpty());
  }
}

TEST_F(ReadModels, LostOnesAreNoticedByVerifyAndMendedByRebuild) {
  release("R-1", "v1");
  release("R-2", "v2");
  tamper(directory.path(), "DELETE FROM models WHERE key = 'R-1'; UPDATE models SET ord = 9 WHERE key = 'R-2'");
  EXPECT_EQ(faults_of(*journal).size(), 2U);
  ASSERT_OK(journal->rebuild());
  EXPECT_THAT(faults_of(*journal), IsEmpty());
  EXPECT_EQ(journal->releases(kShop)->size(), 2U);
}

}  // namespace
}  // namespace backout::journal
