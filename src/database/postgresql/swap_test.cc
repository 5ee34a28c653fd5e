#include "database/postgresql/swap.h"

#include <atomic>
#include <thread>

#include "database/postgresql/sessions.h"
#include "database/postgresql/testing.h"

namespace backout::postgresql {
namespace {

class SwapTest : public ::testing::Test {
 protected:
  void SetUp() override {
    live_ = cluster_.database("shop");
    incoming_ = live_ + "__backout_R1_new";
    keep_ = live_ + "__backout_R1_old";
    cluster_.admin("CREATE DATABASE " + sql_name(incoming_) + " TEMPLATE template0");
    cluster_.run(live_, "CREATE TABLE which (name text); INSERT INTO which VALUES ('old')");
    cluster_.run(incoming_, "CREATE TABLE which (name text); INSERT INTO which VALUES ('new')");
    marker_ = cluster_.directory() + "/" + live_ + ".swap.json";
  }
  SwapJob job() {
    SwapJob job{cluster_.server(), "postgres", live_, incoming_, keep_, marker_, {}, {}};
    job.unchanged = [](Connection&, Connection&, std::string&) { return true; };
    job.again = [] { return Result<void>(); };
    return job;
  }
  SwapBackJob back() { return {cluster_.server(), "postgres", live_, keep_, live_ + "__backout_R1_undone", marker_}; }
  std::string which() { return cluster_.text(live_, "SELECT name FROM which"); }

  TestCluster& cluster_ = TestCluster::the();
  std::string live_, incoming_, keep_, marker_;
};

TEST_F(SwapTest, ThereAndBack) {
  EXPECT_FALSE(look_at_swap(cluster_.server(), "postgres", live_, marker_)->swapped);
  const auto swapped = swap(job(), {});
  ASSERT_TRUE(swapped) << swapped.error().message;
  EXPECT_EQ(get_string(*swapped, "how"), "rename");
  EXPECT_EQ(which(), "new");
  EXPECT_TRUE(look_at_swap(cluster_.server(), "postgres", live_, marker_)->swapped);
  EXPECT_FALSE(Connection::open(cluster_.server(), keep_)) << "the kept one is closed, to superusers too";
  EXPECT_EQ(get_string(*swap(job(), {}), "how"), "already");
  const auto undone = swap_back(back());
  ASSERT_TRUE(undone) << undone.error().message;
  EXPECT_EQ(which(), "old");
  EXPECT_TRUE(cluster_.has(live_ + "__backout_R1_undone"));
  EXPECT_FALSE(cluster_.has(keep_));
  EXPECT_EQ(get_string(*swap_back(back()), "how"), "already");
}

TEST_F(SwapTest, SessionsAreEndedAndThoseThatComeAgainMeetTheNewOne) {
  std::atomic<bool> stop = false;
  std::atomic<int> old_after_new = 0, answers = 0;
  const auto customer = [&] {
    bool seen_new = false;
    while (!stop) {
      auto connection = Connection::open(cluster_.server(), live_);
      if (!connection) continue;
      (void)connection->exec("SET search_path = public");
      while (!stop) {
        const auto name = connection->text("SELECT name FROM public.which");
        if (!name) break;
        ++answers;
        if (*name == "new") seen_new = true;
        if (*name == "old" && seen_new) ++old_after_new;
      }
    }
  };
  std::vector<std::thread> customers;
  for (int i = 0; i < 4; ++i) customers.emplace_back(customer);
  while (answers < 100) std::this_thread::yield();
  const auto swapped = swap(job(), {});
  const int then = answers;
  while (answers < then + 100) std::this_thread::yield();
  stop = true;
  for (auto& one : customers) one.join();
  ASSERT_TRUE(swapped) << swapped.error().message;
  EXPECT_EQ(old_after_new, 0);
  EXPECT_EQ(which(), "new");
}

TEST_F(SwapTest, WhatWasWrittenInBetweenIsCarriedFirst) {
  int looks = 0, carried = 0;
  SwapJob swap_job = job();
  swap_job.unchanged = [&](Connection& live, Connection&, std::string& why) {
    EXPECT_EQ(live.text("SELECT name FROM public.which").value_or("?"), "old");
    EXPECT_FALSE(Connection::open(cluster_.server(), live_)) << "closed while it is looked at";
    why = "which";
    return ++looks > 1;
  };
  swap_job.again = [&]() -> Result<void> {
    ++carried;
    EXPECT_TRUE(Connection::open(cluster_.server(), live_)) << "open while rows are carried";
    return {};
  };
  const auto swapped = swap(swap_job, {});
  ASSERT_TRUE(swapped) << swapped.error().message;
  EXPECT_EQ(carried, 1);
  EXPECT_EQ(get_int(*swapped, "again"), 1);

  looks = -100;
  ASSERT_TRUE(swap_back(back()));
  cluster_.admin("ALTER DATABASE " + sql_name(live_ + "__backout_R1_undone") + " RENAME TO " + sql_name(incoming_));
  const auto refused = swap(swap_job, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kBusy);
  EXPECT_EQ(which(), "old") << "and open";
}

TEST_F(SwapTest, APreparedTransactionOrASlotIsInTheWay) {
  cluster_.run(live_, "BEGIN; INSERT INTO which VALUES ('prepared'); PREPARE TRANSACTION 'by hand'");
  const auto refused = swap(job(), {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kRefused);
  EXPECT_NE(refused.error().message.find("by hand"), std::string::npos);
  EXPECT_EQ(which(), "old");
  cluster_.run(live_, "ROLLBACK PREPARED 'by hand'");
  cluster_.run(live_, "SELECT pg_create_logical_replication_slot('reports', 'test_decoding')");
  EXPECT_FALSE(swap(job(), {}));
  cluster_.run(live_, "SELECT pg_drop_replication_slot('reports')");
  cluster_.run(incoming_, "BEGIN; INSERT INTO which VALUES ('prepared'); PREPARE TRANSACTION 'there too'");
  const auto incoming = swap(job(), {});
  ASSERT_FALSE(incoming);
  EXPECT_EQ(incoming.error().code, Code::kRefused) << "before anything is closed";
  cluster_.run(incoming_, "ROLLBACK PREPARED 'there too'");
  EXPECT_TRUE(swap(job(), {}));
}

TEST_F(SwapTest, ADatabaseCalledLikeTheKeptOneIsInTheWayBeforeAnybodyIsSentAway) {
  cluster_.admin("CREATE DATABASE " + sql_name(keep_));
  auto customer = Connection::open(cluster_.server(), live_);
  ASSERT_TRUE(customer);
  const auto refused = swap(job(), {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kConflict);
  EXPECT_NE(refused.error().next.find("drop it"), std::string::npos) << refused.error().next;
  EXPECT_TRUE(customer->exec("SELECT 1"));
  cluster_.admin("DROP DATABASE " + sql_name(keep_));
  EXPECT_TRUE(swap(job(), {}));
}

TEST_F(SwapTest, BackGoesOnlyToTheOneThatWasReplaced) {
  ASSERT_TRUE(swap(job(), {}));
  cluster_.admin("ALTER DATABASE " + sql_name(keep_) + " RENAME TO " + sql_name(keep_ + "er"));
  cluster_.admin("CREATE DATABASE " + sql_name(keep_));
  const auto refused = swap_back(back());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kNotFound);
  EXPECT_EQ(which(), "new") << "and open";
  cluster_.admin("DROP DATABASE " + sql_name(keep_));
  cluster_.admin("ALTER DATABASE " + sql_name(keep_ + "er") + " RENAME TO " + sql_name(keep_));
  ASSERT_TRUE(swap_back(back()));
  EXPECT_EQ(which(), "old");
}

TEST_F(SwapTest, AtNoInstantIsThereNoDatabaseOfThatName) {
  // Somebody else holds the lock that the second rename needs.
  auto other = Connection::open(cluster_.server(), "postgres");
  ASSERT_TRUE(other && other->exec("BEGIN; COMMENT ON DATABASE " + sql_name(incoming_) + " IS 'held'"));
  Result<Json> swapped = Json();
  std::thread swapping([&] { swapped = swap(job(), {}); });
  bool waits = false;
  for (int i = 0; i < 2000 && !waits; ++i) {
    waits =
        cluster_.text("postgres", "SELECT count(*) > 0 FROM pg_locks WHERE NOT granted AND locktype = 'object'") == "t";
    std::this_thread::sleep_for(Millis(2));
  }
  EXPECT_TRUE(waits);
  EXPECT_TRUE(cluster_.has(live_)) << "in between";
  EXPECT_FALSE(cluster_.has(keep_));
  EXPECT_TRUE(other->exec("ROLLBACK"));
  swapping.join();
  ASSERT_TRUE(swapped) << swapped.error().message;
  EXPECT_EQ(which(), "new");
  EXPECT_TRUE(cluster_.has(keep_));
}

TEST_F(SwapTest, WhenItCannotBeDressedNothingIsRenamed) {
  SwapJob swap_job = job();
  swap_job.dressing = {"ALTER DATABASE " + sql_name(live_) + " OWNER TO nobody_of_that_name"};
  const auto refused = swap(swap_job, {});
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("nobody_of_that_name"), std::string::npos) << refused.error().message;
  EXPECT_EQ(which(), "old") << "and open";
  EXPECT_FALSE(cluster_.has(keep_));
  EXPECT_TRUE(swap(job(), {}));
}

TEST_F(SwapTest, ATryThatDiedWithTheDatabaseClosedGoesOnOrIsUndone) {
  cluster_.admin("ALTER DATABASE " + sql_name(live_) + " ALLOW_CONNECTIONS false");
  EXPECT_TRUE(swap_back(back()));
  EXPECT_EQ(which(), "old");
  cluster_.admin("ALTER DATABASE " + sql_name(live_) + " ALLOW_CONNECTIONS false");
  const auto swapped = swap(job(), {});
  ASSERT_TRUE(swapped) << swapped.error().message;
  EXPECT_EQ(which(), "new");
}

}  // namespace
}  // namespace backout::postgresql
