// kill -9 of the tool that takes a checkpoint with a slot, and of the server, at each thing that it tells the server.
// What is left is found by name, so that the next try has one slot, and the tick that nobody needs it drops it. And:
// other processes write all the while.
//
// BACKOUT_CRASHES=N takes N points instead of a few; BACKOUT_SEED is printed, and chooses them.
#ifdef BACKOUT_FAULTS
#include <sys/wait.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <random>
#include <sstream>
#include <thread>

#include "base/text.h"
#include "database/postgresql/slot.h"
#include "database/postgresql/verbs_for_tests.h"

namespace backout::postgresql {
namespace {

class SlotCrash : public PostgresqlVerbs {
 protected:
  void SetUp() override {
    PostgresqlVerbs::SetUp();
    const char* seed = std::getenv("BACKOUT_SEED");
    const unsigned number = seed != nullptr ? static_cast<unsigned>(std::stoul(seed)) : std::random_device{}();
    std::printf("BACKOUT_SEED=%u\n", number);
    dice_.seed(number);
    subject_["capture"] = "slot";
    for (const Step& step : offered(RunKind::kCheckpoint, {}, "C-1"))
      if (step.action.verb == "backup") backup_ = step;
  }
  void TearDown() override {
    (void)drop_slots(cluster_.server(), database_);
    PostgresqlVerbs::TearDown();
  }
  int run_apart(const std::map<std::string, std::string>& environment) {
    const pid_t child = ::fork();
    if (child == 0) {
      for (const auto& [key, value] : environment) ::setenv(key.c_str(), value.c_str(), 1);
      ::_exit(run_verb("backup", backup_.action.args, {}) ? 0 : 1);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return status;
  }
  std::vector<std::string> chosen_points(size_t few) {
    const std::string file = directory_ + "/points";
    EXPECT_EQ(run_apart({{"BACKOUT_POINTS", file}}), 0);
    std::vector<std::string> all;
    std::istringstream lines(os::read_file(file).value_or(""));
    for (std::string line; std::getline(lines, line);) all.push_back(line);
    std::shuffle(all.begin(), all.end(), dice_);
    const char* wanted = std::getenv("BACKOUT_CRASHES");
    all.resize(std::min(all.size(), wanted != nullptr ? std::stoul(wanted) : few));
    return all;
  }
  void begin_anew() {
    std::filesystem::remove_all(get_string(backup_.action.args, "directory"));
    std::filesystem::remove(get_string(backup_.action.args, "manifest"));
  }
  Json server_args() { return {{"server", cluster_.server().conninfo}, {"database", database_}}; }
  std::string there() {
    return cluster_.text(
        database_,
        "SELECT coalesce(string_agg(x, ' '), '') FROM (SELECT slot_name::text AS x FROM pg_replication_slots "
        "WHERE database = current_database() UNION ALL SELECT pubname::text FROM pg_publication) AS s");
  }
  std::string known() {
    std::vector<std::string> names;
    const Json seen = verb("slots", server_args());
    for (const Json& slot : get(seen, "slots")) names.push_back(get_string(slot, "name"));
    return join(names, " ");
  }
  /// As after a crash in the middle: gone on with, or given up.
  void ends_well(const std::string& point, bool gone_on_with) {
    const std::string left = there(), name = slot_name(database_, get_string(backup_.action.args, "directory"));
    if (!left.empty()) {
      EXPECT_EQ(known(), name) << point << ": what is left must be known: " << left;
    }
    if (gone_on_with) {
      const Json part = get(verb("backup", backup_.action.args), "part");
      EXPECT_EQ(get_string(part, "slot"), name) << point << " " << part["notes"];
      EXPECT_EQ(there(), name + " " + name) << point;
    } else {
      ASSERT_TRUE(backup_.undo);
      verb(backup_.undo->verb, backup_.undo->args);
      EXPECT_EQ(get_string(*look_at("drop-slots", backup_.undo->args), "sight"), "holds") << point;
      EXPECT_EQ(there(), "") << point;
    }
  }
  void everywhere(bool the_server, size_t few) {
    int reached = 0, cases = 0;
    for (const std::string& point : chosen_points(few)) {
      begin_anew();
      std::map<std::string, std::string> environment{{"BACKOUT_KILL", point}};
      if (the_server) {
        std::istringstream file(os::read_file(cluster_.data() + "/postmaster.pid").value_or(""));
        std::getline(file, environment["BACKOUT_KILL_PID"]);
      }
      const int status = run_apart(environment);
      const bool struck = the_server ? !Connection::open(cluster_.server(), "postgres") : WIFSIGNALED(status);
      if (the_server && struck) cluster_.start_again();
      reached += struck ? 1 : 0;
      ends_well(point, ++cases % 3 != 0);
    }
    EXPECT_GE(reached * 10, cases * 8);
  }

  std::mt19937 dice_;
  Step backup_;
};

TEST_F(SlotCrash, NoSlotIsForgottenWhenTheToolIsKilled) { everywhere(false, 24); }
TEST_F(SlotCrash, NoSlotIsForgottenWhenTheServerIsKilled) { everywhere(true, 5); }

TEST_F(SlotCrash, WritersAreCountedWhileTheCheckpointIsTakenAndWhileTheyAreCounted) {
  // Each writer writes rows of its own; what it has committed it notes in the table itself.
  cluster_.run(database_,
               "CREATE TABLE work (id bigserial PRIMARY KEY, writer int, n int); INSERT INTO work (writer, n) SELECT "
               "i % 3, 0 FROM generate_series(1, 300) i");
  std::atomic<bool> stop = false;
  std::vector<pid_t> writers;
  for (int writer = 0; writer < 3; ++writer) {
    const pid_t child = ::fork();
    if (child == 0) {
      auto connection = Connection::open(cluster_.server(), database_);
      for (int i = 1; connection; ++i) {
        const std::string mine = std::to_string(writer);
        if (!connection->exec(
                "BEGIN; INSERT INTO public.work (writer, n) VALUES (" + mine +
                ", 1); SAVEPOINT a; UPDATE "
                "public.work SET n = n + 1 WHERE id = " +
                std::to_string(1 + (i * 3) % 297 + writer) +
                "; RELEASE a; DELETE FROM public.work WHERE id = (SELECT max(id) FROM public.work WHERE writer = " +
                mine + " AND n = 1) AND " + std::to_string(i % 4) + " = 0; COMMIT"))
          break;
      }
      ::_exit(0);
    }
    writers.push_back(child);
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  const Json part = get(verb("backup", backup_.action.args), "part");
  EXPECT_NE(get_string(part, "slot"), "") << part["notes"];
  Json args{{"server", cluster_.server().conninfo}, {"live", database_}};
  for (const char* key : {"backup", "manifest", "manifest_sha256"}) args[key] = get_string(part, key);
  for (int i = 0; i < 3; ++i) {  // while they write: believed, and exact of some moment
    const Json counted = verb("count", args);
    EXPECT_EQ(get_string(get(get(counted, "compared"), "work"), "how"), "slot") << counted["compared"];
    EXPECT_TRUE(get_bool(get(get(counted, "compared"), "work"), "exact"));
  }
  for (const pid_t writer : writers) ::kill(writer, SIGKILL);
  for (const pid_t writer : writers) ::waitpid(writer, nullptr, 0);
  std::this_thread::sleep_for(std::chrono::milliseconds(300));  // what the server finishes for the dead
  verb("restore", {{"server", cluster_.server().conninfo},
                   {"source", {{"backup", get_string(part, "backup")}, {"manifest", get_string(part, "manifest")}}},
                   {"beside", "w__backout_R1_new"}});
  const Json merged =
      verb("diff", {{"server", cluster_.server().conninfo}, {"live", database_}, {"target", "w__backout_R1_new"}});
  const Json counted = verb("count", args);
  cluster_.admin("DROP DATABASE \"w__backout_R1_new\"");
  EXPECT_EQ(get(counted, "rows"), get(merged, "rows")) << counted["compared"];
  EXPECT_GT(get_int(get(get(counted, "rows"), "work"), "insert"), 10);
}

}  // namespace
}  // namespace backout::postgresql
#endif
