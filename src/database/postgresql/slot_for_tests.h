// For tests of a checkpoint's slot: a database, a checkpoint that a slot follows, and counts.
#pragma once
#include "database/postgresql/backup_for_tests.h"
#include "database/postgresql/count_since.h"
#include "database/postgresql/slot.h"

namespace backout::postgresql {

inline Json of_rows(int insert, int update, int remove) {
  return {{"insert", insert}, {"update", update}, {"delete", remove}};
}

class SlotTest : public BackupTest {
 protected:
  void TearDown() override {
    (void)drop_slots(cluster_.server(), name_);
    BackupTest::TearDown();
  }
  Json followed_backup() {
    Json args = backup_args();
    args["capture"] = "slot";
    args["wait_for_writers_ms"] = 1'500;
    return args;
  }
  Json checkpoint(const std::string& statements = "") {
    if (!statements.empty()) on_live(statements);
    const auto taken = run_backup(followed_backup(), {});
    EXPECT_TRUE(taken) << taken.error().message;
    return taken ? *taken : Json();
  }
  void on_live(const std::string& statements) { cluster_.run(name_, statements); }
  Json count() {
    Json args = source();
    args["server"] = cluster_.server().conninfo;
    args["live"] = name_;
    const auto counted = count_since(args, {});
    EXPECT_TRUE(counted) << counted.error().message;
    return counted ? *counted : Json();
  }
  static std::string how(const Json& counted, const std::string& table) {
    const Json& compared = get(get(counted, "compared"), table);
    return get_string(compared, "how") + (get_bool(compared, "exact") ? "" : " about");
  }
  static std::string why(const Json& counted, const std::string& table) {
    return get_string(get(get(counted, "compared"), table), "why");
  }
  std::string slots() {
    return cluster_.text("postgres",
                         "SELECT coalesce(string_agg(slot_name, ' '), '') FROM pg_replication_slots WHERE database = " +
                             sql_text(name_));
  }
  std::string publications(const std::string& database) {
    return cluster_.text(database, "SELECT coalesce(string_agg(pubname, ' '), '') FROM pg_publication");
  }
};

}  // namespace backout::postgresql
