// A PostgreSQL server for tests: one private cluster a test program, on a socket of its own, gone when the program
// ends.
#pragma once
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "base/ids.h"
#include "database/postgresql/connection.h"
#include "os/file.h"
#include "os/process.h"

namespace backout::postgresql {

class TestCluster {
 public:
  static TestCluster& the() {
    static TestCluster cluster;
    return cluster;
  }

  Server server() const { return {"host=" + directory_ + " port=5432 user=postgres"}; }
  const std::string& directory() const { return directory_; }
  std::string data() const { return directory_ + "/data"; }

  /// A new, empty database; its name.
  std::string database(const std::string& prefix = "app") {
    const std::string name = prefix + "_" + random_hex(6);
    admin("CREATE DATABASE " + sql_name(name) + " TEMPLATE template0");
    return name;
  }
  void admin(const std::string& sql) { run("postgres", sql); }
  void run(const std::string& database, const std::string& sql) {
    auto connection = Connection::open(server(), database);
    ASSERT_TRUE(connection) << connection.error().message;
    // As the application would: names are looked up in public.
    const auto set = connection->exec("SET search_path = public");
    ASSERT_TRUE(set) << set.error().message;
    const auto done = connection->exec(sql);
    ASSERT_TRUE(done) << done.error().message << "\n" << sql;
  }
  std::string text(const std::string& database, const std::string& sql) {
    auto connection = Connection::open(server(), database);
    if (!connection) return "(" + connection.error().message + ")";
    (void)connection->exec("SET search_path = public");
    auto text = connection->text(sql);
    return text ? *text : "(" + text.error().message + ")";
  }
  bool has(const std::string& database) {
    return text("postgres", "SELECT count(*) FROM pg_catalog.pg_database WHERE datname = " + sql_text(database)) == "1";
  }
  /// Ends the server at once, as a power cut would, and starts it again.
  void crash() {
    as_postgres({bin("pg_ctl"), "-D", data(), "-m", "immediate", "-w", "stop"});
    start();
  }
  /// After its first process was killed: its others may still hold the shared memory for a moment.
  void start_again() {
    for (int i = 0; i < 600; ++i) {
      const auto started =
          os::run_process({.argv = {"setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--",
                                    bin("pg_ctl"), "-D", data(), "-l", directory_ + "/log", "-w", "start"},
                           .cwd = "/tmp"});
      if (started && started->ok()) return;
      ::usleep(20'000);
    }
    ADD_FAILURE() << "the server does not start again";
  }

  /// Runs a program as the server's own user.
  static void as_postgres(std::vector<std::string> argv) {
    argv.insert(argv.begin(), {"setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--"});
    must(argv);
  }

  TestCluster(const TestCluster&) = delete;
  TestCluster& operator=(const TestCluster&) = delete;
  ~TestCluster() {
    as_postgres({bin("pg_ctl"), "-D", data(), "-m", "immediate", "-w", "stop"});
    (void)os::remove_tree(directory_);
  }

 private:
  TestCluster() {
    std::string made = "/tmp/backout-pg-XXXXXX";
    if (::mkdtemp(made.data()) == nullptr) std::abort();
    directory_ = made;
    must({"chown", "postgres:", directory_});
    as_postgres({bin("initdb"), "-D", data(), "-A", "trust", "-U", "postgres", "--no-sync", "-k", "-E", "UTF8",
                 "--locale=C.UTF-8"});
    must({"sh", "-c",
          "printf \"listen_addresses=''\\nunix_socket_directories='%s'\\nfsync=off\\nwal_level=logical\\n"
          "max_prepared_transactions=4\\nmax_connections=60\\nshared_preload_libraries=pg_stat_statements\\n\" \"$1\" "
          ">>\"$1/data/postgresql.conf\"",
          "sh", directory_});
    start();
  }
  void start() { as_postgres({bin("pg_ctl"), "-D", data(), "-l", directory_ + "/log", "-w", "start"}); }
  static std::string bin(const std::string& program) { return "/usr/lib/postgresql/15/bin/" + program; }
  static void must(const std::vector<std::string>& argv) {
    const auto result = os::run_process({.argv = argv, .cwd = "/tmp"});
    if (!result || !result->ok())
      ADD_FAILURE() << argv.back() << ": " << (result ? result->why_not_ok() + result->err : result.error().message);
  }

  std::string directory_;
};

}  // namespace backout::postgresql
