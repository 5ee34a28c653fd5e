#include "drivers/services/supervisor_state.h"

#include <gtest/gtest.h>

namespace backout::drivers {
namespace {

// As supervisorctl 4.2.5 printed it.
constexpr const char* kStatus =
    "bad                              BACKOFF   Exited too quickly (process log may have details)\n"
    "circle                           STARTING  \n"
    "nofile                           FATAL     can't find command '/no/such/thing'\n"
    "once                             EXITED    Nov 21 02:50 PM\n"
    "web                              RUNNING   pid 15547, uptime 0:00:02\n"
    "web-admin                        STOPPED   Not started\n"
    "worker:worker_00                 RUNNING   pid 15548, uptime 1 day, 0:00:02\n"
    "worker:worker_01                 STOPPING  \n";

constexpr const char* kLog =
    "2026-11-21 14:50:54,736 INFO spawned: 'circle' with pid 15543\n"
    "2026-11-21 14:50:54,757 INFO spawned: 'worker_00' with pid 15548\n"
    "2026-11-21 14:50:55,760 INFO success: circle entered RUNNING state, process has stayed up for > than 1 seconds\n"
    "2026-11-21 14:50:56,050 WARN exited: circle (exit status 3; not expected)\n"
    "2026-11-21 14:50:56,878 INFO spawned: 'circle' with pid 15551\n"
    "2026-11-21 14:50:57,438 INFO spawned: 'bad' with pid 15557\n"
    "2026-11-21 14:50:57,442 WARN exited: bad (exit status 3; not expected)\n"
    "2026-11-21 14:50:57,900 INFO gave up: bad entered FATAL state, too many start retries too quickly\n"
    "2026-11-21 14:50:58,100 INFO spawned: 'bad' with pid 15560\n"
    "2026-11-21 14:50:58,193 WARN exited: circle (terminated by SIGSEGV; not expected)\n"
    "2026-11-21 14:50:58,194 INFO spawned: 'circle' with pid 15558\n"
    "2026-11-21 14:50:59,118 WARN stopped: worker_00 (terminated by SIGTERM)\n"
    "2026-11-21 14:50:59,300 INFO spawned: 'worker_00' with pid 15570\n";

std::vector<Instance> read(const std::string& program) {
  auto instances = parse_supervisor_status(kStatus, {program});
  EXPECT_TRUE(instances.has_value());
  return instances ? *instances : std::vector<Instance>{};
}

TEST(SupervisorStatus, EveryStateIsUpComingOrDown) {
  using Kind = Instance::Kind;
  const auto kind = [](const std::string& program) { return read(program).at(0).kind; };
  EXPECT_EQ(kind("web"), Kind::kUp);
  EXPECT_EQ(kind("bad"), Kind::kComing);
  EXPECT_EQ(kind("circle"), Kind::kComing);
  EXPECT_EQ(kind("nofile"), Kind::kDown);
  EXPECT_EQ(kind("once"), Kind::kDown);
  EXPECT_EQ(kind("web-admin"), Kind::kDown);
  for (const char* given_up : {"nofile", "web-admin"}) EXPECT_TRUE(read(given_up).at(0).given_up) << given_up;
  for (const char* not_yet : {"web", "bad", "circle", "once", "worker:worker_01"})
    EXPECT_FALSE(read(not_yet).at(0).given_up) << not_yet;
  EXPECT_TRUE(read("circle").at(0).starting);
  for (const char* other : {"web", "bad", "nofile", "once", "web-admin", "worker:worker_01"})
    EXPECT_FALSE(read(other).at(0).starting) << other;
  EXPECT_EQ(read("web").at(0).pid, 15547);
  EXPECT_EQ(read("bad").at(0).state, "BACKOFF, Exited too quickly (process log may have details)");
}

TEST(SupervisorStatus, ANameMeansAProgramOrItsWholeGroup) {
  EXPECT_EQ(read("web").size(), 1U) << "web-admin is another one";
  EXPECT_EQ(read("web:*").size(), 1U);
  EXPECT_EQ(read("web:web").size(), 1U);
  EXPECT_EQ(read("worker").size(), 2U);
  EXPECT_EQ(read("worker:*").size(), 2U);
  EXPECT_EQ(read("worker:worker_01").size(), 1U);
  EXPECT_EQ(read("work").size(), 0U);
  EXPECT_EQ(SupervisorProgram{"worker"}.spec({"worker:worker_00", "worker:worker_01"}), "worker:*");
  EXPECT_EQ(SupervisorProgram{"web"}.spec({"web"}), "web");
  EXPECT_EQ(SupervisorProgram{"worker"}.marks({"worker:worker_00"}, "unix:///s"),
            (std::vector<std::string>{"SUPERVISOR_GROUP_NAME=worker", "SUPERVISOR_SERVER_URL=unix:///s"}));
  EXPECT_EQ(SupervisorProgram{"worker:worker_00"}.marks({"worker:worker_00"}, ""),
            (std::vector<std::string>{"SUPERVISOR_GROUP_NAME=worker", "SUPERVISOR_PROCESS_NAME=worker_00"}));
}

TEST(SupervisorStatus, AnAnswerThatIsNoStatusIsNoAnswer) {
  for (const char* said :
       {"unix:///run/supervisor.sock no such file\n", "unix:///run/supervisor.sock refused connection\n",
        "error: <class 'PermissionError'>, [Errno 13] Permission denied\n"}) {
    const auto instances = parse_supervisor_status(said, {"web"});
    ASSERT_FALSE(instances.has_value()) << said;
    EXPECT_EQ(instances.error().code, Code::kUnavailable);
  }
  EXPECT_TRUE(parse_supervisor_status("", {"web"})->empty());
}

TEST(SupervisorStatus, OneThatIsSaidToRunAndIsNotThereIsNotWaitedFor) {
  Managed managed{.keeper = "supervisor"};
  managed.instances.push_back({.name = "shop", .state = "RUNNING", .kind = Instance::Kind::kUp, .pid = 4'194'305});
  Service service;
  service.name = "shop";
  const Sight sight = judge_managed_serving(service, managed, Look());
  EXPECT_EQ(sight.kind, SightKind::kDoesNotHold) << sight.why;
  EXPECT_TRUE(get_bool(sight.evidence, "final"));
}

TEST(SupervisorLog, StartsByItselfAreCountedAndThoseByHandAreNot) {
  const auto count = [](const char* name, const char* now, const char* after = "") {
    return supervisor_restarts(kLog, name, now, Millis(60'000), after);
  };
  EXPECT_EQ(count("circle", "2026-11-21 14:51:00,000"), 2);
  EXPECT_EQ(count("worker:worker_00", "2026-11-21 14:51:00,000"), 0);
  EXPECT_EQ(count("bad", "2026-11-21 14:51:00,000"), 0) << "started by hand after it was given up";
  EXPECT_EQ(count("circle", "2026-11-21 14:51:00,000", "2026-11-21 14:50:57,000"), 1) << "since the switch";
  EXPECT_EQ(count("circle", "2026-11-21 15:51:00,000"), 0) << "long ago";
  EXPECT_EQ(count("circle", "nonsense"), 0);
}

}  // namespace
}  // namespace backout::drivers
