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
