// Eight customers of a database whose name is swapped: each asks for one row over and over, and connects again at once
// when its session is ended. Prints a line for each time that one of them met another database than before: the
// milliseconds from the last answer of the old one to the first of the new one. Ends when standard input does.
//   swap_clients CONNINFO DATABASE QUERY [CLIENTS]
//
// The QUERY must return a row; an error or no row is no answer. Between two questions a client thinks for 2 ms.
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "database/postgresql/connection.h"

namespace {

using backout::postgresql::Connection;
using backout::postgresql::Server;
using Time = std::chrono::steady_clock::time_point;

constexpr auto kThinks = std::chrono::milliseconds(2);
constexpr auto kWaitsToConnect = std::chrono::milliseconds(1);

struct Job {
  Server server;
  std::string database, query;
  std::atomic<bool> stop = false;
  std::mutex printing;
};

class Client {
 public:
  explicit Client(Job& job) : job_(job) {}

  void run() {
    while (!job_.stop) {
      auto connection = Connection::open(job_.server, job_.database);
      if (connection) ask_until_it_fails(*connection);
      std::this_thread::sleep_for(kWaitsToConnect);
    }
  }

 private:
  void ask_until_it_fails(Connection& connection) {
    const auto oid = connection.integer(
        "SELECT oid::pg_catalog.int8 FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()");
    if (!oid) return;
    while (!job_.stop) {
      const auto rows = connection.query(job_.query);
      if (!rows || rows->count() == 0) return;
      answered(*oid);
      std::this_thread::sleep_for(kThinks);
    }
  }

  void answered(int64_t by) {
    const Time now = std::chrono::steady_clock::now();
    if (met_ != 0 && met_ != by) {
      const std::lock_guard lock(job_.printing);
      std::printf("%.3f\n", std::chrono::duration<double, std::milli>(now - last_).count());
      std::fflush(stdout);
    }
    met_ = by;
    last_ = now;
  }

  Job& job_;
  int64_t met_ = 0;  // the database that answered last
  Time last_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  Job job{.server = {argv[1]}, .database = argv[2], .query = argv[3]};
  const int count = argc > 4 ? std::atoi(argv[4]) : 8;
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) threads.emplace_back([&job] { Client(job).run(); });
  char byte = 0;
  while (::read(0, &byte, 1) > 0) {
  }
  job.stop = true;
  for (auto& thread : threads) thread.join();
  return 0;
}
