#include "journal/stored_journal.h"

#include <atomic>
#include <thread>

#include "journal/testing.h"

namespace backout::journal {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct JournalTest : ::testing::Test {
  TestDirectory directory;
  FakeClock clock;
};

TEST_F(JournalTest, AppendedEventsComeBackNumberedPerSite) {
  const auto journal = opened(directory.path(), clock);
  const auto first = journal->append(kShop, 0, {note("one"), note("two")});
  ASSERT_OK(first);
  ASSERT_OK(journal->append(kBlog, 0, {note("other")}));
  EXPECT_EQ((*first)[1].seq, 2);
  EXPECT_EQ((*first)[1].actor, "dana");
  EXPECT_EQ((*first)[1].boot_id, "boot-1");

  const auto events = opened(directory.path(), clock)->read(kShop, 0, RunId(), -1);
  ASSERT_OK(events);
  ASSERT_EQ(events->size(), 2U);
  EXPECT_EQ(get_string((*events)[0].body, "text"), "one");
  EXPECT_EQ((*events)[0].at, clock.wall_now);
  EXPECT_EQ(journal->sites().value(), (std::vector<SiteId>{kBlog, kShop}));
  EXPECT_THAT(faults_of(*journal), IsEmpty());
}

TEST_F(JournalTest, ReadFiltersByRunAfterAndLimit) {
  const auto journal = opened(directory.path(), clock);
  for (const char* run : {"RUN-1", "RUN-2", "RUN-1", "RUN-1"})
    ASSERT_OK(journal->append(kShop, 0, {event(EventType::kNote, {{"text", run}}, run)}));
  EXPECT_EQ(journal->read(kShop, 0, RunId("RUN-1"), -1)->size(), 3U);
  EXPECT_EQ(journal->read(kShop, 1, RunId("RUN-1"), -1)->size(), 2U);
  EXPECT_EQ(journal->read(kShop, 0, RunId("RUN-1"), 1)->size(), 1U);
  EXPECT_EQ(journal->read(kShop, 2, RunId(), -1)->front().seq, 3);
}

TEST_F(JournalTest, UntrustedTextIsStoredAsData) {
  const auto journal = opened(directory.path(), clock);
  const auto stored = journal->append(kShop, 0, {note("bad \xff\xfe byte\nnext \x1b[31mred")});
  ASSERT_OK(stored);
  EXPECT_EQ(get_string(stored->front().body, "text"), "bad \xEF\xBF\xBD\xEF\xBF\xBD byte\nnext [31mred");
  EXPECT_EQ(journal->read(kShop, 0, RunId(), -1)->front().body, stored->front().body);
  EXPECT_THAT(faults_of(*journal), IsEmpty());
}

TEST_F(JournalTest, NothingIsWrittenUnderAnOldToken) {
  const auto journal = opened(directory.path(), clock, {.may_live = [](const auto&) { return false; }});
  const int64_t old_token = journal->acquire(kShop, "rollback to v1", Millis(1000))->token;
  ASSERT_OK(journal->append(kShop, old_token, {note("mine")}));
  const int64_t new_token = journal->acquire(kShop, "rollback to v2", Millis(1000))->token;
  EXPECT_EQ(new_token, old_token + 1);

  const auto refused = journal->append(kShop, old_token, {note("late")});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kConflict);
  EXPECT_THAT(refused.error().message, HasSubstr("rollback to v2"));
  EXPECT_FALSE(journal->append(kShop, new_token + 1, {note("from the future")}));
  EXPECT_FALSE(journal->append(kBlog, new_token, {note("of another site")}));
  ASSERT_OK(journal->append(kShop, new_token, {note("mine")}));
  ASSERT_OK(journal->append(kShop, 0, {note("outside any lease")}));
  EXPECT_EQ(journal->read(kShop, 0, RunId(), -1)->size(), 5U);  // two grants, three notes
}

TEST_F(JournalTest, AnAppendIsAllOrNothing) {
  const auto journal = opened(directory.path(), clock);
  NewEvent twin = note("b");
  ASSERT_OK(journal->append(kShop, 0, {twin}));
  const auto refused = journal->append(kShop, 0, {note("a"), twin});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kConflict);
  EXPECT_EQ(journal->read(kShop, 0, RunId(), -1)->size(), 1U);
}

TEST_F(JournalTest, BodiesThatAreNoObjectsAreRefused) {
  const auto journal = opened(directory.path(), clock);
  EXPECT_EQ(journal->append(kShop, 0, {event(EventType::kNote, "text")}).error().code, Code::kInvalid);
  EXPECT_EQ(journal->append(SiteId("a\nb"), 0, {note("x")}).error().code, Code::kInvalid);
}

TEST_F(JournalTest, NumbersGrowAcrossSitesAndProcesses) {
  EXPECT_EQ(opened(directory.path(), clock)->next_number(kShop, "RUN").value(), 1);
  const auto journal = opened(directory.path(), clock);
  EXPECT_EQ(journal->next_number(kBlog, "RUN").value(), 2);
  EXPECT_EQ(journal->next_number(kShop, "INC-2026").value(), 1);
}

TEST_F(JournalTest, TheIdStaysWithTheFile) {
  const std::string id = opened(directory.path(), clock)->id();
  EXPECT_EQ(id.size(), 32U);
  EXPECT_EQ(opened(directory.path(), clock)->id(), id);
}

TEST_F(JournalTest, ThreadsShareOne) {
  const auto journal = opened(directory.path(), clock);
  const int64_t token = journal->acquire(kShop, "rollback", Millis(60'000))->token;
  std::atomic<int> failures = 0;
  {
    std::vector<std::jthread> threads;
    for (int writer = 0; writer < 4; ++writer)
      threads.emplace_back([&] {
        for (int i = 0; i < 25; ++i)
          if (!journal->append(kShop, token, {note("x")}) || !journal->renew(kShop, token)) ++failures;
      });
    threads.emplace_back([&] {
      for (int i = 0; i < 25; ++i)
        if (!journal->runs(kShop, 20) || !journal->holder(kShop) || !journal->read(kShop, 0, RunId(), 5)) ++failures;
    });
  }
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(journal->read(kShop, 0, RunId(), -1)->back().seq, 101);
  EXPECT_THAT(faults_of(*journal), IsEmpty());
}

/// Loses commits: the answer to the caller is an error, whatever happened.
class LossyStore : public Store {
 public:
  enum class Fate { kHonest, kDoneButLost, kNotDone };
  LossyStore(std::unique_ptr<Store> store, Fate& fate) : store_(std::move(store)), fate_(fate) {}
  Result<void> begin(Access access) override { return store_->begin(access); }
  Result<void> commit() override {
    const Fate fate = std::exchange(fate_, Fate::kHonest);
    if (fate == Fate::kHonest) return store_->commit();
    if (fate == Fate::kDoneButLost) TRY_VOID(store_->commit());
    return Error{Code::kInternal, "connection lost at COMMIT", ""};
  }
  void rollback() override { store_->rollback(); }
  Result<int64_t> execute(std::string_view sql, const std::vector<Value>& values) override {
    return store_->execute(sql, values);
  }
  Result<void> query(std::string_view sql, const std::vector<Value>& values, const EachRow& each) override {
    return store_->query(sql, values, each);
  }
  void make_room(uint64_t bytes) override { store_->make_room(bytes); }
  Result<std::vector<std::string>> check() override { return store_->check(); }

 private:
  std::unique_ptr<Store> store_;
  Fate& fate_;
};

struct LostCommit : JournalTest {
  LossyStore::Fate fate = LossyStore::Fate::kHonest;
  std::unique_ptr<Journal> journal = opened(directory.path(), clock, {.wrap = [this](std::unique_ptr<Store> store) {
                                              return std::make_unique<LossyStore>(std::move(store), fate);
                                            }});
};

TEST_F(LostCommit, ThatHappenedIsASuccess) {
  fate = LossyStore::Fate::kDoneButLost;
  const auto stored = journal->append(kShop, 0, {note("a"), note("b")});
  ASSERT_OK(stored);
  EXPECT_EQ(stored->back().seq, 2);
  EXPECT_EQ(journal->read(kShop, 0, RunId(), -1)->size(), 2U);
  fate = LossyStore::Fate::kDoneButLost;
  EXPECT_EQ(journal->acquire(kShop, "rollback", Millis(1000)).value().token, 1);
}

TEST_F(LostCommit, ThatDidNotHappenIsAnErrorAndTheSameIdsMayComeAgain) {
  fate = LossyStore::Fate::kNotDone;
  const std::vector<NewEvent> events = {note("a"), note("b")};
  EXPECT_FALSE(journal->append(kShop, 0, events));
  EXPECT_THAT(journal->read(kShop, 0, RunId(), -1).value(), IsEmpty());
  ASSERT_OK(journal->append(kShop, 0, events));
  const auto again = journal->append(kShop, 0, events);
  ASSERT_OK(again);
  EXPECT_EQ(again->front().seq, 1);
  EXPECT_EQ(journal->read(kShop, 0, RunId(), -1)->size(), 2U);
}

}  // namespace
}  // namespace backout::journal
