// A fresh run in fair weather.
#include "run/executor.h"

#include <condition_variable>

#include "support/fake_site.h"

namespace backout::run {
namespace {

using namespace fakes;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

struct FreshRun : ::testing::Test, FakeSite {
  void TearDown() override { check_promises(); }
  /// Where a line stands in what was told; -1 if nowhere.
  long told(const std::string& line) const {
    const auto found = std::find(progress.told.begin(), progress.told.end(), line);
    return found == progress.told.end() ? -1 : found - progress.told.begin();
  }
};

TEST_F(FreshRun, BringsTheWholeSiteOverAndEndsVerified) {
  plan_is(shop_rollback());
  const Lived lived = live();
  EXPECT_EQ(lived.result(), "done") << lived.why();
  EXPECT_EQ(lived.exit(), 0);
  EXPECT_TRUE(lived.end->ended);
  EXPECT_TRUE(is_new(*this));
  EXPECT_EQ(count(EventType::kDoorClosed), 1);
  EXPECT_EQ(count(EventType::kDoorOpened), 1);
  EXPECT_LT(-1, told("door closed"));
  EXPECT_LT(told("door closed"), told("door open"));
}

TEST_F(FreshRun, WithoutADoorTellsOfServicesAndNotOfADoor) {
  std::vector<Step> steps = shop_rollback();
  std::erase_if(steps, [](const Step& step) { return step.id.str() == "close" || step.id.str() == "open"; });
  for (Step& step : steps) std::erase(step.needs, StepId("close"));
  plan_is(std::move(steps));
  EXPECT_EQ(live().exit(), 0);
  EXPECT_LT(-1, told("services stopped"));
  EXPECT_LT(told("services stopped"), told("services run"));
  EXPECT_EQ(told("door closed"), -1);
  EXPECT_EQ(told("door open"), -1);
  int marked = 0;
  for (const Event& event : events())
    if (event.type == EventType::kDoorClosed || event.type == EventType::kDoorOpened) {
      ++marked;
      EXPECT_EQ(get_string(event.body, "by"), "services");
    }
  EXPECT_EQ(marked, 2);
}

TEST_F(FreshRun, WritesAnOutcomeForEveryStepOnEveryHost) {
  plan_is(shop_rollback());
  live();
  EXPECT_THAT(outcomes(),
              ElementsAre("save@local apply applied", "build@web-1 apply applied", "build@web-2 apply applied",
                          "close@local apply applied", "stop@web-1 apply applied", "stop@web-2 apply applied",
                          "rows@local apply applied", "swap@local apply applied", "switch@web-1 apply applied",
                          "switch@web-2 apply applied", "start@web-1 apply applied", "start@web-2 apply applied",
                          "look@web-1 apply applied", "look@web-2 apply applied", "open@local apply applied",
                          "record@local apply applied"));
}

TEST_F(FreshRun, KnowsNothingThatTheJournalDoesNotHave) {
  plan_is(shop_rollback());
  live();
  const RunState state = this->state();
  EXPECT_TRUE(state.ended);
  EXPECT_EQ(state.result, "done");
  for (const Step& step : plan.contract.steps)
    for (const std::string& host : hosts_of(step)) {
      const PairState& at = state.at({step.id.str(), host, Purpose::kApply});
      EXPECT_TRUE(at.outcome && at.outcome->succeeded()) << step.id.str() << " on " << host;
      EXPECT_TRUE(at.attempt_ended);
    }
}

TEST_F(FreshRun, DoesNothingTheSecondTime) {
  plan_is(shop_rollback());
  live();
  const int begun_before = begun();
  const size_t events_before = events().size();
  for (const Wish wish : {Wish::kCarryOn, Wish::kTryAgain, Wish::kTurnBack, Wish::kConclude}) {
    const Lived again = live(wish);
    EXPECT_EQ(again.result(), "done");
    EXPECT_EQ(again.exit(), 0);
  }
  EXPECT_EQ(begun(), begun_before);
  EXPECT_EQ(events().size(), events_before);
}

TEST_F(FreshRun, MakesEveryIntentDurableBeforeItsCommandStarts) {
  // FakeSite has every machine look for the intent in the journal when a command is about to run; here: that it looks.
  plan_is({fake_step("set", Phase::kSwitch, "set", "code", "new")});
  int looked = 0;
  local.has_intent = [&](const Try& each) {
    ++looked;
    const std::vector<Event> all = events();
    return all.back().type == EventType::kAttemptIntended && get_string(all.back().body, "attempt") == each.id;
  };
  live();
  EXPECT_EQ(looked, 1);
}

TEST_F(FreshRun, FinishesAPhaseOnAllHostsBeforeTheNextBegins) {
  jobs = 4;
  plan_is({fake_step("p1", Phase::kPrepare, "set", "p1", "x", {"web-1", "web-2"}),
           fake_step("p2", Phase::kPrepare, "set", "p2", "x"),
           fake_step("s1", Phase::kSwitch, "set", "s1", "x", {"web-1", "web-2"}),
           fake_step("s2", Phase::kSwitch, "set", "s2", "x"),
           fake_step("o1", Phase::kOpen, "set", "o1", "x", {"web-1", "web-2"})});
  std::mutex mutex;
  std::vector<char> order;
  for (auto& [name, machine] : machines)
    machine.on_command = [&](const Try& each, const host::Command&) {
      const std::lock_guard lock(mutex);
      order.push_back(each.step[0]);
    };
  EXPECT_EQ(live().exit(), 0);
  EXPECT_EQ(std::string(order.begin(), order.end()), "pppsssoo");
  EXPECT_GT(told("begins s2@local apply"), told("ends p1@web-2 apply applied"));
}

TEST_F(FreshRun, ObeysNeedsInsideAPhase) {
  jobs = 4;
  plan_is({after(fake_step("c", Phase::kSwitch, "set", "c", "x", {"web-1", "web-2"}), {"a", "b"}),
           after(fake_step("b", Phase::kSwitch, "set", "b", "x"), {"a"}),
           fake_step("a", Phase::kSwitch, "set", "a", "x", {"web-1", "web-2"})});
  EXPECT_EQ(live().exit(), 0);
  for (const char* host : {"web-1", "web-2"}) {
    EXPECT_LT(told(std::string("ends a@") + host + " apply applied"), told("begins b@local apply"));
    EXPECT_LT(told("ends b@local apply applied"), told(std::string("begins c@") + host + " apply"));
  }
}

TEST_F(FreshRun, WorksOnAsManyPairsAtOnceAsJobsSaysAndOnNoMore) {
  jobs = 3;
  std::vector<Step> steps;
  for (const char* id : {"a", "b", "c", "d"})
    steps.push_back(fake_step(id, Phase::kSwitch, "set", id, "x", {"web-1", "web-2"}));
  plan_is(std::move(steps));
  std::mutex mutex;
  std::condition_variable changed;
  int inside = 0, most = 0;
  bool all_in = false;
  for (auto& [name, machine] : machines)
    machine.on_command = [&](const Try&, const host::Command&) {
      std::unique_lock lock(mutex);
      most = std::max(most, ++inside);
      if (inside == jobs) all_in = true;
      changed.notify_all();
      changed.wait_for(lock, std::chrono::seconds(5), [&] { return all_in; });
      --inside;
    };
  EXPECT_EQ(live().exit(), 0);
  EXPECT_EQ(most, 3);
}

TEST_F(FreshRun, NeverMarksTheDoorWhenThePlanClosesNothing) {
  plan_is(
      {fake_step("switch", Phase::kSwitch, "set", "code", "new"), fake_step("open", Phase::kOpen, "set", "x", "y")});
  EXPECT_EQ(live().exit(), 0);
  EXPECT_EQ(count(EventType::kDoorClosed) + count(EventType::kDoorOpened), 0);
}

TEST_F(FreshRun, OpensTheDoorInTheJournalEvenWhenNoStepOpensIt) {
  plan_is({fake_step("stop", Phase::kClose, "set", "web", "stopped"),
           fake_step("start", Phase::kStart, "set", "web", "new")});
  EXPECT_EQ(live().exit(), 0);
  EXPECT_EQ(count(EventType::kDoorOpened), 1);
}

TEST_F(FreshRun, WithJobsOfZeroStillDoesTheWork) {
  jobs = 0;
  plan_is(shop_rollback());
  EXPECT_EQ(live().exit(), 0);
  EXPECT_TRUE(is_new(*this));
}

TEST_F(FreshRun, WhoseNeedsFormACircleIsNotDone) {
  plan_is({fake_step("a", Phase::kSwitch, "set", "a", "x"), fake_step("b", Phase::kSwitch, "set", "b", "x")});
  plan.contract.steps[0].needs = {StepId("b")};
  plan.contract.steps[1].needs = {StepId("a")};
  const Lived lived = live();
  EXPECT_NE(lived.exit(), 0);
  EXPECT_THAT(lived.why(), HasSubstr("a"));
  EXPECT_EQ(begun(), 0);
}

TEST_F(FreshRun, OnAHostThatTheConfigurationDoesNotNameBeginsNothing) {
  plan_is(
      {fake_step("a", Phase::kPrepare, "set", "a", "x"), fake_step("b", Phase::kSwitch, "set", "b", "x", {"web-9"})});
  const Lived lived = live();
  ASSERT_FALSE(lived.end);
  EXPECT_EQ(lived.end.error().code, Code::kInvalid);
  EXPECT_EQ(begun(), 0);
}

TEST_F(FreshRun, WithADriverOrVerbThatDoesNotExistIsNotDone) {
  for (const Action& action : {Action{"ghost", "set", Json::object()}, Action{"fake", "dance", Json::object()}}) {
    FakeSite site;
    Step step = fake_step("a", Phase::kSwitch, "set", "a", "x");
    step.action = action;
    site.plan_is({std::move(step)});
    EXPECT_NE(site.live().exit(), 0);
    EXPECT_EQ(site.begun(), 0);
  }
}

TEST_F(FreshRun, GivesTheEvidenceOfAStepToLaterOnesAndExpandsNothingInIt) {
  Step says = fake_step("swap", Phase::kSwitch, "say", "", "");
  says.action.args = {{"text", R"({"file": "/kept/{host}/{run}", "rows": 3})"}};
  plan_is({says, fake_record("record", Phase::kSettle, EventType::kNote,
                             {{"text", "{host} in {run}"}, {"kept", {{"on", "{host}"}, {"evidence_of", "swap"}}}})});
  // What the step itself says is expanded; what comes back from the machine is data.
  local.on_command = [&](const Try&, const host::Command& command) {
    EXPECT_THAT(command.argv.at(1), HasSubstr("/kept/local/RUN-0001"));
  };
  plan.contract.steps[0].action.args["text"] = R"({"file": "/kept/{host}/{run}", "odd": "{)"
                                               "{host}"
                                               R"(}", "rows": 3})";
  EXPECT_EQ(live().exit(), 0);
  const std::vector<Event> all = events();
  const auto note =
      std::find_if(all.begin(), all.end(), [](const Event& each) { return each.type == EventType::kNote; });
  ASSERT_NE(note, all.end());
  EXPECT_EQ(get_string(note->body, "text"), "local in RUN-0001");
  EXPECT_EQ(get(note->body, "kept"),
            (Json{{"file", "/kept/local/RUN-0001"}, {"odd", "{local}"}, {"rows", 3}, {"on", "local"}}));
}

TEST_F(FreshRun, StopsWhenTheEvidenceThatAStepNeedsIsNotThere) {
  plan_is({fake_record("record", Phase::kSettle, EventType::kNote, {{"kept", {{"evidence_of", "ghost"}}}})});
  const Lived lived = live();
  EXPECT_EQ(lived.exit(), 4);
  EXPECT_THAT(lived.why(), HasSubstr("ghost"));
}

TEST_F(FreshRun, SanitisesWhatCommandsPrintBeforeItIsStored) {
  Step says = fake_step("a", Phase::kSwitch, "say", "", "");
  says.action.args = {{"text", "\x1b[31mred\xff"}};
  plan_is({says});
  EXPECT_EQ(live().exit(), 0);
  for (const Event& event : events())
    if (event.type == EventType::kAttemptEnded) {
      EXPECT_THAT(get_string(event.body, "out_tail"), ::testing::Not(HasSubstr("\x1b")));
      EXPECT_THAT(get_string(event.body, "out_tail"), HasSubstr("red\xEF\xBF\xBD"));
    }
}

TEST_F(FreshRun, AppendsTheEventsOfItsEndTogetherWithTheEnd) {
  plan_is(shop_rollback());
  at_end = [](const RunState&, const RunEnd& end) {
    return std::vector<journal::NewEvent>{{EventType::kNote, {{"text", "ended " + end.result}}, RunId()}};
  };
  EXPECT_EQ(live().exit(), 0);
  const std::vector<Event> all = events();
  EXPECT_EQ(get_string(all[all.size() - 2].body, "text"), "ended done");
  EXPECT_EQ(all.back().type, EventType::kRunEnded);
  EXPECT_EQ(all[all.size() - 2].at, all.back().at);
}

TEST_F(FreshRun, MeasuresDurationsInBootTimeWhateverTheWallClockDoes) {
  for (const Millis jump : {Millis(86'400'000), Millis(-86'400'000)}) {
    FakeSite site;
    site.plan_is({fake_step("a", Phase::kPrepare, "set", "a", "x"), fake_step("b", Phase::kSwitch, "set", "b", "x")});
    for (auto& [name, machine] : site.machines)
      machine.on_command = [&](const Try&, const host::Command&) {
        site.clock.jump(jump);
        site.clock.pass(Millis(1500));
      };
    EXPECT_EQ(site.live().exit(), 0);
    int seen = 0;
    for (const Event& event : site.events())
      if (event.type == EventType::kStepEnded) {
        ++seen;
        EXPECT_EQ(get_int(get(event.body, "outcome"), "took_ms"), 1510);
      }
    EXPECT_EQ(seen, 2);
    const std::vector<Event> all = site.events();
    for (size_t i = 1; i < all.size(); ++i) EXPECT_LT(between(all[i - 1], all[i]), Millis(5000));
  }
}

}  // namespace
}  // namespace backout::run
