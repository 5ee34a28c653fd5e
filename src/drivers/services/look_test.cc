#include "drivers/services/look.h"

#include <gtest/gtest.h>

#include "base/text.h"

#include "drivers/services/serves.h"
#include "drivers/services/unit_state.h"

namespace backout::drivers {
namespace {

// As the script printed it for a shop served by pid 4200 with a worker, while pid 4121 keeps the port on every address.
constexpr const char* kGolden =
    "now 1795244751.310332757\n"
    "uptime 2624.61\n"
    "ticks 100\n"
    "boot e5b661ec-f94e-4aa1-954d-169c7c9fc2f7\n"
    "process 1 S 0 1 1 5\n"
    "process 4121 S 1 4121 4121 100000\n"
    "process 4200 S 1 4200 4200 262447\n"
    "process 4201 S 4200 4200 4200 262450\n"
    "process 4202 Z 4200 4200 4200 262451\n"
    "process 4300 S 4201 4300 4300 262460\n"
    "process 77 x broken\n"
    "pidfile 4200\n"
    "pidfile.started 262447\n"
    "pidfile.boot e5b661ec-f94e-4aa1-954d-169c7c9fc2f7\n"
    "pidfile.written 1795244751.162485333\n"
    "listen 48947 0100007F\n"
    "listen 40000 00000000\n"
    "holds 4200 48947\n"
    "holds 4201 48947\n"
    "holds 4121 40000\n"
    "code.root /srv/shop\n"
    "code.current /srv/shop/releases/v1\n"
    "code.target /srv/shop/releases/v1\n"
    "code.switched 1795244751.150485333\n"
    "name 4121 python3\n"
    "cwd 4121 /srv/shop/releases/v2 (deleted)\n"
    "exe 4121 /usr/bin/python3.11\n"
    "name 4200 my \x1b[31mshop\n"
    "cwd 4200 /srv/shop/releases/v1\n"
    "exe 4200 /usr/bin/python3.11\n"
    "arg 4200 /srv/shop/releases/v1/app.py\n"
    "something new 1 2 3\n"
    "end\n";

std::string without(std::string text, const std::string& line) { return replaced(std::move(text), line + "\n", ""); }

Expected shop(const Look& seen) {
  Expected expected{.name = "shop-web", .main = 4200, .family = seen.family(4200)};
  expected.at = {.port = 8000, .code = {"releases", "/srv/shop"}, .version = "v1"};
  return expected;
}

TEST(Look, ReadsWhatTheScriptPrints) {
  const auto seen = parse_look(kGolden);
  ASSERT_TRUE(seen.has_value());
  EXPECT_EQ(seen->processes.size(), 6U);
  EXPECT_EQ(seen->living(4202), nullptr) << "a zombie is dead";
  EXPECT_EQ(seen->started(seen->processes.at(4200)), 1795244751'310332 - 2624'610000 + 2624'470000);
  EXPECT_EQ(seen->family(4200), (std::set<int64_t>{4200, 4201, 4300}))
      << "a descendant in a session of its own belongs";
  EXPECT_EQ(seen->listeners.size(), 2U);
  EXPECT_EQ(seen->details.at(4121).cwd, "/srv/shop/releases/v2");
  EXPECT_EQ(seen->details.at(4200).name.find('\x1b'), std::string::npos);
  ASSERT_NE(seen->named_by_pidfile(), nullptr);
  EXPECT_EQ(seen->named_by_pidfile()->pid, 4200);
}

TEST(Look, BelievesNothingThatIsCutShort) {
  const std::string whole(kGolden);
  for (size_t cut = 0; cut + 4 < whole.size(); cut += 7)
    EXPECT_FALSE(parse_look(whole.substr(0, cut)).has_value()) << cut;
}

TEST(Look, SurvivesRubbish) {
  EXPECT_TRUE(
      parse_look(std::string("process\nprocess a b\nlisten\nholds 1\nunit\nname x\ncwd\n\xff\xfe\npidfile \nend\n"))
          .has_value());
}

TEST(Look, ARecycledPidIsNotTheProcessMeant) {
  const auto other_start = parse_look(replaced(kGolden, "pidfile.started 262447", "pidfile.started 262446"));
  EXPECT_EQ(other_start->named_by_pidfile(), nullptr);
  const auto other_boot = parse_look(replaced(kGolden, "pidfile.boot e5", "pidfile.boot e6"));
  EXPECT_EQ(other_boot->named_by_pidfile(), nullptr);
  const std::string plain =
      without(without(kGolden, "pidfile.started 262447"), "pidfile.boot e5b661ec-f94e-4aa1-954d-169c7c9fc2f7");
  EXPECT_NE(parse_look(plain)->named_by_pidfile(), nullptr) << "a process's start is known to 10 ms only";
  auto older = parse_look(replaced(plain, "pidfile.written 1795244751", "pidfile.written 1795244750"));
  EXPECT_NE(older->named_by_pidfile(), nullptr) << "it holds the port: the clock was set since";
  older->listeners.clear();
  EXPECT_EQ(older->named_by_pidfile(), nullptr) << "whoever started after the file was written is not meant by it";
}

TEST(Serves, AStrangerOnEveryAddressOfThePortIsSeen) {
  const auto seen = parse_look(kGolden);
  const Sight sight = judge_serving(*seen, shop(*seen));
  EXPECT_EQ(sight.kind, SightKind::kDoesNotHold);
  EXPECT_EQ(sight.why, "port 8000 is held by pid 4121 (python3), running from v2 as well as by shop-web");
}

TEST(Serves, HoldsWhenItIsAloneOnItsAddress) {
  const auto seen = parse_look(replaced(kGolden, "listen 40000 00000000", "listen 40000 0200007F"));
  const Sight sight = judge_serving(*seen, shop(*seen));
  EXPECT_EQ(sight.kind, SightKind::kHolds) << sight.why;
  EXPECT_EQ(sight.evidence["runs_from"], "v1");
  EXPECT_EQ(sight.evidence["pid"], 4200);
}

TEST(Serves, EachLieAloneIsSeen) {
  const std::string honest = without(without(kGolden, "listen 40000 00000000"), "holds 4121 40000");
  const auto judged = [&](const std::string& from, const std::string& to) {
    const auto seen = parse_look(replaced(honest, from, to));
    return judge_serving(*seen, shop(*seen));
  };
  EXPECT_EQ(judged("", "").kind, SightKind::kHolds);
  EXPECT_EQ(judged("code.switched 1795244751.15", "code.switched 1795244751.25").kind, SightKind::kDoesNotHold);
  EXPECT_EQ(judged("4201 S 4200 4200 4200 262450", "4201 S 4200 4200 4200 200000").kind, SightKind::kDoesNotHold)
      << "a worker of before the switch";
  EXPECT_EQ(judged("code.current /srv/shop/releases/v1", "code.current /srv/shop/releases/v2").kind,
            SightKind::kDoesNotHold);
  EXPECT_EQ(judged("code.target /srv/shop/releases/v1\n", "").kind, SightKind::kDoesNotHold);
  EXPECT_EQ(judged("cwd 4200 /srv/shop/releases/v1", "cwd 4200 /srv/shop/releases/v10").kind, SightKind::kDoesNotHold);
  EXPECT_EQ(judged("arg 4200 /srv/shop/releases/v1", "arg 4200 /srv/shop/releases/v2").kind, SightKind::kDoesNotHold);
  EXPECT_EQ(judged("process 4200 S", "process 4200 Z").kind, SightKind::kDoesNotHold);
  EXPECT_EQ(judged("holds 4200 48947\nholds 4201 48947", "holds 4121 48947").kind, SightKind::kDoesNotHold);
  EXPECT_EQ(judged("holds 4200 48947\nholds 4201 48947\n", "").kind, SightKind::kDoesNotHold)
      << "held by one we may not see";
  EXPECT_EQ(judged("listen 48947 0100007F\nholds 4200 48947\nholds 4201 48947\n", "").kind, SightKind::kDoesNotHold);
}

TEST(UnitState, DoesNotBelieveActiveWords) {
  const auto state = [](std::string_view shown) { return unit_state(*parse_look(std::string(shown) + "end\n")); };
  const auto running = state(
      "unit LoadState=loaded\nunit ActiveState=active\nunit SubState=running\nunit MainPID=12\nunit NRestarts=0\n");
  EXPECT_EQ(why_not_active("shop", running), std::nullopt);
  EXPECT_EQ(running.main_pid, 12);
  EXPECT_NE(why_not_active("shop", state("unit LoadState=loaded\nunit ActiveState=active\nunit SubState=exited\n")),
            std::nullopt);
  const auto storm = state(
      "unit LoadState=loaded\nunit ActiveState=activating\nunit SubState=auto-restart\nunit Result=exit-code\nunit "
      "NRestarts=4\n");
  EXPECT_EQ(why_not_active("shop", storm),
            "shop crashes and is restarted by systemd in a circle: activating (auto-restart), result exit-code, "
            "restarted 4 times by systemd");
  const auto missing = state("unit LoadState=not-found\nunit ActiveState=inactive\nunit SubState=dead\n");
  EXPECT_NE(why_not_active("shop", missing), std::nullopt);
  EXPECT_NE(why_not_inactive("shop", missing), std::nullopt) << "what does not exist was not stopped";
  EXPECT_EQ(why_not_inactive("shop", state("unit LoadState=loaded\nunit ActiveState=failed\nunit SubState=failed\n")),
            std::nullopt);
}

}  // namespace
}  // namespace backout::drivers
