// Points in time, out of a real pgBackRest repository.
#include "database/postgresql/recover.h"

#include <gmock/gmock.h>

#include "database/postgresql/archived_for_tests.h"

namespace backout::postgresql {
namespace {

using ::testing::HasSubstr;

TEST_F(PointTest, IsNotedWithoutADumpAndProvedByRestoringIt) {
  const auto taken = run("backup", checkpoint_args());
  ASSERT_TRUE(taken) << taken.error().message;
  const Json& part = get(*taken, "part");
  EXPECT_EQ(get_string(part, "backup"), "");
  EXPECT_FALSE(os::exists(scratch_ / "shop.dump"));
  const Json& point = get(part, "point");
  EXPECT_TRUE(get_bool(point, "archived")) << point.dump();
  EXPECT_TRUE(get_bool(point, "quiet"));
  EXPECT_THAT(get_string(point, "label"), HasSubstr("F"));
  EXPECT_THAT(get_string(point, "name"), HasSubstr("backout_2"));
  EXPECT_EQ(get_string(*look_at("backup", checkpoint_args()), "sight"), "holds");
  EXPECT_EQ(get_string(*look_at("prove-point", prove_args()), "sight"), "does-not-hold");
  cluster_.run(name_, "DELETE FROM items; DELETE FROM orders WHERE id > 7");
  const auto proved = run("prove-point", prove_args());
  ASSERT_TRUE(proved) << proved.error().message;
  EXPECT_EQ(get_string(*proved, "compared"), "exact");
  EXPECT_EQ(get_int(*proved, "rows"), 6001);
  EXPECT_THAT(get(*proved, "notes").dump(), HasSubstr("seen is unlogged"));
  EXPECT_EQ(get_string(*look_at("prove-point", prove_args()), "sight"), "holds");
  EXPECT_THAT(os::read_file(manifest())->find("not-to-be-seen"), std::string::npos);
}

TEST_F(PointTest, BecomesADumpThatIsRestoredBeside) {
  ASSERT_TRUE(run("backup", checkpoint_args()));
  const std::string then = sum(name_);
  cluster_.run(name_, "UPDATE orders SET note = 'bad'; INSERT INTO orders (note) VALUES ('new'); DROP TABLE items");
  EXPECT_EQ(get_string(*look_at("recover", recover_args()), "sight"), "does-not-hold");
  const auto recovered = run("recover", recover_args());
  ASSERT_TRUE(recovered) << recovered.error().message;
  EXPECT_EQ(get_string(*recovered, "compared"), "exact");
  EXPECT_EQ(get_string(*look_at("recover", recover_args()), "sight"), "holds");
  const auto restored = run("restore", restore_args());
  ASSERT_TRUE(restored) << restored.error().message;
  EXPECT_EQ(sum(beside()), then);
  EXPECT_EQ(cluster_.text(beside(), "SELECT count(*) FROM items"), "3000");
  ASSERT_TRUE(run("discard", with_server({{"database", beside()}})));
}

}  // namespace
}  // namespace backout::postgresql
