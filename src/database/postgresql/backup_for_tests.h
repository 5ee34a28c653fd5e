// For tests of backup and restore: a database, a directory, and the verbs' arguments for them.
#pragma once
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "database/postgresql/backup.h"
#include "database/postgresql/testing.h"
#include "os/test_directory.h"

namespace backout::postgresql {

/// A database of the test cluster, a place for its dump, and the arguments of the verbs.
class BackupTest : public ::testing::Test {
 protected:
  void SetUp() override { name_ = cluster_.database("shop"); }
  void TearDown() override {
    // Nothing of ours is left, whatever the test did.
    EXPECT_EQ(ours("%\\_part\\_%"), "");
  }
  std::string ours(const std::string& pattern) {
    return cluster_.text(
        "postgres",
        "SELECT string_agg(datname, ' ') FROM pg_catalog.pg_database WHERE datname LIKE '" + name_ + pattern + "'");
  }
  Json backup_args() {
    return {
        {"server", cluster_.server().conninfo}, {"database", name_}, {"directory", dump()}, {"manifest", manifest()}};
  }
  Json source() { return {{"backup", dump()}, {"manifest", manifest()}}; }
  Json restore_args() { return {{"server", cluster_.server().conninfo}, {"source", source()}, {"beside", beside()}}; }
  Json verify_args() {
    Json args = source();
    args["server"] = cluster_.server().conninfo;
    args["scratch"] = name_ + "__backout_R1_test";
    return args;
  }
  /// A program of this name that runs first, in a directory of its own: for the argument `programs`.
  std::string lying(const std::string& program, const std::string& script) {
    const std::string directory = scratch_ / "bin";
    std::filesystem::create_directories(directory);
    std::ofstream(directory + "/" + program) << "#!/bin/sh\nREAL=/usr/lib/postgresql/15/bin/" << program << "\n"
                                             << "[ \"$1\" = --version ] && exec $REAL --version\n"
                                             << script << "\n";
    std::filesystem::permissions(directory + "/" + program, std::filesystem::perms::owner_all);
    return directory;
  }
  std::string dump() { return scratch_ / "shop.dump"; }
  std::string manifest() { return scratch_ / "shop.manifest.json"; }
  std::string beside() { return name_ + "__backout_R1_new"; }

  TestCluster& cluster_ = TestCluster::the();
  os::TestDirectory scratch_;
  std::string name_;
};

}  // namespace backout::postgresql
