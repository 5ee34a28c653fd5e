// For the journal's tests: a clock that is set by hand, a directory that goes away, hands in the file behind its back.
#pragma once
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <stdlib.h>

#include <filesystem>

#include "journal/stored_journal.h"

namespace backout::journal {

class FakeClock : public Clock {
 public:
  WallTime wall() override { return wall_now; }
  BootTime boot() override { return boot_now; }
  std::string boot_id() override { return boot_name; }
  bool wait(Millis span, std::stop_token) override {
    boot_now += span;
    return true;
  }

  WallTime wall_now = wall_from_millis(1'772'374'931'000);  // 2026-03-01T14:22:11Z
  BootTime boot_now{5'000'000};
  std::string boot_name = "boot-1";
};

class TestDirectory {
 public:
  TestDirectory() {
    std::string pattern = ::testing::TempDir() + "journal.XXXXXX";
    path_ = ::mkdtemp(pattern.data());
  }
  ~TestDirectory() { std::filesystem::remove_all(path_); }
  TestDirectory(const TestDirectory&) = delete;
  TestDirectory& operator=(const TestDirectory&) = delete;
  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

inline const SiteId kShop("shop/production");
inline const SiteId kBlog("blog/production");

inline NewEvent note(std::string text) {
  return {.type = EventType::kNote, .body = {{"text", std::move(text)}}, .run = RunId()};
}
inline NewEvent event(EventType type, Json body, std::string run = "") {
  return {.type = type, .body = std::move(body), .run = RunId(std::move(run))};
}

inline std::unique_ptr<Journal> opened(const std::string& directory, Clock& clock, Options options = {}) {
  if (options.reserve_bytes == Reserve::kDefaultBytes) options.reserve_bytes = 0;  // most tests need none
  auto journal = StoredJournal::open(directory, "dana", clock, std::move(options));
  EXPECT_TRUE(journal.has_value()) << (journal ? "" : journal.error().message);
  return journal ? std::move(journal).value() : nullptr;
}

/// What somebody does to the file with the sqlite3 tool.
inline void tamper(const std::string& directory, const std::string& sql) {
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open((directory + "/journal.db").c_str(), &database), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(database);
  sqlite3_close(database);
}

/// Every row of table models as text.
inline std::vector<std::string> models_in(const std::string& directory) {
  std::vector<std::string> rows;
  sqlite3* database = nullptr;
  EXPECT_EQ(sqlite3_open((directory + "/journal.db").c_str(), &database), SQLITE_OK);
  const auto take = [](void* list, int count, char** values, char**) {
    std::string row;
    for (int i = 0; i < count; ++i) row += std::string(values[i] != nullptr ? values[i] : "NULL") + " | ";
    static_cast<std::vector<std::string>*>(list)->push_back(row);
    return 0;
  };
  EXPECT_EQ(sqlite3_exec(database, "SELECT * FROM models ORDER BY 1, 2, 3", take, &rows, nullptr), SQLITE_OK);
  sqlite3_close(database);
  return rows;
}

#define ASSERT_OK(expression)                                        \
  do {                                                               \
    const auto& ok_result = (expression);                            \
    ASSERT_TRUE(ok_result.has_value()) << ok_result.error().message; \
  } while (false)

inline std::vector<std::string> faults_of(Journal& journal) {
  const auto report = journal.verify();
  EXPECT_TRUE(report.has_value()) << (report ? "" : report.error().message);
  return report ? report->faults : std::vector<std::string>{"verify failed"};
}

}  // namespace backout::journal
