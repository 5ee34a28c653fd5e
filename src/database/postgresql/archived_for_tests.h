// For tests of points in time: a PostgreSQL server that archives its log by pgBackRest into a repository of its own.
#pragma once
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/ids.h"
#include "database/postgresql/connection.h"
#include "database/postgresql/verbs.h"
#include "os/file.h"
#include "os/process.h"
#include "os/test_directory.h"

namespace backout::postgresql {

/// One a test program: a stanza "shop" with one full backup.
class ArchivedCluster {
 public:
  static ArchivedCluster& the() {
    static ArchivedCluster cluster;
    return cluster;
  }
  Server server() const { return {"host=" + directory_ + " port=5432 user=postgres"}; }
  const std::string& directory() const { return directory_; }
  std::string config() const { return directory_ + "/pgbackrest.conf"; }
  std::string repository() const { return directory_ + "/repo"; }
  Json pgbackrest() const {
    return {{"stanza", "shop"}, {"config", config()}, {"user", "postgres"}, {"archive_wait_ms", 20'000}};
  }
  std::string database() {
    std::string name = "shop_" + random_hex(4);
    run("postgres", "CREATE DATABASE " + name);
    return name;
  }
  void run(const std::string& database, const std::string& sql) {
    auto connection = Connection::open(server(), database);
    ASSERT_TRUE(connection) << connection.error().message;
    (void)connection->exec("SET search_path = public");
    const auto done = connection->exec(sql);
    ASSERT_TRUE(done) << done.error().message << "\n" << sql;
  }
  std::string text(const std::string& database, const std::string& sql) {
    auto connection = Connection::open(server(), database);
    if (connection) (void)connection->exec("SET search_path = public");
    auto text = connection ? connection->text(sql) : Result<std::string>(connection.error());
    return text ? *text : "(" + text.error().message + ")";
  }
  /// As the server's own user; what it printed.
  std::string as_postgres(const std::string& script) {
    const auto ran = os::run_process(
        {.argv = {"setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--", "sh", "-eu", "-c", script},
         .cwd = "/tmp",
         .env = {{"D", directory_},
                 {"B", "/usr/lib/postgresql/15/bin"},
                 {"P", "pgbackrest --config=" + config() + " --stanza=shop"}},
         .timeout = Millis(120'000)});
    EXPECT_TRUE(ran && ran->ok()) << script << "\n" << (ran ? ran->out + ran->err : ran.error().message);
    return ran ? ran->out : "";
  }
  /// What must never change but by the team's own doing: names and bytes of the repository, without the log's growth.
  std::string repository_state() {
    return as_postgres(
        "cd $D/repo && find backup archive -name '*.info*' -o -path 'backup/shop/2*' -type f | sort | xargs sha256sum "
        "| sha256sum");
  }
  /// Whatever works in a side cluster, by its directory.
  static int at_work() {
    int count = 0;
    std::error_code failed;
    for (const auto& entry : std::filesystem::directory_iterator("/proc", failed)) {
      const auto words = os::read_file((entry.path() / "cmdline").string());
      if (words && words->find(the().directory_ + "/sides/backout-side-") != std::string::npos) ++count;
    }
    return count;
  }
  std::string sides() const { return directory_ + "/sides"; }

  ArchivedCluster(const ArchivedCluster&) = delete;
  ArchivedCluster& operator=(const ArchivedCluster&) = delete;
  ~ArchivedCluster() {
    as_postgres("$B/pg_ctl -D $D/data -m immediate -w stop");
    (void)os::remove_tree(directory_);
  }

 private:
  static constexpr uint64_t kRoom = 1U << 30;

  ArchivedCluster() {
    // pgBackRest makes every file durable: in memory where there is room, or a busy disk makes minutes of it.
    const auto room = os::free_bytes("/dev/shm");
    std::string made = room && *room > kRoom ? "/dev/shm/backout-pg-XXXXXX" : "/tmp/backout-pg-XXXXXX";
    if (::mkdtemp(made.data()) == nullptr) std::abort();
    directory_ = made;
    (void)os::run_process({.argv = {"chown", "postgres:", directory_}});
    as_postgres(R"(
mkdir "$D/repo" "$D/lock" "$D/sides" "$D/tablespace"
cat >"$D/pgbackrest.conf" <<END
[global]
repo1-path=$D/repo
lock-path=$D/lock
log-level-file=off
start-fast=y
job-retry=0
compress-type=lz4
repo1-retention-full=9
repo1-cipher-type=aes-256-cbc
repo1-cipher-pass=not-to-be-seen-anywhere
# Of a team that restores in place: nothing of it may reach a restore beside.
delta=y
link-all=y
[shop]
pg1-path=$D/data
pg1-socket-path=$D
END
$B/initdb -D "$D/data" -A trust -U postgres --no-sync -k -E UTF8 --locale=C.UTF-8 >"$D/log"
cat >>"$D/data/postgresql.conf" <<END
listen_addresses=''
unix_socket_directories='$D'
archive_mode=on
archive_command='test ! -e $D/stuck && $P archive-push %p'
max_prepared_transactions=4
max_connections=60
autovacuum=off
END
$B/pg_ctl -D "$D/data" -l "$D/log" -w start >/dev/null
psql -qh "$D" postgres -c "ALTER SYSTEM SET cluster_name = 'live'" -c "CREATE TABLESPACE aside LOCATION '$D/tablespace'"
$P stanza-create
$P --type=full backup
)");
  }
  std::string directory_;
};

/// A database of it with orders, the arguments of the verbs, and nothing left behind.
class PointTest : public ::testing::Test {
 protected:
  void SetUp() override {
    name_ = cluster_.database();
    cluster_.run(name_, R"(
CREATE TABLE orders (id bigserial PRIMARY KEY, note text NOT NULL, made timestamptz DEFAULT clock_timestamp());
CREATE TABLE items (id bigserial PRIMARY KEY, item_of bigint REFERENCES orders, n int) TABLESPACE aside;
CREATE UNLOGGED TABLE seen (id int);
INSERT INTO seen VALUES (1);
INSERT INTO orders (note) SELECT 'old ' || i FROM generate_series(1, 3000) i;
INSERT INTO items (item_of, n) SELECT id, 1 FROM orders;
)");
    before_ = cluster_.repository_state();
  }
  void TearDown() override {
    EXPECT_EQ(cluster_.repository_state(), before_) << "something was written into the repository";
    EXPECT_EQ(std::filesystem::is_empty(cluster_.sides()), true);
    EXPECT_EQ(ArchivedCluster::at_work(), 0);
    EXPECT_EQ(cluster_.text("postgres", "SELECT string_agg(datname, ' ') FROM pg_database WHERE datname LIKE '" +
                                            name_ + "%\\_part\\_%'"),
              "");
  }
  Json with_server(Json args) {
    args["server"] = cluster_.server().conninfo;
    if (!args.contains("database")) args["database"] = name_;
    return args;
  }
  Json repository(bool dump = false) {
    Json said = cluster_.pgbackrest();
    said["dump"] = dump;
    said["directory"] = cluster_.sides();
    return said;
  }
  Json checkpoint_args(bool dump = false) {
    return with_server(
        {{"directory", scratch_ / "shop.dump"}, {"manifest", manifest()}, {"pgbackrest", repository(dump)}});
  }
  std::string side() { return name_ + "__backout_R1_side"; }
  Json prove_args() { return with_server({{"manifest", manifest()}, {"pgbackrest", repository()}, {"side", side()}}); }
  Json recover_args() {
    return with_server({{"pgbackrest", repository()},
                        {"side", side()},
                        {"against", {{"manifest", manifest()}}},
                        {"target", Json::object()},
                        {"directory", scratch_ / "point.dump"},
                        {"manifest", scratch_ / "point.manifest.json"}});
  }
  Json to_time_args(const std::string& time) {
    Json args = recover_args();
    args.erase("against");
    args["target"] = {{"time", time}};
    return args;
  }
  Json restore_args() {
    return with_server(
        {{"source", {{"backup", scratch_ / "point.dump"}, {"manifest", scratch_ / "point.manifest.json"}}},
         {"beside", beside()}});
  }
  std::string manifest() { return scratch_ / "shop.manifest.json"; }
  std::string beside() { return name_ + "__backout_R1_new"; }
  static Result<Json> run(const std::string& verb, const Json& args) { return run_verb(verb, args, {}); }
  std::string sum(const std::string& database, const std::string& where = "true") {
    return cluster_.text(
        database,
        "SELECT count(*) || ' ' || coalesce(md5(string_agg(id || note, ',' ORDER BY id)), '') FROM orders WHERE " +
            where);
  }

  ArchivedCluster& cluster_ = ArchivedCluster::the();
  os::TestDirectory scratch_;
  std::string name_, before_;
};

}  // namespace backout::postgresql
