// kill -9 of the tool, and of the server, at each thing that rescue, swap and swap-back tell the server: before it is
// sent, before the answer is read (COMMIT is done or not, nobody was told), and after it. Then the verb is run again.
//
// BACKOUT_CRASHES=N takes N points of each instead of a few; BACKOUT_SEED is printed, and chooses them.
#ifdef BACKOUT_FAULTS
#include <sys/wait.h>

#include <algorithm>
#include <csignal>
#include <random>
#include <sstream>

#include "base/text.h"
#include "database/postgresql/verbs_for_tests.h"

namespace backout::postgresql {
namespace {

class VerbsCrash : public PostgresqlVerbs {
 protected:
  void SetUp() override {
    PostgresqlVerbs::SetUp();
    const char* seed = std::getenv("BACKOUT_SEED");
    seed_ = seed != nullptr ? static_cast<unsigned>(std::stoul(seed)) : std::random_device{}();
    std::printf("BACKOUT_SEED=%u\n", seed_);
    dice_.seed(seed_);
    saved_ = lived(offered(RunKind::kCheckpoint, {}, "C-1"));
    migrate();
    cluster_.run(database_, "CREATE TABLE late (id int PRIMARY KEY)");
    for (const Step& step : offered(RunKind::kRollback, saved_, "R-1")) steps_[step.action.verb] = step;
    for (const char* name : {"backup", "restore", "diff", "rescue"}) args_of(name);
    verb("restore", args_of("restore"));
  }
  const Json& args_of(const std::string& name) { return steps_.at(name).action.args; }
  Json back_args() { return steps_.at("swap").undo->args; }

  /// Runs it in a process of its own, with these in its environment: the status of waitpid().
  int run_apart(const std::string& name, const Json& args, const std::map<std::string, std::string>& environment) {
    const pid_t child = ::fork();
    if (child == 0) {
      for (const auto& [key, value] : environment) ::setenv(key.c_str(), value.c_str(), 1);
      ::_exit(run_verb(name, args, {}) ? 0 : 1);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return status;
  }
  /// What it tells the server, as points that a run passes.
  std::vector<std::string> points(const std::string& name, const Json& args) {
    const std::string file = directory_ + "/points";
    std::filesystem::remove(file);
    EXPECT_EQ(run_apart(name, args, {{"BACKOUT_POINTS", file}}), 0);
    std::vector<std::string> all;
    std::istringstream lines(os::read_file(file).value_or(""));
    for (std::string line; std::getline(lines, line);) all.push_back(line);
    return all;
  }
  /// Some of them; the last ones always, where the commits are.
  std::vector<std::string> some_of(std::vector<std::string> all, size_t few, size_t last) {
    const char* wanted = std::getenv("BACKOUT_CRASHES");
    const size_t count = wanted != nullptr ? std::stoul(wanted) : few;
    last = std::min(last, all.size());
    std::vector<std::string> chosen(all.end() - static_cast<ptrdiff_t>(last), all.end());
    all.resize(all.size() - last);
    std::shuffle(all.begin(), all.end(), dice_);
    for (size_t i = 0; i < all.size() && chosen.size() < count; ++i) chosen.push_back(all[i]);
    return chosen;
  }
  std::string server() {
    std::istringstream file(os::read_file(cluster_.data() + "/postmaster.pid").value_or(""));
    std::string pid;
    std::getline(file, pid);
    return pid;
  }
  /// Ends the tool, or the server, at this point. True: it was reached.
  bool struck(const std::string& name, const Json& args, const std::string& point, bool the_server) {
    std::map<std::string, std::string> environment{{"BACKOUT_KILL", point}};
    if (the_server) environment["BACKOUT_KILL_PID"] = server();
    const int status = run_apart(name, args, environment);
    if (!the_server) return WIFSIGNALED(status);
    const bool dead = !Connection::open(cluster_.server(), "postgres");
    if (dead) cluster_.start_again();
    return dead;
  }
  static constexpr const char* kCarried =
      "SELECT string_agg(o.id || c.email || o.note, ' ' ORDER BY o.id) FROM orders o JOIN client c ON c.id = o.client";
  static constexpr const char* kRows = "2B@xmilk 3c@xnone";
  static constexpr const char* kAsLive = "SELECT string_agg(id || channel, ' ' ORDER BY id) FROM orders";
  static constexpr const char* kLiveRows = "2web 3web";

  void swap_everywhere(bool the_server, size_t few, size_t last);
  void rescue_everywhere(bool the_server, size_t few, size_t last);

  unsigned seed_ = 0;
  std::mt19937 dice_;
  Json saved_;
  std::map<std::string, Step> steps_;
};

void VerbsCrash::swap_everywhere(bool the_server, size_t few, size_t last) {
  verb("rescue", args_of("rescue"));
  const std::string incoming = get_string(args_of("swap"), "incoming"), aside = get_string(back_args(), "aside");
  const std::string note =
      cluster_.text("postgres", "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = " +
                                    sql_text(incoming));
  // What was swapped in and out again is what the swap found, once more.
  const auto as_found = [&] {
    cluster_.admin("ALTER DATABASE " + sql_name(aside) + " RENAME TO " + sql_name(incoming));
    cluster_.admin("ALTER DATABASE " + sql_name(incoming) + " ALLOW_CONNECTIONS true");
    cluster_.admin("COMMENT ON DATABASE " + sql_name(incoming) + " IS " + sql_text(note));
  };
  const auto there = points("swap", args_of("swap"));
  EXPECT_EQ(text(kCarried), kRows);
  const auto back = points("swap-back", back_args());
  as_found();
  int reached = 0, cases = 0;
  for (const std::string& point : some_of(there, few, last)) {
    reached += struck("swap", args_of("swap"), point, the_server) ? 1 : 0;
    EXPECT_TRUE(cluster_.has(database_)) << point;
    if (++cases % 3 != 0) {  // gone on with, else undone
      verb("swap", args_of("swap"));
      EXPECT_EQ(text(kCarried), kRows) << point;
      EXPECT_EQ(get_string(*look_at("swap", args_of("swap")), "sight"), "holds") << point;
    }
    verb("swap-back", back_args());
    EXPECT_EQ(text(kAsLive), kLiveRows) << point;
    if (!cluster_.has(incoming)) as_found();
  }
  for (const std::string& point : some_of(back, few, last)) {
    verb("swap", args_of("swap"));
    ++cases;
    reached += struck("swap-back", back_args(), point, the_server) ? 1 : 0;
    EXPECT_TRUE(cluster_.has(database_)) << point;
    verb("swap-back", back_args());
    EXPECT_EQ(text(kAsLive), kLiveRows) << point;
    as_found();
  }
  std::printf("%d of %zu points of swap and swap-back struck\n", reached, there.size() + back.size());
  EXPECT_GE(reached * 10, cases * 8);
}

void VerbsCrash::rescue_everywhere(bool the_server, size_t few, size_t last) {
  const std::string target = get_string(args_of("rescue"), "target"), base = target + "_base";
  cluster_.admin("CREATE DATABASE " + sql_name(base) + " TEMPLATE " + sql_name(target));
  const auto put_back = [&] {
    cluster_.admin("DROP DATABASE " + sql_name(target) + " WITH (FORCE)");
    cluster_.admin("CREATE DATABASE " + sql_name(target) + " TEMPLATE " + sql_name(base));
  };
  const auto all = points("rescue", args_of("rescue"));
  put_back();
  const Json whole = verb("rescue", args_of("rescue"));
  int reached = 0, cases = 0;
  for (const std::string& point : some_of(all, few, last)) {
    put_back();
    ++cases;
    reached += struck("rescue", args_of("rescue"), point, the_server) ? 1 : 0;
    EXPECT_EQ(text("SELECT count(*) FROM orders"), "2") << "live is as it was";
    const Json again = verb("rescue", args_of("rescue"));
    EXPECT_EQ(get(again, "carried"), get(whole, "carried")) << point;
    EXPECT_EQ(get(again, "rows"), get(whole, "rows")) << point;
    EXPECT_EQ(cluster_.text(target, kCarried), kRows) << point;
    EXPECT_EQ(get_string(*look_at("rescue", args_of("rescue")), "sight"), "holds") << point;
  }
  std::printf("%d of %zu points of rescue struck\n", reached, all.size());
  EXPECT_GE(reached * 10, cases * 8);
}

TEST_F(VerbsCrash, SwapAndBackWhenTheToolIsKilled) { swap_everywhere(false, 16, 12); }
TEST_F(VerbsCrash, SwapAndBackWhenTheServerIsKilled) { swap_everywhere(true, 5, 4); }
TEST_F(VerbsCrash, RescueWhenTheToolIsKilled) { rescue_everywhere(false, 30, 15); }
TEST_F(VerbsCrash, RescueWhenTheServerIsKilled) { rescue_everywhere(true, 6, 3); }

}  // namespace
}  // namespace backout::postgresql
#endif
