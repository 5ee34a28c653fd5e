// What is on the disk when: the system's own fdatasync is counted.
#include <dlfcn.h>
#include <unistd.h>

#include <atomic>

#include "journal/testing.h"

namespace {
std::atomic<int> syncs{0};
}  // namespace

extern "C" int fdatasync(int descriptor) {
  ++syncs;
  static const auto real = reinterpret_cast<int (*)(int)>(dlsym(RTLD_NEXT, "fdatasync"));
  return real(descriptor);
}

namespace backout::journal {
namespace {

struct SyncTest : ::testing::Test {
  int syncs_of(const std::function<void()>& work) {
    const int before = syncs;
    work();
    return syncs - before;
  }
  TestDirectory directory;
  FakeClock clock;
};

TEST_F(SyncTest, AnEventIsOnTheDiskWhenAppendReturnsAndANumberWithTheNextEvent) {
  const auto journal = opened(directory.path(), clock);
  ASSERT_OK(journal->append(kShop, 0, {note("first")}));  // makes the WAL
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(syncs_of([&] { ASSERT_OK(journal->next_number(kShop, "RUN")); }), 0);
    EXPECT_EQ(syncs_of([&] { ASSERT_OK(journal->append(kShop, 0, {note("again")})); }), 1);
    EXPECT_EQ(syncs_of([&] { ASSERT_OK(journal->append(kShop, 0, {note("and again")})); }), 1);
  }
  EXPECT_EQ(syncs_of([&] { ASSERT_OK(journal->acquire(kShop, "rollback to v1", Millis(1000))); }), 1);
}

}  // namespace
}  // namespace backout::journal
