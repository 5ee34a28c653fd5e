// sqlite_diff and sqlite_rescue_rss: three-way diff of 1 million rows against ATTACH + EXCEPT both ways, and the memory
// of a whole rescue. Prints a JSON list of {name, value, unit, peer, peer_value, ratio, machine}. Paired runs, in turn,
// medians.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "base/json.h"
#include "database/sqlite/connection.h"
#include "database/sqlite/tool.h"

namespace {

using backout::Json;
using backout::database::Connection;
using backout::database::Open;

constexpr int kRows = 1'000'000;
constexpr int kPairs = 5;

void must(const backout::Result<void>& result) {
  if (result) return;
  std::cerr << result.error().message << '\n';
  std::exit(1);
}

void sql(const std::string& file, const std::string& statements) {
  auto connection = Connection::open(file, Open::kCreate);
  if (!connection) must(connection.error());
  must(connection->exec(statements));
}

/// Runs `work` in a child, so that this process stays small; seconds.
double timed(const std::function<void()>& work) {
  const auto began = std::chrono::steady_clock::now();
  const pid_t pid = ::fork();
  if (pid == 0) {
    work();
    ::_exit(0);
  }
  int status = 0;
  if (::waitpid(pid, &status, 0) != pid || status != 0) std::exit(1);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
}

/// The tool as its own process: seconds and peak resident bytes.
struct Cost {
  double seconds = 0, mebibytes = 0;
};
Cost run_tool(const std::string& directory, const std::string& verb, const Json& args) {
  const std::string input = directory + "/input.json";
  std::ofstream(input) << backout::canonical(args);
  const auto began = std::chrono::steady_clock::now();
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::dup2(::open(input.c_str(), O_RDONLY), 0);
    ::dup2(::open((directory + "/output.txt").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), 1);
    ::execl("/proc/self/exe", "bench", "internal", "sqlite", verb.c_str(), nullptr);
    ::_exit(127);
  }
  int status = 0;
  rusage usage{};
  if (::wait4(pid, &status, 0, &usage) != pid || status != 0) {
    std::cerr << verb << " failed: " << std::ifstream(directory + "/output.txt").rdbuf() << '\n';
    std::exit(1);
  }
  return {std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count(),
          static_cast<double>(usage.ru_maxrss) / 1024};
}

/// Both must count the same, else the comparison says nothing.
void must_have_counted(const std::string& directory) {
  std::ifstream file(directory + "/output.txt");
  std::string last;
  for (std::string line; std::getline(file, line);) last = line;
  const Json counted = Json::parse(last).at("rows").at("orders");
  if (counted.at("insert") == 5000 && counted.at("update") == 5000 && counted.at("delete") == 1000) return;
  std::cerr << "the diff counted " << counted << '\n';
  std::exit(1);
}

/// The peer: rows of one side that the other lacks, both ways, then told apart by key.
void except_both_ways(const std::string& base, const std::string& live) {
  auto connection = Connection::open(live, Open::kWrite);
  if (!connection) must(connection.error());
  must(connection->exec(
      "PRAGMA cache_size=-65536; PRAGMA temp_store=MEMORY; ATTACH '" + base +
      "' AS base;"
      "CREATE TEMP TABLE came AS SELECT * FROM main.orders EXCEPT SELECT * FROM base.orders;"
      "CREATE TEMP TABLE went AS SELECT * FROM base.orders EXCEPT SELECT * FROM main.orders;"
      "CREATE TEMP TABLE told AS SELECT (SELECT count(*) FROM came WHERE id NOT IN (SELECT id FROM went)) AS inserted,"
      " (SELECT count(*) FROM came WHERE id IN (SELECT id FROM went)) AS updated, (SELECT count(*) FROM went WHERE id "
      "NOT IN (SELECT id FROM came)) AS deleted;"));
  const auto told = connection->text("SELECT inserted || ' ' || updated || ' ' || deleted FROM told");
  if (!told || *told != "5000 5000 1000") {
    std::cerr << "the peer counted " << told.value_or("nothing") << '\n';
    ::_exit(1);
  }
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

std::string machine() {
  utsname name{};
  ::uname(&name);
  return std::to_string(::sysconf(_SC_NPROCESSORS_ONLN)) + " cores, Linux " + name.release;
}

int run() {
  std::string directory = std::string(std::filesystem::temp_directory_path()) + "/backout-bench-XXXXXX";
  if (::mkdtemp(directory.data()) == nullptr) return 1;
  const std::string live = directory + "/shop.db", base = directory + "/base.sqlite",
                    manifest = directory + "/base.manifest.json", beside = directory + "/shop.db.backout-R1.new";
  sql(live,
      "PRAGMA journal_mode=WAL; CREATE TABLE orders(id INTEGER PRIMARY KEY AUTOINCREMENT, customer INTEGER, item TEXT, "
      "amount REAL, note TEXT, state TEXT, created INTEGER);"
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " +
          std::to_string(kRows) +
          ") INSERT INTO orders SELECT i, i % 9973, 'item ' || (i % 500), i * 0.25, 'please deliver to the back door ' "
          "|| i, 'paid', 1700000000 + i FROM n;");
  run_tool(directory, "backup", {{"file", live}, {"backup", base}, {"manifest", manifest}});
  sql(live,
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) INSERT INTO orders(customer, "
      "item, amount, note, state, created) SELECT i, 'new', 1, 'n', 'paid', 0 FROM n;"
      "UPDATE orders SET state = 'sent' WHERE id % 200 = 0 AND id <= 1000000; DELETE FROM orders WHERE id % 1000 = 1 "
      "AND id <= 1000000; PRAGMA wal_checkpoint(TRUNCATE);");

  std::vector<double> ours, theirs, ratios;
  for (int i = 0; i < kPairs; ++i) {
    const double a = run_tool(directory, "diff", {{"base", base}, {"live", live}}).seconds;
    must_have_counted(directory);
    const double b = timed([&] { except_both_ways(base, live); });
    ours.push_back(kRows / a);
    theirs.push_back(kRows / b);
    ratios.push_back(b / a);
  }
  std::vector<double> memory, rescue_rate;
  for (int i = 0; i < 3; ++i) {
    std::filesystem::remove(beside);
    std::filesystem::remove(directory + "/rescue.json");
    run_tool(directory, "restore", {{"backup", base}, {"manifest", manifest}, {"beside", beside}});
    const Cost cost = run_tool(directory, "rescue",
                               {{"base", base},
                                {"live", live},
                                {"target", beside},
                                {"pristine", base},
                                {"record", directory + "/rescue.json"},
                                {"conflicts", directory + "/conflicts.jsonl"},
                                {"archive", directory + "/archive.jsonl"}});
    memory.push_back(cost.mebibytes);
    rescue_rate.push_back(kRows / cost.seconds);
  }
  const Json rows = Json::array({{{"name", "sqlite_diff"},
                                  {"value", median(ours)},
                                  {"unit", "rows/s"},
                                  {"peer", "except"},
                                  {"peer_value", median(theirs)},
                                  {"ratio", median(ratios)},
                                  {"machine", machine()}},
                                 {{"name", "sqlite_rescue_rss"},
                                  {"value", median(memory)},
                                  {"unit", "MiB"},
                                  {"peer", nullptr},
                                  {"peer_value", nullptr},
                                  {"ratio", nullptr},
                                  {"machine", machine()}},
                                 {{"name", "sqlite_rescue"},
                                  {"value", median(rescue_rate)},
                                  {"unit", "rows/s"},
                                  {"peer", nullptr},
                                  {"peer_value", nullptr},
                                  {"ratio", nullptr},
                                  {"machine", machine()}}});
  std::cout << rows.dump(1) << std::endl;
  std::filesystem::remove_all(directory);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc >= 3 && std::string(argv[1]) == "internal" && std::string(argv[2]) == "sqlite")
    return backout::database::run_sqlite_tool({argv + 3, argv + argc}, std::cin, std::cout, std::cerr);
  return run();
}
