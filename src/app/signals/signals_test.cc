#include "app/signals/signals.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace backout::app {
namespace {

using std::chrono::steady_clock;

/// Answers at once, or when it is let go; counts its looks in its position.
class FakeSource : public watch::Source {
 public:
  explicit FakeSource(const std::atomic<bool>* held) : held_(held) {}
  Result<backout::Seen> look(const watch::Scope&, const Json& position, const std::stop_token&) override {
    while (held_ != nullptr && *held_) std::this_thread::sleep_for(Millis(5));
    backout::Seen seen;
    seen.position = {{"looks", get_int(position, "looks", 0) + 1}};
    return seen;
  }

 private:
  const std::atomic<bool>* held_;
};

Asked asked(const char* signal, const char* host, const std::atomic<bool>* held = nullptr) {
  return {signal, host, std::make_unique<FakeSource>(held), Millis(0), Json(), BootTime(0), {}};
}

Signals of(std::vector<Asked>& all) { return Signals(std::move(all)); }

TEST(Signals, OneThatHangsDelaysNoOther) {
  std::atomic<bool> held = true;
  std::vector<Asked> all;
  all.push_back(asked("prometheus", "local", &held));
  all.push_back(asked("log", "web-1"));
  Signals signals = of(all);
  const auto began = steady_clock::now();
  for (int look = 1; look <= 2; ++look) {
    const std::vector<Heard> heard = signals.look({}, false, {});
    ASSERT_EQ(heard.size(), 1U);
    EXPECT_EQ(heard[0].signal, "log");
    EXPECT_EQ(heard[0].seen.position, Json({{"web-1", {{"looks", look}}}}));
  }
  EXPECT_LT(steady_clock::now() - began, std::chrono::seconds(8));
  held = false;
  const std::vector<Heard> heard = signals.look({}, true, {});
  ASSERT_EQ(heard.size(), 2U);
  EXPECT_EQ(heard[0].seen.position, Json({{"local", {{"looks", 1}}}})) << "one look, told once";
}

TEST(Signals, ASignalOfSeveralHostsIsToldWhenAllHaveAnswered) {
  std::atomic<bool> held = true;
  std::vector<Asked> all;
  all.push_back(asked("log", "web-1"));
  all.push_back(asked("log", "web-2", &held));
  Signals signals = of(all);
  EXPECT_TRUE(signals.look({}, false, {}).empty());
  held = false;
  const std::vector<Heard> heard = signals.look({}, true, {});
  ASSERT_EQ(heard.size(), 1U);
  EXPECT_EQ(heard[0].seen.position, Json({{"web-1", {{"looks", 1}}}, {"web-2", {{"looks", 1}}}}));
}

TEST(Signals, EachIsAskedAsOftenAsItSays) {
  std::vector<Asked> all;
  all.push_back(asked("probe", "local"));
  all[0].every = std::chrono::hours(1);
  Signals signals = of(all);
  EXPECT_EQ(signals.look({}, false, {}).size(), 1U);
  EXPECT_TRUE(signals.look({}, false, {}).empty());
  EXPECT_EQ(signals.look({}, true, {}).size(), 1U) << "a tick asks all";
}

}  // namespace
}  // namespace backout::app
