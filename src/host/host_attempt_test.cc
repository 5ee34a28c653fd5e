// Who may make an attempt, and what becomes of it, the same on every host.
#include "host/testing_any_host.h"

namespace backout::host {
namespace {

class AnAttempt : public AnyHost {};
INSTANTIATE_TEST_SUITE_P(On, AnAttempt, ::testing::Values(Place::kLocal, Place::kSsh), name_of_place);

TEST_P(AnAttempt, AnOlderTokenIsRefusedAndNothingRuns) {
  const Command command = shell("touch \"$1\"", {root_ / "ran"});
  Guard older = guard_;
  older.token = 6;
  const auto result = host_->attempt(older, AttemptId("a1"), command, {}, {});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::kRefused);
  EXPECT_NE(result.error().message.find("token 7, ours is 6"), std::string::npos);
  EXPECT_EQ(host_->claim(older).error().code, Code::kRefused);
  EXPECT_EQ(host_->inspect(older, AttemptId("a1")).error().code, Code::kRefused);
  EXPECT_EQ(host_->kill(older, AttemptId("a1"), Millis(100)).error().code, Code::kRefused);
  EXPECT_EQ(host_->forget(older, {}).error().code, Code::kRefused);
  EXPECT_FALSE(os::exists(root_ / "ran"));
  EXPECT_EQ(look("a1").kind, AttemptState::Kind::kNeverStarted);
}

TEST_P(AnAttempt, AnotherJournalIsRefusedAndNothingRuns) {
  const Guard foreign{"shop/production", "journal-b", 99};
  const auto claimed = host_->claim(foreign);
  EXPECT_EQ(claimed.error().code, Code::kRefused);
  EXPECT_NE(claimed.error().message.find("journal-a"), std::string::npos);
  EXPECT_NE(claimed.error().next.find("owner"), std::string::npos);
  const auto result = host_->attempt(foreign, AttemptId("a1"), shell("touch \"$1\"", {root_ / "ran"}), {}, {});
  EXPECT_EQ(result.error().code, Code::kRefused);
  EXPECT_FALSE(os::exists(root_ / "ran"));
  EXPECT_TRUE(host_->claim({"shop/staging", "journal-b", 1})) << "another site is nobody's business";
}

TEST_P(AnAttempt, AFrozenControllerFindsItsTokenOldWhenItWakes) {
  const auto newer = another_host();
  ASSERT_TRUE(newer->claim({"shop/production", "journal-a", 8}));
  const auto woken = act("a1", shell("touch \"$1\"", {root_ / "ran"}));
  EXPECT_EQ(woken.error().code, Code::kRefused);
  EXPECT_FALSE(os::exists(root_ / "ran"));
  const auto state = newer->inspect({"shop/production", "journal-a", 8}, AttemptId("a1"));
  EXPECT_EQ(state->kind, AttemptState::Kind::kNeverStarted);
}

TEST_P(AnAttempt, AnAttemptIsNeverMadeTwice) {
  const Command command = shell("echo x >>\"$1\"", {root_ / "count"});
  ASSERT_TRUE(done("a1", command).ok());
  const auto again = act("a1", command);
  EXPECT_EQ(again.error().code, Code::kRefused);
  EXPECT_EQ(*os::read_file(root_ / "count"), "x\n");
  EXPECT_EQ(look("a1").kind, AttemptState::Kind::kFinished);
}

TEST_P(AnAttempt, OfTwoThatMakeTheSameAttemptAtOnceOneIsRefused) {
  const Command command = shell("echo x >>\"$1\"", {root_ / "count"});
  std::optional<Result<CommandResult>> second;
  std::jthread thread([&] { second = act("a1", command); });
  const auto first = act("a1", command);
  thread.join();
  EXPECT_NE(first.has_value(), second->has_value());
  EXPECT_EQ(*os::read_file(root_ / "count"), "x\n");
}

TEST_P(AnAttempt, ForgetKeepsWhatIsNamedAndWhatRuns) {
  std::stop_source source;
  (void)done("old", shell("true"));
  (void)done("kept", shell("true"));
  listener_ = [&](std::string_view) { source.request_stop(); };
  ASSERT_TRUE(act("running", shell("echo up; exec sleep 60"), source.get_token())->cancelled);
  ASSERT_TRUE(host_->forget(guard_, {AttemptId("kept")}));
  EXPECT_EQ(look("old").kind, AttemptState::Kind::kNeverStarted);
  EXPECT_EQ(look("kept").kind, AttemptState::Kind::kFinished);
  EXPECT_EQ(look("running").kind, AttemptState::Kind::kRunning);
  ASSERT_TRUE(host_->kill(guard_, AttemptId("running"), Millis(2000)));
}

// --- what becomes of it ----------------------------------------------------------------------------------------------

TEST_P(AnAttempt, TimeoutEndsTheWholeGroupAndTheStatusSaysSo) {
  Command command = shell("(trap '' TERM; echo $$ >\"$1\"; sleep 60; sleep 60) & sleep 60", {root_ / "pid"});
  command.timeout = Millis(500);
  const auto result = done("a1", command);
  EXPECT_TRUE(result.timed_out);
  EXPECT_FALSE(result.ok());
  EXPECT_LT(result.took, Millis(12'000));
  EXPECT_FALSE(lives(number_in(root_ / "pid")));
  const auto state = look("a1");
  EXPECT_EQ(state.kind, AttemptState::Kind::kFinished);
  EXPECT_TRUE(state.result.timed_out);
}

TEST_P(AnAttempt, StopLeavesTheCommandRunning) {
  std::stop_source source;
  listener_ = [&](std::string_view) { source.request_stop(); };
  const auto result =
      act("a1", shell("echo up; until [ -e \"$1\" ]; do sleep 0.01; done; exit 5", {root_ / "go"}), source.get_token());
  ASSERT_TRUE(result);
  EXPECT_TRUE(result->cancelled);
  const auto running = look("a1");
  EXPECT_EQ(running.kind, AttemptState::Kind::kRunning);
  EXPECT_EQ(running.result.out, "up\n");
  std::ofstream(root_ / "go") << "x";
  EXPECT_TRUE(soon([&] { return look("a1").kind == AttemptState::Kind::kFinished; }));
  EXPECT_EQ(look("a1").result.exit_status, 5);
}

TEST_P(AnAttempt, KillEndsEverythingOfARunningAttempt) {
  std::stop_source source;
  listener_ = [&](std::string_view) { source.request_stop(); };
  const Command stubborn =
      shell("trap '' TERM; sleep 60 & echo $! >\"$1\"; echo up; sleep 60; sleep 60", {root_ / "pid"});
  ASSERT_TRUE(act("a1", stubborn, source.get_token())->cancelled);
  ASSERT_TRUE(host_->kill(guard_, AttemptId("a1"), Millis(200)));
  EXPECT_FALSE(lives(number_in(root_ / "pid")));
  EXPECT_FALSE(lives(number_in(directory_of("a1") + "/pid")));
  const auto state = look("a1");
  EXPECT_EQ(state.kind, AttemptState::Kind::kFinished);
  EXPECT_EQ(state.result.signal, SIGKILL);
  EXPECT_FALSE(state.result.timed_out);
  EXPECT_TRUE(host_->kill(guard_, AttemptId("a1"), Millis(200))) << "again is fine";
  EXPECT_TRUE(host_->kill(guard_, AttemptId("never"), Millis(200)));
}

TEST_P(AnAttempt, ACommandThatEndsItsOwnGroupDoesNotTakeTheShimAlong) {
  const auto result = done("a1", shell("echo out; kill 0; sleep 60"));
  EXPECT_EQ(result.signal, SIGTERM);
  EXPECT_EQ(result.out, "out\n");
}

TEST_P(AnAttempt, KillReachesBehindAChangeOfUser) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can become nobody";
  std::stop_source source;
  listener_ = [&](std::string_view) { source.request_stop(); };
  Command command = shell("echo $$; sleep 60; sleep 60");
  command.user = "nobody";
  const auto left = act("a1", command, source.get_token());
  ASSERT_TRUE(left->cancelled);
  const pid_t inner = std::atoi(look("a1").result.out.c_str());
  ASSERT_TRUE(lives(inner));
  ASSERT_TRUE(host_->kill(guard_, AttemptId("a1"), Millis(3000)));
  EXPECT_FALSE(lives(inner));
  EXPECT_NE(look("a1").result.signal, 0);
}

TEST_P(AnAttempt, ADaemonLeftBehindDoesNotKeepTheAttemptRunning) {
  const BootTime before = system_clock().boot();
  const auto result = done("a1", shell("setsid sleep 20 & echo $! >\"$1\"; echo started; exit 0", {root_ / "pid"}));
  EXPECT_TRUE(result.ok());
  EXPECT_EQ(result.out, "started\n");
  EXPECT_LT(system_clock().boot() - before, Millis(5000));
  EXPECT_EQ(look("a1").kind, AttemptState::Kind::kFinished);
  EXPECT_TRUE(lives(number_in(root_ / "pid"))) << "the daemon itself is left alone";
  EXPECT_TRUE(host_->forget(guard_, {}));
  ::kill(number_in(root_ / "pid"), SIGKILL);
}

TEST_P(AnAttempt, WhenTheShimIsKilledTheCommandStillCountsAndThenIsLost) {
  std::optional<Result<CommandResult>> result;
  std::jthread thread([&] {
    result = act("a1", shell("until [ -e \"$1\" ]; do sleep 0.01; done; touch \"$2\"", {root_ / "go", root_ / "went"}));
  });
  ASSERT_TRUE(soon([&] { return number_in(directory_of("a1") + "/pid") > 0; }));
  ASSERT_EQ(::kill(number_in(directory_of("a1") + "/started"), SIGKILL), 0);
  thread.join();
  ASSERT_FALSE(*result);
  EXPECT_EQ(result->error().code, Code::kUnavailable);
  EXPECT_EQ(look("a1").kind, AttemptState::Kind::kRunning);
  std::ofstream(root_ / "go") << "x";
  ASSERT_TRUE(soon([&] { return os::exists(root_ / "went"); }));
  EXPECT_TRUE(soon([&] { return look("a1").kind == AttemptState::Kind::kLost; }));
}

TEST_P(AnAttempt, ACommandWhoseNumberWasNotWrittenDownCountsWhileItHoldsTheLock) {
  std::stop_source source;
  listener_ = [&](std::string_view) { source.request_stop(); };
  ASSERT_TRUE(act("a1", shell("echo up; exec sleep 60"), source.get_token())->cancelled);
  const pid_t pid = number_in(directory_of("a1") + "/pid");
  ::kill(number_in(directory_of("a1") + "/started"), SIGKILL);
  ASSERT_TRUE(os::remove_file(directory_of("a1") + "/pid"));  // as if the shim had been ended just before
  EXPECT_EQ(look("a1").kind, AttemptState::Kind::kRunning);
  ::kill(pid, SIGKILL);
  EXPECT_TRUE(soon([&] { return look("a1").kind == AttemptState::Kind::kLost; }));
}

TEST_P(AnAttempt, AfterARebootNoPidIsTrusted) {
  std::stop_source source;
  listener_ = [&](std::string_view) { source.request_stop(); };
  ASSERT_TRUE(act("a1", shell("echo up; exec sleep 60"), source.get_token())->cancelled);
  const std::string record = directory_of("a1") + "/started";
  const std::string before = *os::read_file(record);
  const std::string boot = system_clock().boot_id();
  ASSERT_NE(before.find(boot), std::string::npos);
  ASSERT_TRUE(os::write_file_atomic(record, replaced(before, boot, "00000000-0000-0000-0000-000000000000")));
  EXPECT_EQ(look("a1").kind, AttemptState::Kind::kLost);
  const pid_t pid = number_in(directory_of("a1") + "/pid");
  EXPECT_TRUE(host_->kill(guard_, AttemptId("a1"), Millis(100)));
  EXPECT_TRUE(lives(pid)) << "that number may belong to anybody now";
  ASSERT_TRUE(os::write_file_atomic(record, before));
  EXPECT_TRUE(host_->kill(guard_, AttemptId("a1"), Millis(1000)));
  EXPECT_FALSE(lives(pid));
}

TEST_P(AnAttempt, AStatusThatIsNotWholeCountsAsNone) {
  (void)done("a1", shell("true"));
  ASSERT_TRUE(os::write_file_atomic(directory_of("a1") + "/status", "exit=0 sig"));
  EXPECT_EQ(look("a1").kind, AttemptState::Kind::kLost);
}

TEST_P(AnAttempt, ADirectoryWithoutARecordWasNeverStarted) {
  ASSERT_TRUE(os::make_directories(directory_of("a1")));
  EXPECT_EQ(look("a1").kind, AttemptState::Kind::kNeverStarted);
}

TEST_P(AnAttempt, TheShimIsPutBackWhenItIsGone) {
  ASSERT_TRUE(os::remove_file(root_ / ("target/" + shim_name())));
  EXPECT_TRUE(host_->claim(guard_));
  EXPECT_TRUE(os::exists(root_ / ("target/" + shim_name())));
}

TEST_P(AnAttempt, ReadsFiles) {
  const std::string content("a\0b\xFF\n\n", 6);
  ASSERT_TRUE(os::write_file_atomic(root_ / "it's a file", content));
  EXPECT_EQ(*host_->read(root_ / "it's a file"), content);
  EXPECT_EQ(host_->read(root_ / "missing").error().code, Code::kNotFound);
}

TEST_P(AnAttempt, NoLeftoverProcessesOrStateInTheWay) {
  for (int i = 0; i < 3; ++i) (void)done("a" + std::to_string(i), shell("true"));
  const auto ours = os::run_process({.argv = {"pgrep", "-f", root_ / "target/attempt"}});
  EXPECT_TRUE(soon([&] {
    return os::run_process({.argv = {"pgrep", "-f", root_ / "target/attempt"}})->out.empty();
  })) << ours->out;
  ASSERT_TRUE(host_->forget(guard_, {}));
  EXPECT_TRUE(os::list_directory(root_ / "target/sites/shop%2Fproduction/attempts")->empty());
}

}  // namespace
}  // namespace backout::host
