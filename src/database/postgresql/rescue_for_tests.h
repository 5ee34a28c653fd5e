// A live database, the one restored beside it, and a rescue between them, on the tests' own server.
#pragma once
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "database/postgresql/rescue.h"
#include "database/postgresql/testing.h"

namespace backout::postgresql {

inline Json counts(int insert, int update, int remove) {
  return {{"insert", insert}, {"update", update}, {"delete", remove}};
}

class RescueTest : public ::testing::Test {
 protected:
  RescueTest() {
    std::string made = "/tmp/backout-rescue-XXXXXX";
    if (::mkdtemp(made.data()) == nullptr) std::abort();
    directory = made;
  }
  ~RescueTest() override {
    std::filesystem::remove_all(directory);
    for (const std::string& name : {live, target})
      if (!name.empty()) cluster.admin("DROP DATABASE IF EXISTS " + sql_name(name) + " WITH (FORCE)");
  }

  /// What live held at the checkpoint, and the target restored from it.
  void checkpoint(const std::string& statements) {
    live = cluster.database("live");
    cluster.run(live, statements);
    restore();
  }
  void restore() {
    if (!target.empty()) cluster.admin("DROP DATABASE IF EXISTS " + sql_name(target) + " WITH (FORCE)");
    target = live + "_new";
    cluster.admin("CREATE DATABASE " + sql_name(target) + " TEMPLATE " + sql_name(live));
  }
  void on_live(const std::string& statements) { cluster.run(live, statements); }
  void on_target(const std::string& statements) { cluster.run(target, statements); }

  Json args() const {
    return {{"server", cluster.server().conninfo},
            {"live", live},
            {"target", target},
            {"tables", tables},
            {"record", directory + "/rescue.json"},
            {"conflicts", directory + "/conflicts.jsonl"},
            {"archive", directory + "/archive.jsonl"}};
  }
  Json diff(const Json& more = Json::object()) {
    Json all = args();
    all.update(more);
    const auto found = diff_rows(all, {});
    EXPECT_TRUE(found) << found.error().message;
    return found ? *found : Json();
  }
  Json rescue(const Json& more = Json::object()) {
    Json all = args();
    all.update(more);
    const auto done = rescue_rows(all, {});
    EXPECT_TRUE(done) << done.error().message;
    return done ? *done : Json();
  }
  std::vector<Json> lines(const std::string& name) const {
    std::vector<Json> out;
    std::ifstream file(directory + "/" + name);
    for (std::string line; std::getline(file, line);) out.push_back(Json::parse(line));
    return out;
  }
  std::string in_live(const std::string& sql) { return cluster.text(live, sql); }
  std::string in_target(const std::string& sql) { return cluster.text(target, sql); }
  /// Both give the same.
  void expect_same(const std::string& sql) { EXPECT_EQ(in_target(sql), in_live(sql)) << sql; }
  void expect_same_table(const std::string& table) {
    expect_same("SELECT coalesce(string_agg(t::text, E'\\n' ORDER BY t::text COLLATE \"C\"), '') FROM " + table + " t");
  }

  TestCluster& cluster = TestCluster::the();
  std::string directory, live, target;
  Json tables = Json::object();
};

}  // namespace backout::postgresql
