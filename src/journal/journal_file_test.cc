#include "journal/journal_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "base/hash.h"
#include "journal/testing.h"

namespace backout::journal {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}
void write(const std::string& path, const std::string& content) { std::ofstream(path, std::ios::binary) << content; }
unsigned mode_of(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? status.st_mode & 07777U : 0;
}

struct JournalFile : ::testing::Test {
  TestDirectory directory;
  FakeClock clock;
  std::string file = directory / "journal.db";

  /// Opens it, expecting `code`, and that not a byte of the directory changed.
  std::string refused(Code code) {
    const std::string before = content_of(file);
    const auto journal = Journal::open(directory.path(), "dana", clock);
    EXPECT_FALSE(journal.has_value());
    if (journal) return "";
    EXPECT_EQ(journal.error().code, code) << journal.error().message;
    EXPECT_NE(journal.error().next, "");
    EXPECT_EQ(content_of(file), before);
    EXPECT_FALSE(std::filesystem::exists(file + "-wal"));
    EXPECT_FALSE(std::filesystem::exists(file + "-journal"));
    return journal.error().message;
  }
};

TEST_F(JournalFile, IsForItsOwnerOnly) {
  const std::string state = directory / "a/b";
  ASSERT_OK(Journal::open(state, "dana", clock));
  EXPECT_EQ(mode_of(state), 0700U);
  EXPECT_EQ(mode_of(state + "/journal.db"), 0600U);
  EXPECT_EQ(mode_of(state + "/reserve"), 0600U);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(state), {}), 2) << "journal.db and reserve";
}

TEST_F(JournalFile, ThatIsEmptyIsRefused) {
  write(file, "");
  EXPECT_THAT(refused(Code::kCorrupt), HasSubstr("empty"));
}

TEST_F(JournalFile, ThatIsNoDatabaseIsRefused) {
  write(file, std::string(5000, 'x'));
  EXPECT_THAT(refused(Code::kCorrupt), HasSubstr("not an SQLite database"));
}

TEST_F(JournalFile, OfAnotherProgramIsRefused) {
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open(file.c_str(), &database), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(database, "CREATE TABLE orders (id)", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(database);
  EXPECT_THAT(refused(Code::kCorrupt), HasSubstr("another program"));
}

TEST_F(JournalFile, OfANewerVersionIsRefused) {
  opened(directory.path(), clock);
  tamper(directory.path(), "PRAGMA user_version=2");
  EXPECT_THAT(refused(Code::kUnsupported), HasSubstr("newer"));
  tamper(directory.path(), "PRAGMA user_version=1; UPDATE meta SET value = '2' WHERE key = 'format'");
  EXPECT_THAT(refused(Code::kUnsupported), HasSubstr("newer"));
}

TEST_F(JournalFile, CutShortIsReportedAndKept) {
  {
    const auto journal = opened(directory.path(), clock);
    for (int i = 0; i < 50; ++i) ASSERT_OK(journal->append(kShop, 0, {note(std::string(500, 'x'))}));
  }
  std::filesystem::resize_file(file, 4096);
  refused(Code::kCorrupt);
}

TEST_F(JournalFile, WithScrambledPagesIsReportedAndNotMended) {
  {
    const auto journal = opened(directory.path(), clock);
    for (int i = 0; i < 50; ++i) ASSERT_OK(journal->append(kShop, 0, {note(std::string(500, 'x'))}));
  }
  std::string bytes = content_of(file);
  for (size_t at = 2 * 4096; at < bytes.size(); at += 7) bytes[at] = '\x5a';
  write(file, bytes);
  const auto journal = Journal::open(directory.path(), "dana", clock);
  if (journal) {
    EXPECT_EQ((*journal)->append(kShop, 0, {note("x")}).error().code, Code::kCorrupt);
    EXPECT_THAT(faults_of(**journal), ::testing::Not(IsEmpty()));
  } else {
    EXPECT_EQ(journal.error().code, Code::kCorrupt);
  }
  EXPECT_EQ(content_of(file), bytes);
}

TEST_F(JournalFile, OfAnotherUserIsDenied) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can become somebody else";
  opened(directory.path(), clock);
  ASSERT_EQ(::chmod(directory.path().c_str(), 0755), 0);
  for (const unsigned mode : {0600U, 0644U}) {
    ASSERT_EQ(::chmod(file.c_str(), mode), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      if (::setuid(65534) != 0) ::_exit(9);
      const auto journal = Journal::open(directory.path(), "nobody", clock);
      ::_exit(!journal && journal.error().code == Code::kDenied && !journal.error().next.empty() ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0) << "mode " << mode;
  }
}

TEST_F(JournalFile, IsMadeOnceByProcessesThatMakeItTogether) {
  std::vector<pid_t> children;
  for (int i = 0; i < 6; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      const auto journal = Journal::open(directory.path(), "dana", clock);
      ::_exit(journal && (*journal)->append(kShop, 0, {note((*journal)->id())}) ? 0 : 1);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
  }
  const auto journal = opened(directory.path(), clock);
  const auto events = journal->read(kShop, 0, RunId(), -1);
  ASSERT_EQ(events->size(), 6U);
  for (const Event& one : *events) EXPECT_EQ(get_string(one.body, "text"), journal->id());
}

}  // namespace
}  // namespace backout::journal
