// Cron files and a user's own crontab: for real, and by a `crontab` that fails in every way one can.
#include <gmock/gmock.h>
#include <sys/mount.h>

#include <fstream>

#include "base/text.h"
#include "conformance/conformance.h"
#include "drivers/auto_deploy/auto_deploy.h"

namespace backout::drivers {
namespace {

using namespace std::string_literals;
using ::testing::HasSubstr;

constexpr const char* kCrontab =
    "# deploys\nSHELL=/bin/sh\n*/5 * * * * deploy cd /srv/shop && git pull -q\n\n0 3 * * * root /usr/local/bin/backup\n"
    "#0 4 * * * root git pull of long ago\n";

struct CronLines : ::testing::Test {
  conformance::LocalHost local;
  conformance::ScratchDirectory directory;
  std::unique_ptr<driver::Driver> driver = make_auto_deploy_driver();
  std::string file = directory / "shop";

  void SetUp() override { reset(); }
  void reset() const { std::ofstream(file, std::ios::trunc) << kCrontab; }
  std::string text() const {
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  Json subject(const std::string& match = "git pull") const {
    return {{"name", "pull"}, {"kind", "cron"}, {"object", file}, {"match", match}};
  }
  driver::Offering offering(const std::string& match = "git pull") const {
    driver::Offering made;
    made.site = SiteId("bakery/production");
    made.subject = subject(match);
    made.to = Version("v1");
    made.hosts = {"local"};
    made.seen["local"] = driver->observe(made.subject, *local.host, {}).value_or(Json::object());
    return made;
  }
};

TEST_F(CronLines, pausing_conforms) {
  const Step step = conformance::offers_well(*driver, offering()).at(0);
  const std::string paused = replaced(kCrontab, "*/5 *", "#backout-paused */5 *");
  std::filesystem::permissions(file, std::filesystem::perms(0640));
  conformance::conforms(*driver, {.action = step.action,
                                  .undo = step.undo,
                                  .reset = [&] { reset(); },
                                  .done = [&] { return text() == paused; },
                                  .as_before = [&] { return text() == kCrontab; },
                                  .always = [&] { return text() == kCrontab || text() == paused || text().empty(); },
                                  .kills = 4});
  EXPECT_EQ(std::filesystem::status(file).permissions(), std::filesystem::perms(0640));
}

TEST_F(CronLines, without_a_text_all_jobs_rest_and_settings_stay) {
  const Action pause = conformance::offers_well(*driver, offering("")).at(0).action;
  conformance::apply_well(*driver, pause, *local.host);
  EXPECT_THAT(text(), HasSubstr("\nSHELL=/bin/sh\n"));
  EXPECT_THAT(text(), HasSubstr("\n#backout-paused 0 3 * * * root /usr/local/bin/backup\n"));
  EXPECT_THAT(text(), HasSubstr("\n#0 4 * * *")) << "a comment stays one";
}

TEST_F(CronLines, a_line_that_is_not_there_is_told_and_not_called_paused) {
  for (const char* match : {"svn up", "git pull of long ago"}) {
    const driver::Offering none = offering(match);
    EXPECT_FALSE(get_bool(none.seen.at("local"), "paused"));
    const auto steps = driver->offer(none);
    ASSERT_FALSE(steps) << "nothing would be paused";
    EXPECT_EQ(steps.error().code, Code::kNotFound);
    EXPECT_THAT(driver->ready(none, *local.host, driver::Depth::kQuick, {}).findings.at(0).what,
                HasSubstr("is not there"));
  }
}

TEST_F(CronLines, hostile_bytes_are_paused_and_put_back_whole_or_not_touched) {
  const std::string job = "*/5 * * * * deploy cd /srv/shop && git pull -q";
  const std::vector<std::string> tables = {job,           // without a newline at its end
                                           job + "\r\n",  //
                                           "\xff\xfe " + job + "\n" + job + " \xc3\x28\n",       // no UTF-8
                                           job + " \0 # and more\n"s,                            // NULs
                                           "\0\n"s + job + "\n",                                 //
                                           job + std::string(300'000, 'x') + "\n" + job + "\n",  // a long line
                                           "jobs 0\nparked 7\nend\n" + job + "\n",  // as if it were our own answer
                                           "#backout-paused \n" + job + "\n#backout-paused #x\n",          //
                                           job + " %s%n \\ ' \" $(touch /tmp/backout-never) `touch x`\n",  //
                                           std::string(20'000, '\n') + job + "\n"};
  for (const std::string& table : tables) {
    std::ofstream(file, std::ios::trunc) << table;
    driver::Offering made = offering();
    EXPECT_EQ(text(), table) << "a look changes nothing";
    made.seen["local"] = {{"there", true}, {"paused", false}};
    const Step step = conformance::offers_well(*driver, made).at(0);
    const auto paused = conformance::apply(*driver, step.action, *local.host);
    ASSERT_TRUE(paused);
    if (!paused->ok()) {
      EXPECT_EQ(text(), table) << "refused, so nothing was changed: " << paused->err;
      continue;
    }
    const std::string whole = table + (table.ends_with('\n') ? "" : "\n");
    EXPECT_EQ(replaced(text(), "#backout-paused ", ""), replaced(whole, "#backout-paused ", "")) << table.substr(0, 99);
    EXPECT_EQ(driver->verify(step.action, *local.host, {}).kind, SightKind::kHolds) << table.substr(0, 99);
    conformance::apply_well(*driver, *step.undo, *local.host);
    EXPECT_EQ(text(), table);
  }
  EXPECT_FALSE(std::filesystem::exists("/tmp/backout-never"));
}

TEST_F(CronLines, behind_a_symlink_are_refused_beforehand_and_an_undo_of_nothing_is_done) {
  const Step step = conformance::offers_well(*driver, offering()).at(0);
  std::filesystem::rename(file, file + ".real");
  std::filesystem::create_symlink(file + ".real", file);
  const auto seen = driver->observe(subject(), *local.host, {});
  ASSERT_FALSE(seen);
  EXPECT_THAT(seen.error().message, HasSubstr("is a symlink"));
  const auto paused = conformance::apply(*driver, step.action, *local.host);
  EXPECT_FALSE(paused && paused->ok());
  const auto undone = conformance::apply(*driver, *step.undo, *local.host);
  ASSERT_TRUE(undone);
  EXPECT_TRUE(undone->ok()) << undone->err;
  EXPECT_EQ(text(), kCrontab);
}

TEST_F(CronLines, that_vanish_after_the_pause_are_not_paused) {
  const Action pause = conformance::offers_well(*driver, offering()).at(0).action;
  conformance::apply_well(*driver, pause, *local.host);
  std::ofstream(file, std::ios::trunc) << "*/5 * * * * deploy cd /srv/shop && git fetch && git merge\n";
  EXPECT_EQ(driver->verify(pause, *local.host, {}).kind, SightKind::kDoesNotHold);
  std::filesystem::remove(file);
  EXPECT_EQ(driver->verify(pause, *local.host, {}).kind, SightKind::kDoesNotHold);
}

TEST_F(CronLines, come_back_byte_for_byte_with_what_was_paused_before) {
  const std::string odd =
      "#backout-paused 1 * * * * root git pull by another run\n\t*/5 * * * * root git pull\r\n"
      "\x80\xff 0 3 * * * root backup\n# no newline at the end";
  std::ofstream(file, std::ios::trunc) << odd;
  const Step step = conformance::offers_well(*driver, offering()).at(0);
  conformance::apply_well(*driver, step.action, *local.host);
  EXPECT_THAT(text(), HasSubstr("\n#backout-paused \t*/5"));
  conformance::apply_well(*driver, *step.undo, *local.host);
  EXPECT_EQ(text(), odd);
  EXPECT_EQ(driver->verify(*step.undo, *local.host, {}).kind, SightKind::kHolds);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory.path()), {}), 1) << "nothing is left behind";
}

TEST_F(CronLines, that_somebody_edited_meanwhile_lose_only_the_marks_and_the_old_ones_are_kept) {
  const Step step = conformance::offers_well(*driver, offering()).at(0);
  conformance::apply_well(*driver, step.action, *local.host);
  std::ofstream(file, std::ios::app) << "1 1 * * * root new\n";
  conformance::apply_well(*driver, step.action, *local.host);  // again: the copy stays what was found first
  conformance::apply_well(*driver, *step.undo, *local.host);
  EXPECT_EQ(text(), std::string(kCrontab) + "1 1 * * * root new\n");
  const std::string kept = directory / ".shop.backout-saved.bakery-production-pull.{run}.kept";
  EXPECT_EQ(conformance::detail::slurp(kept), kCrontab);
  EXPECT_EQ(std::filesystem::status(kept).permissions(), std::filesystem::perms(0600));
}

// A pause can be killed at any instant before the copy has its name.
TEST_F(CronLines, an_undo_takes_away_what_a_pause_left_that_was_killed_before_it_had_saved) {
  const Step step = conformance::offers_well(*driver, offering()).at(0);
  for (const char* left :
       {".shop.backout-now", ".shop.backout-tmp", ".shop.backout-saved.bakery-production-pull.{run}.new"})
    std::ofstream(directory / left) << "half";
  conformance::apply_well(*driver, *step.undo, *local.host);
  EXPECT_EQ(text(), kCrontab);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory.path()), {}), 1) << "nothing is left behind";
}

TEST_F(CronLines, two_deployers_of_one_table_pause_and_go_on_side_by_side) {
  const Step pull = conformance::offers_well(*driver, offering("git pull")).at(0);
  driver::Offering other = offering("backup");
  other.subject["name"] = "backup";
  const Step backup = conformance::offers_well(*driver, other).at(0);
  const auto both = [&](const Action& a, const Action& b) {
    std::thread at_once([&] {
      const auto result = local.host->run(*driver->command(a, *local.host));
      EXPECT_TRUE(result && result->ok()) << result->err;
    });
    const auto result = local.host->run(*driver->command(b, *local.host));
    EXPECT_TRUE(result && result->ok()) << result->err;
    at_once.join();
  };
  for (int round = 0; round < 5; ++round) {
    both(pull.action, backup.action);
    EXPECT_THAT(text(), HasSubstr("\n#backout-paused */5"));
    EXPECT_THAT(text(), HasSubstr("\n#backout-paused 0 3"));
    both(*pull.undo, *backup.undo);
    EXPECT_EQ(text(), kCrontab);
  }
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory.path()), {}), 1) << "nothing is left behind";
}

TEST_F(CronLines, on_a_full_disk_are_left_as_they_are) {
  const std::string disk = directory / "disk";
  std::filesystem::create_directory(disk);
  if (::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=32k") != 0) GTEST_SKIP() << "cannot mount";
  file = disk + "/shop";
  reset();
  std::ofstream(disk + "/rest") << std::string(32768, 'x');
  const Action pause = conformance::offers_well(*driver, offering()).at(0).action;
  const auto result = conformance::apply(*driver, pause, *local.host);
  EXPECT_FALSE(result && result->ok());
  EXPECT_THAT(result->err, HasSubstr("nothing was changed"));
  EXPECT_EQ(text(), kCrontab);
  EXPECT_EQ(driver->verify(pause, *local.host, {}).kind, SightKind::kDoesNotHold);
  std::filesystem::remove(disk + "/rest");
  conformance::apply_well(*driver, pause, *local.host);
  EXPECT_EQ(driver->verify(pause, *local.host, {}).kind, SightKind::kHolds);
  EXPECT_EQ(::umount(disk.c_str()), 0);
}

// The table is a file beside it; `fault` says what goes wrong.
constexpr const char* kCrontabTool = R"sh(#!/bin/sh
home=$(dirname "$0") fault=$(cat "$(dirname "$0")/fault" 2>/dev/null)
case $0 in */awk)
  case $fault in awk-fails) head -n 1; exit 2 ;; awk-is-silent) exit 0 ;;
    edited-meanwhile) rm "$home/fault"; /usr/bin/awk "$@"; echo '1 1 * * * new' >>"$home/table"; exit ;; esac
  exec /usr/bin/awk "$@" ;;
esac
[ "$1" != -u ] || shift 2
if [ "$1" = -l ]; then
  case $fault in
    cannot-read) head -c 20 "$home/table"; echo 'crontab: input/output error' >&2; exit 1 ;;
    disk-full-unnoticed) if [ -f /dev/stdout ]; then head -c 60 "$home/table"; exit 0; fi ;;
  esac
  echo 'a warning of crontab' >&2
  [ -e "$home/table" ] || { echo 'no crontab for deploy' >&2; exit 1; }
  cat "$home/table"
  exit
fi
case $fault in
  cannot-install) echo 'crontab: no space left on device' >&2; exit 1 ;;
  installs-half) head -c 30 "$1" >"$home/table.new"; rm -f "$home/fault" ;;
  *) cat "$1" >"$home/table.new" ;;
esac
mv "$home/table.new" "$home/table"
)sh";

struct OwnCrontab : CronLines {
  std::string path = std::getenv("PATH"), table = directory / "table", keep = directory / "keep";

  void SetUp() override {
    for (const char* tool : {"crontab", "awk"}) {
      std::ofstream(directory / tool) << kCrontabTool;
      std::filesystem::permissions(directory / tool, std::filesystem::perms(0755));
    }
    ::setenv("PATH", (directory.path() + ":" + path).c_str(), 1);
    file = table;
    reset();
  }
  void TearDown() override { ::setenv("PATH", path.c_str(), 1); }
  void fault(const std::string& what) const { std::ofstream(directory / "fault", std::ios::trunc) << what; }
  driver::Offering offering() const {
    driver::Offering made;
    made.site = SiteId("bakery/production");
    made.subject = {{"name", "pull"}, {"kind", "crontab"}, {"object", "deploy"}, {"match", "git pull"}, {"keep", keep}};
    made.hosts = {"local"};
    made.seen["local"] = driver->observe(made.subject, *local.host, {}).value_or(Json::object());
    return made;
  }
};

TEST_F(OwnCrontab, pausing_conforms_and_the_table_is_whole_at_every_instant) {
  const Step step = conformance::offers_well(*driver, offering()).at(0);
  const std::string paused = replaced(kCrontab, "*/5 *", "#backout-paused */5 *");
  const auto reset_all = [&] {
    std::filesystem::remove_all(keep);
    std::ofstream(table + ".new") << kCrontab;
    std::filesystem::rename(table + ".new", table);
  };
  conformance::conforms(*driver, {.action = step.action,
                                  .undo = step.undo,
                                  .reset = reset_all,
                                  .done = [&] { return text() == paused; },
                                  .as_before = [&] { return text() == kCrontab; },
                                  .always = [&] { return text() == kCrontab || text() == paused; },
                                  .kills = 6});
  EXPECT_TRUE(!std::filesystem::exists(keep) || std::filesystem::is_empty(keep))
      << "killed before it was made, or swept";
}

TEST_F(OwnCrontab, an_undo_takes_away_what_a_pause_left_that_was_killed_before_it_had_saved) {
  const Step step = conformance::offers_well(*driver, offering()).at(0);
  const std::string copy = keep + "/deploy.bakery-production-pull.{run}";
  std::filesystem::create_directories(copy + ".work");
  std::ofstream(copy + ".work/now") << "half";
  std::ofstream(copy + ".new") << "half";
  conformance::apply_well(*driver, *step.undo, *local.host);
  EXPECT_EQ(text(), kCrontab);
  EXPECT_TRUE(std::filesystem::is_empty(keep));
}

struct CrontabFault : OwnCrontab, ::testing::WithParamInterface<const char*> {};
INSTANTIATE_TEST_SUITE_P(OwnCrontab, CrontabFault,
                         ::testing::Values("awk-fails", "awk-is-silent", "cannot-read", "disk-full-unnoticed",
                                           "cannot-install", "installs-half"),
                         [](const auto& fault) { return replaced(fault.param, "-", "_"); });

TEST_P(CrontabFault, leaves_the_table_as_it_was_and_is_no_success) {
  const Step step = conformance::offers_well(*driver, offering()).at(0);
  fault(GetParam());
  const auto result = conformance::apply(*driver, step.action, *local.host);
  ASSERT_TRUE(result.has_value());
  EXPECT_FALSE(result->ok());
  EXPECT_EQ(text(), kCrontab) << result->err;
  EXPECT_NE(driver->verify(step.action, *local.host, {}).kind, SightKind::kHolds);
  fault("");
  conformance::apply_well(*driver, step.action, *local.host);
  EXPECT_EQ(driver->verify(step.action, *local.host, {}).kind, SightKind::kHolds);
  const std::string paused = text();
  fault(GetParam());
  const auto undone = conformance::apply(*driver, *step.undo, *local.host);
  EXPECT_FALSE(undone && undone->ok());
  EXPECT_EQ(text(), paused);
  fault("");
  conformance::apply_well(*driver, *step.undo, *local.host);
  EXPECT_EQ(text(), kCrontab);
}

TEST_F(OwnCrontab, is_not_touched_when_no_copy_can_be_saved) {
  const Action pause = conformance::offers_well(*driver, offering()).at(0).action;
  std::filesystem::create_directory(keep);
  if (::mount("tmpfs", keep.c_str(), "tmpfs", 0, "size=4k") != 0) GTEST_SKIP() << "cannot mount";
  std::ofstream(keep + "/rest") << std::string(4096, 'x');
  const auto result = conformance::apply(*driver, pause, *local.host);
  EXPECT_FALSE(result && result->ok());
  EXPECT_THAT(result->err, HasSubstr("nothing was changed"));
  EXPECT_EQ(text(), kCrontab);
  EXPECT_EQ(driver->verify(pause, *local.host, {}).kind, SightKind::kDoesNotHold);
  EXPECT_EQ(::umount(keep.c_str()), 0);
}

TEST_F(OwnCrontab, that_somebody_edits_at_this_moment_keeps_the_edit) {
  const Action pause = conformance::offers_well(*driver, offering()).at(0).action;
  fault("edited-meanwhile");
  const auto result = conformance::apply(*driver, pause, *local.host);
  EXPECT_FALSE(result && result->ok());
  EXPECT_EQ(text(), std::string(kCrontab) + "1 1 * * * new\n");
  conformance::apply_well(*driver, pause, *local.host);
  EXPECT_EQ(text(), replaced(kCrontab, "*/5 *", "#backout-paused */5 *") + "1 1 * * * new\n");
}

TEST_F(OwnCrontab, that_is_gone_is_not_paused_and_says_where_it_is_kept) {
  const Step step = conformance::offers_well(*driver, offering()).at(0);
  conformance::apply_well(*driver, step.action, *local.host);
  std::filesystem::remove(table);
  EXPECT_EQ(driver->verify(step.action, *local.host, {}).kind, SightKind::kDoesNotHold);
  const auto undone = conformance::apply(*driver, *step.undo, *local.host);
  EXPECT_FALSE(undone && undone->ok());
  EXPECT_THAT(undone->err, HasSubstr("as it was before: " + keep + "/deploy.bakery-production-pull.{run}"));
}

/// What cron itself makes of it: `crontab` refuses what it cannot read.
TEST_F(CronLines, a_users_own_crontab_by_the_real_crontab) {
  if (::geteuid() != 0 || ::system("command -v crontab >/dev/null && ! crontab -u nobody -l >/dev/null 2>&1") != 0)
    GTEST_SKIP() << "no crontab command, or nobody has a crontab";
  const std::string given = "MAILTO=\"\"\n*/5 * * * * cd /srv/shop && git pull -q\n0 3 * * * /usr/local/bin/backup\n";
  const auto install = [&] {
    std::ofstream(directory / "given") << given;
    return ::system(("crontab -u nobody " + directory / "given").c_str());
  };
  const auto now = [&] {
    if (::system(("crontab -u nobody -l >" + directory / "now").c_str()) != 0) return std::string("none");
    std::ifstream in(directory / "now");
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  ASSERT_EQ(install(), 0);
  driver::Offering made = offering();
  made.subject = {{"name", "pull"}, {"kind", "crontab"}, {"object", "nobody"}, {"match", "git pull"}};
  made.subject["keep"] = directory / "keep";
  made.seen["local"] = driver->observe(made.subject, *local.host, {}).value_or(Json::object());
  const std::vector<Step> steps = conformance::offers_well(*driver, made);
  EXPECT_EQ(steps.size(), 1U);
  if (!steps.empty()) {
    conformance::apply_well(*driver, steps[0].action, *local.host);
    EXPECT_THAT(now(), HasSubstr("\n#backout-paused */5"));
    EXPECT_EQ(driver->verify(steps[0].action, *local.host, {}).kind, SightKind::kHolds);
    conformance::apply_well(*driver, *steps[0].undo, *local.host);
    EXPECT_EQ(now(), given);
  }
  EXPECT_EQ(::system("crontab -u nobody -r"), 0);
}

}  // namespace
}  // namespace backout::drivers
