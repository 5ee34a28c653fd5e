// For tests of the SQLite folder: scratch directories, SQL in a line, the tool in this process or as its own.
#pragma once
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "base/json.h"
#include "database/sqlite/connection.h"
#include "database/sqlite/tool.h"
#include "database/sqlite/value.h"

namespace backout::database::testing {

/// A directory of its own, removed at the end.
class Scratch {
 public:
  Scratch() : path_(where() + "/backout-sqlite-XXXXXX") {
    if (::mkdtemp(path_.data()) == nullptr) std::abort();
    path_ = std::filesystem::canonical(path_);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() { std::filesystem::remove_all(path_); }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  /// In memory where there is room: what is proved here does not depend on the disk, and fsync costs the most.
  static std::string where() {
    std::error_code none;
    const auto space = std::filesystem::space("/dev/shm", none);
    return !none && space.available > (512U << 20) && ::access("/dev/shm", W_OK) == 0 ? "/dev/shm"
                                                                                      : ::testing::TempDir();
  }
  std::string path_;
};

inline void sql(const std::string& file, const std::string& statements) {
  auto connection = Connection::open(file, Open::kCreate);
  ASSERT_TRUE(connection) << connection.error().message;
  const auto done = connection->exec(statements);
  ASSERT_TRUE(done) << done.error().message;
}

inline int64_t number(const std::string& file, const std::string& query) {
  auto connection = Connection::open(file, Open::kWrite);
  if (!connection) return -1;
  const auto value = connection->integer(query);
  EXPECT_TRUE(value) << value.error().message;
  return value.value_or(-1);
}

inline std::string text(const std::string& file, const std::string& query) {
  auto connection = Connection::open(file, Open::kWrite);
  if (!connection) return connection.error().message;
  auto statement = connection->prepare(query);
  if (!statement) return statement.error().message;
  std::string out;
  while (true) {
    const auto row = statement->step();
    if (!row) return row.error().message;
    if (!*row) return out;
    for (int i = 0; i < sqlite3_column_count(statement->raw()); ++i)
      out += (i == 0 ? (out.empty() ? "" : ";") : ",") + statement->text(i);
  }
}

/// Every row of every table with storage classes, in an order that does not depend on the file's layout.
inline std::string content(const std::string& file) {
  auto connection = Connection::open(file, Open::kWrite);
  if (!connection) return connection.error().message;
  auto tables = connection->prepare(
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_stat%' ESCAPE '\\' ORDER BY "
      "name");
  std::string out;
  while (tables && tables->step().value_or(false)) {
    const std::string table = tables->text(0);
    auto rows = connection->prepare("SELECT * FROM " + sql_name(table));
    std::vector<std::string> lines;
    while (rows && rows->step().value_or(false)) {
      std::string line;
      for (int i = 0; i < sqlite3_column_count(rows->raw()); ++i) append_exactly(cell_of(rows->raw(), i), line);
      lines.push_back(line);
    }
    std::sort(lines.begin(), lines.end());
    out += table + "\n";
    for (const auto& line : lines) out += line + "\n";
  }
  return out;
}

struct Ran {
  int status = -1;
  Json last;
  std::string err;
};

/// The tool in this process.
inline Ran tool(const std::string& verb, const Json& args) {
  std::istringstream in(canonical(args));
  std::ostringstream out, err;
  Ran ran;
  ran.status = run_sqlite_tool({verb}, in, out, err);
  ran.err = err.str();
  std::string line, last;
  std::istringstream lines(out.str());
  while (std::getline(lines, line)) last = line;
  ran.last = Json::parse(last, nullptr, false);
  return ran;
}

/// The tool as a process of its own: this program again, see main in testing_main_test.cc.
inline pid_t start_tool(const Scratch& scratch, const std::string& verb, const Json& args) {
  const std::string input = scratch / "tool-input.json", output = scratch / "tool-output.txt";
  std::ofstream(input) << canonical(args);
  const pid_t pid = ::fork();
  if (pid == 0) {
    const int in = ::open(input.c_str(), O_RDONLY), out = ::open(output.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ::dup2(in, 0);
    ::dup2(out, 1);
    ::dup2(out, 2);
    ::execl("/proc/self/exe", "test", "internal", "sqlite", verb.c_str(), nullptr);
    ::_exit(127);
  }
  return pid;
}

inline std::string slurp(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// Exit status, or -signal.
inline int wait_for(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

inline void flip_byte(const std::string& path, int64_t offset) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(offset);
  const int byte = file.get();
  file.seekp(offset);
  file.put(static_cast<char>(byte ^ 1));
}

/// Files in the directory whose name contains `part`.
inline std::vector<std::string> files_like(const std::string& directory, const std::string& part) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(directory))
    if (entry.path().filename().string().find(part) != std::string::npos)
      names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

/// One rollback's worth of paths in a scratch directory.
struct Paths {
  explicit Paths(const Scratch& s)
      : live(s / "shop.db"),
        backup(s / "backup.sqlite"),
        manifest(s / "backup.manifest.json"),
        beside(s / "shop.db.backout-R1.new"),
        kept(s / "shop.db.backout-R1.old"),
        aside(s / "shop.db.backout-R1.undone"),
        record(s / "rescue.json"),
        marker(s / "swap.json"),
        conflicts(s / "conflicts.jsonl"),
        archive(s / "archive.jsonl"),
        forward(s / "forward") {}
  std::string live, backup, manifest, beside, kept, aside, record, marker, conflicts, archive, forward;
  Json tables = Json::object();

  Json backup_args() const { return {{"file", live}, {"backup", backup}, {"manifest", manifest}}; }
  Json verify_args() const { return {{"backup", backup}, {"manifest", manifest}}; }
  Json restore_args() const { return {{"backup", backup}, {"manifest", manifest}, {"beside", beside}}; }
  Json diff_args() const { return {{"base", backup}, {"live", live}, {"target", beside}, {"tables", tables}}; }
  Json rescue_args() const {
    return {{"base", backup},   {"live", live},     {"target", beside},       {"pristine", backup},
            {"tables", tables}, {"record", record}, {"conflicts", conflicts}, {"archive", archive}};
  }
  Json swap_args() const {
    return {{"file", live}, {"incoming", beside}, {"keep", kept}, {"record", record}, {"marker", marker}};
  }
  Json swap_back_args() const { return {{"file", live}, {"keep", kept}, {"aside", aside}, {"marker", marker}}; }
  Json keep_args() const {
    return {{"file", live},     {"kept", kept},     {"base", backup},       {"pristine", backup},
            {"record", record}, {"marker", marker}, {"directory", forward}, {"tables", tables}};
  }
};

inline Ran expect_done(const std::string& verb, const Json& args) {
  Ran ran = tool(verb, args);
  EXPECT_EQ(ran.status, 0) << verb << ": " << ran.err;
  return ran;
}

inline bool holds(const std::string& verb, const Json& args) {
  return tool("look", {{"verb", verb}, {"args", args}}).last.value("sight", "") == "holds";
}

}  // namespace backout::database::testing
