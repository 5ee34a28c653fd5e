// A log that is written to and rotated while it is watched.
#include "watch/log/log.h"

#include <filesystem>

#include "watch/testing.h"

namespace backout::watch {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
namespace fs = std::filesystem;
const WallTime kCutover = wall_from_millis(1'763'733'600'000);  // 2025-11-21T14:00:00Z

class Log : public ::testing::Test {
 protected:
  Log() { begin(Json::object()); }
  void begin(const Json& more) {
    Json subject = {{"log", file_}};
    subject.update(more);
    looking_ = std::make_unique<Looking>("log", subject, kCutover);
  }
  void write(const std::string& time, const std::string& text, int times = 1) const {
    for (int each = 0; each < times; ++each) append_text(file_, "2025-11-21T" + time + "Z " + text + "\n");
  }
  /// How many lines of each kind of occurrence.
  std::map<std::string, int64_t> look() {
    last_ = looking_->look(kCutover + std::chrono::minutes(5));
    std::map<std::string, int64_t> counts;
    for (const Occurrence& each : last_.occurrences) counts[each.kind] += each.count;
    return counts;
  }
  using Counts = std::map<std::string, int64_t>;
  os::TestDirectory directory_;
  const std::string file_ = directory_ / "app.log";
  std::unique_ptr<Looking> looking_;
  Seen last_;
};

TEST_F(Log, LearnsFromBeforeTheCutoverAndTellsWhatIsNew) {
  write("13:30:00", "ERROR payment 1 declined", 4);
  write("14:00:05", "ERROR payment 2 declined");
  write("14:00:06", "ERROR coupon 3 has no owner", 2);
  EXPECT_EQ(look(), (Counts{{"error-line", 3}}));
  EXPECT_TRUE(get_bool(last_.figures, "compared"));
  write("14:00:09", "ERROR coupon 4 has no owner");
  looking_->again();
  EXPECT_EQ(look(), (Counts{{"error-line", 1}, {"template", 3}}));
  EXPECT_EQ(look(), Counts{}) << "nothing is told twice";
}

TEST_F(Log, NothingIsLostOrCountedTwiceThroughRotation) {
  write("13:30:00", "INFO started");
  look();
  int64_t written = 0, told = 0;
  const auto more = [&](int lines) {
    write("14:01:00", "ERROR it broke", lines);
    written += lines;
  };
  const auto count = [&] { told += look()["error-line"]; };
  more(5), count();
  more(3);  // behind the last look, then renamed away
  fs::rename(file_, file_ + ".1");
  more(4), count();
  EXPECT_EQ(told, written);
  more(2);  // copied and truncated
  fs::copy_file(file_, file_ + ".1", fs::copy_options::overwrite_existing);
  fs::resize_file(file_, 0);
  more(1), count();
  EXPECT_EQ(told, written);
  append_text(file_, "2025-11-21T14:02:00Z ERROR it br");  // half a line
  count();
  EXPECT_EQ(told, written);
  append_text(file_, "oke\n");
  ++written, count();
  EXPECT_EQ(told, written);
}

TEST_F(Log, ALogThatIsNotThereOrVanishesIsBlind) {
  EXPECT_EQ(look(), Counts{});
  EXPECT_THAT(last_.blind, HasSubstr("app.log is not there"));
  write("13:30:00", "INFO started");
  look();
  EXPECT_EQ(last_.blind, "");
  fs::remove(file_);
  look();
  EXPECT_THAT(last_.blind, HasSubstr("is not there"));
  write("14:01:00", "ERROR it broke");
  EXPECT_EQ(look()["error-line"], 1);
  EXPECT_THAT(last_.remarks, Contains(HasSubstr("was replaced")));
  fs::remove(file_);
  fs::create_directory(file_);
  look();
  EXPECT_THAT(last_.blind, HasSubstr("cannot be read"));
}

TEST_F(Log, BinaryRubbishAndALineOfAMegabyteDoNoHarm) {
  write("13:30:00", "INFO started");
  look();
  append_text(file_, std::string(1 << 20, 'x') + "\n" + std::string("\x00\xff\xfe\x1b[2J\n", 8));
  write("14:01:00", "ERROR it broke");
  EXPECT_EQ(look()["error-line"], 1);
  append_text(file_, std::string((kMostOfLog) + 1000, 'y') + "\n");
  write("14:01:00", "ERROR it broke");
  EXPECT_EQ(look()["error-line"], 1);
  EXPECT_THAT(last_.remarks, Contains(HasSubstr("skipped")));
}

TEST_F(Log, LinesWithoutTimesAreTheOldReleasesOnlyRightAfterTheCutover) {
  append_text(file_, "ERROR payment declined\n");
  looking_->look(kCutover + Millis(3000));
  append_text(file_, "ERROR payment declined\nERROR other\nERROR other\nERROR other\n");
  EXPECT_EQ(look(), (Counts{{"error-line", 4}, {"template", 3}}));
  begin(Json::object());
  EXPECT_EQ(look()["template"], 0);
  EXPECT_THAT(last_.remarks, Contains(HasSubstr("no kind of error can be called new")));
}

TEST_F(Log, TheUsersPatternsAndSubjectsThatCannotBe) {
  begin({{"errors", {"timeout after"}}, {"ignore", {"warmup"}}, {"templates", false}});
  write("13:30:00", "INFO started");
  look();
  write("14:01:00", "WARN timeout after 30 s");
  write("14:01:00", "WARN warmup timeout after 30 s");
  write("14:01:00", "ERROR something else");
  EXPECT_EQ(look(), (Counts{{"error-line", 1}}));
  const auto host = host::make_local_host(host::HostName("local"));
  for (const Json& subject :
       {Json{{"log", "app.log"}}, Json{{"journal", "-x"}}, Json::object(), Json{{"log", "/a"}, {"errors", {"("}}}})
    EXPECT_FALSE(make_source("log", subject, *host)) << subject;
}

}  // namespace
}  // namespace backout::watch
