// What `status` reads must not grow with the journal: every question it asks is answered by an index, never by going
// through the events.
#include "journal/testing.h"

namespace backout::journal {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// Keeps every statement that goes by.
class ListeningStore : public Store {
 public:
  ListeningStore(std::unique_ptr<Store> store, std::vector<std::string>& heard)
      : store_(std::move(store)), heard_(heard) {}
  Result<void> begin(Access access) override { return store_->begin(access); }
  Result<void> commit() override { return store_->commit(); }
  void rollback() override { store_->rollback(); }
  Result<int64_t> execute(std::string_view sql, const std::vector<Value>& values) override {
    heard_.emplace_back(sql);
    return store_->execute(sql, values);
  }
  Result<void> query(std::string_view sql, const std::vector<Value>& values, const EachRow& each) override {
    heard_.emplace_back(sql);
    return store_->query(sql, values, each);
  }
  void make_room(uint64_t bytes) override { store_->make_room(bytes); }
  Result<std::vector<std::string>> check() override { return store_->check(); }

 private:
  std::unique_ptr<Store> store_;
  std::vector<std::string>& heard_;
};

std::string query_plan(const std::string& directory, const std::string& sql) {
  std::string plan;
  sqlite3* database = nullptr;
  EXPECT_EQ(sqlite3_open((directory + "/journal.db").c_str(), &database), SQLITE_OK);
  const auto take = [](void* text, int, char** values, char**) {
    *static_cast<std::string*>(text) += std::string(values[3]) + "\n";
    return 0;
  };
  EXPECT_EQ(sqlite3_exec(database, ("EXPLAIN QUERY PLAN " + sql).c_str(), take, &plan, nullptr), SQLITE_OK);
  sqlite3_close(database);
  return plan;
}

TEST(StatusCost, NoQuestionGoesThroughTheEventsOrSorts) {
  const TestDirectory directory;
  FakeClock clock;
  std::vector<std::string> heard;
  const auto journal = opened(directory.path(), clock, {.wrap = [&](std::unique_ptr<Store> store) {
                                return std::make_unique<ListeningStore>(std::move(store), heard);
                              }});
  ASSERT_TRUE(journal->releases(kShop) && journal->runs(kShop, 20) && journal->checkpoints(kShop) && journal->sites());
  ASSERT_TRUE(journal->each_release(kShop, [](const Release&) { return true; }) && journal->rollbacks(kShop));
  ASSERT_TRUE(journal->serving(kShop).has_value());
  ASSERT_TRUE(journal->holder(kShop) && journal->step_durations(kShop, RunKind::kRollback));
  ASSERT_TRUE(journal->plan(kShop, PlanId("9b1c4e7a")) && journal->read(kShop, 5, RunId("RUN-1"), 10));
  ASSERT_TRUE(journal->read(kShop, 5, RunId(), 10) && journal->append(kShop, 0, {note("and writing")}));
  ASSERT_GE(heard.size(), 10U);
  for (const std::string& sql : heard) {
    const std::string plan = query_plan(directory.path(), sql);
    EXPECT_THAT(plan, Not(HasSubstr("SCAN events"))) << sql;
    EXPECT_THAT(plan, Not(HasSubstr("SCAN models"))) << sql;
    EXPECT_THAT(plan, Not(HasSubstr("TEMP B-TREE"))) << sql;
    EXPECT_THAT(plan, Not(HasSubstr("AUTOMATIC"))) << sql;
  }
}

}  // namespace
}  // namespace backout::journal
