#include "drivers/command/door.h"

#include "conformance/conformance.h"
#include "conformance/world.h"

namespace backout::drivers {
namespace {

using conformance::ask;

Json sh(const std::string& line) { return {{"argv", {"sh", "-c", line}}, {"cwd", "/"}, {"timeout_ms", 20'000}}; }

struct Door {
  conformance::ScratchDirectory directory;
  std::string page = directory / "maintenance.html";
  Json subject() const {
    return {{"close", sh("sleep 0.03; echo closed >" + page)},
            {"open", sh("rm -f " + page)},
            {"probe", sh("test -e " + page)}};
  }
  driver::Offering offering(Json with) const {
    driver::Offering made;
    made.from = Version("v2");
    made.to = Version("v1");
    made.subject = std::move(with);
    made.hosts = {"local"};
    return made;
  }
};

TEST(DoorCommandDriver, close_conforms_and_is_undone_by_open) {
  const auto driver = make_door_command_driver();
  Door door;
  const auto steps = conformance::offers_well(*driver, door.offering(door.subject()), true);
  ASSERT_EQ(steps.size(), 2U);
  EXPECT_EQ(steps[0].id.str(), "close-door");
  EXPECT_EQ(steps[0].phase, Phase::kClose);
  EXPECT_EQ(steps[1].id.str(), "open-door");
  EXPECT_EQ(steps[1].phase, Phase::kOpen);
  EXPECT_FALSE(steps[1].undo.has_value()) << "opening is the commit point";
  conformance::DriverCase c;
  c.action = steps[0].action;
  c.undo = steps[0].undo;
  c.reset = [&] { ask("rm -f " + door.page); };
  c.done = [&] { return std::filesystem::exists(door.page); };
  c.kills = 3;
  conformance::conforms(*driver, c);

  c.action = steps[1].action;
  c.undo.reset();
  c.reset = [&] { ask("echo closed >" + door.page); };
  c.done = [&] { return !std::filesystem::exists(door.page); };
  conformance::conforms(*driver, c);
}

TEST(DoorCommandDriver, a_command_that_says_it_closed_or_opened_is_not_believed) {
  const auto driver = make_door_command_driver();
  Door door;
  conformance::LocalHost local;
  Json lies = door.subject();
  lies["close"] = lies["open"] = sh("echo done");
  const auto steps = conformance::offers_well(*driver, door.offering(lies), true);
  ASSERT_EQ(steps.size(), 2U);
  for (const bool closes : {true, false}) {
    ask(closes ? "rm -f " + door.page : "echo closed >" + door.page);
    const Action& action = steps[closes ? 0 : 1].action;
    const auto said = conformance::apply(*driver, action, *local.host);
    ASSERT_TRUE(said.has_value() && said->ok());
    EXPECT_EQ(driver->verify(action, *local.host, {}).kind, SightKind::kDoesNotHold) << action.verb;
  }
}

TEST(DoorCommandDriver, observes_what_the_probe_says) {
  const auto driver = make_door_command_driver();
  Door door;
  conformance::LocalHost local;
  const auto seen = [&](const Json& subject) {
    return get_string(driver->observe(subject, *local.host, {}).value(), "door");
  };
  EXPECT_EQ(seen(door.subject()), "open");
  ask("echo closed >" + door.page);
  EXPECT_EQ(seen(door.subject()), "closed");
  Json broken = door.subject();
  broken["probe"] = sh("exit 7");
  EXPECT_EQ(seen(broken), "unknown");
  broken.erase("probe");
  EXPECT_EQ(seen(broken), "unknown");
}

TEST(DoorCommandDriver, without_a_probe_never_claims_to_know) {
  const auto driver = make_door_command_driver();
  Door door;
  Json blind = door.subject();
  blind.erase("probe");
  const auto steps = conformance::offers_well(*driver, door.offering(blind), true);
  ASSERT_EQ(steps.size(), 2U);
  EXPECT_FALSE(steps[0].has_probe);
  conformance::LocalHost local;
  EXPECT_EQ(driver->verify(steps[0].action, *local.host, {}).kind, SightKind::kCannotTell);
}

TEST(DoorCommandDriver, refuses_a_door_without_both_commands) {
  const auto driver = make_door_command_driver();
  Door door;
  for (const char* key : {"close", "open"}) {
    Json half = door.subject();
    half.erase(key);
    const auto steps = driver->offer(door.offering(half));
    ASSERT_FALSE(steps.has_value());
    EXPECT_EQ(steps.error().code, Code::kInvalid);
  }
}

}  // namespace
}  // namespace backout::drivers
