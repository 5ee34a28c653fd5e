#include <sys/mount.h>
#include <sys/stat.h>

#include "drivers/traffic/nginx_for_tests.h"

namespace backout::drivers {
namespace {

const Json kBlue = {{"blue", 100}}, kGreen = {{"green", 100}};

TEST_F(NginxUpstreamTest, Conforms) {
  Json two = subject(), stray = subject();
  two["pools"]["green"]["servers"] = two["pools"]["blue"]["servers"];
  stray["pools"]["green"]["servers"] = {"127.0.0.1:1; include /etc/passwd"};
  conformance::conforms(*driver,
                        {.action = in_run(shift(*driver, subject(), kBlue), "RUN-1"),
                         .undo = in_run(shift(*driver, subject(), kGreen, true), "RUN-1"),
                         .reset =
                             [this] {
                               apply(*driver, in_run(shift(*driver, subject(), kGreen), "RUN-0"));
                               EXPECT_TRUE(becomes(*driver, shift(*driver, subject(), kGreen)));
                             },
                         .done = [this] { return all_serve("v1"); },
                         .always = [this] { return !version_at(port).empty(); },
                         .bad = {shift(*driver, two, kBlue), shift(*driver, stray, kBlue),
                                 shift(*driver, subject(), {{"blue", 90}}), shift(*driver, subject(), {{"red", 100}})},
                         .kills = 3,
                         .settle = Millis(300)});
}

TEST_F(NginxUpstreamTest, NoRequestFailsWhileItSwitches) {
  Customers customers(port);
  for (const Json& weights : {kBlue, kGreen, kBlue}) {
    ASSERT_TRUE(apply(*driver, shift(*driver, subject(), weights)).ok());
    ASSERT_TRUE(becomes(*driver, shift(*driver, subject(), weights)));
  }
  customers.stop();
  EXPECT_EQ(customers.failed, 0) << "of " << customers.served;
  EXPECT_GT(customers.served, 100);
}

/// The file lies on a disk of its own, with room for one page beside it.
class NginxFullDisk : public NginxUpstreamTest {
 protected:
  void SetUp() override {
    std::filesystem::create_directory(disk);
    if (::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=8k") != 0) GTEST_SKIP() << "cannot mount";
    include = disk + "/pool.conf";
    NginxUpstreamTest::SetUp();
  }
  void TearDown() override {
    NginxUpstreamTest::TearDown();
    ::umount2(disk.c_str(), MNT_DETACH);
  }
  const std::string disk = home + "/disk";
};

TEST_F(NginxFullDisk, LeavesTheFileAndTheTrafficAsTheyWere) {
  const std::string before = read_text(include);
  write_text(disk + "/rest", std::string(4096, 'x'));
  const Action there = in_run(shift(*driver, subject(), kBlue), "RUN-1");
  const auto result = apply(*driver, there);
  EXPECT_FALSE(result.ok());
  EXPECT_NE(result.err.find("cannot"), std::string::npos) << result.err;
  EXPECT_EQ(read_text(include), before);
  EXPECT_TRUE(all_serve("v2"));
  EXPECT_EQ(sight(there).kind, SightKind::kDoesNotHold);
  EXPECT_TRUE(apply(*driver, in_run(shift(*driver, subject(), kGreen, true), "RUN-1")).ok());
  EXPECT_EQ(read_text(include), before);
  std::filesystem::remove(disk + "/rest");
  EXPECT_TRUE(apply(*driver, there).ok());
  EXPECT_TRUE(becomes(*driver, there));
}

TEST_F(NginxUpstreamTest, AConfigurationThatNginxRefusesIsPutBackAndNothingIsReloaded) {
  const std::string before = read_text(include);
  write_text(configuration, configured() + "nonsense;\n");
  const auto result = apply(*driver, shift(*driver, subject(), kBlue));
  EXPECT_FALSE(result.ok());
  EXPECT_NE(result.err.find("does not accept"), std::string::npos) << result.err;
  EXPECT_EQ(read_text(include), before);
  EXPECT_TRUE(all_serve("v2"));
  EXPECT_EQ(sight(shift(*driver, subject(), kBlue)).kind, SightKind::kDoesNotHold);
  write_text(configuration, configured());
  EXPECT_EQ(sight(shift(*driver, subject(), kGreen)).kind, SightKind::kHolds)
      << sight(shift(*driver, subject(), kGreen)).why;
}

TEST_F(NginxUpstreamTest, WhatTheFileHeldComesBackByteForByteHoweverOftenTheStepWasKilled) {
  const std::string before =
      "# by hand, \xff\r\n\tserver " + address_of(pools.green.port) + " max_fails=3 ; # {host}\n\n";
  write_text(include, before);
  ::chmod(include.c_str(), 0640);
  auto steps = conformance::offers_well(*driver, offering(*driver, subject()));
  ASSERT_EQ(steps.size(), 3U);
  EXPECT_EQ(get_string(get(get(steps[1].action.args, "found_on"), local.host->name().str()), "run"), "{run}");
  const auto of_run = [&](Action action) {
    action.args["found_on"][local.host->name().str()]["run"] = "RUN-7";
    return action;
  };
  const Action forth = of_run(steps[1].action), back = of_run(*steps[1].undo);
  ASSERT_TRUE(apply(*driver, back).ok()) << "nothing was begun";
  EXPECT_EQ(read_text(include), before);

  Action killed = forth, refused = forth;
  killed.args["test"] = {"/bin/sh", "-c", "kill -9 0"};
  refused.args["test"] = {"/bin/false"};
  for (int time = 0; time < 2; ++time) {
    EXPECT_FALSE(apply(*driver, killed).ok());
    EXPECT_NE(read_text(include), before) << "killed after it wrote";
  }
  EXPECT_NE(apply(*driver, refused).err.find("the traffic stays as it was"), std::string::npos);
  EXPECT_EQ(read_text(include), before) << "what nginx runs with, not what the killed step wrote";

  EXPECT_FALSE(apply(*driver, killed).ok());
  ASSERT_TRUE(apply(*driver, forth).ok());
  ASSERT_TRUE(becomes(*driver, forth)) << sight(forth).why;
  Action half = back;
  half.args["reload"] = {"/bin/sh", "-c", "kill -9 0"};
  EXPECT_FALSE(apply(*driver, half).ok());
  EXPECT_EQ(sight(back).kind, SightKind::kDoesNotHold) << "nothing was reloaded";
  ASSERT_TRUE(apply(*driver, back).ok());
  EXPECT_TRUE(becomes(*driver, back)) << sight(back).why;
  EXPECT_EQ(read_text(include), before);
  struct stat file {};
  ASSERT_EQ(::stat(include.c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 07777U, 0640U);
  for (const auto& entry : std::filesystem::directory_iterator(home))
    EXPECT_EQ(entry.path().filename().string().find(".backout-"), std::string::npos) << entry.path();
}

TEST_F(NginxUpstreamTest, KilledRightAfterTheReloadItIsStillKnownWhatTheFileHeld) {
  const std::string before = "# by hand\n" + read_text(include);
  write_text(include, before);
  const Json reload = subject()["reload"];
  Action forth = in_run(shift(*driver, subject(), kBlue), "RUN-5");
  forth.args["reload"] = {"/bin/sh", "-c", "\"$@\"; kill -9 0", "sh"};
  for (const Json& word : reload) forth.args["reload"].push_back(word);
  EXPECT_FALSE(apply(*driver, forth).ok());
  EXPECT_TRUE(becomes(*driver, in_run(shift(*driver, subject(), kBlue), "RUN-5"))) << "nginx was told before the kill";
  ASSERT_TRUE(apply(*driver, in_run(shift(*driver, subject(), kGreen, true), "RUN-5")).ok());
  EXPECT_EQ(read_text(include), before);
  EXPECT_TRUE(becomes(*driver, in_run(shift(*driver, subject(), kGreen, true), "RUN-5")));
}

// nginx was told, and who told it was killed: whatever fails after that, an undo tells it again.
TEST_F(NginxUpstreamTest, AnUndoThatFailsOnceAfterAKillIsDoneTheNextTime) {
  const std::string before = read_text(include);
  const Json reload = subject()["reload"];
  for (const char* failing : {"undo's reload", "undo's test", "second try's test"}) {
    SCOPED_TRACE(failing);
    const std::string run = std::string("RUN-") + failing[0] + failing[7];
    Action killed = in_run(shift(*driver, subject(), kBlue), run);
    killed.args["reload"] = {"/bin/sh", "-c", "\"$@\"; kill -9 0", "sh"};
    for (const Json& word : reload) killed.args["reload"].push_back(word);
    EXPECT_FALSE(apply(*driver, killed).ok());
    ASSERT_TRUE(comes_true([&] { return version_at(port) == "v1" && version_at(port) == "v1"; }));
    const Action back = in_run(shift(*driver, subject(), kGreen, true), run);
    Action fails = failing[0] == 'u' ? back : in_run(shift(*driver, subject(), kBlue), run);
    fails.args[std::string(failing).ends_with("reload") ? "reload" : "test"] = {"/bin/false"};
    EXPECT_FALSE(apply(*driver, fails).ok());
    ASSERT_TRUE(apply(*driver, back).ok());
    EXPECT_EQ(read_text(include), before);
    EXPECT_TRUE(becomes(*driver, back)) << sight(back).why;
    EXPECT_EQ(version_at(port), "v2");
  }
}

TEST_F(NginxUpstreamTest, ALaterStepThatNginxRefusesGoesBackToTheStepBefore) {
  const std::string before = read_text(include);
  Json gradual = subject();
  const Action ten = in_run(shift(*driver, gradual, {{"blue", 10}, {"green", 90}}), "RUN-3");
  Action half = in_run(shift(*driver, gradual, {{"blue", 50}, {"green", 50}}), "RUN-3");
  ASSERT_TRUE(apply(*driver, ten).ok());
  const std::string at_ten = read_text(include);
  half.args["test"] = {"/bin/false"};
  EXPECT_FALSE(apply(*driver, half).ok());
  EXPECT_EQ(read_text(include), at_ten);
  ASSERT_TRUE(apply(*driver, in_run(shift(*driver, subject(), kGreen, true), "RUN-3")).ok());
  EXPECT_EQ(read_text(include), before);
}

// The master tells its old workers to leave 100 ms after it was told to reload: a look in between waits for that.
TEST_F(NginxUpstreamTest, OneLookRightAfterTheReloadSeesTheOldWorkersLeave) {
  int at_once = 0;
  for (const Json& weights : {kBlue, kGreen, kBlue, kGreen}) {
    ASSERT_TRUE(apply(*driver, shift(*driver, subject(), weights)).ok());
    at_once += sight(shift(*driver, subject(), weights)).kind == SightKind::kHolds ? 1 : 0;
  }
  EXPECT_GE(at_once, 2) << "looks that needed no other look after them";
}

TEST_F(NginxUpstreamTest, AReloadThatSaysItWorkedAndDidNothingIsNoSuccess) {
  for (const bool with_url : {true, false}) {
    Json lies = subject(with_url);
    lies["reload"] = {"/bin/true"};
    ASSERT_TRUE(apply(*driver, shift(*driver, lies, kBlue)).ok()) << "the tool says that it worked";
    const Sight seen = sight(shift(*driver, lies, kBlue));
    EXPECT_EQ(seen.kind, SightKind::kDoesNotHold) << seen.why;
    EXPECT_NE(seen.why.find("after nginx last loaded"), std::string::npos) << seen.why;
    ASSERT_TRUE(apply(*driver, shift(*driver, subject(), kGreen)).ok());
    ASSERT_TRUE(becomes(*driver, shift(*driver, subject(), kGreen)));
  }
}

TEST_F(NginxUpstreamTest, AFileThatNoUpstreamIncludesIsNoSuccess) {
  Json elsewhere = subject();
  elsewhere["include"] = home + "/other.conf";
  write_text(home + "/other.conf", "server " + address_of(pools.green.port) + ";\n");
  ASSERT_TRUE(apply(*driver, shift(*driver, elsewhere, kBlue)).ok());
  const Sight seen = sight(shift(*driver, elsewhere, kBlue));
  EXPECT_EQ(seen.kind, SightKind::kDoesNotHold);
  EXPECT_NE(seen.why.find("no part of nginx's configuration"), std::string::npos) << seen.why;
  const auto ready = driver->ready(offering(*driver, elsewhere), *local.host, driver::Depth::kQuick, {});
  ASSERT_EQ(ready.findings.size(), 1U);
  EXPECT_EQ(ready.findings[0].severity, Severity::kRed);
}

TEST_F(NginxUpstreamTest, WhoeverAnswersInFrontMustRunWhatThePoolRuns) {
  // nginx has the file and divides as wanted, but users come in somewhere else.
  Json astray = subject();
  astray["public_url"] = url_of(pools.green.port);
  ASSERT_TRUE(apply(*driver, shift(*driver, astray, kBlue)).ok());
  ASSERT_TRUE(becomes(*driver, shift(*driver, subject(), kBlue)));
  const Sight seen = sight(shift(*driver, astray, kBlue));
  EXPECT_EQ(seen.kind, SightKind::kDoesNotHold);
  EXPECT_NE(seen.why.find("still answers with v2"), std::string::npos) << seen.why;
}

TEST_F(NginxUpstreamTest, WeightsAreDividedAndOfWhatIsThereAPartStays) {
  ASSERT_TRUE(apply(*driver, shift(*driver, subject(), {{"blue", 90}, {"green", 10}})).ok());
  ASSERT_TRUE(becomes(*driver, shift(*driver, subject(), {{"blue", 90}, {"green", 10}})));
  int green = 0;
  for (int i = 0; i < 100; ++i) green += version_at(port) == "v2" ? 1 : 0;
  EXPECT_NEAR(green, 10, 3);
  const Action some = look(*driver, "answers", subject(), {{"release", "v2"}, {"share", "some"}});
  EXPECT_NE(sight(some).why.find("v2 gets 10 % of the traffic"), std::string::npos) << sight(some).why;
  const Action all = look(*driver, "answers", subject(), {{"release", "v1"}, {"share", "all"}});
  EXPECT_EQ(sight(all).kind, SightKind::kDoesNotHold) << sight(all).why;
  const Action not_bad = look(*driver, "answers", subject(), {{"release", "v1"}, {"share", "some"}, {"not", {"v2"}}});
  EXPECT_NE(sight(not_bad).why.find("marked bad"), std::string::npos) << sight(not_bad).why;
}

TEST_F(NginxUpstreamTest, APoolThatNobodyNamedIsFoundBeforehand) {
  write_text(include, "server 10.9.8.7:80;\n");
  const auto seen = driver->observe(subject(), *local.host, {});
  ASSERT_FALSE(seen.has_value());
  EXPECT_NE(seen.error().message.find("10.9.8.7:80 gets traffic and is in no pool"), std::string::npos);
}

TEST_F(NginxUpstreamTest, OffersToGoWhereTheReleaseReallyRuns) {
  const auto steps = conformance::offers_well(*driver, offering(*driver, subject()));
  ASSERT_EQ(steps.size(), 3U);
  EXPECT_EQ(steps[0].id.str(), "serves-traffic");
  EXPECT_EQ(steps[0].phase, Phase::kPrepare);
  EXPECT_EQ(steps[1].id.str(), "shift-traffic");
  EXPECT_EQ(get(get(steps[1].action.args, "weights_on"), local.host->name().str()),
            Json({{"blue", 100}, {"green", 0}}));
  EXPECT_EQ(get(get(steps[1].undo->args, "weights_on"), local.host->name().str()), Json({{"blue", 0}, {"green", 100}}));
  EXPECT_EQ(steps[2].phase, Phase::kCheck);
  EXPECT_EQ(sight(steps[0].action).kind, SightKind::kHolds) << sight(steps[0].action).why;
  TwoPools::end(pools.blue_pid);
  ASSERT_TRUE(comes_true([&] { return version_at(pools.blue.port).empty(); }));
  EXPECT_EQ(sight(steps[0].action).kind, SightKind::kDoesNotHold);
  const auto gone = driver->offer(offering(*driver, subject()));
  ASSERT_FALSE(gone.has_value());
  EXPECT_NE(gone.error().message.find("no pool serves v1: blue tells no version"), std::string::npos)
      << gone.error().message;
}

TEST_F(NginxUpstreamTest, InStepsItLooksInBetween) {
  Json gradual = subject();
  gradual["steps"] = {10, 50, 100};
  gradual["hold_ms"] = 1500;
  const auto steps = conformance::offers_well(*driver, offering(*driver, gradual));
  std::vector<std::string> ids;
  for (const Step& step : steps) ids.push_back(step.id.str());
  EXPECT_EQ(join(ids, " "),
            "serves-traffic shift-traffic-10 steady-traffic-10 shift-traffic-50 steady-traffic-50 shift-traffic-100 "
            "answers-traffic");
  ASSERT_EQ(ids.size(), 7U);
  ASSERT_TRUE(apply(*driver, steps[1].action).ok());
  ASSERT_TRUE(becomes(*driver, steps[1].action));
  EXPECT_EQ(sight(steps[2].action).kind, SightKind::kHolds) << sight(steps[2].action).why;
  TwoPools::end(pools.blue_pid);
  EXPECT_EQ(sight(steps[2].action).kind, SightKind::kDoesNotHold);
  ASSERT_TRUE(apply(*driver, *steps[1].undo).ok());
  EXPECT_TRUE(becomes(*driver, *steps[1].undo)) << sight(*steps[1].undo).why;
}

}  // namespace
}  // namespace backout::drivers
