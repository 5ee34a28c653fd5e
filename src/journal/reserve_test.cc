#include "journal/reserve.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "journal/testing.h"
#include "os/file.h"

namespace backout::journal {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(ReserveFile, IsReallyHeldGivenUpAndMadeAgain) {
  const TestDirectory directory;
  const Reserve reserve(directory / "reserve", 1 << 20);
  EXPECT_EQ(reserve.bytes(), 0U);
  ASSERT_OK(reserve.give_piece());
  reserve.make();
  EXPECT_EQ(reserve.bytes(), 1U << 20U);
  ASSERT_OK(reserve.give_piece());
  EXPECT_EQ(reserve.bytes(), (1U << 20U) - Reserve::kPieceBytes);
  for (int i = 0; i < 4; ++i) ASSERT_OK(reserve.give_piece());
  EXPECT_EQ(reserve.bytes(), 0U);
  reserve.make();
  EXPECT_EQ(reserve.bytes(), 1U << 20U);
}

/// A file system of its own, a few megabytes small.
class SmallDisk {
 public:
  explicit SmallDisk(const std::string& options) {
    mounted_ = ::mount("tmpfs", directory_.path().c_str(), "tmpfs", 0, options.c_str()) == 0;
  }
  ~SmallDisk() {
    if (mounted_) ::umount2(directory_.path().c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  bool mounted() const { return mounted_; }
  const std::string& path() const { return directory_.path(); }
  std::string state() const { return directory_ / "state"; }

  /// Writes until nothing more fits.
  void fill() const {
    const int file = ::open((directory_ / "ballast").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    ASSERT_GE(file, 0);
    const std::string block(4096, 'x');
    while (::write(file, block.data(), block.size()) > 0) {
    }
    ::close(file);
  }
  void empty() const { std::filesystem::remove(directory_ / "ballast"); }

 private:
  TestDirectory directory_;
  bool mounted_ = false;
};

struct FullDisk : ::testing::Test {
  SmallDisk disk{"size=24m"};
  FakeClock clock;
  Options options{.reserve_bytes = 2U << 20U};

  /// A controller that took the site, and was killed.
  void disk_with_a_dead_writer() {
    const pid_t child = ::fork();
    if (child == 0) {
      const auto journal = opened(disk.state(), clock, options);
      const auto lease = journal->acquire(kShop, "rollback", Millis(1000));
      ::raise(SIGKILL);
    }
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  }
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "mounting a small disk needs root";
    ASSERT_TRUE(disk.mounted());
  }
  /// Events as a run has them: 2 to 8 KB, one at a time. How many went in, at most `count`.
  static int append_a_run(Journal& journal, int64_t token, int count) {
    for (int i = 0; i < count; ++i) {
      std::string text;
      while (text.size() < 2000U + static_cast<size_t>(i % 4) * 2000U)
        text += fmt::format("{} said {}; ", i, text.size());
      const auto stored = journal.append(kShop, token, {note(text)});
      if (!stored) return ADD_FAILURE() << i << ": " << stored.error().message, i;
    }
    return count;
  }
  /// Appends until there is no space, and says how many went in.
  int append_until_full(Journal& journal) {
    for (int i = 0;; ++i) {
      const auto stored = journal.append(kShop, 0, {note(std::string(1000, 'x'))});
      if (stored) continue;
      EXPECT_EQ(stored.error().code, Code::kNoSpace) << stored.error().message;
      EXPECT_THAT(stored.error().next, HasSubstr("make space"));
      return i;
    }
  }
};

TEST_F(FullDisk, OutcomesAreStillWrittenThenItSaysNoSpaceAndNothingIsCorrupt) {
  int64_t stored = 0;
  {
    const auto journal = opened(disk.state(), clock, options);
    ASSERT_OK(journal->append(kShop, 0, {note("before")}));
    EXPECT_EQ(journal->reserve_bytes(), 2U << 20U);
    disk.fill();
    const int appended = append_until_full(*journal);
    EXPECT_GE(appended, 500) << "what the reserve is worth";
    EXPECT_EQ(journal->reserve_bytes(), 0U);
    stored = appended + 1;
    EXPECT_EQ(journal->read(kShop, 0, RunId(), -1)->size(), static_cast<size_t>(stored)) << "reading goes on";
    EXPECT_THAT(faults_of(*journal), IsEmpty());
  }
  disk.empty();
  const auto journal = opened(disk.state(), clock, options);
  EXPECT_EQ(journal->reserve_bytes(), 2U << 20U) << "made again";
  ASSERT_OK(journal->append(kShop, 0, {note("after")}));
  EXPECT_EQ(journal->read(kShop, 0, RunId(), -1)->back().seq, stored + 1);
  EXPECT_THAT(faults_of(*journal), IsEmpty());
}

/// Somebody else's log: takes what there is, and what becomes free as soon as it does.
class Eater {
 public:
  explicit Eater(const SmallDisk& disk)
      : thread_([&disk](std::stop_token stop) {
          while (!stop.stop_requested()) disk.fill();
        }) {
    while (*os::free_bytes(disk.path()) > 0) std::this_thread::yield();
  }

 private:
  std::jthread thread_;
};

TEST_F(FullDisk, ARunIsWrittenDownWhileSomebodyElseTakesWhateverIsFree) {
  const auto journal = opened(disk.state(), clock, options);
  for (const int round : {0, 1, 2}) {  // the second has what the first left, the third has made room again
    const int64_t token = journal->acquire(kShop, "rollback", Millis(1000)).value().token;
    {
      const Eater eater(disk);
      EXPECT_EQ(append_a_run(*journal, token, 300), 300) << "round " << round;
      ASSERT_OK(journal->release(kShop, token));
      EXPECT_EQ(*os::free_bytes(disk.path()), 0U);
    }
    EXPECT_EQ(journal->reserve_bytes(), 2U << 20U) << "not needed";
    disk.empty();
  }
  EXPECT_THAT(faults_of(*journal), IsEmpty());
}

TEST_F(FullDisk, AfterADeathTheRoomIsStillThere) {
  disk_with_a_dead_writer();
  disk.fill();
  { const auto looked = opened(disk.state(), clock, options); }  // who only looks takes nothing away
  const auto journal = opened(disk.state(), clock, options);  // SQLite makes its shared memory anew: the reserve's turn
  const int64_t token = journal->acquire(kShop, "resume", Millis(1000)).value().token;
  const Eater eater(disk);
  EXPECT_EQ(append_a_run(*journal, token, 300), 300);
  EXPECT_THAT(faults_of(*journal), IsEmpty());
}

TEST_F(FullDisk, RoomIsMadeOnceAndNotForThoseWhoOnlyLook) {
  { const auto journal = opened(disk.state(), clock, options); }
  EXPECT_LT(*os::size_of(disk.state() + "/journal.db"), 200'000U);
  for (int i = 0; i < 3; ++i) {
    const auto journal = opened(disk.state(), clock, options);
    ASSERT_OK(journal->release(kShop, journal->acquire(kShop, "rollback", Millis(1000)).value().token));
  }
  EXPECT_LT(*os::size_of(disk.state() + "/journal.db"), kRoomBytes + 300'000U);
  EXPECT_FALSE(os::exists(disk.state() + "/journal.db-wal")) << "the WAL goes with the last who has the journal open";
}

TEST_F(FullDisk, AJournalThatIsOpenedOnAFullDiskCanStillBeReadAndWritten) {
  opened(disk.state(), clock, options)->append(kShop, 0, {note("before")}).value();
  disk.fill();
  const auto journal = opened(disk.state(), clock, options);
  ASSERT_TRUE(journal);
  EXPECT_EQ(journal->read(kShop, 0, RunId(), -1)->size(), 1U);
  ASSERT_OK(journal->append(kShop, 0, {note("the outcome")}));
  EXPECT_EQ(journal->acquire(kShop, "resume", Millis(1000)).value().token, 1);
  EXPECT_THAT(faults_of(*journal), IsEmpty());
}

TEST_F(FullDisk, WithoutAReserveTheFirstAppendFails) {
  options.reserve_bytes = 0;
  const auto journal = opened(disk.state(), clock, options);
  for (int i = 0; i < 3; ++i) ASSERT_OK(journal->append(kShop, 0, {note("x")}));
  disk.fill();
  EXPECT_LT(append_until_full(*journal), 100) << "this is what the reserve is for";
  EXPECT_THAT(faults_of(*journal), IsEmpty());
}

TEST_F(FullDisk, AJournalCannotBeMadeThereAndNothingIsLeftBehind) {
  disk.fill();
  const auto journal = StoredJournal::open(disk.state(), "dana", clock, options);
  ASSERT_FALSE(journal);
  EXPECT_EQ(journal.error().code, Code::kNoSpace) << journal.error().message;
  if (std::filesystem::exists(disk.state())) {
    EXPECT_TRUE(std::filesystem::is_empty(disk.state()));
  }
}

}  // namespace
}  // namespace backout::journal
