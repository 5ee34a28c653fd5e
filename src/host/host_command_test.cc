// What a command gets and gives, the same on every host.
#include "host/testing_any_host.h"

namespace backout::host {
namespace {

class ACommand : public AnyHost {};
INSTANTIATE_TEST_SUITE_P(On, ACommand, ::testing::Values(Place::kLocal, Place::kSsh), name_of_place);

TEST_P(ACommand, KeepsBothStreamsAndTheExitStatus) {
  const auto result = done("a1", shell("echo one; echo two >&2; exit 3"));
  EXPECT_EQ(result.out, "one\n");
  EXPECT_EQ(result.err, "two\n");
  EXPECT_EQ(result.exit_status, 3);
  EXPECT_EQ(result.signal, 0);
  EXPECT_FALSE(result.truncated);
  EXPECT_EQ(result.why_not_ok(), "exit status 3: two");
  const auto state = look("a1");
  EXPECT_EQ(state.kind, AttemptState::Kind::kFinished);
  EXPECT_EQ(state.result.exit_status, 3);
  EXPECT_EQ(state.result.out, "one\n");
  EXPECT_EQ(state.result.err, "two\n");
}

TEST_P(ACommand, ExitStatusesAndSignalsAreNotConfused) {
  for (const int status : {0, 1, 124, 126, 127, 128, 129, 137, 143, 200, 255}) {
    const auto result = done("exit" + std::to_string(status), shell("exit " + std::to_string(status)));
    EXPECT_EQ(result.exit_status, status);
    EXPECT_EQ(result.signal, 0) << status;
  }
  for (const int signal : {SIGKILL, SIGTERM, SIGSEGV, SIGINT, SIGHUP}) {
    const auto result = done("signal" + std::to_string(signal), shell("kill -" + std::to_string(signal) + " $$"));
    EXPECT_EQ(result.signal, signal);
    EXPECT_EQ(result.exit_status, 0);
  }
}

TEST_P(ACommand, SignalsOfTheCommandAreAtTheirDefaults) {
  const auto result = done("a1", shell("grep SigIgn /proc/$$/status | cut -f2"));
  EXPECT_EQ(std::stoull(result.out, nullptr, 16) & 0x7FFFFFFFU, 0U) << result.out;  // 32 and 33 are the C library's own
}

TEST_P(ACommand, IsGivenNoVariableAndNoDescriptorOfOurs) {
  Command command = shell("cat /proc/$$/environ; ls /proc/$$/fd");
  command.cwd = "/usr";
  command.env = {{"OWN", "1"}};
  for (const bool looking : {false, true}) {
    const auto result = looking ? *host_->run(command) : done("a1", command);
    const size_t environment = result.out.rfind('\0') + 1;
    // An attempt's lock is held by its command, on purpose.
    EXPECT_EQ(result.out.substr(environment), looking ? "0\n1\n2\n" : "0\n1\n2\n8\n");
    bool own = false;
    for (const std::string& entry : split(result.out.substr(0, environment - 1), '\0')) {
      const std::string name = entry.substr(0, entry.find('='));
      EXPECT_FALSE(name.starts_with("bo_") || (name == "OLDPWD" && std::getenv("OLDPWD") == nullptr)) << entry;
      if (entry == "OWN=1") own = true;
      if (GetParam() != Place::kLocal || name.empty() || name == "OWN" || name == "PWD") continue;
      EXPECT_EQ(entry, name + "=" + (::getenv(name.c_str()) == nullptr ? "(not ours)" : ::getenv(name.c_str())));
    }
    EXPECT_TRUE(own);
  }
}

TEST_P(ACommand, AnyByteIsDataInArgumentsEnvironmentAndInput) {
  std::string every;
  for (int byte = 1; byte < 256; ++byte) every += static_cast<char>(byte);
  const std::string nasty = "it's \"$HOME\" `id` $(id) \\ \n\n bo_complete=1\nEOF\n'" + every;
  Command command =
      shell(R"(printf '%s' "$1" >"$0.argument"; printf '%s' "$NASTY" >"$0.env"; cat >"$0.input")", {nasty});
  command.argv[3] = root_ / "saved";
  command.env["NASTY"] = nasty;
  command.stdin_text = nasty + std::string("\0and\\0000\0", 11);
  ASSERT_TRUE(done("a1", command).ok());
  EXPECT_EQ(*os::read_file(root_ / "saved.argument"), nasty);
  EXPECT_EQ(*os::read_file(root_ / "saved.env"), nasty);
  EXPECT_EQ(*os::read_file(root_ / "saved.input"), command.stdin_text);
}

TEST_P(ACommand, RunAlsoPassesAnyByte) {
  Command command = shell(R"(printf '%s|%s|' "$1" "$NASTY"; cat)", {"a'b\nc"});
  command.env["NASTY"] = "$x\n'y'\x01\xFF";
  command.stdin_text = std::string("in\0put", 6);
  const auto result = host_->run(command);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->out, "a'b\nc|$x\n'y'\x01\xFF|" + command.stdin_text);
  EXPECT_EQ(host_->run(shell("echo e >&2; exit 9"))->exit_status, 9);
  EXPECT_EQ(host_->run(shell("exit 255"))->exit_status, 255);
  EXPECT_EQ(host_->run(shell("kill -9 $$"))->signal, 9);
  EXPECT_EQ(host_->run({.argv = {"no-such-program"}})->exit_status, 127);
  Command slow = shell("sleep 60");
  slow.timeout = Millis(300);
  EXPECT_TRUE(host_->run(slow)->timed_out);
}

TEST_P(ACommand, LargeInputArrivesWhole) {
  Command command = shell("wc -c");
  command.stdin_text = std::string(2 << 20, 'x');
  EXPECT_EQ(std::stoul(done("a1", command).out), command.stdin_text.size());
}

TEST_P(ACommand, InputThatNobodyReadsDoesNotBlock) {
  Command command = shell("exit 4");
  command.stdin_text = std::string(2 << 20, 'x');
  EXPECT_EQ(done("a1", command).exit_status, 4);
}

TEST_P(ACommand, NothingSecretReachesADiskOrAnArgv) {
  Command command =
      shell("cat >/dev/null; cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ' | grep -c 'tell-no-on[e]'");
  command.env["SECRET"] = "tell-no-one-e";
  command.stdin_text = "tell-no-one-i";
  EXPECT_EQ(trimmed(done("a1", command).out), "0");
  const auto found = os::run_process({.argv = {"grep", "-r", "-s", "--devices=skip", "tell-no-one", root_.path()}});
  EXPECT_EQ(found->out, "");
}

TEST_P(ACommand, InvalidUtf8PassesThroughRaw) {
  EXPECT_EQ(done("a1", shell(R"(printf '\377\000\200\036')")).out, std::string("\xFF\x00\x80\x1E", 4));
}

TEST_P(ACommand, RunsInItsDirectory) {
  Command command = shell("pwd");
  command.cwd = std::filesystem::canonical(root_.path());
  EXPECT_EQ(done("a1", command).out, command.cwd + "\n");
  command.cwd = "/no/such/place";
  const auto result = done("a2", command);
  EXPECT_EQ(result.exit_status, 126);
  EXPECT_NE(result.err.find("cannot enter the directory /no/such/place"), std::string::npos);
}

TEST_P(ACommand, MissingProgramIsExit127WithAMessage) {
  const auto result = done("a1", {.argv = {"no-such-program-here", "x"}});
  EXPECT_EQ(result.exit_status, 127);
  EXPECT_NE(result.err.find("no such program: no-such-program-here"), std::string::npos);
  EXPECT_EQ(done("a2", {.argv = {"/etc/passwd"}}).exit_status, 126);
}

TEST_P(ACommand, BadCommandsAreRefusedBeforeAnythingHappens) {
  EXPECT_EQ(act("a1", {}).error().code, Code::kInvalid);
  EXPECT_EQ(act("a1", {.argv = {"x", std::string("a\0b", 3)}}).error().code, Code::kInvalid);
  EXPECT_EQ(act("a1", {.argv = {"x"}, .env = {{"not a name", "x"}}}).error().code, Code::kInvalid);
  EXPECT_EQ(act("a1", {.argv = {"x"}, .user = "-x"}).error().code, Code::kInvalid);
  EXPECT_EQ(act("../a1", {.argv = {"x"}}).error().code, Code::kInvalid);
  EXPECT_FALSE(os::exists(directory_of("a1")));
}

TEST_P(ACommand, SwitchesTheUserAndAppliesTheEnvironmentAfterwards) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can become nobody";
  Command command = shell("id -un; printf '%s\\n' \"$HOME\" \"$NASTY\"; cat; exit 7");
  command.user = "nobody";
  command.env = {{"HOME", "/of/ours"}, {"NASTY", "a'b\n$c\nd"}};
  command.stdin_text = "input";
  const auto result = done("a1", command);
  EXPECT_EQ(result.out, "nobody\n/of/ours\na'b\n$c\nd\ninput");
  EXPECT_EQ(result.exit_status, 7);
  const auto looked = host_->run(command);
  EXPECT_EQ(looked->out, result.out);
  EXPECT_EQ(looked->exit_status, 7);
  command.user = "no-such-user";
  EXPECT_NE(done("a2", command).exit_status, 0);
}

TEST_P(ACommand, OutputStreamsWhileTheCommandRuns) {
  std::string seen;
  bool went_on = false;
  listener_ = [&](std::string_view bytes) {
    seen += bytes;
    if (seen.find("first\n") != std::string::npos && !std::exchange(went_on, true))
      std::ofstream(root_ / "go") << "seen";  // the command waits for this: so it was seen while it ran
  };
  const auto result =
      done("a1", shell("echo first; until [ -e \"$1\" ]; do sleep 0.01; done; echo last >&2", {root_ / "go"}));
  EXPECT_TRUE(result.ok());
  EXPECT_EQ(result.out, "first\n");
  EXPECT_EQ(seen, "first\nlast\n");
}

TEST_P(ACommand, AHundredMegabytesNeitherFillTheDiskNorBlock) {
  Command command = shell("head -c 104857600 /dev/zero && echo written >&2");
  command.output_limit = 100'000;
  const auto result = done("a1", command);
  EXPECT_TRUE(result.ok());
  EXPECT_TRUE(result.truncated);
  EXPECT_EQ(result.out.size(), 100'000U);
  EXPECT_EQ(result.err, "written\n");
  EXPECT_LT(*os::size_of(directory_of("a1") + "/out"), 110'000U);
  EXPECT_TRUE(look("a1").result.truncated);
}

TEST_P(ACommand, TwoAttemptsRunSideBySide) {
  const auto meet = [&](const std::string& own, const std::string& other) {
    return shell("touch \"$1\"; until [ -e \"$2\" ]; do sleep 0.01; done; echo met", {root_ / own, root_ / other});
  };
  std::optional<Result<CommandResult>> second;
  std::jthread thread([&] { second = act("a2", meet("y", "x")); });
  const auto first = done("a1", meet("x", "y"));
  thread.join();
  EXPECT_EQ(first.out, "met\n");
  ASSERT_TRUE(*second);
  EXPECT_EQ((*second)->out, "met\n");
}

}  // namespace
}  // namespace backout::host
