#include "journal/audit.h"

#include <fstream>

#include "journal/testing.h"

namespace backout::journal {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

struct AuditTest : ::testing::Test {
  TestDirectory directory;
  FakeClock clock;
  std::unique_ptr<Journal> journal = opened(directory.path(), clock);

  void SetUp() override {
    for (int i = 1; i <= 6; ++i) {
      ASSERT_OK(journal->append(
          kShop, 0, {event(EventType::kNote, {{"text", "größe\n" + std::to_string(i)}, {"share", 0.1 * i}}, "RUN-1")}));
      ASSERT_OK(journal->append(kBlog, 0, {note("n")}));
    }
  }
  std::vector<std::string> faults_after(const std::string& sql) {
    tamper(directory.path(), sql);
    return faults_of(*journal);
  }
};

TEST_F(AuditTest, AnUntouchedJournalHolds) {
  const auto report = journal->verify();
  ASSERT_OK(report);
  EXPECT_EQ(report->events, 12);
  EXPECT_THAT(report->faults, IsEmpty());
}

TEST_F(AuditTest, AChangedByteIsReportedOnceWithSiteAndSeq) {
  EXPECT_THAT(
      faults_after("UPDATE events SET body = replace(body, 'größe', 'grösse') WHERE site LIKE 'shop%' AND seq = 3"),
      ElementsAre("shop/production seq 3: its bytes are not those that were hashed"));
}

TEST_F(AuditTest, AChangedColumnIsReported) {
  EXPECT_THAT(faults_after("UPDATE events SET actor = 'sam' WHERE site LIKE 'blog%' AND seq = 6"),
              ElementsAre("blog/production seq 6: its bytes are not those that were hashed"));
  EXPECT_THAT(faults_after("UPDATE events SET type = 'nonsense' WHERE site LIKE 'shop%' AND seq = 1"), SizeIs(3));
}

TEST_F(AuditTest, AGapIsReported) {
  EXPECT_THAT(faults_after("DELETE FROM events WHERE site LIKE 'shop%' AND seq = 4"),
              ElementsAre("shop/production seq 5: follows seq 3, so 4 is missing"));
  EXPECT_THAT(
      faults_after("DELETE FROM events WHERE site LIKE 'blog%' AND seq IN (1, 2)"),
      ElementsAre("blog/production seq 3: follows seq 0, so 1 to 2 are missing", HasSubstr("shop/production seq 5")));
}

TEST_F(AuditTest, AWrongPreviousHashIsReported) {
  EXPECT_THAT(faults_after("UPDATE events SET prev = substr(prev, 2) || '0' WHERE site LIKE 'shop%' AND seq = 2"),
              ElementsAre("shop/production seq 2: its previous hash is not the hash of seq 1",
                          "shop/production seq 2: its bytes are not those that were hashed"));
}

TEST_F(AuditTest, ATailThatWasCutOffIsReported) {
  EXPECT_THAT(faults_after("DELETE FROM events WHERE site LIKE 'shop%' AND seq = 6"),
              ElementsAre("shop/production seq 5: the last event, but the head says 6"));
  EXPECT_THAT(faults_after("DELETE FROM events WHERE site LIKE 'blog%'"),
              ::testing::Contains("blog/production: all 6 events are missing"));
}

TEST_F(AuditTest, TheExportHasEveryEventWithHashesAndCountsThem) {
  std::vector<std::string> lines;
  ASSERT_OK(journal->export_to([&](std::string_view line) {
    lines.emplace_back(line);
    return Result<void>();
  }));
  ASSERT_EQ(lines.size(), 13U);
  const Json first = parse_json(lines[6]).value();
  EXPECT_EQ(get_string(first["header"], "site"), "shop/production");
  EXPECT_EQ(get_int(first["header"], "seq"), 1);
  EXPECT_EQ(get_string(first["body"], "text"), "größe\n1");
  EXPECT_EQ(get_string(first, "prev"), kFirstPrevious);
  EXPECT_EQ(parse_json(lines[7]).value()["prev"], first["hash"]);
  const Json last = parse_json(lines.back()).value();
  EXPECT_EQ(get_int(last, "events"), 12);
  EXPECT_EQ(get_string(last, "journal"), journal->id());
  EXPECT_EQ(get_int(last["sites"]["blog/production"], "seq"), 6);
}

TEST_F(AuditTest, AnExportThatCannotBeWrittenEndsWithItsError) {
  const auto result = journal->export_to([](std::string_view) {
    return Result<void>(Error{Code::kNoSpace, "full", ""});
  });
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::kNoSpace);
  EXPECT_TRUE(journal->append(kShop, 0, {note("goes on")})) << "the snapshot was given back";
}

/// The script that docs/formats/journal.md hands to readers.
struct PythonReader : AuditTest {
  const std::string script = directory / "verify.py";

  void SetUp() override {
    AuditTest::SetUp();
    std::ifstream page(BACKOUT_SOURCE_DIR "/docs/formats/journal.md");
    std::ofstream out(script);
    bool inside = false;
    int lines = 0;
    for (std::string line; std::getline(page, line);) {
      if (line == "```python")
        inside = true;
      else if (line == "```")
        inside = false;
      else if (inside)
        out << line << "\n", ++lines;
    }
    ASSERT_GT(lines, 5);
    ASSERT_LE(lines, 20) << "the page promises twenty lines";
  }
  int run(const std::string& argument) const {
    return WEXITSTATUS(std::system(("/usr/bin/python3 " + script + " " + argument + " > /dev/null 2>&1").c_str()));
  }
  std::string exported() {
    const std::string file = directory / "export.jsonl";
    std::ofstream out(file);
    EXPECT_TRUE(journal->export_to([&](std::string_view line) {
      out << line << "\n";
      return Result<void>();
    }));
    return file;
  }
};

TEST_F(PythonReader, VerifiesTheFileAndTheExport) {
  EXPECT_EQ(run(directory / "journal.db"), 0);
  EXPECT_EQ(run(exported()), 0);
}

TEST_F(PythonReader, SeesAChangedByteAndAGap) {
  tamper(directory.path(), "UPDATE events SET body = replace(body, '0.1', '0.2') WHERE site LIKE 'shop%' AND seq = 1");
  EXPECT_EQ(run(directory / "journal.db"), 1);
  EXPECT_EQ(run(exported()), 1);
}

TEST_F(PythonReader, SeesAGap) {
  tamper(directory.path(), "DELETE FROM events WHERE site LIKE 'shop%' AND seq = 2");
  EXPECT_EQ(run(directory / "journal.db"), 1);
  EXPECT_EQ(run(exported()), 1);
}

TEST_F(PythonReader, SeesATailThatWasCutOff) {
  tamper(directory.path(), "DELETE FROM events WHERE site LIKE 'shop%' AND seq = 6");
  EXPECT_EQ(run(directory / "journal.db"), 1);
}

}  // namespace
}  // namespace backout::journal
