#include "drivers/services/process.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <set>

#include "base/text.h"
#include "conformance/conformance.h"
#include "drivers/checks/http.h"
#include "drivers/services/shop_for_tests.h"

namespace backout::drivers {
namespace {

class ProcessTest : public ::testing::Test {
 protected:
  void TearDown() override {
    if (const pid_t pid = named(); pid > 1 && alive(pid)) {
      ::kill(-pid, SIGKILL);
      EXPECT_TRUE(comes_true([&] { return !alive(pid); }));
    }
  }

  Json subject(std::vector<std::string> flags = {}) const {
    Json start = {"/usr/bin/python3", "app.py", std::to_string(shop.port)};
    for (const std::string& flag : flags) start.push_back(flag);
    return {{"name", "shop-web"},
            {"start", start},
            {"cwd", shop.path + "/current"},
            {"log", shop.path + "/log"},
            {"pidfile", shop.path + "/pid"},
            {"port", shop.port},
            {"drain_ms", 2000},
            {"code", shop.code()}};
  }
  static Action action(const std::string& verb, Json args, const std::string& version = "v1") {
    args["version"] = version;
    return {"process", verb, std::move(args)};
  }
  host::CommandResult apply(const Action& what) {
    auto result = conformance::apply(*driver, what, *local.host);
    EXPECT_TRUE(result.has_value()) << (result ? "" : result.error().message);
    return result ? *result : host::CommandResult{.exit_status = -1};
  }
  Sight look(const Action& what) { return driver->verify(what, *local.host, {}); }
  pid_t named() const { return static_cast<pid_t>(std::atoi(read_text(shop.path + "/pid").c_str())); }
  /// By another way than the driver's: whoever stands in a directory of the shop.
  int processes_of_the_shop() const {
    int count = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      std::error_code gone;
      const auto cwd = std::filesystem::read_symlink(entry.path() / "cwd", gone).string();
      if (!gone && cwd.starts_with(shop.path)) ++count;
    }
    return count;
  }
  static bool alive(pid_t pid) {
    const std::string stat = read_text("/proc/" + std::to_string(pid) + "/stat");
    const size_t name_end = stat.rfind(')');
    return name_end != std::string::npos && stat[name_end + 2] != 'Z';
  }

  Shop shop;
  conformance::LocalHost local;
  std::unique_ptr<driver::Driver> driver = make_process_driver();
};

TEST_F(ProcessTest, ConformsWhenStartingAndBack) {
  conformance::conforms(
      *driver, {.action = action("start", subject()),
                .undo = action("stop", subject()),
                .reset = [this] { apply(action("stop", subject())); },
                .done = [this] { return shop.version_served() == "v1"; },
                .bad = {action("start", {{"name", "x"}, {"start", Json::array()}}),
                        action("start", {{"name", "x"}, {"start", {"a"}}, {"log", "relative"}, {"pidfile", "/p"}})},
                .kills = 3,
                .settle = Millis(300)});
}

TEST_F(ProcessTest, ConformsWhenStoppingAndBack) {
  Json with_child = subject({"child"});  // which ignores TERM, so that a kill finds a stop half-way
  with_child["drain_ms"] = 400;
  conformance::conforms(*driver,
                        {.action = action("stop", with_child),
                         .undo = action("start", with_child),
                         .reset = [this, with_child] { EXPECT_TRUE(apply(action("start", with_child)).ok()); },
                         .done = [this] { return shop.version_served().empty() && processes_of_the_shop() == 0; },
                         .as_before = [this] { return shop.version_served() == "v1"; },
                         .kills = 3,
                         .settle = Millis(300)});
}

TEST_F(ProcessTest, TheAttemptsLockDoesNotLiveOnInTheDaemon) {
  const host::Guard guard = conformance::guard_for_tests();
  const host::AttemptId attempt("start-1");
  ASSERT_TRUE(local.host->claim(guard).has_value());
  const auto command = driver->command(action("start", subject()), *local.host);
  ASSERT_TRUE(local.host->attempt(guard, attempt, *command, {}, {})->ok());
  ASSERT_TRUE(alive(named()));
  const auto state = local.host->inspect(guard, attempt);
  ASSERT_TRUE(state.has_value());
  EXPECT_EQ(state->kind, host::AttemptState::Kind::kFinished);
  for (const auto& entry : std::filesystem::directory_iterator("/proc/" + std::to_string(named()) + "/fd")) {
    const std::string leads_to = std::filesystem::read_symlink(entry.path()).string();
    EXPECT_EQ(leads_to.find(local.root.path()), std::string::npos) << leads_to;
  }
}

/// What a process was given when it began, without where it stands.
std::set<std::string> given(const std::string& pid) {
  std::set<std::string> all;
  for (const std::string& entry : split(read_text("/proc/" + pid + "/environ"), '\0'))
    if (!entry.empty() && !entry.starts_with("PWD=") && !entry.starts_with("OLDPWD=")) all.insert(entry);
  return all;
}

TEST_F(ProcessTest, TheProgramIsGivenWhatWeWereGivenAndWhatTheFileSaysAndNothingElse) {
  const std::map<std::string, std::string> ours = {
      {"LC_ALL", "C.UTF-8"}, {"CHILD", "of the user"}, {"port", "8080"}, {"bo", "it's\n$HOME `id` \\ \x81\xFF"}};
  for (const bool with_locale : {true, false}) {
    for (const auto& [name, value] : ours) ::setenv(name.c_str(), value.c_str(), 1);
    if (!with_locale) ::unsetenv("LC_ALL");
    Json sleeper = subject();
    sleeper["start"] = {"/bin/sleep", "240"};
    sleeper["port"] = 0;
    sleeper["env"] = {{"OWN", "1"}, {"line", "x y"}};
    const auto started = apply(action("start", sleeper));
    EXPECT_TRUE(started.ok()) << started.err;
    std::set<std::string> expected = {"OWN=1", "line=x y"};
    for (char** entry = environ; *entry != nullptr; ++entry)
      if (!std::string_view(*entry).starts_with("PWD=") && !std::string_view(*entry).starts_with("OLDPWD="))
        expected.insert(*entry);
    std::set<std::string> seen = given(std::to_string(named()));
    EXPECT_EQ(seen, expected);
    const std::string status = read_text("/proc/" + std::to_string(named()) + "/status");
    const std::string own = read_text("/proc/self/status");
    const auto field = [](const std::string& text, const std::string& name) {
      const size_t at = text.find("\n" + name + ":") + name.size() + 2;
      return std::string(trimmed(text.substr(at, text.find('\n', at) - at)));
    };
    EXPECT_EQ(field(status, "Umask"), field(own, "Umask"));
    EXPECT_EQ(field(status, "SigBlk"), "0000000000000000");
    EXPECT_EQ(std::stoull(field(status, "SigIgn"), nullptr, 16) & 0x7FFFFFFFU, 0U);
    EXPECT_EQ(::getpriority(PRIO_PROCESS, static_cast<id_t>(named())), ::getpriority(PRIO_PROCESS, 0));
    EXPECT_EQ(std::filesystem::read_symlink("/proc/" + std::to_string(named()) + "/cwd"),
              std::filesystem::canonical(shop.path + "/current"));
    apply(action("stop", sleeper));
  }
  for (const auto& [name, value] : ours) ::unsetenv(name.c_str());
}

TEST_F(ProcessTest, HighDescriptorsAreClosedToo) {
  const int high = ::dup2(STDERR_FILENO, 57);  // inherited by every child: not close-on-exec
  ASSERT_EQ(high, 57);
  const auto command = driver->command(action("start", subject()), *local.host);
  std::string quoted;
  for (const std::string& word : command->argv) quoted += shell_quoted(word) + " ";
  ASSERT_EQ(std::system(quoted.c_str()), 0);
  ::close(high);
  EXPECT_FALSE(std::filesystem::exists("/proc/" + std::to_string(named()) + "/fd/57"));
  EXPECT_EQ(look(action("start", subject())).kind, SightKind::kHolds);
}

TEST_F(ProcessTest, TwoStartsAtOnceGiveOneProcess) {
  std::vector<std::thread> starts;
  const auto before = [this] {
    size_t count = 0;
    for (size_t at = 0; (at = read_text(shop.path + "/log").find("starts", at)) != std::string::npos; ++at) ++count;
    return count;
  };
  for (int i = 0; i < 4; ++i) starts.emplace_back([this] { EXPECT_TRUE(apply(action("start", subject())).ok()); });
  for (std::thread& start : starts) start.join();
  EXPECT_EQ(before(), 1U);
  EXPECT_EQ(look(action("serves", subject())).kind, SightKind::kHolds);
}

TEST_F(ProcessTest, OneThatIgnoresTermIsKilledAfterItsDrainWithItsChildren) {
  Json deaf = subject({"deaf", "child"});
  deaf["drain_ms"] = 300;
  ASSERT_TRUE(apply(action("start", deaf)).ok());
  const pid_t pid = named();
  const auto stopped = apply(action("stop", deaf));
  EXPECT_TRUE(stopped.ok()) << stopped.err;
  EXPECT_NE(stopped.out.find("\"KILL\""), std::string::npos) << stopped.out;
  EXPECT_FALSE(alive(pid));
  EXPECT_EQ(look(action("stop", deaf)).kind, SightKind::kHolds);
}

TEST_F(ProcessTest, AStopThatWasKilledHalfWayIsFinishedByTheNextStart) {
  Json deaf = subject({"deaf", "child"});
  deaf["drain_ms"] = 400;
  ASSERT_TRUE(apply(action("start", deaf)).ok());
  const pid_t former = named();
  host::Command stop = *driver->command(action("stop", deaf), *local.host);
  stop.timeout = Millis(150);  // told to end, not seen to end
  EXPECT_FALSE(local.host->run(stop)->ok());
  EXPECT_TRUE(alive(former));
  EXPECT_EQ(look(action("serves", deaf)).kind, SightKind::kDoesNotHold) << "it is about to end";
  EXPECT_EQ(look(action("stop", deaf)).kind, SightKind::kDoesNotHold);
  EXPECT_TRUE(apply(action("start", deaf)).ok());
  EXPECT_FALSE(alive(former));
  EXPECT_EQ(look(action("serves", deaf)).kind, SightKind::kHolds) << look(action("serves", deaf)).why;
}

TEST_F(ProcessTest, WhatADeadLeaderLeftBehindIsSeenAndEnded) {
  ASSERT_TRUE(apply(action("start", subject({"child"}))).ok());
  const pid_t former = named();
  ::kill(former, SIGKILL);
  ASSERT_TRUE(comes_true([&] { return !alive(former); }));
  const Sight sight = look(action("stop", subject()));
  EXPECT_EQ(sight.kind, SightKind::kDoesNotHold);
  EXPECT_NE(sight.why.find("still lives"), std::string::npos) << sight.why;
  EXPECT_TRUE(apply(action("stop", subject())).ok());
  EXPECT_EQ(look(action("stop", subject())).kind, SightKind::kHolds);
}

TEST_F(ProcessTest, APidfileOfAnEarlierProcessKillsNobody) {
  const pid_t innocent = shop.stranger(shop.path + "/releases/v1");
  ASSERT_TRUE(comes_true([&] { return shop.version_served() == "v1"; }));
  write_text(shop.path + "/pid",
             std::to_string(innocent) + "\nstarted=1\nboot=" + read_text("/proc/sys/kernel/random/boot_id"));
  EXPECT_TRUE(apply(action("stop", subject())).ok());
  EXPECT_TRUE(alive(innocent));
  const Sight sight = look(action("serves", subject()));
  EXPECT_EQ(sight.kind, SightKind::kDoesNotHold) << sight.why;
  std::filesystem::remove(shop.path + "/pid");
}

TEST_F(ProcessTest, APlainPidfileIsBelievedWhenTheProcessIsOlderThanIt) {
  const pid_t ours = shop.stranger(shop.path + "/current");
  ASSERT_TRUE(comes_true([&] { return shop.version_served() == "v1"; }));
  write_text(shop.path + "/pid", std::to_string(ours) + "\n");
  EXPECT_EQ(look(action("serves", subject())).kind, SightKind::kHolds) << look(action("serves", subject())).why;
  std::filesystem::last_write_time(shop.path + "/pid",
                                   std::filesystem::file_time_type::clock::now() - std::chrono::hours(1));
  EXPECT_EQ(look(action("serves", subject())).kind, SightKind::kHolds) << "it holds the port, whatever the clocks say";
  Json without_port = subject();
  without_port.erase("port");
  EXPECT_EQ(look(action("serves", without_port)).kind, SightKind::kDoesNotHold);
  EXPECT_TRUE(apply(action("stop", without_port)).ok());
  EXPECT_TRUE(alive(ours)) << "the number may have gone to somebody else since the file was written";
  EXPECT_TRUE(apply(action("stop", subject())).ok());
  EXPECT_FALSE(alive(ours));
}

TEST_F(ProcessTest, APlainPidfileThatNamesAStrangerIsNotPlannedWith) {
  const pid_t ours = shop.stranger(shop.path + "/current");
  ASSERT_TRUE(comes_true([&] { return shop.version_served() == "v1"; }));
  write_text(shop.path + "/pid", std::to_string(ours) + "\n");
  EXPECT_TRUE(driver->observe(subject(), *local.host, {})) << "what it names holds the port";

  Shop elsewhere;
  const pid_t innocent = elsewhere.stranger(elsewhere.path + "/releases/v1");
  ASSERT_TRUE(comes_true([&] { return elsewhere.version_served() == "v1"; }));
  write_text(shop.path + "/pid", std::to_string(innocent) + "\n");
  const auto seen = driver->observe(subject(), *local.host, {});
  ASSERT_FALSE(seen);
  EXPECT_EQ(seen.error().code, Code::kRefused);
  EXPECT_NE(seen.error().message.find("held by pid " + std::to_string(ours)), std::string::npos)
      << seen.error().message;
  std::filesystem::remove(shop.path + "/pid");
}

// The liars of "success is observed, never assumed".

TEST_F(ProcessTest, AnOldProcessThatKeepsItsPortIsSeen) {
  shop.stranger(shop.path + "/releases/v2");
  ASSERT_TRUE(comes_true([&] { return shop.version_served() == "v2"; }));
  Sight stopped = look(action("stop", subject()));
  EXPECT_EQ(stopped.kind, SightKind::kDoesNotHold);
  EXPECT_NE(stopped.why.find("still held by pid"), std::string::npos) << stopped.why;

  apply(action("start", subject({"silent"})));  // lives, but could not have the port
  const Sight serves = look(action("serves", subject()));
  EXPECT_EQ(serves.kind, SightKind::kDoesNotHold);
  EXPECT_NE(serves.why.find("running from v2"), std::string::npos) << serves.why;
}

TEST_F(ProcessTest, AnOldProcessThatSharesThePortIsSeen) {
  shop.stranger(shop.path + "/releases/v2", {"hold"});
  ASSERT_TRUE(comes_true([&] { return shop.version_served() == "v2"; }));
  ASSERT_TRUE(apply(action("start", subject({"hold"}))).ok());
  ASSERT_TRUE(comes_true([&] {
    return look(action("serves", subject())).why.find("as well as by") != std::string::npos;
  })) << look(action("serves", subject())).why;
}

TEST_F(ProcessTest, ALinkThatIsRightWhileTheProcessStartedBeforeItIsSeen) {
  shop.switch_to("v2");
  ASSERT_TRUE(apply(action("start", subject(), "v2")).ok());
  ASSERT_EQ(look(action("serves", subject(), "v2")).kind, SightKind::kHolds)
      << look(action("serves", subject(), "v2")).why;
  shop.switch_to("v1");
  for (const char* verb : {"start", "serves"}) {
    const Sight sight = look(action(verb, subject()));
    EXPECT_EQ(sight.kind, SightKind::kDoesNotHold);
    EXPECT_NE(sight.why.find("before the code was switched"), std::string::npos) << sight.why;
  }
  // Without the liar the same is well.
  ASSERT_TRUE(apply(action("stop", subject())).ok());
  ASSERT_TRUE(apply(action("start", subject())).ok());
  EXPECT_EQ(look(action("serves", subject())).kind, SightKind::kHolds) << look(action("serves", subject())).why;
}

TEST_F(ProcessTest, AProcessStartedAfterTheSwitchFromTheWrongReleaseIsSeen) {
  Json wrong = subject();
  wrong["cwd"] = shop.path + "/releases/v2";
  ASSERT_TRUE(apply(action("start", wrong)).ok());
  const Sight sight = look(action("serves", wrong));
  EXPECT_EQ(sight.kind, SightKind::kDoesNotHold);
  EXPECT_NE(sight.why.find("runs from v2, expected v1"), std::string::npos) << sight.why;
}

TEST_F(ProcessTest, AProcessThatCrashesAtOnceFailsItsStartWithItsLastWords) {
  const auto result = apply(action("start", subject({"crash"})));
  EXPECT_FALSE(result.ok());
  EXPECT_NE(result.err.find("no such table: orders"), std::string::npos) << result.err;
  EXPECT_EQ(look(action("start", subject({"crash"}))).kind, SightKind::kDoesNotHold);
}

TEST_F(ProcessTest, APortThatIsNotOpenIsNotServing) {
  Json silent = subject({"silent"});
  silent["startup_ms"] = 100;
  const auto result = apply(action("start", silent));
  EXPECT_FALSE(result.ok());
  EXPECT_NE(result.err.find("has not opened port"), std::string::npos) << result.err;
  const Sight sight = look(action("start", silent));
  EXPECT_EQ(sight.kind, SightKind::kDoesNotHold);
  EXPECT_NE(sight.why.find("not open yet"), std::string::npos) << sight.why;
}

TEST_F(ProcessTest, CodeInPlaceIsJudgedByTheCheckoutsHead) {
  std::filesystem::create_directories(shop.path + "/releases/v1/.git");
  write_text(shop.path + "/releases/v1/.git/HEAD", "ref: refs/heads/main\n");
  Json in_place = subject();
  in_place["code"] = {{"layout", "in-place"}, {"path", shop.path + "/releases/v1"}};
  std::this_thread::sleep_for(Millis(60));
  ASSERT_TRUE(apply(action("start", in_place)).ok());
  EXPECT_EQ(look(action("serves", in_place)).kind, SightKind::kHolds) << look(action("serves", in_place)).why;
  std::this_thread::sleep_for(Millis(60));
  write_text(shop.path + "/releases/v1/.git/HEAD", "ref: refs/heads/rollback\n");
  EXPECT_EQ(look(action("serves", in_place)).kind, SightKind::kDoesNotHold);
}

TEST_F(ProcessTest, OffersStopStartAndALook) {
  driver::Offering offering{
      .from = Version("v2"), .to = Version("v1"), .subject = subject(), .hosts = {"web-1", "web-2"}};
  offering.seen = {{"web-1", {{"running", true}}}, {"web-2", {{"running", false}}}};
  const auto steps = conformance::offers_well(*driver, offering);
  ASSERT_EQ(steps.size(), 3U);
  EXPECT_EQ(steps[0].id.str(), "stop-shop-web");
  EXPECT_EQ(steps[0].phase, Phase::kClose);
  EXPECT_EQ(steps[0].undo->verb, "start");
  EXPECT_EQ(get_string(steps[0].undo->args, "version"), "v2");
  EXPECT_EQ(steps[0].undo->args["leave_down"], Json::array({"web-2"})) << "an abort leaves down what was found down";
  EXPECT_EQ(steps[1].id.str(), "start-shop-web");
  EXPECT_EQ(get_string(steps[1].action.args, "version"), "v1");
  EXPECT_EQ(steps[2].phase, Phase::kCheck);
  offering.kind = RunKind::kCheckpoint;
  EXPECT_TRUE(conformance::offers_well(*driver, offering).empty());
}

TEST_F(ProcessTest, ADeployIsOnlyLookedAtAndByWhatRanBefore) {
  const Json subject = this->subject();
  driver::Offering offering{
      .kind = RunKind::kDeploy, .from = Version("v2"), .to = Version("v1"), .subject = subject, .hosts = {"local"}};
  ASSERT_TRUE(apply(action("start", subject)).ok());
  const auto serves = [&] {
    const auto steps = conformance::offers_well(*driver, offering);
    EXPECT_EQ(steps.size(), 1U);
    EXPECT_EQ(steps[0].phase, Phase::kCheck);
    return driver->verify(steps[0].action, *local.host, {});
  };
  EXPECT_EQ(serves().kind, SightKind::kHolds);
  offering.seen["local"] = *driver->observe(subject, *local.host, {});
  const Sight old = serves();
  EXPECT_EQ(old.kind, SightKind::kDoesNotHold) << "the process that ran before the deploy still runs";
  EXPECT_NE(old.why.find("before the deploy began"), std::string::npos) << old.why;
  ASSERT_TRUE(apply(action("stop", subject)).ok());
  ASSERT_TRUE(apply(action("start", subject)).ok());
  EXPECT_EQ(serves().kind, SightKind::kHolds);
}

TEST_F(ProcessTest, ObservesWhatThePlanMayRelyOn) {
  const auto seen = [&] {
    Json facts = *driver->observe(subject(), *local.host, {});
    EXPECT_GT(get_int(facts, "seen_at"), 0);
    facts.erase("seen_at");
    return facts;
  };
  EXPECT_EQ(seen(), (Json{{"running", false}, {"port_open", false}}));
  ASSERT_TRUE(apply(action("start", subject())).ok());
  EXPECT_EQ(seen(), (Json{{"running", true}, {"port_open", true}, {"release", "v1"}}));
}

}  // namespace
}  // namespace backout::drivers
