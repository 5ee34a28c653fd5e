// A rescue from checkpoint to proof, as the driver's tool does it. For tests.
#pragma once
#include "database/sqlite/testing.h"

namespace backout::database::testing {

inline Json counts(int insert, int update, int remove) {
  return {{"insert", insert}, {"update", update}, {"delete", remove}};
}

class Rescue : public ::testing::Test {
 protected:
  /// v1 with its rows, and a checkpoint of it.
  void checkpoint(const std::string& statements) {
    sql(paths.live, statements);
    expect_done("backup", paths.backup_args());
  }
  /// What the migration and the users did since; then restore and rescue.
  Json rescue_after(const std::string& statements) {
    sql(paths.live, statements);
    const std::string before = content(paths.live);
    expect_done("restore", paths.restore_args());
    EXPECT_FALSE(holds("rescue", paths.rescue_args()));
    auto ran = expect_done("rescue", paths.rescue_args());
    EXPECT_TRUE(holds("rescue", paths.rescue_args()));
    EXPECT_EQ(content(paths.live), before);
    EXPECT_EQ(text(paths.beside, "PRAGMA integrity_check"), "ok");
    return ran.last;
  }
  std::vector<Json> lines(const std::string& path) {
    std::vector<Json> out;
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) out.push_back(Json::parse(line));
    return out;
  }
  Scratch scratch;
  Paths paths{scratch};
};

}  // namespace backout::database::testing
