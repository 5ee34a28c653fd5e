#include "os/process.h"

#include <dirent.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>
#include <thread>

#include "os/file.h"
#include "os/proc.h"
#include "os/test_directory.h"

namespace backout::os {
namespace {

ProcessSpec sh(const std::string& script) { return {.argv = {"/bin/sh", "-c", script}}; }

ProcessResult done(const ProcessSpec& spec, std::stop_token stop = {}) {
  auto result = run_process(spec, std::move(stop));
  EXPECT_TRUE(result) << (result ? "" : result.error().message);
  return result ? *result : ProcessResult{};
}

bool lives(pid_t pid) {
  const auto facts = facts_of(pid);
  return facts && facts->lives();
}

size_t open_descriptors() { return list_directory("/proc/self/fd")->size(); }

TEST(RunProcess, KeepsBothStreamsAndTheExitStatus) {
  const auto result = done(sh("echo one; echo two >&2; exit 3"));
  EXPECT_EQ(result.out, "one\n");
  EXPECT_EQ(result.err, "two\n");
  EXPECT_EQ(result.exit_status, 3);
  EXPECT_EQ(result.signal, 0);
  EXPECT_FALSE(result.ok());
  EXPECT_EQ(result.why_not_ok(), "exit status 3: two");
}

TEST(RunProcess, NamesTheSignal) {
  const auto result = done(sh("kill -9 $$"));
  EXPECT_EQ(result.signal, 9);
  EXPECT_EQ(result.why_not_ok(), "ended by signal 9");
}

TEST(RunProcess, WritesStandardInputLargerThanAPipe) {
  std::string text(3 << 20, 'x');
  auto spec = sh("wc -c");
  spec.stdin_text = text;
  EXPECT_EQ(std::stoul(done(spec).out), text.size());
}

TEST(RunProcess, SurvivesAChildThatDoesNotReadItsInput) {
  auto spec = sh("exec <&-; sleep 0.1; exit 0");
  spec.stdin_text = std::string(1 << 20, 'x');
  EXPECT_TRUE(done(spec).ok());
}

TEST(RunProcess, GivesEnvironmentAndDirectory) {
  const TestDirectory directory;
  auto spec = sh("printf '%s|' \"$ODD\"; pwd; printf %s \"$HOME\" | wc -c");
  spec.env["ODD"] = "it's \"$x\"\nnext";
  spec.cwd = directory.path();
  const auto result = done(spec);
  EXPECT_TRUE(result.out.starts_with("it's \"$x\"\nnext|" + std::filesystem::canonical(directory.path()).string()));
}

TEST(RunProcess, TimeoutEndsGrandchildrenThatIgnoreTerm) {
  const TestDirectory directory;
  auto spec = sh("(trap '' TERM; sh -c 'echo $$ >grandchild; trap \"\" TERM; sleep 60; sleep 60') & sleep 60");
  spec.cwd = directory.path();
  spec.timeout = Millis(200);
  const auto result = done(spec);
  EXPECT_TRUE(result.timed_out);
  EXPECT_FALSE(result.ok());
  EXPECT_LT(result.took, Millis(8000));
  const pid_t grandchild = std::stoi(*read_file(directory / "grandchild"));
  const BootTime deadline = system_clock().boot() + Millis(2000);
  while (lives(grandchild) && system_clock().boot() < deadline) system_clock().wait(Millis(5), {});
  EXPECT_FALSE(lives(grandchild));
}

TEST(RunProcess, StopRequestEndsIt) {
  std::stop_source source;
  std::jthread stopper([&] {
    system_clock().wait(Millis(100), {});
    source.request_stop();
  });
  const auto result = done(sh("sleep 60"), source.get_token());
  EXPECT_TRUE(result.cancelled);
  EXPECT_FALSE(result.timed_out);
  EXPECT_LT(result.took, Millis(5000));
}

TEST(RunProcess, AStopRequestedBeforehandIsHeeded) {
  std::stop_source source;
  source.request_stop();
  EXPECT_TRUE(done(sh("sleep 60"), source.get_token()).cancelled);
}

TEST(RunProcess, CapsAHundredMegabytes) {
  auto spec = sh("head -c 104857600 /dev/zero; echo end >&2");
  spec.output_limit = 1000;
  size_t seen = 0;
  spec.on_stdout = [&](std::string_view chunk) { seen += chunk.size(); };
  const auto result = done(spec);
  EXPECT_TRUE(result.ok());
  EXPECT_TRUE(result.truncated);
  EXPECT_EQ(result.out.size(), 1000U);
  EXPECT_EQ(result.err, "end\n");
  EXPECT_EQ(seen, 104857600U);
}

TEST(RunProcess, ExactlyTheLimitIsNotTruncated) {
  auto spec = sh("head -c 1000 /dev/zero");
  spec.output_limit = 1000;
  EXPECT_FALSE(done(spec).truncated);
}

TEST(RunProcess, PassesInvalidUtf8Through) {
  const auto result = done(sh(R"(printf '\377\000\200\033')"));
  EXPECT_EQ(result.out, std::string("\xFF\x00\x80\x1B", 4));
}

TEST(RunProcess, DoesNotWaitForADaemonThatHoldsThePipes) {
  const auto result = done(sh("setsid sleep 5 & echo started"));
  EXPECT_TRUE(result.ok());
  EXPECT_EQ(result.out, "started\n");
  EXPECT_LT(result.took, Millis(2000));
}

TEST(RunProcess, TellsMissingFromForbidden) {
  EXPECT_EQ(run_process({.argv = {"no-such-program-here"}}).error().code, Code::kNotFound);
  EXPECT_EQ(run_process({.argv = {"/etc/passwd"}}).error().code, Code::kDenied);
  EXPECT_EQ(run_process({.argv = {}}).error().code, Code::kInvalid);
  const auto missing = run_process({.argv = {"true"}, .cwd = "/no/such/place"});
  EXPECT_EQ(missing.error().code, Code::kNotFound);
  EXPECT_NE(missing.error().message.find("/no/such/place"), std::string::npos);
}

TEST(RunProcess, LeaksNoDescriptorsInEitherDirection) {
  (void)done(sh("true"));
  const size_t before = open_descriptors();
  for (int i = 0; i < 5; ++i) (void)done(sh("true"));
  (void)run_process({.argv = {"no-such-program-here"}});
  EXPECT_EQ(open_descriptors(), before);
  // The child sees its three streams and what `ls` itself opens.
  EXPECT_EQ(done({.argv = {"ls", "/proc/self/fd"}}).out, "0\n1\n2\n3\n");
}

TEST(RunProcess, WhatWeIgnoreIsAtItsDefaultInTheChild) {
  const auto before = ::signal(SIGPIPE, SIG_IGN);
  const auto result = run_process({.argv = {"/bin/sh", "-c", "kill -s PIPE $$"}});
  ::signal(SIGPIPE, before);
  EXPECT_EQ(result->signal, SIGPIPE);
}

TEST(RunProcess, LeavesNoZombie) {
  auto spec = sh("echo $$");
  const pid_t pid = std::stoi(done(spec).out);
  EXPECT_FALSE(facts_of(pid));
}

TEST(RunProcess, OwnSessionHasNoTerminal) {
  auto spec = sh("cut -d' ' -f6 /proc/$$/stat; echo $$");
  spec.own_session = true;
  std::istringstream text(done(spec).out);
  pid_t session = 0, pid = 0;
  text >> session >> pid;
  EXPECT_EQ(session, pid);
}

TEST(RunProcess, ManyAtOnceFromThreads) {
  std::vector<std::jthread> threads;
  std::atomic<int> good = 0;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&, i] {
      const auto result = run_process(sh("echo " + std::to_string(i)));
      if (result && result->out == std::to_string(i) + "\n") ++good;
    });
  threads.clear();
  EXPECT_EQ(good, 8);
}

}  // namespace
}  // namespace backout::os
