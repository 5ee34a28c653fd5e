// Several processes on one journal, and processes that end at the worst moment. Children are this program again, so
// that they open the journal as a fresh process does.
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <random>

#include "journal/testing.h"

extern char** environ;

namespace backout::journal {
namespace {

using ::testing::IsEmpty;

constexpr int kWriters = 8;
constexpr int kAppends = 200;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

/// Runs the child below in its own process, with these environment variables.
pid_t spawn_writer(const std::string& directory, int appends, std::vector<std::string> variables = {}) {
  variables.push_back("JOURNAL_CHILD_DIRECTORY=" + directory);
  variables.push_back("JOURNAL_CHILD_APPENDS=" + std::to_string(appends));
  std::vector<char*> environment;
  for (char** variable = environ; *variable != nullptr; ++variable) environment.push_back(*variable);
  for (std::string& variable : variables) environment.push_back(variable.data());
  environment.push_back(nullptr);
  std::string program = "/proc/self/exe", filter = "--gtest_filter=Child.DISABLED_Writes",
              also = "--gtest_also_run_disabled_tests", brief = "--gtest_brief=1";
  char* arguments[] = {program.data(), filter.data(), also.data(), brief.data(), nullptr};
  posix_spawn_file_actions_t quiet;
  posix_spawn_file_actions_init(&quiet);
  posix_spawn_file_actions_addopen(&quiet, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t child = -1;
  EXPECT_EQ(::posix_spawn(&child, program.c_str(), &quiet, nullptr, arguments, environment.data()), 0);
  posix_spawn_file_actions_destroy(&quiet);
  return child;
}
int status_of(pid_t child) {
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return status;
}

TEST(Child, DISABLED_Writes) {
  const auto journal = Journal::open(environment("JOURNAL_CHILD_DIRECTORY"), "child", system_clock());
  ASSERT_TRUE(journal) << journal.error().message;
  const int appends = std::atoi(environment("JOURNAL_CHILD_APPENDS").c_str());
  for (int i = 0; i < appends; ++i) {
    const SiteId& site = (i + ::getpid()) % 2 == 0 ? kShop : kBlog;
    const auto stored =
        (*journal)->append(site, 0, {note("by " + std::to_string(::getpid())), note(std::to_string(i))});
    ASSERT_TRUE(stored) << stored.error().message;
  }
}

struct Processes : ::testing::Test {
  TestDirectory directory;
  FakeClock clock;

  /// The events of both sites; gaps and broken chains are failures.
  std::vector<Event> sound_events() {
    const auto journal = opened(directory.path(), clock);
    EXPECT_THAT(faults_of(*journal), IsEmpty());
    std::vector<Event> all;
    for (const SiteId& site : {kShop, kBlog}) {
      const auto events = journal->read(site, 0, RunId(), -1);
      EXPECT_TRUE(events.has_value());
      for (size_t i = 0; i < events->size(); ++i) EXPECT_EQ((*events)[i].seq, static_cast<int64_t>(i) + 1);
      all.insert(all.end(), events->begin(), events->end());
    }
    return all;
  }
};

TEST_F(Processes, EightWritersLeaveNoGapThoughOneIsKilledAtAnyMoment) {
  const uint64_t seed = std::random_device()();
  RecordProperty("seed", std::to_string(seed));
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  opened(directory.path(), clock);
  std::vector<pid_t> writers;
  for (int i = 0; i < kWriters; ++i) writers.push_back(spawn_writer(directory.path(), kAppends));
  const size_t victim = random() % kWriters;
  {
    const auto journal = opened(directory.path(), clock);
    const size_t moment = random() % (kWriters * kAppends);  // events of one site
    for (int i = 0; i < 30'000 && journal->read(kShop, static_cast<int64_t>(moment), RunId(), 1)->empty(); ++i)
      ::usleep(2000);
  }
  ::kill(writers[victim], SIGKILL);
  for (size_t i = 0; i < writers.size(); ++i) {
    const int status = status_of(writers[i]);
    if (i != victim) {
      EXPECT_EQ(status, 0) << "writer " << i;
    }
  }
  std::map<std::string, int> by_writer;
  for (const Event& one : sound_events()) {
    const std::string text = get_string(one.body, "text");
    if (text.starts_with("by ")) ++by_writer[text.substr(3)];
  }
  for (size_t i = 0; i < writers.size(); ++i) {
    if (i != victim) {
      EXPECT_EQ(by_writer[std::to_string(writers[i])], kAppends);
    }
  }
}

#ifdef BACKOUT_FAULTS
TEST_F(Processes, KilledBeforeCommitNothingIsThereAfterItAllOfIt) {
  for (const auto& [moment, whole_appends] : {std::pair("before", 2), std::pair("after", 3)}) {
    const TestDirectory fresh;
    const int status = status_of(spawn_writer(fresh.path(), 5, {std::string("BACKOUT_KILL=append:3:") + moment}));
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << status;
    const auto journal = opened(fresh.path(), clock);
    EXPECT_THAT(faults_of(*journal), IsEmpty());
    const size_t events = journal->read(kShop, 0, RunId(), -1)->size() + journal->read(kBlog, 0, RunId(), -1)->size();
    EXPECT_EQ(events, 2U * static_cast<size_t>(whole_appends)) << moment;
  }
}

/// The file layer of tests/support keeps only what was synced.
struct PowerCut : Processes {
  const std::string layer = BACKOUT_BINARY_DIR "/tests/libforgetful.so";
  const std::string tool = BACKOUT_SOURCE_DIR "/tests/support/powercut.py";
  const std::string root = std::filesystem::canonical(directory.path()) / "root";
  const std::string store = std::filesystem::canonical(directory.path()) / "store";

  size_t events_after_a_cut(std::vector<std::string> variables) {
    std::filesystem::create_directory(root);
    EXPECT_EQ(std::system((tool + " arm " + root + " " + store).c_str()), 0);
    for (const char* variable : {"BACKOUT_KILL=append:4:after"}) variables.emplace_back(variable);
    variables.push_back("LD_PRELOAD=" + layer);
    variables.emplace_back("ASAN_OPTIONS=verify_asan_link_order=0");  // the layer uses no allocator, it may come first
    variables.push_back("FORGETFUL_ROOT=" + root);
    variables.push_back("FORGETFUL_STORE=" + store);
    EXPECT_TRUE(WIFSIGNALED(status_of(spawn_writer(root + "/state", 5, variables))));
    EXPECT_EQ(std::system((tool + " cut " + root + " " + store).c_str()), 0);
    if (!std::filesystem::exists(root + "/state/journal.db")) return 0;
    const auto journal = opened(root + "/state", clock);
    EXPECT_THAT(faults_of(*journal), IsEmpty());
    return journal->read(kShop, 0, RunId(), -1)->size() + journal->read(kBlog, 0, RunId(), -1)->size();
  }
  void SetUp() override {
    if (!std::filesystem::exists(layer)) GTEST_SKIP() << layer << " is not built";
  }
};

TEST_F(PowerCut, WhatAppendReturnedIsThereAfterIt) { EXPECT_EQ(events_after_a_cut({}), 8U); }

TEST_F(PowerCut, WithoutSyncsItIsNot) { EXPECT_LT(events_after_a_cut({"BACKOUT_SABOTAGE=fsync"}), 8U); }
#endif

}  // namespace
}  // namespace backout::journal
