#include <sys/mount.h>

#include "drivers/traffic/haproxy_for_tests.h"

namespace backout::drivers {
namespace {

const Json kBlue = {{"blue", 100}}, kGreen = {{"green", 100}}, kBoth = {{"blue", 90}, {"green", 10}};

TEST_F(HaproxyTest, Conforms) {
  Json two = subject(), stray = subject();
  two["pools"]["green"]["servers"] = {"blue"};
  stray["pools"]["green"]["servers"] = {"green state maint; shutdown sessions"};
  conformance::conforms(*driver, {.action = shift(*driver, subject(), kBlue),
                                  .undo = shift(*driver, subject(), kGreen, true),
                                  .reset =
                                      [this] {
                                        apply(*driver, shift(*driver, subject(), kGreen));
                                        EXPECT_TRUE(becomes(*driver, shift(*driver, subject(), kGreen)));
                                      },
                                  .done = [this] { return all_serve("v1"); },
                                  .always = [this] { return !version_at(port).empty(); },
                                  .bad = {shift(*driver, two, kBlue), shift(*driver, stray, kBlue),
                                          shift(*driver, with("backend", "app; show info"), kBlue),
                                          shift(*driver, with("socket", "relative"), kBlue)},
                                  .kills = 3,
                                  .settle = Millis(150)});
}

/// Each pool has three servers, of which haproxy.cfg begins with one of blue's disabled.
class HaproxyByHandTest : public HaproxyTest {
 protected:
  std::string servers() const override {
    std::string lines;
    for (const char* name : {"b1", "b2"}) lines += server(name, pools.blue.port, "weight 7");
    lines += server("b3", pools.blue.port, "weight 9 disabled");
    for (const char* name : {"g1", "g2", "g3"}) lines += server(name, pools.green.port, "weight 30");
    return lines;
  }
  Json by_hand() const {
    Json args = subject();
    args["pools"]["blue"]["servers"] = {"b1", "b2", "b3"};
    args["pools"]["green"]["servers"] = {"g1", "g2", "g3"};
    return args;
  }
  void tell(const std::string& line) const {
    const auto said = local.host->run(host::shell(
        "printf '%s\\n' \"$1\" | perl -MIO::Socket::UNIX -e 'my $s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die;"
        " print $s scalar <STDIN>; $s->flush; print while <$s>' \"$2\"",
        {line, home + "/ha.sock"}));
    ASSERT_TRUE(said.has_value() && said->ok());
    EXPECT_EQ(trimmed(said->out), "") << line;
  }
  /// What HAProxy says, and not the driver: "b1 0 7, b2 ..." with the admin state and the weight.
  std::string told() const {
    const auto said = local.host->run(host::shell(
        "perl -MIO::Socket::UNIX -e 'my $s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die; print $s \"show servers "
        "state app\\n\"; $s->flush; print while <$s>' \"$1\" | awk '$2 == \"app\" {print $4, $7, $8}'",
        {home + "/ha.sock"}));
    return said ? replaced(std::string(trimmed(said->out)), "\n", ", ") : said.error().message;
  }
};

TEST_F(HaproxyByHandTest, ThePoolsServerInMaintenanceStaysThereAndTheUndoPutsBackStatesAndWeights) {
  // As a script leaves it: blue drained with its weights, a server of green in maintenance for repairs.
  tell("set server app/b3 state ready; set server app/b1 state drain; set server app/b2 state drain");
  tell("set server app/b3 state drain; set server app/g3 state maint");
  const std::string before = told();
  ASSERT_EQ(before, "b1 8 7, b2 8 7, b3 12 9, g1 0 30, g2 0 30, g3 1 30");
  const auto steps = conformance::offers_well(*driver, offering(*driver, by_hand()));
  ASSERT_EQ(steps.size(), 3U);
  EXPECT_EQ(steps[1].title, "100 % of the traffic -> blue, which serves v1; left as found: g3");
  ASSERT_TRUE(apply(*driver, steps[1].action).ok());
  EXPECT_TRUE(becomes(*driver, steps[1].action)) << sight(steps[1].action).why;
  EXPECT_TRUE(all_serve("v1"));
  EXPECT_EQ(told(), "b1 0 1, b2 0 1, b3 4 1, g1 1 0, g2 1 0, g3 1 30");
  EXPECT_EQ(sight(*steps[1].undo).kind, SightKind::kDoesNotHold);
  ASSERT_TRUE(apply(*driver, *steps[1].undo).ok());
  EXPECT_TRUE(becomes(*driver, *steps[1].undo)) << sight(*steps[1].undo).why;
  EXPECT_EQ(told(), before);
  tell("set weight app/b1 50");
  EXPECT_NE(sight(*steps[1].undo).why.find("b1 was found with weight 7 and has 50"), std::string::npos);
}

TEST_F(HaproxyByHandTest, WhatWasShutIsShutAgainByTheUndo) {
  for (const char* name : {"b1", "b2", "b3", "g1", "g2", "g3"})
    tell(fmt::format("set weight app/{0} 0; set server app/{0} state {1}", name, name[0] == 'b' ? "maint" : "ready"));
  const std::string before = told();
  ASSERT_TRUE(version_at(port).empty());
  const auto steps = conformance::offers_well(*driver, offering(*driver, by_hand()));
  ASSERT_EQ(steps.size(), 3U);
  ASSERT_TRUE(apply(*driver, steps[1].action).ok());
  EXPECT_TRUE(becomes(*driver, steps[1].action)) << sight(steps[1].action).why;
  EXPECT_TRUE(all_serve("v1"));
  ASSERT_TRUE(apply(*driver, *steps[1].undo).ok());
  EXPECT_TRUE(becomes(*driver, *steps[1].undo)) << sight(*steps[1].undo).why;
  EXPECT_EQ(told(), before);
  EXPECT_TRUE(version_at(port).empty()) << "an abort opens nothing";
}

TEST_F(HaproxyByHandTest, WithNothingServingItGoesWholeAtOnceAndSaysSo) {
  Json stepwise = by_hand();
  stepwise["steps"] = {20, 50};
  auto steps = conformance::offers_well(*driver, offering(*driver, stepwise));
  ASSERT_EQ(steps.size(), 7U) << "green serves: 20, a look, 50, a look, 100";
  EXPECT_EQ(steps[1].title.substr(0, steps[1].title.find(';')), "20 % of the traffic -> blue, which serves v1");
  for (const char* name : {"b1", "b2", "b3", "g1", "g2", "g3"})
    tell(fmt::format("set weight app/{0} 0; set server app/{0} state {1}", name, name[0] == 'b' ? "maint" : "ready"));
  driver::Offering shut = offering(*driver, stepwise);
  steps = conformance::offers_well(*driver, shut);
  ASSERT_EQ(steps.size(), 3U) << "20 % of nothing would be all of it, and nobody would have said so";
  EXPECT_EQ(steps[1].title,
            "100 % of the traffic -> blue, which serves v1; at once and not in steps, because no pool gets any");
  // One of two balancers serves nothing: its first step is all of it, and the other one's is not.
  shut.hosts.push_back("web-2");
  shut.seen["web-2"] = shut.seen[local.host->name().str()];
  shut.seen["web-2"]["weights"] = {{"blue", 0}, {"green", 100}};
  steps = *driver->offer(shut);
  ASSERT_EQ(steps.size(), 7U);
  EXPECT_NE(steps[1].title.find("20 % of the traffic -> blue, which serves v1; all of it on " +
                                local.host->name().str() + ", where no pool gets any"),
            std::string::npos)
      << steps[1].title;
  EXPECT_EQ(steps[1].action.args["weights_on"]["web-2"], Json({{"blue", 20}, {"green", 80}}));
  EXPECT_EQ(steps[1].action.args["weights_on"][local.host->name().str()], Json({{"blue", 100}, {"green", 0}}));
}

TEST_F(HaproxyByHandTest, StepsAtOrBelowWhatThePoolHasAreLeftOut) {
  Json stepwise = by_hand();
  stepwise["steps"] = {10, 50, 95};
  tell("set server app/b3 state ready");
  for (const char* name : {"b1", "b2", "b3", "g1", "g2", "g3"})
    tell(fmt::format("set weight app/{} {}", name, name[0] == 'b' ? 90 : 10));
  auto steps = conformance::offers_well(*driver, offering(*driver, stepwise));
  ASSERT_EQ(steps.size(), 5U) << "a canary of 10 %: nothing below its 90 %";
  EXPECT_EQ(steps[1].title, "95 % of the traffic -> blue, which serves v1");
  EXPECT_EQ(steps[3].title, "100 % of the traffic -> blue, which serves v1");
  // At one of two balancers blue has less: every step raises it there, and lowers it nowhere.
  driver::Offering two = offering(*driver, stepwise);
  two.hosts.push_back("web-2");
  two.seen["web-2"] = two.seen[local.host->name().str()];
  two.seen["web-2"]["weights"] = {{"blue", 10}, {"green", 90}};
  steps = *driver->offer(two);
  ASSERT_EQ(steps.size(), 7U);
  EXPECT_EQ(steps[1].id.str(), "shift-traffic-50");
  EXPECT_EQ(steps[1].action.args["weights_on"]["web-2"], Json({{"blue", 50}, {"green", 50}}));
  EXPECT_EQ(steps[1].action.args["weights_on"][local.host->name().str()], Json({{"blue", 90}, {"green", 10}}));
}

TEST_F(HaproxyByHandTest, ADisabledServerThatWasSetReadyServesAndOneThatIsNotIsLeft) {
  tell("set server app/g1 state maint; set server app/g2 state maint; set server app/g3 state maint");
  auto left = driver->offer(offering(*driver, by_hand()));
  ASSERT_TRUE(left.has_value()) << left.error().message;
  EXPECT_EQ((*left)[1].title, "100 % of the traffic -> blue, which serves v1; left as found: b3, g1, g2, g3");
  tell("set server app/b3 state ready");
  const auto seen = driver->observe(by_hand(), *local.host, {});
  ASSERT_TRUE(seen.has_value());
  EXPECT_EQ(get(*seen, "weights"), Json({{"blue", 100}, {"green", 0}}));
  EXPECT_FALSE(get(*seen, "kept_out").contains("blue")) << seen->dump();
}

TEST_F(HaproxyByHandTest, APoolThatSomebodyHasInMaintenanceIsNotTakenOutOfItAndNotGivenTraffic) {
  tell(
      "set server app/b1 state maint; set server app/b2 state maint; set server app/b3 state ready; "
      "set server app/b3 state maint");
  Json two = by_hand();
  two["pools"]["blue"]["servers"] = {"b1", "b2"};
  two["pools"]["spare"] = {{"urls", {url_of(1)}}, {"servers", {"b3"}}};
  const auto refused = driver->offer(offering(*driver, two));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Code::kRefused);
  EXPECT_NE(refused.error().message.find("blue is in maintenance at HAProxy"), std::string::npos);
  EXPECT_NE(refused.error().next.find("set server app/b1 state ready"), std::string::npos) << refused.error().next;
  tell("set weight app/b1 0; set weight app/b2 0");  // as backout itself and a script after its manner leave a pool
  EXPECT_TRUE(driver->offer(offering(*driver, two)).has_value());
}

TEST_F(HaproxyTest, NoRequestFailsWhileItSwitches) {
  Customers customers(port);
  for (int round = 0; round < 2; ++round)
    for (const Json& weights : {kBlue, kGreen}) ASSERT_TRUE(apply(*driver, shift(*driver, subject(), weights)).ok());
  ASSERT_TRUE(apply(*driver, shift(*driver, subject(), kBoth)).ok());
  ASSERT_TRUE(becomes(*driver, shift(*driver, subject(), kBoth)));
  customers.stop();
  EXPECT_EQ(customers.failed, 0) << "of " << customers.served;
  EXPECT_GT(customers.served, 100);
}

TEST_F(HaproxyTest, OutOfTrafficIsMaintenanceOrDrainAndReadyComesBack) {
  for (const std::string out : {"maint", "drain"}) {
    const Json args = with("out", out);
    ASSERT_TRUE(apply(*driver, shift(*driver, args, kBlue)).ok());
    const Sight seen = sight(shift(*driver, args, kBlue));
    ASSERT_EQ(seen.kind, SightKind::kHolds) << seen.why;
    EXPECT_EQ(get_string(seen.evidence["servers"]["green"], "status"), out == "maint" ? "MAINT" : "DRAIN");
    EXPECT_NE(seen.evidence["left_behind"].dump().find("green is left running v2, out of traffic"), std::string::npos);
    EXPECT_TRUE(all_serve("v1"));
    ASSERT_TRUE(apply(*driver, shift(*driver, args, kGreen)).ok());
    ASSERT_TRUE(becomes(*driver, shift(*driver, args, kGreen)));
    EXPECT_TRUE(all_serve("v2"));
  }
}

// A frontend may have its name, as the one of these tests: `show stat NAME` would tell of that one, which has no
// servers.
TEST_F(HaproxyTest, ThatAServerIsDownIsSeenAlsoWhereAFrontendHasTheNameOfTheBackend) {
  ASSERT_TRUE(apply(*driver, shift(*driver, subject(), kGreen)).ok());
  ASSERT_TRUE(becomes(*driver, shift(*driver, subject(), kGreen)));
  pools.end(pools.green_pid);
  EXPECT_TRUE(comes_true([&] {
    const Sight seen = sight(shift(*driver, subject(false), kGreen));
    return seen.kind == SightKind::kDoesNotHold && seen.why.find("is DOWN") != std::string::npos;
  }));
}

TEST_F(HaproxyTest, ByTcpAndByPythonWhereThereIsNoPerl) {
  ASSERT_TRUE(apply(*driver, shift(*driver, with("socket", address_of(tcp)), kBlue)).ok());
  EXPECT_TRUE(becomes(*driver, shift(*driver, subject(), kBlue)));
  std::filesystem::create_directory(home + "/bin");
  for (const char* tool : {"python3", "sed"})
    std::filesystem::create_symlink(std::string("/usr/bin/") + tool, home + "/bin/" + tool);
  for (const std::string& socket : {home + "/ha.sock", address_of(tcp)}) {
    auto command = driver->command(shift(*driver, with("socket", socket), kGreen), *local.host);
    ASSERT_TRUE(command.has_value());
    command->env["PATH"] = home + "/bin";
    command->argv[0] = "/bin/sh";
    const auto result = local.host->run(*command);
    ASSERT_TRUE(result.has_value());
    EXPECT_TRUE(result->ok()) << result->err << result->out;
    EXPECT_TRUE(becomes(*driver, shift(*driver, subject(), kGreen)));
    ASSERT_TRUE(apply(*driver, shift(*driver, subject(), kBlue)).ok());
  }
  std::filesystem::remove(home + "/bin/python3");
  auto command = driver->command(shift(*driver, subject(), kGreen), *local.host);
  command->env["PATH"] = home + "/bin";
  command->argv[0] = "/bin/sh";
  const auto result = local.host->run(*command);
  EXPECT_NE(result->err.find("perl or python3 is needed"), std::string::npos) << result->err;
}

TEST_F(HaproxyTest, WhatItRefusesFailsTheStep) {
  const auto denied = apply(*driver, shift(*driver, with("socket", home + "/user.sock"), kBlue));
  EXPECT_FALSE(denied.ok());
  EXPECT_NE(denied.err.find("HAProxy says: Permission denied"), std::string::npos) << denied.err;
  EXPECT_TRUE(all_serve("v2"));
  Json absent = subject();
  absent["pools"]["blue"]["servers"] = {"azure"};
  EXPECT_NE(apply(*driver, shift(*driver, absent, kBlue)).err.find("No such server"), std::string::npos);
  const auto seen = driver->observe(absent, *local.host, {});
  ASSERT_FALSE(seen.has_value());
  EXPECT_NE(seen.error().message.find("backend app has no server azure: it has blue, green"), std::string::npos);
  EXPECT_EQ(driver->observe(with("backend", "shop"), *local.host, {}).error().code, Code::kNotFound);
}

TEST_F(HaproxyTest, WhoeverAnswersInFrontMustRunWhatThePoolRuns) {
  // HAProxy tells the very weights that are wanted, and users come in somewhere else.
  const Json astray = with("public_url", url_of(pools.green.port));
  ASSERT_TRUE(apply(*driver, shift(*driver, astray, kBlue)).ok());
  ASSERT_TRUE(becomes(*driver, shift(*driver, subject(), kBlue)));
  const Sight seen = sight(shift(*driver, astray, kBlue));
  EXPECT_EQ(seen.kind, SightKind::kDoesNotHold);
  EXPECT_NE(seen.why.find("still answers with v2"), std::string::npos) << seen.why;
}

TEST_F(HaproxyTest, ARestartTakesTheWeightsWithItAndIsFoundOut) {
  ASSERT_TRUE(apply(*driver, shift(*driver, subject(), kBlue)).ok());
  const Sight shifted = sight(shift(*driver, subject(), kBlue));
  EXPECT_NE(shifted.evidence["left_behind"].dump().find("a reload of HAProxy would divide"), std::string::npos);
  EXPECT_EQ(findings(subject()), (std::vector<std::string>{"traffic.level ok", "traffic.reload warning"}));
  stop();
  EXPECT_FALSE(apply(*driver, shift(*driver, subject(), kBlue)).ok());
  EXPECT_EQ(sight(shift(*driver, subject(), kBlue)).kind, SightKind::kCannotTell) << "nobody answers";
  start();
  EXPECT_EQ(sight(shift(*driver, subject(), kBlue)).kind, SightKind::kDoesNotHold) << "back to what haproxy.cfg says";
  const Action watched = look(*driver, "answers", subject(), {{"release", "v1"}, {"share", "all"}});
  EXPECT_NE(sight(watched).why.find("v1 gets no traffic"), std::string::npos) << sight(watched).why;
}

TEST_F(HaproxyTest, AStateFileKeepsTheWeightsOverARestart) {
  const Json kept = with("state_file", home + "/state");
  ASSERT_TRUE(apply(*driver, shift(*driver, kept, kBlue)).ok());
  stop();
  start();
  EXPECT_TRUE(becomes(*driver, shift(*driver, kept, kBlue))) << sight(shift(*driver, kept, kBlue)).why;
  EXPECT_TRUE(all_serve("v1"));
  EXPECT_EQ(findings(kept), (std::vector<std::string>{"traffic.level ok"}));
}

/// The state file lies on a disk of its own, with room for one page beside it.
class HaproxyFullDisk : public HaproxyTest {
 protected:
  void SetUp() override {
    HaproxyTest::SetUp();
    std::filesystem::create_directory(disk);
    if (::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=8k") != 0) GTEST_SKIP() << "cannot mount";
  }
  void TearDown() override {
    HaproxyTest::TearDown();
    ::umount2(disk.c_str(), MNT_DETACH);
  }
  void fill() const { write_text(disk + "/rest", std::string(4096, 'x')); }
  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(disk)) names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    return names;
  }
  const std::string disk = home + "/disk", state = disk + "/state";
};

TEST_F(HaproxyFullDisk, LeavesTheStateFileAndTheTrafficAsTheyWere) {
  const Json kept = with("state_file", state);
  const Action there = shift(*driver, kept, kBlue), back = shift(*driver, kept, kGreen, true);
  ASSERT_TRUE(apply(*driver, shift(*driver, subject(), kGreen)).ok());
  write_text(state, "# as it was\n");
  fill();
  const auto result = apply(*driver, there);
  EXPECT_FALSE(result.ok());
  EXPECT_NE(result.err.find("nothing was changed"), std::string::npos) << result.err;
  EXPECT_TRUE(all_serve("v2"));
  EXPECT_EQ(sight(there).kind, SightKind::kDoesNotHold);
  EXPECT_TRUE(apply(*driver, back).ok()) << "there is nothing to put back";
  EXPECT_EQ(read_text(state), "# as it was\n");
  EXPECT_EQ(files(), (std::vector<std::string>{"rest", "state"}));

  std::filesystem::remove(disk + "/rest");
  ASSERT_TRUE(apply(*driver, there).ok());
  EXPECT_TRUE(becomes(*driver, there));
  const std::string shifted = read_text(state);
  fill();
  const auto undone = apply(*driver, back);
  EXPECT_TRUE(becomes(*driver, back)) << "the traffic is back whatever the disk says";
  EXPECT_FALSE(undone.ok()) << "a reload would shift it again";
  EXPECT_NE(undone.err.find("a reload of HAProxy"), std::string::npos) << undone.err;
  EXPECT_EQ(read_text(state), shifted);
  EXPECT_EQ(files(), (std::vector<std::string>{"rest", "state"}));
  std::filesystem::remove(disk + "/rest");
  EXPECT_TRUE(apply(*driver, back).ok());
  EXPECT_NE(read_text(state), shifted);
}

TEST_F(HaproxyFullDisk, AnUndoNeedsNoNewStateFileWhereTheOldOneSaysTheSame) {
  const Json kept = with("state_file", state);
  ASSERT_TRUE(apply(*driver, shift(*driver, kept, kGreen)).ok());
  ASSERT_TRUE(apply(*driver, shift(*driver, subject(), kBlue)).ok()) << "by somebody who keeps no file";
  fill();
  EXPECT_TRUE(apply(*driver, shift(*driver, kept, kGreen, true)).ok());
  EXPECT_TRUE(all_serve("v2"));
}

TEST_F(HaproxyTest, APoolWithoutAServerThatIsUpIsNoSuccess) {
  TwoPools::end(pools.blue_pid);
  ASSERT_TRUE(apply(*driver, shift(*driver, subject(), kBlue)).ok()) << "HAProxy takes the weights";
  ASSERT_TRUE(comes_true([&] { return version_at(port).empty(); }));
  const Sight seen = sight(shift(*driver, subject(), kBlue));
  EXPECT_EQ(seen.kind, SightKind::kDoesNotHold) << seen.why;
  EXPECT_EQ(sight(shift(*driver, subject(), kBlue, true)).kind, SightKind::kHolds) << "as an undo it is what was found";
}

TEST_F(HaproxyTest, APoolThatHangsIsNotAskedHundredsOfTimes) {
  ASSERT_TRUE(apply(*driver, shift(*driver, subject(), kBlue)).ok());
  ASSERT_TRUE(becomes(*driver, shift(*driver, subject(), kBlue)));
  const Action all = look(*driver, "answers", subject(), {{"release", "v1"}, {"share", "all"}});
  ::kill(pools.blue_pid, SIGSTOP);
  const Sight hangs = sight(all);
  EXPECT_EQ(hangs.kind, SightKind::kDoesNotHold);
  EXPECT_TRUE(get_bool(hangs.evidence, "final")) << hangs.why;
  TwoPools::end(pools.blue_pid);
  ASSERT_TRUE(comes_true([&] { return version_at(pools.blue.port).empty(); }));
  EXPECT_FALSE(get_bool(sight(all).evidence, "final")) << "it may be starting";
}

TEST_F(HaproxyTest, BeforehandALevelThatIsTooLowAndASocketThatIsNotThere) {
  EXPECT_EQ(findings(with("socket", home + "/user.sock")), (std::vector<std::string>{"traffic.level red"}));
  const auto gone = driver->observe(with("socket", home + "/gone.sock"), *local.host, {});
  ASSERT_FALSE(gone.has_value());
  EXPECT_EQ(gone.error().code, Code::kUnavailable);
  EXPECT_NE(gone.error().next.find("level admin"), std::string::npos) << gone.error().next;
}

TEST_F(HaproxyTest, OffersOneStepToTheReleaseAndBehindADoorAsksInFrontLater) {
  const auto steps = conformance::offers_well(*driver, offering(*driver, subject()));
  ASSERT_EQ(steps.size(), 3U);
  EXPECT_EQ(steps[1].title, "100 % of the traffic -> blue, which serves v1");
  const auto behind = conformance::offers_well(*driver, offering(*driver, with("door", true)));
  ASSERT_EQ(behind.size(), 4U);
  EXPECT_EQ(behind[2].phase, Phase::kCheck);
  EXPECT_FALSE(behind[2].action.args.contains("public_url"));
  EXPECT_EQ(behind[3].phase, Phase::kSettle);
  const auto deploy = conformance::offers_well(*driver, offering(*driver, subject(), RunKind::kDeploy));
  ASSERT_EQ(deploy.size(), 1U);
  EXPECT_EQ(get_string(deploy[0].action.args, "share"), "some");
}

}  // namespace
}  // namespace backout::drivers
